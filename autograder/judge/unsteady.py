"""What of a mistake's answer is another on another machine, and so tells nothing of who made the mistake.

Processors add up sums in different orders, and round them another way. That is far below every tolerance, but some mistakes make it large:
Adam's first steps go by the sign of a gradient, however small it is. Such a mistake is known by the elements that stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.numbers import tensor_of
from autograder.wall.record import Draw, Record

Unsteady = tuple[Mapping[str, Tensor], ...]  # for each draw and name, what moves: bool, in the shape of the value; a name where nothing does is left out
MARGIN = 10  # what moves by a part of the tolerance here may move by all of it on a third machine


def unsteady(record: Record, elsewhere: Record, tolerance: Tolerance) -> Unsteady:
    """The elements of a mistake's answer that moved when it was made again with other instructions.

    Nothing where less than half of a draw's wrong numbers stayed: too little is left to know the mistake by.

    Args:
        elsewhere: the same mistake's answer, made with the other instructions.
    """
    if len(record.draws) != len(elsewhere.draws):
        return ()
    found = tuple(_moved(draw, other, tolerance) for draw, other in zip(record.draws, elsewhere.draws))
    return found if any(found) and all(map(_enough_stays, record.draws, found)) else ()


def _moved(draw: Draw, other: Draw, tolerance: Tolerance) -> dict[str, Tensor]:
    moved = {}
    for name, value in draw.values.items():
        a, b = tensor_of(value), tensor_of(other.values.get(name))
        if a is None or b is None or a.shape != b.shape or not (a.is_floating_point() and b.is_floating_point()):
            continue
        mask = ~torch.isclose(a.double(), b.double(), rtol=tolerance.rtol / MARGIN, atol=tolerance.atol, equal_nan=True)
        if mask.any():
            moved[name] = mask
    return moved


def _enough_stays(draw: Draw, moved: Mapping[str, Tensor]) -> bool:
    numbers = [number for number in map(tensor_of, draw.values.values()) if number is not None and number.is_floating_point()]
    return 2 * sum(int(mask.sum()) for mask in moved.values()) <= sum(number.numel() for number in numbers)


def steadied(draw: Draw, mistake: Draw, moved: Mapping[str, Tensor]) -> Draw:
    """A student's draw with the mistake's own numbers in the places that tell nothing, so that only the others are compared."""
    values = dict(draw.values)
    for name, mask in moved.items():
        a, b = tensor_of(values.get(name)), tensor_of(mistake.values.get(name))
        if a is not None and b is not None and a.shape == b.shape == mask.shape and a.is_floating_point():
            seen = torch.where(mask, b.to(a.dtype), a)
            values[name] = seen if isinstance(values[name], Tensor) else seen.tolist()
    return replace(draw, values=values)
