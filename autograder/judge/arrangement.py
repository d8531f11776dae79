"""The right numbers in another place: turned, shifted, reversed, sorted, of another shape, added up along an axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np

from autograder.judge.fitting import Array, Relation, Seen, holds, near, no_chance, same, the_one

SAME = "Is the same object stored again and again, or something computed once that each step should compute anew?"
ONCE_MORE = "The numbers are right, but "


def other_place(seen: Seen) -> str | None:
    """Of values whose shape is right."""
    if seen.alone:
        return None
    found = {relation.says for relation in (*_turned(seen), *_moved(seen)) if holds(relation, seen)} | set(_shifted(seen))
    if len(found) == 1:
        return found.pop()
    return _repeated_rows(seen) or _other_order(seen)


def other_shape(seen: Seen) -> str | None:
    """Of values of a wrong shape: how the right numbers may be found in them."""
    with np.errstate(all="ignore"):
        return (
            the_one(_with_axes_of_one(seen), seen)
            or the_one(_folded(seen), seen)
            or the_one(_reduced(seen), seen)
            or the_one(_spread_out(seen), seen)
            or _too_many(seen)
        )


def _ordinal(axis: int, ndim: int) -> str:
    return {(1, 0): "the elements", (2, 0): "the rows", (2, 1): "the columns"}.get((ndim, axis), f"the positions along axis {axis}")


def _turned(seen: Seen) -> Iterator[Relation]:
    ndim = seen.expected[0].ndim
    if ndim == 2:
        yield Relation("This is the transpose of what is expected. Which axis stands first?", lambda x: x.T)
        yield Relation("The numbers are right, but laid out wrongly: taken row by row where it should be column by column. A transpose is wanted, not a view or reshape.", lambda x: x.T.reshape(x.shape))
    elif 2 < ndim < 5:
        for axes in list(permutations(range(ndim)))[1:]:
            yield Relation(f"{ONCE_MORE}the axes are in another order: yours are the axes {_told(axes)} of what is expected.", lambda x, a=axes: x.transpose(a))
            yield Relation(f"{ONCE_MORE}laid out wrongly: axes have to change places where a view or reshape cuts the numbers anew.", lambda x, a=axes: x.transpose(a).reshape(x.shape))


def _told(axes: tuple[int, ...]) -> str:
    return ", ".join(map(str, axes))


def _moved(seen: Seen) -> Iterator[Relation]:
    ndim = seen.expected[0].ndim
    for axis in range(ndim):
        if min(e.shape[axis] for e in seen.expected) < 2:
            continue
        what = _ordinal(axis, ndim)
        yield Relation(f"{ONCE_MORE}{what} stand in the reverse order.", lambda x, a=axis: np.flip(x, a))
        yield Relation(f"{ONCE_MORE}{what} are sorted, from the smallest to the largest. Leave them in the order in which they came.", lambda x, a=axis: np.sort(x, a))
        yield Relation(f"{ONCE_MORE}{what} are sorted, from the largest to the smallest. Leave them in the order in which they came.", lambda x, a=axis: np.flip(np.sort(x, a), a))
        for blocks in (2, 3, 4):
            if all(e.shape[axis] % blocks == 0 and e.shape[axis] > blocks for e in seen.expected):
                parts = {2: "two halves", 3: "three thirds", 4: "four quarters"}[blocks]
                yield Relation(f"{ONCE_MORE}the {parts} along axis {axis} stand in the reverse order.", lambda x, a=axis, b=blocks: np.concatenate(np.split(x, b, a)[::-1], a))
        if min(e.shape[axis] for e in seen.expected) > 2:
            for step, way in ((1, "later"), (-1, "earlier")):
                yield Relation(f"{ONCE_MORE}{what} stand one position too {way}, and what falls off one end comes in at the other.", lambda x, a=axis, s=step: np.roll(x, s, a))


def _shifted(seen: Seen) -> Iterator[str]:
    """By one position, with something else in the place that falls free."""
    ndim = seen.expected[0].ndim
    for axis in range(ndim):
        if min(e.shape[axis] for e in seen.expected) < 4:
            continue
        for forth in (True, False):
            head, tail = (slice(1, None), slice(None, -1)) if forth else (slice(None, -1), slice(1, None))
            moved = [v[_cut(axis, head)] for v in seen.value]
            original = [e[_cut(axis, tail)] for e in seen.expected]
            rolled = all(same(v, np.roll(e, 1 if forth else -1, axis)) for v, e in zip(seen.value, seen.expected))
            if rolled or not all(same(a, b) for a, b in zip(moved, original)):
                continue
            if no_chance(original, moved, [e[_cut(axis, head)] for e in seen.expected]):
                way, end = ("later", "beginning") if forth else ("earlier", "end")
                yield f"{ONCE_MORE}{_ordinal(axis, ndim)} stand one position too {way}, and something else stands at the {end}. Is a step taken before or after its turn?"


def _cut(axis: int, part: slice) -> tuple[slice, ...]:
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
        if all(same(v, m) for v, m in zip(seen.value, made)) and no_chance(made, seen.value, seen.expected, len(made[0].reshape(-1))):
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
        if all(same(_in_order(v, rows), m) for v, m in zip(seen.value, made)) and no_chance(seen.value, seen.value, seen.expected):
            return f"{ONCE_MORE}the {what} are in another order than what is expected."
    return None


def _in_order(x: Array, rows: bool) -> Array:
    if not rows:
        return np.sort(x.reshape(-1))
    flat = _rows(x)
    return flat[np.lexsort(np.round(flat, 4).T[::-1] if flat.dtype.kind == "f" else flat.T[::-1])]


def _with_axes_of_one(seen: Seen) -> Iterator[Relation]:
    """An axis of length 1 is left out, or stands where none should be."""
    lengths = [(v.ndim, e.ndim) for v, e in zip(seen.value, seen.expected)]
    if all(v < e for v, e in lengths):
        yield Relation("The numbers are right; an axis of length 1 is missing. A sum, mean or maximum drops its axis unless it is told to keep it.", lambda x: x.squeeze())
        yield from (Relation("The numbers are right; an axis of length 1 is missing. A sum, mean or maximum drops its axis unless it is told to keep it.", lambda x, a=a: x.squeeze(a)) for a in range(seen.expected[0].ndim))
    elif all(v > e for v, e in lengths):
        yield Relation("The numbers are right; an axis of length 1 is one too many. Take it away, and only that one.", lambda x: x.squeeze(), True)
        yield from (Relation("The numbers are right; an axis of length 1 is one too many. Take it away, and only that one.", lambda x, a=a: x.squeeze(a), True) for a in range(seen.value[0].ndim))


def _folded(seen: Seen) -> Iterator[Relation]:
    """The same numbers, counted off in another shape."""
    ndim = seen.expected[0].ndim
    if any(v.size != e.size for v, e in zip(seen.value, seen.expected)):
        return
    if ndim == 2:
        yield Relation("The numbers are right, but transposed: rows and columns have changed places.", lambda x: x.T)
    elif 2 < ndim < 5:
        for axes in list(permutations(range(ndim)))[1:]:
            yield Relation(f"{ONCE_MORE}the axes are in another order: yours are the axes {_told(axes)} of what is expected.", lambda x, a=axes: x.transpose(a))
    targets = {id(e): v.shape for v, e in zip(seen.value, seen.expected)}
    yield Relation("All numbers are right and in the right order; only the shape is another. Give them the shape that is asked for.", lambda x: x.reshape(targets[id(x)]))


REDUCTIONS: tuple[tuple[str, Callable[[Array, int], Array]], ...] = (
    ("sum", lambda x, a: x.sum(a)),
    ("mean", lambda x, a: x.mean(a)),
    ("maximum", lambda x, a: x.max(a)),
)


def _reduced(seen: Seen) -> Iterator[Relation]:
    """An axis is taken together that should stay, or one is left that should be taken together."""
    mine, wanted = seen.value[0].ndim, seen.expected[0].ndim
    if seen.kind == "b":
        if not mine < wanted:
            return
        for name, whole in (("all", np.all), ("any", np.any)):
            yield Relation(f"Yours is a single answer to whether {name} of the expected values are true. One for each is asked for: look at the axis.", lambda x, f=whole: f(x))
        return
    for name, of in REDUCTIONS:
        if mine < wanted:
            yield Relation(f"Yours is the {name} of all the expected values in one number. Each of them is asked for: look at which axes are taken together.", lambda x, f=of: f(x.reshape(-1), 0))
            for axis in range(wanted):
                yield Relation(f"Yours is the {name} of what is expected along axis {axis}. That axis should stay: look at which one is taken together.", lambda x, a=axis, f=of: f(x, a))
        for axis in range(mine):
            if min(v.shape[axis] for v in seen.value) > 1:
                if mine == wanted and name == "sum":
                    yield Relation(f"The parts that you set side by side along axis {axis} should be added up, number by number.", lambda x, a=axis: _blocks(x, a, seen), True)
                yield Relation(f"The {name} of yours along axis {axis} is what is expected: that axis is still to be taken together.", lambda x, a=axis, f=of: _to(f(x, a), seen, x), True)
    for axis in range(mine if mine > wanted else 0):
        for place, name in ((0, "first"), (-1, "last")):
            yield Relation(f"What is expected is the {name} of yours along axis {axis}. Pick that one, and return it without that axis.", lambda x, a=axis, p=place: x.take(p, a), True)


def _blocks(x: Array, axis: int, seen: Seen) -> Array:
    """The sum of equal parts along an axis, as many as make its length the expected one."""
    length = next(e.shape[axis] for v, e in zip(seen.value, seen.expected) if v is x)
    made: Array = sum(np.split(x, x.shape[axis] // length, axis)[1:], np.split(x, x.shape[axis] // length, axis)[0])
    return made


def _to(x: Array, seen: Seen, source: Array) -> Array:
    """With an axis of length 1 where the expected value has one."""
    for v, e in zip(seen.value, seen.expected):
        if v is source:
            return x.reshape(e.shape) if x.size == e.size and _squeezed(x) == _squeezed(e) else x
    return x


def _squeezed(x: Array) -> tuple[int, ...]:
    return tuple(n for n in x.shape if n != 1)


def _spread_out(seen: Seen) -> Iterator[Relation]:
    """Each number stands there several times."""
    targets = {id(e): v.shape for v, e in zip(seen.value, seen.expected)}
    if all(v.size > e.size for v, e in zip(seen.value, seen.expected)):
        yield Relation("The numbers are right, but each stands there several times: they are spread out along an axis. Look at the shapes of what you combine.", lambda x: np.broadcast_to(x, targets[id(x)]))
        yield Relation("The numbers are right, but each stands there several times: they are spread out along an axis. Look at the shapes of what you combine.", lambda x: np.broadcast_to(x[:, None] if x.ndim == 1 else x, targets[id(x)]))


def _too_many(seen: Seen) -> str | None:
    """One or more too many, or too few, at the beginning or the end of an axis."""
    ndim = seen.expected[0].ndim
    if not ndim or any(v.ndim != ndim or e.ndim != ndim for v, e in zip(seen.value, seen.expected)):
        return None
    found = set()
    for axis in range(ndim):
        gaps = [v.shape[axis] - e.shape[axis] for v, e in zip(seen.value, seen.expected)]
        if not all(gap > 0 for gap in gaps) and not all(gap < 0 for gap in gaps):
            continue
        more = gaps[0] > 0
        longer, shorter = (seen.value, seen.expected) if more else (seen.expected, seen.value)
        for end, name in ((True, "end"), (False, "beginning")):
            parts = [a[_cut(axis, slice(0, b.shape[axis]) if end else slice(a.shape[axis] - b.shape[axis], None))] for a, b in zip(longer, shorter)]
            if all(same(a, b) for a, b in zip(parts, shorter)) and no_chance(parts, shorter, [a[:0].reshape(-1) for a in parts]):
                count = f"{abs(gaps[0])} " if len(set(gaps)) == 1 else ""
                found.add((more, count, _ordinal(axis, ndim).removeprefix("the "), name))
    if len(found) != 1:
        return None
    more, count, what, name = found.pop()
    what = what.replace("elements", "element").replace("rows", "row").replace("columns", "column").replace("positions", "position") if count == "1 " else what
    much, are = ("many", "The others are right.") if more else ("few", "The others are right.")
    return f"There {'is' if count == '1 ' else 'are'} {count or 'some '}{what} too {much} at the {name}. {are} Look at where your loop or slice {'begins' if name == 'beginning' else 'ends'}."


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
