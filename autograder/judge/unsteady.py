"""What of a mistake's answer differs from machine to machine, and so tells nothing of who made the mistake.

Processors add up sums in different orders, and round them another way. Right answers hardly show it, but some mistakes make it large (Adam's first
steps go by the sign of a gradient, however small it is), and a number that nearly cancels out shows it in any answer. A mistake is known by the
elements that stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.arrange import arranged
from autograder.judge.numbers import tensor_of
from autograder.wall.record import Draw, Record

Unsteady = tuple[Mapping[str, Tensor], ...]  # for each draw and name, what moves: bool, in the shape of the value; a name where nothing does is left out
NEAR = 2  # what moves by less than such a part of the tolerance is recognised on a third machine, too
MARGIN = 10  # where something moves more, all counts as unsteady that moves by more than such a part of it


def unsteady(record: Record, elsewhere: Record, reference: Record, tolerance: Tolerance) -> Unsteady:
    """The elements of a mistake's answer that moved when it was made again with other instructions.

    Nothing where none moves far enough to matter; and nothing where less than half of a value's wrong numbers stayed: too little is left to know
    the mistake by, and it is known by all of them or not at all.

    Args:
        elsewhere: the same mistake's answer, made with the other instructions.
    """
    record, elsewhere = arranged(record, reference), arranged(elsewhere, reference)
    if not len(record.draws) == len(elsewhere.draws) == len(reference.draws):
        return ()
    triples = list(zip(record.draws, elsewhere.draws, reference.draws))
    if not any(_moved(here, there, tolerance, NEAR) for here, there, _ in triples):
        return ()
    found = tuple(_moved(here, there, tolerance, MARGIN) for here, there, _ in triples)
    for masks, (here, _, right) in zip(found, triples):
        if not all(_enough_stays(mask, here.numbers[name], right.numbers.get(name), tolerance) for name, mask in masks.items()):
            return ()
    return found


def _moved(here: Draw, there: Draw, tolerance: Tolerance, part: int) -> dict[str, Tensor]:
    """By name the elements that moved by more than a part of the tolerance."""
    moved = {}
    for name, a in here.numbers.items():
        b = there.numbers.get(name)
        if a is None or b is None or a.shape != b.shape or not (a.is_floating_point() and b.is_floating_point()):
            continue
        mask = ~torch.isclose(a.double(), b.double(), rtol=tolerance.rtol / part, atol=tolerance.atol / part, equal_nan=True)
        if mask.any():
            moved[name] = mask
    return moved


def _enough_stays(mask: Tensor, value: Tensor | None, right: Tensor | None, tolerance: Tolerance) -> bool:
    """Whether of a value's wrong numbers, if there are any, at least half stay."""
    if value is None:
        return False
    wrong = torch.ones_like(mask)
    if right is not None and right.shape == value.shape and right.is_floating_point():
        wrong = ~torch.isclose(value.double(), right.double(), rtol=tolerance.rtol, atol=tolerance.atol)
    return not wrong.any() or int((wrong & ~mask).sum()) >= max(1, int((wrong & mask).sum()))


def steadied(draw: Draw, mistake: Draw, moved: Mapping[str, Tensor]) -> Draw:
    """A student's draw with the mistake's own numbers in the places that tell nothing, so that only the others are compared."""
    values = dict(draw.values)
    for name, mask in moved.items():
        a, b = tensor_of(values.get(name)), tensor_of(mistake.values.get(name))
        if a is not None and b is not None and a.shape == b.shape == mask.shape and a.is_floating_point():
            seen = torch.where(mask, b.to(a.dtype), a)
            values[name] = seen if isinstance(values[name], Tensor) else seen.tolist()
    return replace(draw, values=values)
