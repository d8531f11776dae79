"""Each number for itself: a sign, a factor, a logarithm, a constant, one of these for each row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from autograder.judge.factors import NEGATIVE, factor_sentence
from autograder.judge.fitting import TIGHT, Array, Arrays, Relation, Seen, near, no_chance, same, the_one


def _softmax(x: Array, axis: int) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    made: Array = e / e.sum(axis, keepdims=True)
    return made


def _log_softmax(x: Array, axis: int) -> Array:
    shifted = x - x.max(axis, keepdims=True)
    made: Array = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    return made


def _sigmoid(x: Array) -> Array:
    made: Array = 1 / (1 + np.exp(-x))
    return made


LOOK = "of what is expected. "
SIMPLE = (
    Relation(NEGATIVE, np.negative),
    Relation("Your values are 1 minus what is expected. Are two things that complete each other, such as right and wrong shares, mixed up?", lambda x: 1 - x),
    Relation(f"Your values are the exponentials {LOOK}Look for an exp too many, or a logarithm that is missing.", np.exp),
    Relation(f"Your values are the natural logarithms {LOOK}Look for a logarithm too many, or an exp that is missing.", np.log),
    Relation(f"Your values are minus the natural logarithms {LOOK}Is a logarithm asked for here?", lambda x: -np.log(x)),
    Relation(f"Your values are the logarithms to base 10 {LOOK}Is a logarithm asked for here?", np.log10),
    Relation(f"Your values are the logarithms to base 2 {LOOK}Is a logarithm asked for here?", np.log2),
    Relation("Your values are 10 to the power of what is expected. The logarithm to base 10 is missing.", lambda x: 10**x),
    Relation(f"Your values are the squares {LOOK}Look for a square too many, or a square root that is missing.", np.square),
    Relation(f"Your values are the square roots {LOOK}Look for a square root too many, or a square that is missing.", np.sqrt),
    Relation("Your values are 1 divided by what is expected. Look for a fraction that stands upside down.", np.reciprocal),
    Relation("Your values have lost their sign: none is negative, and without signs they are what is expected. "
        "Look for an abs, a square, or a minus too many or too few.", np.abs),
    Relation("Your values are right but for their sign: their absolute values are expected.", np.abs, True),
    Relation("Your values are right where they are positive; where a negative "
        "number is expected, yours is 0. Is something cut off at 0?", lambda x: np.maximum(x, 0), levels=True),
    Relation("Your values are right where they are positive; yours are negative where 0 is expected. "
        "Is a step that cuts off at 0 missing?", lambda x: np.maximum(x, 0), True, True),
    Relation(f"Your values are the tanh {LOOK}Look for a tanh too many.", np.tanh),
    Relation("The tanh of your values is what is expected. Is a tanh missing?", np.tanh, True),
    Relation(f"Your values are the sigmoid {LOOK}Look for a sigmoid too many.", _sigmoid),
    Relation("The sigmoid of your values is what is expected. Is it missing?", _sigmoid, True),
)  # fmt: skip
WHOLE = (
    Relation("Your whole numbers are each one too large. Does the counting begin with 0 or with 1?", lambda x: x + 1),
    Relation("Your whole numbers are each one too small. Does the counting begin with 0 or with 1?", lambda x: x - 1),
    Relation(
        "Each of your numbers is the negative of what is expected. Look for a minus that is missing or one too many.",
        np.negative,
    ),
)
TRUTH = (
    Relation(
        "Every truth value is the opposite of what is expected. Look at the comparison, or for a not.", np.logical_not
    ),
)


def each_alone(seen: Seen, lengths: frozenset[int] = frozenset()) -> str | None:
    """What every number has undergone, if all have undergone the same."""
    if seen.kind == "b":
        return the_one(TRUTH, seen)
    if seen.kind == "i":
        return the_one(WHOLE, seen) or _constant(seen)
    with np.errstate(all="ignore"):
        return (
            _degenerate(seen)
            or the_one(SIMPLE, seen)
            or _cut_off(seen)
            or the_one(_along_axes(seen), seen)
            or _factor(seen, lengths)
            or _constant(seen)
            or _rounded(seen)
        )


def _along_axes(seen: Seen) -> Iterator[Relation]:
    for axis in range(seen.expected[0].ndim):
        if min(e.shape[axis] for e in seen.expected) < 2:
            continue
        where = _axis(axis, seen.expected[0].ndim)
        yield Relation(
            f"Your values are the softmax {where} of what is expected: it is taken once too often.",
            partial(_softmax, axis=axis),
        )
        yield Relation(
            f"The softmax {where} of your values is what is expected. Is it missing, or taken along another axis?",
            partial(_softmax, axis=axis),
            True,
        )
        yield Relation(
            f"The logarithm of the softmax {where} of your values is what is expected. Is it missing?",
            partial(_log_softmax, axis=axis),
            True,
        )
        yield Relation(
            f"Your values are running sums {where} of what is expected. Does something add up that should begin anew each time?",
            partial(np.cumsum, axis=axis),
        )
        yield Relation(
            f"The running sums {where} of your values are what is expected. Should something be added up that begins anew each time?",
            partial(np.cumsum, axis=axis),
            True,
        )


def _axis(axis: int, ndim: int) -> str:
    return {(1, 0): "of all elements", (2, 0): "of each column", (2, 1): "of each row"}.get(
        (ndim, axis), f"along axis {axis}"
    )


def _degenerate(seen: Seen) -> str | None:
    """Nothing but one number, where many are expected."""
    if seen.alone or any(e.size < 3 or same(e, np.full_like(e, e.flat[0])) for e in seen.expected):
        return None
    if not any(v.any() for v in seen.value):
        return "Every element is zero. Is something multiplied by zero, never filled in, or is a gradient cut off?"
    if all(same(v, np.full_like(v, v.flat[0])) for v in seen.value):
        return (
            "All elements of yours are the same number, where they should differ from each other. "
            "Is something computed once that should be computed anew for each?"
        )
    return None


def _cut_off(seen: Seen) -> str | None:
    """Right up to a bound, and at that bound where more, or less, is expected."""
    if seen.alone:
        return None
    for extreme, beyond in ((np.max, "more"), (np.min, "less")):
        bound = float(extreme([extreme(v) for v in seen.value]))
        wrong = [~near(v, e) for v, e in zip(seen.value, seen.expected)]
        stopped = np.concatenate([e[w] for e, w in zip(seen.expected, wrong)])
        right = {f"{number:.4g}" for v, w in zip(seen.value, wrong) for number in v[~w][:1000].tolist()}
        at_bound = all(near(v[w], np.full_like(v[w], bound), TIGHT, 0).all() for v, w in zip(seen.value, wrong))
        if at_bound and len(stopped) >= 3 and len(right) >= 4 and bool(((stopped > bound) if beyond == "more" else (stopped < bound)).all()):
            return f"Your values stop at {bound:.4g}: where {beyond} is expected, yours are just that. Is something cut off there that should not be?"
    return None


def _factor(seen: Seen, lengths: frozenset[int]) -> str | None:
    """One factor in each draw, and what it is."""
    factors = []
    for v, e in zip(seen.value, seen.expected):
        square = float((e * e).sum())
        ratio = float((v * e).sum()) / square if square > 0 else math.nan
        if not math.isfinite(ratio) or not same(v, ratio * e) or not ratio:
            return None
        factors.append(ratio)
    if seen.alone and max(factors) - min(factors) > 1e-5 * abs(factors[0]):
        return None
    made: Arrays = [np.asarray(ratio * e) for ratio, e in zip(factors, seen.expected)]
    if seen.alone and not no_chance(made, seen.value, seen.expected):
        return None
    if not seen.alone and not any(no_chance([a], [v], [e], 1) for a, v, e in zip(made, seen.value, seen.expected)):
        return None
    if seen.expected[0].ndim == 1 and adds_up(seen.expected, 0) and not adds_up(seen.value, 0):
        return "Your values are right up to one factor: they do not add up to 1. Are they divided by their sum?"
    return factor_sentence(factors, [e.shape for e in seen.expected], lengths)


def _constant(seen: Seen) -> str | None:
    """One number added in each draw."""
    gaps = [v - e for v, e in zip(seen.value, seen.expected)]
    size = max(float(np.abs(e).max()) for e in seen.expected)
    shifts = [float(gap.mean()) for gap in gaps]
    if any(np.abs(gap - shift).max() > 1e-5 * size + 1e-12 for gap, shift in zip(gaps, shifts)):
        return None
    alike = max(shifts) - min(shifts) <= 1e-5 * size
    made: Arrays = [np.asarray(e + shift).astype(e.dtype) for e, shift in zip(seen.expected, shifts)]
    if seen.alone and (
        not alike
        or len({f"{float(e):.4g}" for e in seen.expected}) < 2
        or not no_chance(made, seen.value, seen.expected)
    ):
        return None
    if not seen.alone and not any(no_chance([a], [v], [e], 1) for a, v, e in zip(made, seen.value, seen.expected)):
        return None
    if alike and shifts[0]:
        return (
            f"Every value is {abs(shifts[0]):.3g} too {'large' if shifts[0] > 0 else 'small'}, whatever the inputs are. "
            "Look for a constant that is added, or one that is missing."
        )
    return "Every element is off by the same amount: a number that depends on the inputs is added to all of them, or is missing."


def _rounded(seen: Seen) -> str | None:
    for digits in range(5):
        pairs = list(zip(seen.value, seen.expected))
        if all(
            near(v, np.round(v, digits), 1e-6, 0).all() and same(v, np.round(e, digits), 1e-6, 1e-6) for v, e in pairs
        ):
            made: Arrays = [np.round(e, digits) for e in seen.expected]
            if (
                sum(float(np.count_nonzero(m)) for m in made) >= 3
                and len({float(x) for m in made for x in m.flat}) >= 3
            ):
                to = "whole numbers" if not digits else f"{digits} decimal{'s' if digits > 1 else ''}"
                return f"Your values are rounded to {to}. Return them as they were computed."
    return None


def adds_up(arrays: Arrays, axis: int) -> bool:
    """Whether these are probabilities along an axis."""
    return all(bool((a >= 0).all()) and same(a.sum(axis), np.ones_like(a.sum(axis))) for a in arrays)
