"""What a whole row, column or channel has undergone: a factor, a constant, or a sum that is not 1."""

from __future__ import annotations

import numpy as np

from autograder.judge.elementwise import adds_up
from autograder.judge.fitting import TINY, Arrays, Seen, same

LOOSE = "right up to a"  # in what is said of a relation that much may have, also what follows from a wrong value


def each_row(seen: Seen) -> str | None:
    """One factor or one constant for each row, or along another axis: what belongs to a whole row is wrong, the rest right."""
    ndim = seen.expected[0].ndim
    if seen.kind != "f" or any(e.ndim != ndim for e in seen.expected):
        return None
    found = []
    with np.errstate(all="ignore"):
        if ndim > 2 and (channels := _each_channel(seen)):
            return channels
        for axis in range(ndim):
            if min(e.shape[axis] for e in seen.expected) < 3 or min(e.size // e.shape[axis] for e in seen.expected) < 2:
                continue
            each = {(2, 0): "column", (2, 1): "row"}.get((ndim, axis), f"line along axis {axis}")
            if empty := _zero_lines(seen, axis, each):
                found.append(empty)
            elif _one_factor(seen, axis):
                found.append(_of_a_factor(seen, axis, each))
            elif _one_shift(seen, axis):
                found.append(
                    f"Each {each} is {LOOSE} constant that is added to the whole {each}. Look at what is added to, or taken from, each {each}."
                )
        if not found:
            found = [said for axis in range(ndim) if (said := _one_line(seen, axis))]
    return found[0] if len(found) == 1 else None


def _zero_lines(seen: Seen, axis: int, each: str) -> str | None:
    """Whole rows or columns of zeros, where all else is right."""
    empty = [(v == 0).all(axis) & (e != 0).any(axis) for v, e in zip(seen.value, seen.expected)]
    if not empty[0].any() or all(zero.all() for zero in empty):
        return None
    if not all(same(np.where(np.expand_dims(zero, axis), e, v), e) for zero, v, e in zip(empty, seen.value, seen.expected)):
        return None
    return f"{empty[0].sum()} of {empty[0].size} {each}s hold zeros only, and the others are right. Are they never filled, or multiplied by 0?"


def _one_line(seen: Seen, axis: int) -> str | None:
    """A factor and a constant for each row, or along another axis."""
    ndim = seen.expected[0].ndim
    if min(e.shape[axis] for e in seen.expected) < 4 or min(e.size // e.shape[axis] for e in seen.expected) < 2:
        return None
    value, expected = ([np.moveaxis(x, axis, -1) for x in draws] for draws in (seen.value, seen.expected))
    return _scaled_and_shifted(
        value, expected, {(2, 0): "column", (2, 1): "row"}.get((ndim, axis), f"line along axis {axis}")
    )


def _scaled_and_shifted(value: Arrays, expected: Arrays, each: str) -> str | None:
    """Along the last axis of each array."""
    if _merely_inexact(value, expected):
        return None
    for v, e in zip(value, expected):
        mine, wanted = v - v.mean(-1, keepdims=True), e - e.mean(-1, keepdims=True)
        ratio = (mine * wanted).sum(-1, keepdims=True) / (wanted * wanted).sum(-1, keepdims=True)
        if not np.isfinite(ratio).all() or not ratio.all() or not same(mine, ratio * wanted):
            return None
        levels = np.abs(np.diff(np.sort(e, -1), axis=-1)) > 1e-3 * np.abs(wanted).max()
        if np.count_nonzero(levels.sum(-1) > 2) * 2 <= ratio.size:  # two numbers always fit, three hardly ever
            return None
    return (
        f"Each {each} is {LOOSE} factor and a constant of its own. "
        f"Look at what is added to or taken from a whole {each.split(',')[0]}, and at what it is multiplied with or divided by."
    )


def _each_channel(seen: Seen) -> str | None:
    """One factor or constant for each position on the last axis."""
    flat = Seen([v.reshape(-1, v.shape[-1]) for v in seen.value], [e.reshape(-1, e.shape[-1]) for e in seen.expected])
    if min(min(e.shape) for e in flat.expected) < 2 or min(len(e) for e in flat.expected) < 3:
        return None
    for fits, what in ((_one_factor, "factor"), (_one_shift, "constant")):
        if fits(flat, 0):
            return f"For each channel, a position on the last axis, your values are {LOOSE} {what} of its own. Look at what a whole channel undergoes."
    if min(len(e) for e in flat.expected) < 4:
        return None
    return _scaled_and_shifted(
        [v.T for v in flat.value], [e.T for e in flat.expected], "channel, a position on the last axis,"
    )


def _one_factor(seen: Seen, axis: int) -> bool:
    largest = 0.0
    for v, e in zip(seen.value, seen.expected):
        ratio = (v * e).sum(axis, keepdims=True) / (e * e).sum(axis, keepdims=True)
        if not np.isfinite(ratio).all() or not ratio.any() or not same(v, ratio * e):
            return False
        if np.count_nonzero(np.abs(e) > 1e-3 * np.abs(e).max()) < 2.5 * ratio.size:  # each factor was chosen to fit
            return False
        largest = max(largest, np.abs(ratio - 1).max())
    return largest > TINY


def _merely_inexact(value: Arrays, expected: Arrays) -> bool:
    return all(np.abs(v - e).max() <= TINY * np.abs(e).max() for v, e in zip(value, expected))


def _one_shift(seen: Seen, axis: int) -> bool:
    if _merely_inexact(seen.value, seen.expected):
        return False
    for v, e in zip(seen.value, seen.expected):
        within = e - e.mean(axis, keepdims=True)
        if not same(v - v.mean(axis, keepdims=True), within):
            return False
        spread = np.abs(within).max(axis)
        levels = np.abs(np.diff(np.sort(e, axis), axis=axis)) > 1e-3 * np.abs(within).max()
        if np.count_nonzero(levels.sum(axis) > 1) * 2 <= spread.size:  # of two levels the smaller may be what is added
            return False
        if (
            np.count_nonzero(spread > 1e-3 * np.abs(e).max()) * 2 <= spread.size
            or np.abs(v - e).max() > 1e4 * spread.max()
        ):
            return False
    return True


def _of_a_factor(seen: Seen, axis: int, each: str) -> str:
    if adds_up(seen.expected, axis) and not adds_up(seen.value, axis):
        return f"Each {each} is {LOOSE} factor of its own: it does not add up to 1. Is it divided by its sum?"
    return f"Each {each} is {LOOSE} factor of its own. Look at what each {each} is multiplied with or divided by."


def sums(seen: Seen) -> str | None:
    """Probabilities that add up along another axis than is asked for, or not at all."""
    ndim = seen.expected[0].ndim
    if seen.kind != "f" or any(e.ndim != ndim for e in seen.expected):
        return None
    named = [
        {(1, 0): "values", (2, 0): "columns", (2, 1): "rows"}.get((ndim, axis), f"sums along axis {axis}")
        for axis in range(ndim)
    ]
    axes = [axis for axis in range(ndim) if min(e.shape[axis] for e in seen.expected) > 1]
    wanted = [axis for axis in axes if adds_up(seen.expected, axis)]
    if len(wanted) != 1 or adds_up(seen.value, wanted[0]):
        return None
    for axis in axes:
        if axis != wanted[0] and adds_up(seen.value, axis):
            return f"Your {named[axis]} add up to 1; it is the {named[wanted[0]]} that should. Look at the axis of the sum that you divide by."
    if all(same(v.sum(wanted[0]), np.ones_like(v.sum(wanted[0]))) for v in seen.value):
        return "Your values add up to 1, but some of them are negative, which no probability is. Look for an exponential that is missing."
    if ndim > 1 and all(same(v.sum(), np.ones(())) for v in seen.value):
        return f"All your values together add up to 1; each of the {named[wanted[0]]} should. Look at the axis of the sum that you divide by."
    return f"Your {named[wanted[0]]} do not add up to 1, as probabilities do. Look at what they are divided by."
