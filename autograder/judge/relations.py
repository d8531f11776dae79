"""What a wrong value has to do with what is expected: found by looking, over all draws, where no known mistake explains it.

A relation is said only if it holds in every draw, is no chance, and nothing of its kind fits as well. It says what is seen;
what the student did to get there is a question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.course.schema import Tolerance
from autograder.judge.arrangement import nan_rows, other_place
from autograder.judge.beside import Others, of_another, of_another_draw, with_another
from autograder.judge.elementwise import each_alone
from autograder.judge.fitting import seen_of
from autograder.judge.lines import each_row, sums
from autograder.judge.numbers import tensor_of
from autograder.judge.places import places
from autograder.judge.shapes import other_shape
from autograder.judge.texts import of_texts, texts_of

MOST = 24  # values of one answer that are looked at


def _of_one(says: str) -> str:
    """The same of a number that stands alone."""
    for many in ("Every element is", "Every value is"):
        says = says.replace(many, "Your number is")
    says = says.replace("everywhere: each element is", "here: your number is").replace(
        "every element is", "your number is"
    )
    return says.replace("Your values are", "Your number is").replace(
        ", by the same factor everywhere", ", by the same factor in every draw"
    )


@dataclass(frozen=True)
class Found:
    says: str
    beside: bool  # to be said beside what one draw shows, not in its place


class Relations:
    """The values of one answer, beside those of the reference, whose names they have."""

    def __init__(self, values: dict[str, list[Any]], expected: dict[str, list[Any]], tolerance: Tolerance) -> None:
        """Both hold, by name, a value for each draw."""
        self.values, self.expected, self.tolerance = values, expected, tolerance
        self._found: dict[str, Found | None] = {}
        pairs = [(name, values[name], expected[name]) for name in list(expected)[:MOST] if name in values]
        self.seen: Others = {name: seen for name, mine, wanted in pairs if (seen := seen_of(mine, wanted)) is not None}
        shapes = [
            {n for mine in self.seen.values() if place < len(mine.expected) for n in mine.expected[place].shape}
            for place in range(64)
        ]
        self.lengths = (
            frozenset(set.intersection(*(found for found in shapes if found))) if any(shapes) else frozenset()
        )

    def of(self, name: str) -> Found | None:
        """What is found about one wrong value, if anything: not of what is of another kind than asked for."""
        if name not in self._found:
            self._found[name] = self._looked_at(name)
        return self._found[name]

    def many(self, name: str) -> bool:
        """Whether the value is more than a number alone."""
        return name in self.seen and not self.seen[name].alone

    def is_zero(self, name: str) -> bool:
        """Whether every number of the value is 0 in every draw."""
        return name in self.seen and not any(v.any() for v in self.seen[name].value)

    def _looked_at(self, name: str) -> Found | None:
        try:
            says, beside = self._of(name)
        except (
            ArithmeticError,
            ValueError,
            TypeError,
            IndexError,
        ):  # what a stranger returned may be of any size and form
            return None
        return Found(says, beside) if says else None

    def _of(self, name: str) -> tuple[str | None, bool]:
        seen = self.seen.get(name)
        if seen is None:
            found = self._places_for_truth(name)
            return (found, True) if found else self._of_texts(name)
        if not seen.shapes_agree:
            found = other_shape(seen) if seen.finite else None
            return (found, True) if found else self._of_texts(name)
        if not seen.finite:
            return nan_rows(seen), True
        others = {
            other: found for other, found in self.seen.items() if other != name and found.shapes_agree and found.finite
        }
        says = (
            of_another_draw(seen)
            or of_another(name, seen, others)
            or other_place(seen)
            or each_alone(seen, self.lengths)
            or each_row(seen)
            or with_another(name, seen, others)
            or sums(seen)
        )
        if says:
            return _of_one(says) if seen.alone else says, False
        return places(seen, [~self._right(v, e) for v, e in zip(seen.value, seen.expected)]), True

    def _right(self, value: Any, expected: Any) -> Any:
        with np.errstate(all="ignore"):
            if value.dtype.kind in "bi":
                return value == expected
            return np.abs(value - expected) <= self.tolerance.atol + self.tolerance.rtol * np.abs(expected)

    def _places_for_truth(self, name: str) -> str | None:
        """The places of what is true, where a truth value for each place is asked for."""
        pairs = list(zip(self.values.get(name, []), self.expected.get(name, [])))
        for value, expected in pairs:
            mine, wanted = tensor_of(value), tensor_of(expected)
            if (
                mine is None
                or wanted is None
                or wanted.dtype != torch.bool
                or wanted.ndim != 1
                or mine.dtype not in (torch.int64, torch.int32)
            ):
                return None
            if mine.numel() > wanted.numel() or not torch.equal(
                mine.reshape(-1).to(torch.int64), wanted.nonzero().reshape(-1)
            ):
                return None
        if not pairs:
            return None
        return "You return the places where the answer is true. A truth value for each place is expected."

    def _of_texts(self, name: str) -> tuple[str | None, bool]:
        value, expected = texts_of(self.values.get(name, [])), texts_of(self.expected.get(name, []))
        if value is None or expected is None or len(value) != len(expected):
            return None, False
        return of_texts(value, expected), any(len(v) != len(e) for v, e in zip(value, expected))
