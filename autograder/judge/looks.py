"""What was seen at the calls of a student's function, as a sentence: only where it explains why an answer is wrong.

The facts are a stranger's words. They word a message, and never earn a point. What is said of a dependence is held against the
reference, on whose calls the same was tried.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.arrange import arranged
from autograder.judge.diagnose import close
from autograder.judge.verdict import listed
from autograder.wall.plain import PLACE
from autograder.wall.record import WHOLE, Record

MOST = 0.5  # of the elements
LONGEST = 60  # characters of a name that a student has chosen


def seen_at_the_calls(record: Record, reference: Record, wrong: list[str], tolerance: Tolerance) -> str:
    """Why these values are wrong, by what was seen where the function was called; or nothing.

    Args:
        wrong: the names of all values that are wrong.
    """
    mine, theirs = _looks(record), _looks(reference)
    if not mine or not wrong or record.draws[0].failure:
        return ""
    return (
        _shared(mine, record, reference, wrong, tolerance)
        or _changed(mine, theirs, wrong)
        or _unsteady(mine, theirs)
        or (_ignored(mine, theirs, wrong) if _all_over(record, reference, wrong, tolerance) else "")
    )


def label(name: str, record: Record) -> str:
    """A value's name as the student knows it: a part of a tuple by its number, counted from 1, and what it is called in the line that returns it."""
    names, place = _texts(_looks(record), "returns"), PLACE.match(name)
    if not place:
        return name
    parts = {found[0] for value in record.draws[0].values if (found := PLACE.match(value))}
    number, inside = int(place[1]), name[place.end() :]
    which = f"value {number + 1}{f', in it {inside}' if inside else ''}"
    return f"{which} ({_short(names[number])})" if number < len(names) == len(parts) else which


def _looks(record: Record) -> dict[str, Any]:
    looks = record.facts.get("looks")
    return looks if isinstance(looks, dict) else {}


def _texts(looks: dict[str, Any], name: str) -> list[str]:
    found = looks.get(name)
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _shared(mine: dict[str, Any], record: Record, reference: Record, wrong: list[str], tolerance: Tolerance) -> str:
    """Two names of one tensor: where the two should differ, one of them is wrong whatever it holds."""
    draws = arranged(record, reference).draws
    pairs = _texts(mine, "shared")
    for a, b in zip(pairs[::2], pairs[1::2]):
        if not {a, b} & set(wrong) or {a, b} - reference.draws[0].values.keys() or {a, b} - draws[0].values.keys():
            continue
        expected = reference.draws[0].values
        exact = Tolerance(rtol=0.0, atol=0.0)
        if close(draws[0].values[a], draws[0].values[b], exact) and not close(expected[a], expected[b], tolerance):
            return (
                f"`{_short(a)}` and `{_short(b)}` are one and the same tensor in what you return: changing one in place, as += does, "
                "changes the other. Each needs memory of its own before it is changed."
            )
    return ""


def _changed(mine: dict[str, Any], theirs: dict[str, Any], wrong: list[str]) -> str:
    """An argument changed in place, where all that is wrong comes out otherwise if the function works on copies."""
    if not (changed := _changed_by(mine, theirs)) or not set(wrong) <= set(_texts(mine, "heals")):
        return ""
    return f"{changed}, and the values that are wrong here follow from that. Leave arguments as they are; work on a copy."


def changes_arguments(record: Record, reference: Record) -> str:
    """What a function that returns all that is right leaves otherwise than it was given; the reference shows what it may. Empty where it is nothing."""
    changed = _changed_by(_looks(record), _looks(reference))
    return changed and f"All that is returned is right, but {changed[0].lower()}{changed[1:]}. Whoever called it may still need that: work on a copy."


def with_variants(reference: Record, variants: list[Record]) -> Record:
    """The reference's record and what answers as right show: who changes an argument that one of them changes, or does without one
    that one of them does without, does no wrong."""
    looks, others = _looks(reference), [_looks(variant) for variant in variants]
    needed = [text for text in _texts(looks, "depends") if not any(_does_without(other, text) for other in others)]
    if len(needed) < len(_texts(looks, "depends")):
        looks = {**looks, "depends": needed}
        reference = replace(reference, facts={**reference.facts, "looks": looks})
    places = {_place(_looks(record), name) for record in (reference, *variants) for name in _texts(_looks(record), "changed")}
    changed = [name for place, name in enumerate(_texts(looks, "parameters")) if place in places]
    return replace(reference, facts={**reference.facts, "looks": {**looks, "changed": changed}}) if changed else reference


def _does_without(looks: dict[str, Any], dependence: str) -> bool:
    """Whether another value was tried for an argument, and that of a result stayed."""
    tried = looks.get("tried")
    return isinstance(tried, list) and dependence.partition(":")[0] in map(str, tried) and dependence not in _texts(looks, "depends")


def _changed_by(mine: dict[str, Any], theirs: dict[str, Any]) -> str:
    places = {_place(theirs, name) for name in _texts(theirs, "changed")}
    changed = [name for name in _texts(mine, "changed") if _place(mine, name) not in places]
    if not changed:
        return ""
    which = listed([f"`{_short(name)}`" for name in changed])
    return f"Your function changes what it is given: {which} {'is' if len(changed) == 1 else 'are'} not the same after the call as before"


def _place(looks: dict[str, Any], name: str) -> int:
    names = _texts(looks, "parameters")
    return names.index(name) if name in names else -1


def _unsteady(mine: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Two calls with the same arguments that end otherwise, where the reference's end alike."""
    kind = mine.get("unsteady")
    if kind not in ("global", "other") or "tried" not in theirs:
        return ""
    function = _short(str(mine.get("function")))
    if kind == "global":
        return (
            f"Called twice with equal arguments, `{function}` gives two results: it draws random numbers of its own. "
            "All that is random has to come from the generator, or the seed, that it is given."
        )
    return (
        f"Called twice with equal arguments, `{function}` gives two results: something is kept from one call to the next. "
        "A result may depend on the arguments only."
    )


def _ignored(mine: dict[str, Any], theirs: dict[str, Any], wrong: list[str]) -> str:
    """Arguments whose change leaves everything that is wrong as it was, and changes the reference's."""
    names, depends, should = _texts(mine, "parameters"), _texts(mine, "depends"), _texts(theirs, "depends")
    tried = mine.get("tried")
    if not isinstance(tried, list) or len(_texts(mine, "values")) == 0:
        return ""
    values = _texts(mine, "values")
    of_function = [name for name in values if name in wrong]  # what the probe hands on under the function's own names
    about = of_function if len(of_function) == len(wrong) else values
    ignored = []
    for place in tried:
        if type(place) is not int or not 0 <= place < len(names):
            continue
        matters = [name for name in about if f"{place}:{name}" in should]
        if len(matters) == len(about) and not any(f"{place}:{name}" in depends for name in about):
            ignored.append(names[place])
    if not ignored:
        return ""
    which = listed([f"`{_short(name)}`" for name in ignored])
    what = listed([f"`{_short(name)}`" for name in about if name != WHOLE and not name.startswith("[")]) if about is of_function else ""
    if what == "" and ignored == [names[p] for p in _generators(mine) if p < len(names)]:
        return (
            f"Your `{_short(str(mine.get('function')))}` returns the same whatever generator is given for {which}. Are its random numbers drawn from "
            "another one, or is a seed set inside?"
        )
    subject = f"{what} of your function" if what else f"The result of your `{_short(str(mine.get('function')))}`"
    verb = "stay" if what and len(about) > 1 else "stays"
    return (
        f"{subject} {verb} the same when {which} {'changes' if len(ignored) == 1 else 'change'}, and should depend on "
        f"{'it' if len(ignored) == 1 else 'each'}. Is something else used in {'its' if len(ignored) == 1 else 'their'} place?"
    )


def _all_over(record: Record, reference: Record, wrong: list[str], tolerance: Tolerance) -> bool:
    """Whether wrong tensors are of the right shape and wrong in most places: what depends on too little is not right nearly everywhere."""
    mine, expected = arranged(record, reference).draws[0].values, reference.draws[0].values
    pairs = [(mine.get(name), expected.get(name)) for name in wrong]
    tensors = [(a, b) for a, b in pairs if isinstance(a, Tensor) and isinstance(b, Tensor) and not close(a, b, tolerance)]
    if any(a.shape != b.shape for a, b in tensors):
        return False
    return all(float((~torch.isclose(a.double(), b.double(), tolerance.rtol, tolerance.atol)).double().mean()) > MOST for a, b in tensors if b.numel())


def _generators(looks: dict[str, Any]) -> list[int]:
    found = looks.get("generators")
    return [place for place in found if type(place) is int] if isinstance(found, list) else []


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
