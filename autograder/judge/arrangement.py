"""The right numbers in another place: turned, shifted, reversed, sorted, of another shape, added up along an axis."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import permutations

import numpy as np

from autograder.judge.fitting import Array, Relation, Seen, holds, near, no_chance, same

SAME = "Is the same object stored again and again, or something computed once that each step should compute anew?"
RIGHT_BUT = "The numbers are right, but "


def other_place(seen: Seen) -> str | None:
    """Of values whose shape is right."""
    if seen.alone:
        return None
    found = {relation.says for relation in (*_turned(seen), *_moved(seen)) if holds(relation, seen)} | set(
        _shifted(seen)
    )
    if len(found) == 1:
        return found.pop()
    return _repeated_rows(seen) or _other_order(seen)


def ordinal(axis: int, ndim: int) -> str:
    return {(1, 0): "the elements", (2, 0): "the rows", (2, 1): "the columns"}.get(
        (ndim, axis), f"the positions along axis {axis}"
    )


def _turned(seen: Seen) -> Iterator[Relation]:
    ndim = seen.expected[0].ndim
    if ndim == 2:
        yield Relation("This is the transpose of what is expected. Which axis stands first?", np.transpose)
        yield Relation(
            "The numbers are right, but laid out wrongly: taken row by row where it should be column by column. A transpose is wanted, not a view or reshape.",
            partial(_anew, axes=(1, 0)),
        )
    elif 2 < ndim < 5:
        for axes in list(permutations(range(ndim)))[1:]:
            yield Relation(
                f"{RIGHT_BUT}the axes are in another order: yours are the axes {in_words(axes)} of what is expected.",
                partial(np.transpose, axes=axes),
            )
            yield Relation(
                f"{RIGHT_BUT}laid out wrongly: axes have to change places where a view or reshape cuts the numbers anew.",
                partial(_anew, axes=axes),
            )


def _anew(x: Array, axes: tuple[int, ...]) -> Array:
    """The axes turned, and the numbers counted off in the old shape; it means something only where the shape is another."""
    turned = x.transpose(axes)
    return turned.reshape(x.shape) if turned.shape != x.shape else turned[:0]


def in_words(axes: tuple[int, ...]) -> str:
    return ", ".join(map(str, axes))


def _moved(seen: Seen) -> Iterator[Relation]:
    ndim = seen.expected[0].ndim
    for axis in range(ndim):
        if min(e.shape[axis] for e in seen.expected) < 2:
            continue
        what = ordinal(axis, ndim)
        yield Relation(f"{RIGHT_BUT}{what} stand in the reverse order.", partial(np.flip, axis=axis))
        yield Relation(
            f"{RIGHT_BUT}{what} are sorted, from the smallest to the largest. Leave them in the order in which they came.",
            partial(np.sort, axis=axis),
        )
        yield Relation(
            f"{RIGHT_BUT}{what} are sorted, from the largest to the smallest. Leave them in the order in which they came.",
            partial(_falling, axis=axis),
        )
        for blocks in (2, 3, 4):
            if all(e.shape[axis] % blocks == 0 and e.shape[axis] > blocks for e in seen.expected):
                parts = {2: "two halves", 3: "three thirds", 4: "four quarters"}[blocks]
                yield Relation(
                    f"{RIGHT_BUT}the {parts} along axis {axis} stand in the reverse order.",
                    partial(_in_blocks, axis=axis, blocks=blocks),
                )
        if min(e.shape[axis] for e in seen.expected) > 2:
            for step, way in ((1, "late"), (-1, "early")):
                yield Relation(
                    f"{RIGHT_BUT}{what} stand one position too {way}, and what falls off one end comes in at the other.",
                    partial(np.roll, shift=step, axis=axis),
                )


def _falling(x: Array, axis: int) -> Array:
    return np.flip(np.sort(x, axis), axis)


def _in_blocks(x: Array, axis: int, blocks: int) -> Array:
    return np.concatenate(np.split(x, blocks, axis)[::-1], axis)


def _shifted(seen: Seen) -> Iterator[str]:
    """By one position, with something else in the place that falls free."""
    ndim = seen.expected[0].ndim
    for axis in range(ndim):
        if min(e.shape[axis] for e in seen.expected) < 4:
            continue
        for forth in (True, False):
            head, tail = (slice(1, None), slice(None, -1)) if forth else (slice(None, -1), slice(1, None))
            moved = [v[cut(axis, head)] for v in seen.value]
            original = [e[cut(axis, tail)] for e in seen.expected]
            rolled = all(same(v, np.roll(e, 1 if forth else -1, axis)) for v, e in zip(seen.value, seen.expected))
            if rolled or not all(same(a, b) for a, b in zip(moved, original)):
                continue
            if no_chance(original, moved, [e[cut(axis, head)] for e in seen.expected]):
                way, end = ("late", "beginning") if forth else ("early", "end")
                yield (
                    f"{RIGHT_BUT}{ordinal(axis, ndim)} stand one position too {way}, and something else stands at the {end}. "
                    "Is a step taken before or after its turn?"
                )


def cut(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None) for _ in range(axis)), part)


def _rows(x: Array) -> Array:
    """Each a row, whose numbers belong together."""
    return x.reshape(len(x), -1)


def _repeated_rows(seen: Seen) -> str | None:
    """All rows are the same one of the expected rows."""
    if any(e.ndim < 1 or len(e) < 3 for e in seen.expected):
        return None
    for place, name in ((0, "first"), (-1, "last")):
        made = [np.broadcast_to(e[place], e.shape) for e in seen.expected]
        if all(same(v, m) for v, m in zip(seen.value, made)) and no_chance(
            made, seen.value, seen.expected, len(made[0].reshape(-1))
        ):
            what = "element" if made[0].ndim == 1 else "row"
            return f"Each {what} of yours is the {name} {what} of what is expected. {SAME}"
    return None


def _other_order(seen: Seen) -> str | None:
    """The same rows, or the same numbers, in an order that has no name."""
    if any(e.size < 3 for e in seen.expected):
        return None
    matrix = all(e.ndim > 1 and e.shape[-1] > 1 and len(e) > 1 for e in seen.expected)
    for rows, what in ((True, "rows"), (False, "elements")):
        if rows and not matrix:
            continue
        made = [_in_order(e, rows) for e in seen.expected]
        if all(same(_in_order(v, rows), m) for v, m in zip(seen.value, made)) and no_chance(
            seen.value, seen.value, seen.expected
        ):
            return f"{RIGHT_BUT}the {what} are in another order than what is expected."
    return None


def _in_order(x: Array, rows: bool) -> Array:
    if not rows:
        return np.sort(x.reshape(-1))
    flat = _rows(x)
    return flat[np.lexsort(np.round(flat, 4).T[::-1] if flat.dtype.kind == "f" else flat.T[::-1])]


def nan_rows(seen: Seen) -> str | None:
    """Where numbers that are none stand, and whether all others are right."""
    if seen.kind != "f" or not seen.shapes_agree:
        return None
    broken = [~np.isfinite(v) for v in seen.value]
    others = all(bool((b | near(np.where(b, 0, v), e)).all()) for v, e, b in zip(seen.value, seen.expected, broken))
    if not others or all(b.all() for b in broken if b.any()):
        return None
    if all(e.ndim > 1 for e in seen.expected):
        for axis, what in ((0, "rows"), (-1, "columns")):
            flat = [np.moveaxis(b, axis, 0).reshape(b.shape[axis], -1) for b in broken]
            if all(bool((f.all(1) == f.any(1)).all()) for f in flat):
                return f"Whole {what} are affected, and all others are right: what is special about these {what}?"
    return "All other elements are right: what is special about these?"
