"""Values of a wrong shape: how the right numbers may be found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations

import numpy as np

from autograder.judge.arrangement import RIGHT_BUT, cut, in_words, ordinal
from autograder.judge.fitting import Array, Relation, Seen, near, no_chance, same, the_one

LOST = (
    "The numbers are right; an axis of length 1 is lost. A sum, mean or maximum takes its axis away unless it is told to keep it, "
    "and squeeze takes all that have length 1."
)


def other_shape(seen: Seen) -> str | None:
    """Of values of a wrong shape: how the right numbers may be found in them."""
    if seen.kind == "b" and not any(v.ndim for v in seen.value):
        return "Yours is one truth value, where one for each is expected. Look at the axis along which all or any is taken."
    with np.errstate(all="ignore"):
        return (
            the_one(_with_axes_of_one(seen), seen)
            or the_one(_folded(seen), seen)
            or the_one(_reduced(seen), seen)
            or the_one(_spread_out(seen), seen)
            or _too_many(seen)
            or _among_rows(seen)
            or _by_shape(seen)
        )


def _with_axes_of_one(seen: Seen) -> Iterator[Relation]:
    """An axis of length 1 is left out, or stands where none should be."""
    lengths = [(v.ndim, e.ndim) for v, e in zip(seen.value, seen.expected)]
    if all(v < e for v, e in lengths):
        yield Relation(
            LOST,
            np.squeeze,
        )
        yield from (
            Relation(
                LOST,
                partial(np.squeeze, axis=a),
            )
            for a in range(seen.expected[0].ndim)
        )
    elif all(v > e for v, e in lengths):
        yield Relation(
            "The numbers are right; an axis of length 1 is one too many. Take it away, and only that one.",
            np.squeeze,
            True,
        )
        yield from (
            Relation(
                "The numbers are right; an axis of length 1 is one too many. Take it away, and only that one.",
                partial(np.squeeze, axis=a),
                True,
            )
            for a in range(seen.value[0].ndim)
        )


def _folded(seen: Seen) -> Iterator[Relation]:
    """The same numbers, counted off in another shape."""
    ndim = seen.expected[0].ndim
    if any(v.size != e.size for v, e in zip(seen.value, seen.expected)):
        return
    if ndim == 2:
        yield Relation("The numbers are right, but transposed: rows and columns have changed places.", np.transpose)
    elif 2 < ndim < 5:
        for axes in list(permutations(range(ndim)))[1:]:
            yield Relation(
                f"{RIGHT_BUT}the axes are in another order: yours are the axes {in_words(axes)} of what is expected.",
                partial(np.transpose, axes=axes),
            )
    targets = {id(e): v.shape for v, e in zip(seen.value, seen.expected)}
    yield Relation(
        "All numbers are right and in the right order; only the shape is another. Give them the shape that is asked for.",
        lambda x: x.reshape(targets[id(x)]),
    )


REDUCTIONS: tuple[tuple[str, Callable[..., Array]], ...] = (("sum", np.sum), ("mean", np.mean), ("maximum", np.max))


def _reduced(seen: Seen) -> Iterator[Relation]:
    """An axis is taken together that should stay, or one is left that should be taken together."""
    mine, wanted = seen.value[0].ndim, seen.expected[0].ndim
    if seen.kind == "b":
        return
    for name, of in REDUCTIONS:
        if mine < wanted:
            yield Relation(
                f"Yours is the {name} of all the expected values in one number. Each of them is asked for: look at which axes are taken together.",
                of,
            )
            for axis in range(wanted):
                yield Relation(
                    f"Yours is the {name} of what is expected along axis {axis}. That axis should stay: look at which one is taken together.",
                    partial(of, axis=axis),
                )
        for axis in range(mine):
            if min(v.shape[axis] for v in seen.value) > 1:
                if mine == wanted and name == "sum":
                    yield Relation(
                        f"The parts that you set side by side along axis {axis} should be added up, number by number.",
                        partial(_blocks, axis=axis, seen=seen),
                        True,
                    )
                yield Relation(
                    f"The {name} of yours along axis {axis} is what is expected: that axis is still to be taken together.",
                    partial(_to, of=of, axis=axis, seen=seen),
                    True,
                )
    for axis in range(mine if mine > wanted else 0):
        for place, name in ((0, "first"), (-1, "last")):
            yield Relation(
                f"What is expected is the {name} of yours along axis {axis}. Pick that one, and return it without that axis.",
                partial(np.take, indices=place, axis=axis),
                True,
            )


def _blocks(x: Array, axis: int, seen: Seen) -> Array:
    """The sum of equal parts along an axis, as many as make its length the expected one."""
    length = next(e.shape[axis] for v, e in zip(seen.value, seen.expected) if v is x)
    made: Array = sum(np.split(x, x.shape[axis] // length, axis)[1:], np.split(x, x.shape[axis] // length, axis)[0])
    return made


def _to(x: Array, of: Callable[..., Array], axis: int, seen: Seen) -> Array:
    """One axis taken together, with an axis of length 1 where the expected value has one."""
    made = np.asarray(of(x, axis=axis))
    e = next(e for v, e in zip(seen.value, seen.expected) if v is x)
    return made.reshape(e.shape) if made.size == e.size and _squeezed(made) == _squeezed(e) else made


def _squeezed(x: Array) -> tuple[int, ...]:
    return tuple(n for n in x.shape if n != 1)


def _spread_out(seen: Seen) -> Iterator[Relation]:
    """Each number stands there several times, or should."""
    targets = {id(e): v.shape for v, e in zip(seen.value, seen.expected)}
    if all(v.size > e.size for v, e in zip(seen.value, seen.expected)):
        yield Relation(
            "The numbers are right, but each stands there several times: they are spread out along an axis. Look at the shapes of what you combine.",
            lambda x: np.broadcast_to(x, targets[id(x)]),
        )
        yield Relation(
            "The numbers are right, but each stands there several times: they are spread out along an axis. Look at the shapes of what you combine.",
            lambda x: np.broadcast_to(x[:, None] if x.ndim == 1 else x, targets[id(x)]),
        )
    shapes = {id(v): e.shape for v, e in zip(seen.value, seen.expected)}
    if all(v.size < e.size and v.ndim == e.ndim for v, e in zip(seen.value, seen.expected)):
        yield Relation(
            "The numbers are right, but each should stand there several times: along an axis of length 1 nothing is spread out yet. Give it the whole shape.",
            lambda x: np.broadcast_to(x, shapes[id(x)]),
            True,
        )


def _by_shape(seen: Seen) -> str | None:
    """What the shapes alone say, where the numbers have nothing to do with each other."""
    pairs = list(zip(seen.value, seen.expected))
    if all(not e.ndim and v.ndim == 1 for v, e in pairs):
        one = all(int(np.count_nonzero(near(v, np.broadcast_to(e, v.shape)))) == 1 for v, e in pairs)
        return (
            "One of your numbers is the one that is expected. Return that one alone."
            if one and seen.kind == "f"
            else None
        )
    if all(not v.ndim and e.ndim for v, e in pairs):
        return (
            "Yours is a single number, where one for each is expected. Is it the right result that is returned, and are the right axes taken together?"
        )
    if any(v.ndim != e.ndim for v, e in pairs):
        return None
    for axis in range(seen.expected[0].ndim):
        others = all(v.shape[:axis] + v.shape[axis + 1 :] == e.shape[:axis] + e.shape[axis + 1 :] for v, e in pairs)
        if others and all(e.shape[axis] == 1 < v.shape[axis] for v, e in pairs):
            return f"Along axis {axis} one number is expected, and yours has {seen.value[0].shape[axis]}. Is a sum over that axis missing?"
    return None


def _among_rows(seen: Seen) -> str | None:
    """Rows too many or too few between right ones."""
    pairs = list(zip(seen.value, seen.expected))
    if any(v.ndim != e.ndim or not e.ndim or v.shape[1:] != e.shape[1:] for v, e in pairs):
        return None
    more = len(pairs[0][0]) > len(pairs[0][1])
    for v, e in pairs:
        longer, shorter = (v, e) if more else (e, v)
        if len(longer) <= len(shorter) or len(shorter) < 12 or len(longer) > 1.6 * len(shorter) or len(longer) > 2000:
            return None
        rest = iter(longer)
        if len(np.unique(shorter, axis=0)) < 6 or not all(any(same(row, other) for other in rest) for row in shorter):
            return None
    what = "elements" if seen.expected[0].ndim == 1 else "rows"
    return (
        f"All {what} of {'what is expected' if more else 'yours'} are there in order, with "
        f"others between them that {'are too many' if more else 'are missing in yours'}."
    )


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
            parts = [
                a[cut(axis, slice(0, b.shape[axis]) if end else slice(a.shape[axis] - b.shape[axis], None))]
                for a, b in zip(longer, shorter)
            ]
            if all(same(a, b) for a, b in zip(parts, shorter)) and no_chance(
                parts, shorter, [a[:0].reshape(-1) for a in parts]
            ):
                count = f"{abs(gaps[0])} " if len(set(gaps)) == 1 else ""
                found.add((more, count, ordinal(axis, ndim).removeprefix("the "), name))
    if len(found) != 1:
        return None
    more, count, what, name = found.pop()
    what = (
        what.replace("elements", "element")
        .replace("rows", "row")
        .replace("columns", "column")
        .replace("positions", "position")
        if count == "1 "
        else what
    )
    much, are = ("many", "The others are right.") if more else ("few", "The others are right.")
    return (
        f"There {'is' if count == '1 ' else 'are'} {count or 'some '}{what} too {much} at the {name}. "
        f"{are} Look at where your loop or slice {'begins' if name == 'beginning' else 'ends'}."
    )
