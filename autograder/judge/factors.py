"""What a factor between yours and what is expected may be: said as far as it is seen, in draws of different size if they differ."""

from __future__ import annotations

import math
from collections.abc import Callable

LOGARITHMS = (
    (1 / math.log(2), "logarithms to base 2 in the place of natural ones"),
    (math.log(2), "natural logarithms in the place of those to base 2"),
    (1 / math.log(10), "logarithms to base 10 in the place of natural ones"),
    (math.log(10), "natural logarithms in the place of those to base 10"),
    (math.log2(10), "logarithms to base 2 in the place of those to base 10"),
    (math.log10(2), "logarithms to base 10 in the place of those to base 2"),
)
NEGATIVE = (
    "The sign is wrong everywhere: each element is the negative of what is expected. Look for a minus that is missing or one too many."
)
LOOK = {
    (True, True): ". Look for a factor too many, or a sum where a mean belongs.",
    (False, True): ". Look for a factor that is missing, or a mean where a sum belongs.",
}
MOST = 64  # n of n/(n - 1): larger ones lie so close to each other that a factor near 1 meets one by chance
OF_SIZE: tuple[tuple[Callable[[int], float], str, str], ...] = (
    (lambda n: n, "{n} times", "a sum in the place of a mean, or a division by the size that is missing?"),
    (lambda n: 1 / n, "1/{n} times", "a mean in the place of a sum, or a division by the size too many?"),
    (lambda n: n / (n - 1), "{n}/{m} times", "n - 1 where n belongs?"),
    (lambda n: (n - 1) / n, "{m}/{n} times", "n where n - 1 belongs?"),
    (lambda n: (n / (n - 1)) ** 2, "the square of {n}/{m} times", "n and n - 1 the wrong way round?"),
    (lambda n: ((n - 1) / n) ** 2, "the square of {m}/{n} times", "n and n - 1 the wrong way round?"),
    (
        lambda n: math.sqrt(n),
        "the square root of {n} times",
        "a norm in the place of a root of a mean, or a root of the size that is missing?",
    ),
    (lambda n: 1 / math.sqrt(n), "1 over the square root of {n} times", "a division by the root of the size too many?"),
    (lambda n: math.sqrt(n / (n - 1)), "the square root of {n}/{m} times", "n - 1 where n belongs, under the root?"),
    (lambda n: math.sqrt((n - 1) / n), "the square root of {m}/{n} times", "n where n - 1 belongs, under the root?"),
)


def factor_sentence(factors: list[float], shapes: list[tuple[int, ...]], lengths: frozenset[int] = frozenset()) -> str:
    """One factor for each draw, in words.

    Args:
        lengths: of the axes of all values of the answer, that are the same in all draws.
    """
    if all(math.isclose(factor, -1, rel_tol=1e-4) for factor in factors):
        return NEGATIVE
    if any(factor < 0 for factor in factors):
        wrong = [abs(factor) for factor in factors]
        if all(factor < 0 for factor in factors):
            return f"The sign is wrong, and {_lower(factor_sentence(wrong, shapes, lengths))}"
        return (
            "Every element is the same factor away from what is expected, in some draws with the other sign. "
            "Look for a factor whose sign depends on the inputs."
        )
    if said := _by_size(factors, shapes):
        return said
    first = factors[0]
    if not all(math.isclose(factor, first, rel_tol=1e-4) for factor in factors):
        return (
            "Every element is the same factor away from what is expected, but another factor for other inputs. "
            "Look for a number that all are multiplied with or divided by."
        )
    for constant, name in LOGARITHMS:
        if math.isclose(first, constant, rel_tol=5e-5):
            return f"Every value is {constant:.4f} times what is expected, as if these were {name}. Which logarithm is asked for?"
    return _by_itself(first, shapes, lengths)


def _by_size(factors: list[float], shapes: list[tuple[int, ...]]) -> str | None:
    """The factor follows an axis, whose length changes from draw to draw."""
    ndim = len(shapes[0])
    if any(len(shape) != ndim for shape in shapes):
        return None
    sizes = {f"the length of axis {axis}": [shape[axis] for shape in shapes] for axis in range(ndim)}
    if ndim > 1:
        sizes["the number of elements"] = [math.prod(shape) for shape in shapes]
    found = {}
    for what, lengths in sizes.items():
        if len(set(lengths)) < 2 or min(lengths) < 2:
            continue
        for of, name, why in OF_SIZE:
            if all(math.isclose(factor, of(n), rel_tol=2e-5) for factor, n in zip(factors, lengths)):
                found[what] = (
                    f"Every element is {_filled(name, lengths[0])} what is expected, where {lengths[0]} is {what}, and so in every draw: {why}"
                )
    if not found and ndim > 1:
        found = _by_the_other_size(factors, shapes)
    return next(iter(found.values())) if len(found) == 1 else None


def _by_the_other_size(factors: list[float], shapes: list[tuple[int, ...]]) -> dict[str, str]:
    """The factor is one length divided by another: a mean over one axis that is divided by the length of another."""
    found = {}
    ratios = {(a, b): [shape[a] / shape[b] for shape in shapes] for a in range(len(shapes[0])) for b in range(len(shapes[0])) if a != b}
    for (a, b), lengths in ratios.items():
        if len(set(lengths)) > 1 and all(math.isclose(factor, ratio, rel_tol=2e-5) for factor, ratio in zip(factors, lengths)):
            found[f"{a}/{b}"] = (
                f"Every element is {shapes[0][a]}/{shapes[0][b]} times what is expected, where {shapes[0][a]} is the length of axis {a} and "
                f"{shapes[0][b]} that of axis {b}, and so in every draw: a division by the length of axis {b} where that of axis {a} belongs?"
            )
    return found


def _by_itself(factor: float, shapes: list[tuple[int, ...]], lengths: frozenset[int]) -> str:
    """A factor that is the same in all draws."""
    sizes = {
        n for shape in shapes[:1] for n in (*shape, math.prod(shape)) if all(n in (*s, math.prod(s)) for s in shapes)
    }
    known = sizes | lengths
    for n in sorted(range(2, 1025), key=lambda n: n not in known):
        for of, name, why in OF_SIZE[:2]:
            if math.isclose(factor, of(n), rel_tol=1e-5):
                if n in known and n > 2:
                    size = f"; {n} is a size of {'this tensor' if n in sizes else 'another value of the answer'}: {why}"
                else:
                    size = LOOK.get((of(2) > 1, n > 7), ". Look for a factor that is missing or one too many.")
                return f"Every element is {_filled(name, n)} what is expected{size}"
    for n in sorted(range(3, MOST + 1), key=lambda n: n not in known):
        for of, name, why in OF_SIZE[2:]:
            if math.isclose(factor, of(n), rel_tol=2e-6):
                why = (
                    f": {why}"
                    if n in known or n > 8 or "square" in name
                    else ". Look for a factor too many, or one that is missing."
                )
                return f"Every element is {_filled(name, n)} what is expected{why}"
    if 0.8 < factor < 1.25:
        percent = abs(factor - 1) * 100
        return (
            f"Every element is {percent:.2g} % too {'large' if factor > 1 else 'small'}, by the same factor everywhere. "
            "Look for a small number, or a factor, that is left out or one too many."
        )
    if not any(shapes):  # single numbers: one that was picked from a list may be so by itself
        return f"Every element is {factor:.4g} times what is expected, in every draw. Is it another number, or is a factor missing, or one too many?"
    return f"Every element is {factor:.4g} times what is expected, the same everywhere. Look for a factor that is missing or one too many."


def _filled(name: str, n: int) -> str:
    return name.format(n=n, m=n - 1)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
