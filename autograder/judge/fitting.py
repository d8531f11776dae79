"""When do numbers fit a relation so well that it is no chance? The common ground of all that looks for one.

All draws of one value are looked at together, as arrays of float64, int64 or bool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.judge.forms import aligned, fits, kind_of
from autograder.judge.numbers import tensor_of

Array = np.ndarray[Any, Any]
Arrays = list[Array]
RTOL, ATOL = 1e-4, 1e-5  # of each number, and of the largest one beside it: a few roundings more than of a right answer
TIGHT = 2e-6  # what float32 keeps after some sums: two numbers alone that agree so well do not do so by chance
TINY = 1e-3  # a factor nearer to 1 fits numbers that are merely not exact
LARGEST = 40_000  # numbers of all draws together; more are not looked at, for the sake of time
LUCK = {
    "f": 3,
    "i": 6,
    "b": 12,
}  # so many numbers of a kind must fit; a whole number does so by luck more often than others


@dataclass(frozen=True)
class Seen:
    """One named value in all draws: what was returned, and what is expected."""

    value: Arrays
    expected: Arrays

    @property
    def shapes_agree(self) -> bool:
        return all(v.shape == e.shape for v, e in zip(self.value, self.expected))

    @property
    def finite(self) -> bool:
        return all(bool(np.isfinite(v).all()) for v in self.value)

    @property
    def kind(self) -> str:
        return str(self.expected[0].dtype.kind)

    @property
    def alone(self) -> bool:
        """Numbers without an axis."""
        return not any(e.ndim for e in self.expected)


@dataclass(frozen=True)
class Relation:
    """What would be seen if something were so: from what is expected to what was returned, or the other way round."""

    says: str
    of: Callable[[Array], Array]
    backward: bool = False
    levels: bool = False  # many numbers become one: what is left as it is counts too


def seen_of(values: list[Any], expected: list[Any]) -> Seen | None:
    """A value over all draws as arrays; ``None`` if it holds other than real numbers of the kind that is asked for, or too many."""
    mine, target = [], []
    total = 0
    for value, wanted in zip(values, expected):
        a, b = tensor_of(value), tensor_of(wanted)
        if a is None or b is None or not a.numel() or not b.numel() or not fits(a.dtype, b.dtype):
            return None
        total += a.numel() + b.numel()
        if total > 2 * LARGEST or kind_of(b.dtype) == "complex" or a.ndim > 8 or b.ndim > 8:
            return None
        a, b = aligned(a, b)
        if "uint64" in str(a.dtype) + str(b.dtype):
            return None
        mine.append(a.numpy())
        target.append(b.numpy())
    one_kind = len({array.dtype.kind for array in (*mine, *target)}) == 1
    return Seen(mine, target) if one_kind else None


def same(a: Array, b: Array, rtol: float = RTOL, atol: float = ATOL) -> bool:
    """Equal but for rounding."""
    if a.shape != b.shape or a.size and not _begin_alike(float(a.flat[0]), float(b.flat[0]), b.size == 1):
        return False
    if a.dtype.kind in "bi" and b.dtype.kind in "bi":
        return bool(np.array_equal(a, b))
    return bool(near(a, b, rtol, atol).all())


def _begin_alike(a: float, b: float, alone: bool) -> bool:
    """A first look at one number, which costs nothing beside all of them."""
    return a == b or abs(a - b) <= 2 * RTOL * (1 + alone) * abs(b) or not alone and abs(b) < 1


def near(a: Array, b: Array, rtol: float = RTOL, atol: float = ATOL) -> Array:
    """Where two arrays of one shape are equal but for rounding."""
    if a.dtype.kind in "bi" and b.dtype.kind in "bi":
        return np.asarray(a == b)
    size = np.abs(b)
    finite = size[np.isfinite(size)]
    room = rtol * size + atol * (float(finite.max()) if finite.size else 0.0)
    found: Array = (a == b) | (np.abs(a - b) <= room)
    return found


def holds(relation: Relation, seen: Seen) -> bool:
    """Whether a relation is seen in every draw, and is no chance in all of them together."""
    sources, targets = (seen.value, seen.expected) if relation.backward else (seen.expected, seen.value)
    found: Arrays = []
    for source, target in zip(sources, targets):
        try:
            made = np.asarray(relation.of(source))
        except (ValueError, IndexError, TypeError, ArithmeticError):  # it has no meaning for this shape
            return False
        if not same(made, target):
            return False
        found.append(made)
    if relation.levels:
        kept = {f"{number:.4g}" for target in targets for number in target.reshape(-1)[:1000].tolist()}
        changed = sum(int(np.count_nonzero(~near(target, source))) for target, source in zip(targets, sources))
        return changed >= 3 and len(kept) >= 4
    return no_chance(found, targets, sources)


def no_chance(made: Arrays, targets: Arrays, neutral: Arrays, free: int = 0) -> bool:
    """Enough numbers fit what was made of them, that would not if nothing were done.

    Args:
        neutral: what would be there without the relation.
        free: numbers that were chosen so that it fits.
    """
    counted: set[Any] = set()
    fitting = 0
    for a, target, plain in zip(made, targets, neutral):
        moved = target[~near(a, plain, 5 * RTOL, 5 * ATOL)] if a.shape == plain.shape else target.reshape(-1)
        fitting += moved.size
        counted.update(_distinct(moved))
    kind = targets[0].dtype.kind
    if kind == "f" and not any(target.ndim for target in targets) and len(counted) == 2:
        return all(same(a, target, TIGHT, TIGHT) for a, target in zip(made, targets)) and all(map(measured, targets))
    if not any(target.ndim for target in targets) and not all(map(measured, targets)):
        return False
    return fitting >= LUCK[kind] + free and len(counted) >= (2 if kind == "b" else 3)


def measured(number: Array) -> bool:
    """A number with many digits: no choice out of a few round ones, and nothing counted."""
    return number.dtype.kind == "f" and len(f"{abs(float(number)):.6g}".replace(".", "").strip("0")) > 3


def _distinct(numbers: Array) -> Iterable[Any]:
    if numbers.dtype.kind != "f":
        return list(np.unique(numbers[:4000]).tolist())
    kept = numbers[np.isfinite(numbers)][:4000]
    with np.errstate(all="ignore"):
        return [f"{number:.4g}" for number in np.unique(kept)[:50].tolist()]


def the_one(relations: Iterable[Relation], seen: Seen) -> str | None:
    """The sentence of the relation that holds, if all that hold say the same."""
    found = {relation.says for relation in relations if holds(relation, seen)}
    return found.pop() if len(found) == 1 else None
