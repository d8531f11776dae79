"""The rows that a trained model is evaluated on, and what a training says of itself: numbers that both sides of the wall read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.course.names import Names
from autograder.course.schema import Loss

TRAIN_ROWS = 5_000  # of the training split, to compare: a standard error of about 0.017 nats
OTHER_ROWS = 10_000  # of the held-out split that is not graded: a standard error of about 0.012 nats
ALONE_ROWS = 16  # given to the model one by one
ZEROED_ROWS = 2_000  # given to the model with all its weights at zero
TRIED_ROWS = 2_000  # of the training split, for code that is tried for a while
SEGMENTS = 40  # of a training, whose mean losses are kept


@dataclass(frozen=True)
class Rows:
    """The rows of one evaluation, in an order drawn from the seed."""

    contexts: Tensor  # (N, T) int64
    targets: Tensor  # (N,) int64
    train_contexts: Tensor
    train_targets: Tensor
    other_contexts: Tensor  # of the held-out split that is not graded
    other_targets: Tensor


def rows_of(names: Names, split: str, context: int, seed: int) -> Rows:
    """All rows of the split and some of the training split, shuffled."""
    g = torch.Generator().manual_seed(seed)

    def shuffled(part: str, most: int | None = None) -> tuple[Tensor, Tensor]:
        contexts, targets = names.contexts(part, context)
        order = torch.randperm(len(targets), generator=g)[:most]
        return contexts[order], targets[order]

    return Rows(*shuffled(split), *shuffled("train", TRAIN_ROWS), *shuffled(_other(split), OTHER_ROWS))


def other_split(rules: Loss) -> str:
    """The held-out split that an exercise is not graded on."""
    return _other(rules.split)


def _other(split: str) -> str:
    return "dev" if split == "test" else "test"


def is_number(value: Any) -> bool:
    """``True`` is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(value: Any) -> float:
    """What a stranger calls a number, as a float; NaN if it is none, or larger than any float."""
    try:
        return float(value) if is_number(value) else math.nan
    except OverflowError:
        return math.nan


def segments(history: list[float]) -> list[float | None]:
    """The means of at most ``SEGMENTS`` equal parts of a training's losses; ``None`` for what is no finite number."""
    size = max(1, math.ceil(len(history) / SEGMENTS))
    means = [sum(part) / len(part) for part in (history[i : i + size] for i in range(0, len(history), size))]
    return [round(mean, 5) if math.isfinite(mean) else None for mean in means]


def same_run(first: list[float], replayed: list[float]) -> bool:
    """The first losses of two runs of one code: processors round differently, other code differs by more than 1 %."""
    return len(first) == len(replayed) and all(
        abs(a - b) <= 0.01 * max(abs(a), 1.0) if math.isfinite(a) and math.isfinite(b) else str(a) == str(b)
        for a, b in zip(map(number, first), map(number, replayed))
    )
