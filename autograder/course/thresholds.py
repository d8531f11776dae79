"""What counting reaches on a list of names, and the bands that hold there: those of ``course.yml`` are of the known list."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from autograder.course import known
from autograder.course.names import SPLITS, Names
from autograder.course.schema import Loss

SMOOTHINGS = (0.05, 0.13, 0.3)  # the best is near these for lists of 5,000 to 100,000 names
LONGEST = 8  # symbols of context; 27^9 still is a whole number of 64 bits
FOLLOWS = 0.9  # where counting does better than on the known list; the networks of this course gained 0.95 of that on Italian words


def table_loss(names: Names, split: str, context: int, smoothing: float = 0.13, rows: int | None = None) -> float:
    """The loss on a split, in nats a symbol, of smoothed counts of the training names.

    Args:
        context: T, how many symbols the table sees; it has 27^T rows, of which only those that occur are held.
        smoothing: added to every count.
        rows: how many of the training predictions are counted; all unless told otherwise.
    """
    (X, Y), (A, B) = names.contexts("train", context), names.contexts(split, context)
    digits = 27 ** torch.arange(context)  # a context as one number
    cells, cell_counts = torch.unique(X[:rows] @ digits * 27 + Y[:rows], return_counts=True)
    contexts, members = torch.unique_consecutive(cells // 27, return_inverse=True)
    row_counts = torch.zeros_like(contexts).index_add(0, members, cell_counts)
    wanted = A @ digits
    of_cell, of_row = _looked_up(cells, cell_counts, wanted * 27 + B), _looked_up(contexts, row_counts, wanted)
    return float(-((of_cell.double() + smoothing) / (of_row.double() + 27 * smoothing)).log().mean())


def _looked_up(keys: Tensor, counts: Tensor, wanted: Tensor) -> Tensor:
    """The counts of the wanted keys, 0 where there is none."""
    place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[place] == wanted, counts[place], 0)


@lru_cache(maxsize=64)
def entropy(names: Names) -> float:
    """Nats: what single symbols of the training names leave open, the loss of a model that sees no context."""
    _, Y = names.contexts("train", 1)
    shares = torch.bincount(Y, minlength=27).double() / len(Y)
    return float(-torch.xlogy(shares, shares).sum())


def entropy_beside_known(names: Names) -> float:
    """The entropy of single symbols less that of the known list, in hundredths of a nat: 0 there, whatever the processor's rounding."""
    return round(entropy(names) - known.ENTROPY, 2)


@lru_cache(maxsize=64)  # for the same list: a process that grades asks again for each submission
def counting_loss(names: Names, split: str, context: int) -> float:
    """What counting reaches on a split: the best smoothed table of at most ``context`` symbols.

    It counts no more predictions than the known list has. A larger list serves a table of 27^T rows better and better, but not a network of
    bounded size: with all of 100,000 names the table of three symbols beats any network of 20,000 parameters.
    """
    best = math.inf
    for T in range(1, min(context, LONGEST) + 1):
        loss = min(table_loss(names, split, T, smoothing, known.TRAIN_ROWS) for smoothing in SMOOTHINGS)
        if loss > best:
            break  # from the first table that is too large for its names all longer ones are worse
        best = loss
    return best


def counted_context(loss: Loss) -> int:
    """How many symbols the tables may see that an exercise is measured by: its context, but one where a table of two has more numbers than its model may."""
    return loss.context if loss.max_parameters >= 27**3 else 1


def shift(names: Names, loss: Loss) -> float:
    """How far an exercise's bands are moved from the known list to another, in whole hundredths of a nat.

    By what counting reaches here minus what it reaches there, and nine tenths of that where counting does better here; rounded up.
    """
    counted, context = known.COUNTED[loss.split], counted_context(loss)
    gap = round(counting_loss(names, loss.split, context), 4) - counted[min(context, len(counted)) - 1]
    return math.ceil(round(100 * (FOLLOWS * gap if gap < 0 else gap), 6)) / 100


def for_list(loss: Loss, names: Names) -> Loss:
    """The rules of a trained model as they hold for a list of names.

    The bands are moved by :func:`shift`; how good is too good, and what the notes reached, is not known there.

    Raises:
        ValueError: a split of the list holds no name.
    """
    if names.known():
        return loss
    if not all(names.split(split) for split in SPLITS):
        raise ValueError(f"{len(names.all)} names are too few for three splits")
    by = shift(names, loss)
    bands = {round(bound + by, 6): points for bound, points in loss.bands.items()}
    return loss.model_copy(update={"bands": bands, "too_good": None, "notes": None})
