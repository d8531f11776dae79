"""Which known mistake made a wrong answer? Said only if it explains what was seen and nothing seen contradicts it.

A mistake explains the whole answer if each value of each draw is the mistake's. Two mistakes may also lie beside each other,
as in gradients that are worked out one by one: then each is the cause of the values that it explains, if every wrong value is
explained by one of them and none of them would have got a value wrong that is right. A mistake that was made in one place of
several explains all that is wrong and would have got more wrong: it is said of these values only, and is not counted as the
mistake itself. Where two explain equally much and say different things, neither is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.answers import Key, Mistake
from autograder.judge.diagnose import close
from autograder.judge.forms import kind_of
from autograder.judge.numbers import tensor_of
from autograder.judge.unsteady import steadied
from autograder.wall.record import Draw, Record

NOT_FINITE = 1e-4  # how near the numbers beside a NaN or an infinity have to be
MANY = 8  # truth values or whole numbers that are not equal by luck; a floating-point number rarely is


@dataclass(frozen=True)
class Cause:
    """What is known of a wrong answer."""

    says: dict[str, str]  # for each value that a mistake explains, its sentence
    whole: bool = False  # one mistake explains the whole answer

    def __bool__(self) -> bool:
        return bool(self.says)


def cause(record: Record, key: Key, names: list[str], wrong: list[str], tolerance: Tolerance) -> Cause:
    """The mistakes that explain a wrong answer, whose values have the reference's names as far as they have any.

    Args:
        wrong: those of the names whose values are not right.
    """
    found = [(mistake, _explained(_seen(record, mistake), mistake.record, key.reference, names, set(wrong), tolerance)) for mistake in key.mistakes]
    whole = [mistake for mistake, same in found if len(same) == len(names)]
    if whole:
        says = _only(mistake.says for mistake in whole)
        return Cause(dict.fromkeys(wrong, says) if says else {}, True)
    right = set(names) - set(wrong)
    telling = [name for name in wrong if _is_telling(name, key, tolerance)]
    beside = [(mistake, same) for mistake, same in found if right <= same and not same.isdisjoint(telling)]
    if set(wrong) - set().union(*(same for _, same in beside)):
        return Cause({})
    return Cause(_shared_out(beside, wrong))


def in_part(record: Record, key: Key, names: list[str], wrong: list[str], tolerance: Tolerance) -> str | None:
    """The sentence of a mistake that was made in one place of several: all that is wrong is the mistake's, and what it would have got wrong
    besides is right.
    """
    if not any(_is_telling(name, key, tolerance) for name in wrong):
        return None
    found = [(mistake, _explained(_seen(record, mistake), mistake.record, key.reference, names, set(wrong), tolerance)) for mistake in key.mistakes]
    able = [(mistake, len(same)) for mistake, same in found if same.issuperset(wrong)]
    most = max((count for _, count in able), default=0)
    return _only(mistake.says for mistake, count in able if count == most)


def stopped_by(record: Record, key: Key, tolerance: Tolerance) -> str | None:
    """The sentence of the one mistake that stops as this answer does: the same draws, the same errors."""
    same = (mistake for mistake in key.mistakes if _stops_alike(record, mistake.record, tolerance))
    return _only(mistake.says for mistake in same)


def agree(name: str, record: Record, other: Record, tolerance: Tolerance) -> bool:
    """A value is there on both sides, and the same in every draw."""
    return all(
        name in a.values and name in b.values and close(a.values[name], b.values[name], tolerance)
        for a, b in zip(record.draws, other.draws)
    )


def _only(sentences: Iterable[str]) -> str | None:
    different = set(sentences)
    return different.pop() if len(different) == 1 else None


def _explained(record: Record, mistake: Record, reference: Record, names: list[str], wrong: set[str], tolerance: Tolerance) -> set[str]:
    """The names whose values are this mistake's in every draw, right ones among them."""
    if len(mistake.draws) != len(record.draws) or any(draw.failure for draw in mistake.draws):
        return set()
    has_right = {name for name in names if all(name in a.values and a.values[name] is b.values[name] for a, b in zip(mistake.draws, reference.draws))}
    others = [name for name in names if name not in has_right]
    return (has_right - wrong) | {name for name in others if all(alike(name, a, b, tolerance) for a, b in zip(record.draws, mistake.draws))}


def _seen(record: Record, mistake: Mistake) -> Record:
    """A record as far as it can be compared with a mistake's: what differs from machine to machine is not held against it."""
    if not any(mistake.unsteady):
        return record
    return replace(record, draws=tuple(map(steadied, record.draws, mistake.record.draws, mistake.unsteady)))


def alike(name: str, draw: Draw, mistake: Draw, tolerance: Tolerance) -> bool:
    """Whether a value is the mistake's; NaN is where the mistake has NaN."""
    if name not in draw.values or name not in mistake.values:
        return name not in draw.values and name not in mistake.values
    if _far(draw.numbers[name], mistake.numbers[name], tolerance):
        return False
    a, b = draw.values[name], mistake.values[name]
    return close(a, b, tolerance) or _both_not_finite(a, b) or a is None and b is None


def _far(a: Tensor | None, b: Tensor | None, tolerance: Tolerance) -> bool:
    """Whether two values are quickly seen to be different: most mistakes are not the one that was made."""
    if a is None or b is None or a.is_floating_point() != b.is_floating_point() or a.is_complex() or b.is_complex():
        return False
    if a.shape != b.shape:
        return True
    if not a.is_floating_point():
        return a.dtype == b.dtype and not torch.equal(a, b)
    if a.dtype != b.dtype:
        a, b = a.double(), b.double()
    return not torch.allclose(a, b, rtol=2 * max(tolerance.rtol, NOT_FINITE), atol=2 * max(tolerance.atol, NOT_FINITE), equal_nan=True)


def _both_not_finite(value: Any, other: Any) -> bool:
    """NaN equals NaN when a mistake is to be recognised, never when points are given."""
    a, b = tensor_of(value), tensor_of(other)
    if a is None or b is None or a.shape != b.shape or not kind_of(a.dtype) == kind_of(b.dtype) == "float":
        return False
    a, b = a.double(), b.double()
    return bool(
        torch.equal(a.isfinite(), b.isfinite())
        and not a.isfinite().all()
        and torch.allclose(a, b, rtol=NOT_FINITE, equal_nan=True)
    )


def _shared_out(beside: list[tuple[Mistake, set[str]]], wrong: list[str]) -> dict[str, str]:
    """For each wrong value the mistake that explains most of the answer; none at all if that is a matter of taste."""
    says: dict[str, str] = {}
    for name in wrong:
        able = [(mistake, len(same)) for mistake, same in beside if name in same]
        most = max(count for _, count in able)
        sentence = _only(mistake.says for mistake, count in able if count == most)
        if sentence is None:
            return {}
        says[name] = sentence
    return says


def _is_telling(name: str, key: Key, tolerance: Tolerance) -> bool:
    """Whether equal values mean an equal cause: not for a flag, a small number, a choice out of few, or what never changes."""
    values = [draw.values.get(name) for draw in key.reference.draws]
    number = tensor_of(values[0])
    if isinstance(values[0], (str, list)) and number is None:
        size, enough = len(values[0]), 2 if isinstance(values[0], list) else MANY
    else:
        size = 0 if number is None else number.numel()
        enough = 1 if number is not None and number.dtype.is_floating_point else MANY
    return size >= enough and not _occurs_again(name, key, tolerance)


def _occurs_again(name: str, key: Key, tolerance: Tolerance) -> bool:
    """Whether two draws have the same value, in the reference or, of a number alone, in a mistake: then it is one of a few."""
    number = tensor_of(key.reference.draws[0].values[name])
    alone = number is not None and number.numel() == 1
    for record in (key.reference, *(mistake.record for mistake in key.mistakes if alone)):
        values = [draw.values[name] for draw in record.draws if name in draw.values]
        if any(close(a, b, tolerance) for i, a in enumerate(values) for b in values[:i]):
            return True
    return False


def _stops_alike(record: Record, mistake: Record, tolerance: Tolerance) -> bool:
    if len(mistake.draws) != len(record.draws):
        return False
    for draw, other in zip(record.draws, mistake.draws):
        if draw.failure is None or other.failure is None:
            if draw.failure is not other.failure or not all(
                alike(name, draw, other, tolerance) for name in other.values
            ):
                return False
        elif (draw.failure.name, draw.failure.message) != (other.failure.name, other.failure.message):
            return False
    return any(draw.failure for draw in record.draws)
