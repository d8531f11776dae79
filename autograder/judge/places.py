"""Where a value differs, if the places have something in common that says more than their number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.judge.fitting import TINY, Array, Arrays, Seen, near

REST = "all others are right."


def places(seen: Seen, wrong: Arrays) -> str | None:
    """What the wrong elements of all draws have in common.

    Args:
        wrong: where a value is not within the exercise's tolerance.
    """
    draws = [(v, e, w) for v, e, w in zip(seen.value, seen.expected, wrong) if w.any()]
    if not draws or any(e.ndim < 1 or e.size < 4 for _, e, _ in draws):
        return None
    dull = all(not e[~w].any() for _, e, w in draws)  # what is right there is nothing but zeros
    where = None if dull else _where([w for _, _, w in draws])
    what = _what(draws)
    if where and what:
        return f"{where} {what}"
    if where:
        return f"{where} {_ask(where)}".strip()
    if what and not all(w.all() for *_, w in draws):
        return what
    return None


def _ask(where: str) -> str:
    if where.startswith(("The first", "The last")):
        return "What does your code do there, and not for the others?"
    return "What is special about it?" if where.startswith(("Only", "One")) else "What is special about them?"


def _where(wrong: Arrays) -> str | None:
    if all(w.all() for w in wrong):
        return None
    ndim = wrong[0].ndim
    for axis in range(ndim):
        if any(w.ndim != ndim or w.shape[axis] < 4 for w in wrong):
            continue
        name = {(1, 0): "element", (2, 0): "row", (2, 1): "column"}.get((ndim, axis), f"position along axis {axis}")
        lines = [np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1) for w in wrong]
        any_: Arrays = [np.asarray(x.any(1)) for x in lines]
        all_: Arrays = [np.asarray(x.all(1)) for x in lines]
        for place, which in ((0, "first"), (-1, "last")):
            if all(a[place] and np.count_nonzero(a) == 1 for a in any_):
                return f"Only the {which} {name} differs; {REST}"
            if all(not a[place] and np.count_nonzero(~a) == 1 for a in any_) and sum(map(len, any_)) >= 8:
                return f"The {which} {name} is right; in all others something differs."
        if ndim > 1 and all(not a.all() for a in any_) and all(bool((a == b).all()) for a, b in zip(any_, all_)):
            if all(np.count_nonzero(a) == 1 for a in any_):
                return f"One whole {name} differs; {REST}"
            return f"Whole {name.replace(' ', 's ', 1) if ' ' in name else name + 's'} differ, and {REST}"
    if ndim == 2:
        return _in_matrix(wrong)
    return None


def _in_matrix(wrong: Arrays) -> str | None:
    if any(min(w.shape) < 3 for w in wrong):
        return None
    edges = [_edge(w) for w in wrong]
    if all(not (w & ~edge).any() and w[0].any() and w[:, 0].any() for w, edge in zip(wrong, edges)):
        return f"All differences lie in the first row and the first column; {REST}"
    square = all(w.shape[0] == w.shape[1] for w in wrong)
    if square and all(np.array_equal(w, np.eye(len(w), dtype=bool)) for w in wrong):
        return f"Only the diagonal differs; {REST}"
    if square and all(np.array_equal(w, ~np.eye(len(w), dtype=bool)) for w in wrong):
        return "The diagonal is right; all else differs."
    for axis, name in ((1, "row"), (0, "column")):
        if all(bool((w.sum(axis) == 1).all()) for w in wrong):
            return f"In each {name} exactly one element differs; {REST}"
        if all(bool((w.sum(axis) == w.shape[axis] - 1).all()) for w in wrong):
            return f"In each {name} exactly one element is right; all others differ."
    return None


def _edge(w: Array) -> Array:
    edge = np.zeros_like(w)
    edge[0], edge[:, 0] = True, True
    return edge


def _what(draws: list[tuple[Array, Array, Array]]) -> str | None:
    """What stands in the wrong places."""
    mine = np.concatenate([v[w] for v, _, w in draws])
    wanted = np.concatenate([e[w] for _, e, w in draws])
    if mine.size < 3 or mine.dtype.kind == "b":
        return None
    for sentence, holds in _of_wrong(mine, wanted, not any(e[~w].any() for _, e, w in draws)):
        if holds:
            return sentence
    return None


def _times(ratio: float) -> str:
    return "the negative of" if abs(ratio + 1) < 1e-4 else f"{ratio:.4g} times"


def _of_wrong(mine: Array, wanted: Array, zeros: bool) -> Iterator[tuple[str, bool]]:
    yield "Where it differs, yours is 0: is something left out there?", not mine.any()
    yield "Where it differs, 0 is expected: is something there that should be left out?", not wanted.any()
    gap = mine - wanted
    ratio = mine / wanted if wanted.all() else np.zeros(0)
    alike = (
        ratio.size >= 4
        and mine.dtype.kind == "f"
        and abs(float(ratio[0]) - 1) > TINY
        and bool(near(ratio, np.full_like(ratio, ratio[0]), 1e-4, 1e-4).all())
    )
    if alike and zeros:
        yield f"Wherever something other than 0 is expected, yours is {float(ratio[0]):.4g} times that.", True
    if bool(near(gap, np.full_like(gap, gap[0]), 1e-4, 1e-4).all()) and mine.size >= 4:
        size = f"{abs(float(gap[0])):.3g}"
        yield f"Where it differs, yours is {size} too {'large' if gap[0] > 0 else 'small'} each time.", True
    if alike:
        yield f"Where it differs, yours is {_times(float(ratio[0]))} what is expected each time.", True
    if mine.size >= 10:
        yield "Where it differs, yours is too large each time.", bool((gap > 0).all()) and mine.dtype.kind == "i"
        yield "Where it differs, yours is too small each time.", bool((gap < 0).all()) and mine.dtype.kind == "i"
