"""Does an answer return, in every value of every draw, what a wrong answer of the catalogue returns?

What it says is true of the answer whatever its code: it behaves as the sentence tells. It is asked for where nothing else explains the
answer, and says nothing where two sentences fit, or where so few numbers differ that they may agree by chance.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.answers import Key
from autograder.judge.diagnose import close
from autograder.judge.evidence import agree
from autograder.judge.numbers import tensor_of
from autograder.wall.record import Record
from autograder.wall.sketch import sketch

ENOUGH = 24.0  # bits in what differs: of ten thousand wrong answers by chance less than one equals one of hundreds
FLOAT_BITS = 12.0  # that a number carries within the usual tolerance
CHARACTER_BITS = 3.0
MOST_NAMES = 3  # of wrong values in front of a sentence
VAGUE = (
    *("a number in the calculation", "one of the steps", "one variable", "an option of", "one of the parts", "one of the factors"),
    *("one of the terms", "an argument of an inner function"),
)
MOST_COUNTED = 64  # elements of a value; more of them tell no more


def recognised(record: Record, key: Key, tolerance: Tolerance) -> str | None:
    """The sentence of the catalogue for an answer, or ``None``.

    Args:
        record: with the values under the reference's names (``arrange.arranged``).
    """
    own = sketch(record, key.reference, tolerance.rtol, tolerance.atol)
    if own is None:
        return None
    rows, says = key.catalogue.sketches.get(own.form), key.catalogue.says.get(own.form, [])
    if not isinstance(rows, Tensor) or rows.ndim != 2 or rows.shape != (len(says), len(own.numbers)):
        return None
    fitting = {says[int(row)] for row in own.near(rows).nonzero()}
    if len(fitting) != 1 or _bits(record, key.reference, tolerance) < ENOUGH:
        return None
    wrong = [name for name in key.reference.draws[0].values if not agree(name, record, key.reference, tolerance)]
    named = key.reference.draws[0].named and len(wrong) < len(key.reference.draws[0].values)
    return f"{', '.join(wrong[:MOST_NAMES])}: {fitting.pop()}" if named else fitting.pop()


def is_vague(sentence: str) -> bool:
    """Whether it says what kind of change it is, and not which: a relation that is seen tells more."""
    return any(clause in sentence for clause in VAGUE)


def _bits(record: Record, reference: Record, tolerance: Tolerance) -> float:
    """How much is told by the values that are not the reference's."""
    return sum(
        _bits_of(draw.values[name], value)
        for draw, model in zip(record.draws, reference.draws)
        for name, value in model.values.items()
        if not close(draw.values[name], value, tolerance)
    )


def _bits_of(value: Any, expected: Any) -> float:
    mine, target = tensor_of(value), tensor_of(expected)
    if mine is None:
        return CHARACTER_BITS * min(len(str(value)), MOST_COUNTED)
    mine = mine.reshape(-1)
    if target is not None and target.numel() == mine.numel() and mine.is_complex() == target.is_complex():
        mine = mine[mine != target.reshape(-1).to(mine.dtype)]
    mine = torch.view_as_real(mine.resolve_conj()).reshape(-1) if mine.is_complex() else mine
    kept = torch.unique(mine.double())[:MOST_COUNTED]
    if mine.dtype == torch.bool:
        return float(min(len(mine), MOST_COUNTED)) / 4  # truth values differ together
    if not mine.is_floating_point():
        return len(kept) * math.log2(2 + float(kept.abs().max())) if len(kept) else 0.0
    broken = kept.isfinite() & (kept != kept.round())  # 0, 1 and 2 come by chance
    return FLOAT_BITS * float(broken.sum()) + float((~broken).sum())
