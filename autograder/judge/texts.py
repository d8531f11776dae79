"""Lists of texts, and texts alone: a letter too many at one end, another order, pieces joined, reversed, in other letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from autograder.judge.forms import brief

MOST = 2_000  # texts of all draws together that are looked at
LISTS = list[list[str]]
NUMBERS = re.compile(r"-?\d+")


def texts_of(values: list[Any]) -> LISTS | None:
    """All draws as lists of texts, a text alone as a list of one; ``None`` if there is something else among them."""
    found = [[value] if isinstance(value, str) else _flat(value) for value in values]
    if not all(isinstance(draw, list) and all(isinstance(text, str) for text in draw) for draw in found):
        return None
    return found if sum(map(len, found)) <= MOST and any(found) else None


def _flat(value: Any) -> Any:
    """A list of lists of whole numbers, such as shapes, as a list of texts."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(part, list) and all(type(n) is int for n in part) for part in value)
    ):
        return [repr(part) for part in value]
    return value


def of_texts(value: LISTS, expected: LISTS) -> str | None:
    """What all texts of all draws have in common, if it is the same for all of them."""
    if any(len(v) != len(e) for v, e in zip(value, expected)):
        return _too_many(value, expected)
    pairs = [(v, e) for mine, wanted in zip(value, expected) for v, e in zip(mine, wanted)]
    different = [(v, e) for v, e in pairs if v != e]
    if len({e for _, e in different}) < 2:
        return None
    if all(sorted(v) == sorted(e) for v, e in zip(value, expected)):
        orders = [says for says, whole in _orders() if all(v == whole(e) for v, e in zip(value, expected))]
        return orders[0] if len(orders) == 1 and sum(len(set(e)) for e in expected) > 3 else None
    for says, of in _changes():
        if all(v == of(e) for v, e in pairs):
            return says
    return (
        _ends(pairs, different)
        or _lengths(different)
        or _steps(pairs)
        or _one_place(value, expected)
        or _begin_alike(different)
    )


def _lengths(different: list[tuple[str, str]]) -> str | None:
    """Lists in a list that hold more or fewer numbers than they should."""
    if not all(text.startswith("[") for pair in different for text in pair):
        return None
    gaps = {len(NUMBERS.findall(mine)) - len(NUMBERS.findall(wanted)) for mine, wanted in different}
    if len(gaps) != 1 or not (gap := gaps.pop()):
        return None
    what = "number" if abs(gap) == 1 else "numbers"
    return (
        f"Where they differ, yours has {abs(gap)} {what} too {'many' if gap > 0 else 'few'}, "
        f"as in {brief(different[0][0])}. Is an axis left in, or taken away?"
    )


def _one_place(value: LISTS, expected: LISTS) -> str | None:
    for place, name in ((0, "first"), (-1, "last")):
        rest = slice(1, None) if place == 0 else slice(None, -1)
        if all(len(e) > 3 and v[place] != e[place] and v[rest] == e[rest] for v, e in zip(value, expected)):
            return f"Only the {name} element differs: {brief(value[0][place])}. All others are right."
    return None


def _changes() -> Iterator[tuple[str, Callable[[str], str]]]:
    yield "Each text is reversed: its letters stand in the opposite order.", lambda e: e[::-1]
    yield "The texts are right but for small and capital letters.", lambda e: e.lower()
    yield "The texts are right but for small and capital letters.", lambda e: e.upper()
    yield "The texts are right but for small and capital letters.", lambda e: e.capitalize()
    yield "The texts are right but for spaces at their ends.", lambda e: e.strip()
    yield "The two parts of each text have changed places.", lambda e: " ".join(reversed(e.split(" ")))


def _orders() -> Iterator[tuple[str, Callable[[list[str]], list[str]]]]:
    yield "The right texts, in the reverse order.", lambda e: e[::-1]
    yield "The right texts, but sorted. Leave them in the order in which they came.", sorted
    yield "The right texts, each one position too late.", lambda e: e[-1:] + e[:-1]
    yield "The right texts, each one position too early.", lambda e: e[1:] + e[:1]


def _ends(pairs: list[tuple[str, str]], different: list[tuple[str, str]]) -> str | None:
    """The same letters too many, or as many too few, at one end of every text."""
    v, e = pairs[0]
    extra = len(v) - len(e)
    if extra > 0 and all(mine == v[:extra] + wanted for mine, wanted in pairs):
        return f"Each text begins with {v[:extra]!r} too many; the rest is right."
    if extra > 0 and all(mine == wanted + v[len(e) :] for mine, wanted in pairs):
        return f"Each text ends with {v[len(e) :]!r} too many; the rest is right."
    gaps = {len(wanted) - len(mine) for mine, wanted in pairs}
    if len(gaps) == 1 and (gap := gaps.pop()) > 0:
        much = "character" if gap == 1 else f"{gap} characters"
        if all(mine == wanted[gap:] for mine, wanted in pairs):
            return f"The first {much} of each text {'is' if gap == 1 else 'are'} missing; the rest is right."
        if all(mine == wanted[:-gap] for mine, wanted in pairs):
            return f"The last {much} of each text {'is' if gap == 1 else 'are'} missing; the rest is right."
    if len(different) < 4:
        return None
    if all(mine[1:] == wanted for mine, wanted in different) and all(mine for mine, _ in pairs):
        return "Some texts have one character too many in front; the rest is right."
    if all(mine[1:] == wanted[1:] and mine and wanted for mine, wanted in pairs):
        return "The texts differ in their first character only; the rest is right."
    return None


def _steps(pairs: list[tuple[str, str]]) -> str | None:
    """The same words with other numbers in them, all off by the same."""
    if any(NUMBERS.sub("0", mine) != NUMBERS.sub("0", wanted) or wanted.startswith("[") for mine, wanted in pairs):
        return None
    gaps = {
        int(a) - int(b)
        for mine, wanted in pairs
        for a, b in zip(NUMBERS.findall(mine), NUMBERS.findall(wanted))
        if a != b and len(a + b) < 30
    }
    if len(gaps) != 1:
        return "The words are right, the numbers in them are not." if gaps else None
    gap = gaps.pop()
    return f"The words are right; the numbers in them are {abs(gap)} too {'large' if gap > 0 else 'small'}. Where does the counting begin?"


def _begin_alike(different: list[tuple[str, str]]) -> str | None:
    if len(different) < 4 or any(NUMBERS.search(mine + wanted) for mine, wanted in different):
        return None
    if all(wanted.startswith(mine) for mine, wanted in different):
        return "Each text begins right and ends too early. Look at when the loop stops."
    if all(mine.startswith(wanted) for mine, wanted in different):
        return "Each text begins right and goes on too long. Look at when the loop stops."
    if all(mine[:1] == wanted[:1] and mine[:1] for mine, wanted in different):
        return (
            "Each text begins with the right character and goes on wrongly. Look at what changes after the first step."
        )
    return None


def _too_many(value: LISTS, expected: LISTS) -> str | None:
    """Texts that are missing or too many, the others as they should be."""
    if all("".join(v) == "".join(e) for v, e in zip(value, expected)):
        return "All characters are there, but cut into other pieces: joined where they should be apart, or apart where they should be joined."
    more = [len(v) - len(e) for v, e in zip(value, expected)]
    if not all(gap > 0 for gap in more) and not all(gap < 0 for gap in more):
        return None
    longer, shorter = (value, expected) if more[0] > 0 else (expected, value)
    too = "many" if more[0] > 0 else "few"
    if any(len(b) < 1 for b in shorter) or sum(map(len, shorter)) < 4 or len({text for b in shorter for text in b}) < 3:
        return _too_few_of_few(longer, shorter, too)
    if all(a[-len(b) :] == b for a, b in zip(longer, shorter)):
        return f"There are too {too} elements, at the beginning of the list; the others are right."
    if all(a[: len(b)] == b for a, b in zip(longer, shorter)):
        return f"There are too {too} elements, at the end of the list; the others are right. Look at where what you return ends."
    if all(set(b) == set(a) and len(set(b)) == len(b) for a, b in zip(longer, shorter)):
        return (
            "Some elements stand there more often than once."
            if too == "many"
            else "Elements that occur more than once are missing."
        )
    if all(_within(b, a) for a, b in zip(longer, shorter)):
        return f"There are too {too} elements, somewhere in the list; the others are right and in order."
    return None


def _too_few_of_few(longer: LISTS, shorter: LISTS, too: str) -> str | None:
    if too == "few" and all(len(b) == 1 and a[:1] == b and len(b[0]) > 3 for a, b in zip(longer, shorter)):
        return "Only the first element is there, and it is right. Does the function return within its loop?"
    return None


def _within(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(text in rest for text in part)
