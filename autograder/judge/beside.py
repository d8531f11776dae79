"""A value that belongs elsewhere: to another name, or another draw; or one that lacks, or repeats, what another name holds."""

from __future__ import annotations

import numpy as np

from autograder.judge.fitting import Array, Arrays, Seen, measured, no_chance, same

UNMOVED = (
    "Your value is the same for all inputs, while the expected one changes with them. Look for a number that is written down, "
    "kept from before, or a step that makes all inputs equal."
)
Others = dict[str, Seen]
MOST = 12  # other values that are tried: each with each would take long where there are 256


def of_another(name: str, seen: Seen, others: Others) -> str | None:
    """The value stands under another name, or is the same as another of yours."""
    if not seen.shapes_agree:
        return None
    for other, found in list(others.items())[:MOST]:
        if (
            _all_same(seen.value, found.expected)
            and _all_same(found.value, seen.expected)
            and no_chance(found.expected, seen.value, seen.expected)
        ):
            return f"{name!r} and {other!r} have changed places: each is right under the other's name."
    for other, found in list(others.items())[:MOST]:
        if (
            _all_same(seen.value, found.value)
            and no_chance(found.value, seen.value, seen.expected)
            and not _all_same(seen.expected, found.expected)
        ):
            return (
                f"Your {name!r} is the same as your {other!r}, and the two should differ. Are they computed alike, "
                "or one tensor, changed in place after it was stored?"
            )
    for other, found in list(others.items())[:MOST]:
        if _all_same(seen.value, found.expected) and no_chance(found.expected, seen.value, seen.expected):
            if _all_same(found.value, found.expected):
                return f"Your {name!r} is nothing but your {other!r}, which is right. Is the step between them missing, or without effect?"
            return f"What you return as {name!r} is what is expected as {other!r}. Are two names mixed up?"
    return None


def of_another_draw(seen: Seen) -> str | None:
    """The value does not follow the inputs."""
    count = len(seen.value)
    if count < 2 or not seen.shapes_agree or len({e.shape for e in seen.expected}) > 1:
        return None
    first = seen.expected[0]
    if all(same(first, e) for e in seen.expected[1:]):
        return None
    if all(same(v, seen.value[0], 1e-6, 1e-6) for v in seen.value[1:]):
        if seen.alone:
            moves = all(map(measured, seen.expected)) and not any(
                same(a, b) for a, b in zip(seen.expected, seen.expected[1:])
            )
        else:
            moves = any(no_chance([seen.value[0]], [seen.value[0]], [e]) for e in seen.expected)
        return UNMOVED if moves and seen.value[0].any() else None
    late, before = seen.value[1:], seen.expected[:-1]
    if _all_same(late, before) and no_chance(before, late, seen.expected[1:]):
        return "What you return is what was expected at the call before. Is something kept between calls that should begin anew?"
    return None


def with_another(name: str, seen: Seen, others: Others) -> str | None:
    """A term or a factor, that stands under another name, is missing or one too many."""
    if seen.kind != "f" or seen.alone or not seen.shapes_agree:
        return None
    found = set()
    with np.errstate(all="ignore"):
        for other, beside in list(others.items())[:MOST]:
            if beside.kind != "f" or any(e.ndim > v.ndim for e, v in zip(beside.expected, seen.value)):
                continue
            term = beside.expected
            if _fits(seen, term, lambda v, e, t: (v, e + t)):
                found.add(f"What you return{_as(name)} is what is expected plus {other!r}. Is it added once too often?")
            elif _fits(seen, term, lambda v, e, t: (v + t, e)):
                found.add(
                    f"What you return{_as(name)} and {other!r} add up to what is expected. "
                    "Look for a term that is missing, or is replaced where it should be added."
                )
            elif _fits(seen, term, lambda v, e, t: (v, e * t)):
                found.add(f"What you return{_as(name)} is what is expected times {other!r}. Is it a factor too many?")
            elif _fits(seen, term, lambda v, e, t: (v * t, e)):
                found.add(
                    f"What you return{_as(name)}, times {other!r}, is what is expected. Look for a factor that is missing."
                )
    return found.pop() if len(found) == 1 else None


def _as(name: str) -> str:
    return f" as {name!r}" if name else ""


def _fits(seen: Seen, terms: Arrays, of: object) -> bool:
    made: Arrays = []
    targets: Arrays = []
    for v, e, t in zip(seen.value, seen.expected, terms):
        try:
            a, b = of(v, e, t)  # type: ignore[operator]
        except ValueError:  # the shapes do not go together
            return False
        if a.shape != b.shape or a.shape != e.shape or not same(a, b) or not _moves(v, e):
            return False
        if np.ptp(t) <= 1e-3 * np.abs(t).max():  # a constant is no other value
            return False
        made.append(a)
        targets.append(b)
    return no_chance(made, targets, [np.full_like(t, np.nan) for t in targets])


def _moves(v: Array, e: Array) -> bool:
    return bool(np.abs(v - e).max() > 1e-3 * np.abs(e).max())


def _all_same(a: Arrays, b: Arrays) -> bool:
    return all(same(x, y) for x, y in zip(a, b))
