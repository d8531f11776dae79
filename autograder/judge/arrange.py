"""The student's values under the reference's names: the same numbers in another container are the same answer.

A list or tuple may stand for a tensor or list, a tensor or list for a tuple, a namedtuple for either, and whatever has the
right names for a dict. A tuple never stands for a dict: which value is which is part of what is asked.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import Any

from torch import Tensor

from autograder.judge.forms import wanted
from autograder.wall.plain import MAX_DEPTH, WHOLE
from autograder.wall.record import Draw, Record

INDICES = re.compile(r"(\[\d+\])+")
LAST_INDEX = re.compile(r"(.*)\[(\d+)\]", re.DOTALL)
FIELD = re.compile(r"([^.\[]+)(.*)", re.DOTALL)


def arranged(record: Record, reference: Record) -> Record:
    """A record whose draws have the names of the reference's, as far as their values can be found in it."""
    pairs = zip(record.draws, reference.draws)
    return replace(record, draws=tuple(_arranged(draw, model) for draw, model in pairs) + record.draws[len(reference.draws) :])


def _arranged(draw: Draw, model: Draw) -> Draw:
    names = list(model.values)
    if draw.failure or not names or list(draw.values) == names:
        return draw
    found = dict(draw.values)
    if not draw.named and not model.named:
        found = _positions_for_fields(found, names)
    for name in names:
        if name not in found:
            _gather(name, found, model.values[name])
    parents = _parents(names)
    for parent in parents:
        _split(parent, [name for name in dict.fromkeys(parents + names) if _parent(name) == parent], found)
    ordered = {name: found.pop(name) for name in names if name in found}
    return replace(draw, values=ordered | found)


def _positions_for_fields(values: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """A namedtuple's fields become positions where a tuple is asked for, and the other way round."""
    fields = _fields_of(values)
    wanted = _fields_of(names)
    if fields and not wanted:
        return {_with_position(name, fields): value for name, value in values.items()}
    if wanted and not fields:
        places = {f"[{position}]": field for position, field in enumerate(wanted)}
        heads = ((re.match(r"\[\d+\]", name), name, value) for name, value in values.items())
        return {(places.get(m[0], m[0]) + name[m.end() :] if m else name): value for m, name, value in heads}
    return values


def _fields_of(names: Any) -> list[str]:
    """The first parts of names, in their order; nothing where one of them is no field."""
    matches = [FIELD.fullmatch(name) for name in names]
    return list(dict.fromkeys(m[1] for m in matches if m)) if all(matches) else []


def _with_position(name: str, fields: list[str]) -> str:
    match = FIELD.fullmatch(name)
    return f"[{fields.index(match[1])}]{match[2]}" if match else name


def _gather(name: str, values: dict[str, Any], expected: Any) -> None:
    """The parts ``name[0]``, ``name[1]``, … become the list that is asked for as one value."""
    parts = {other: other[len(name) :] for other in values if other.startswith(f"{name}[")}
    if not parts or name == WHOLE and len(parts) < len(values) or not all(map(INDICES.fullmatch, parts.values())):
        return
    paths = {tuple(map(int, re.findall(r"\d+", path))): values[other] for other, path in parts.items()}
    whole = _listed(paths) if max(map(len, paths)) <= MAX_DEPTH else None
    if whole is not None:
        for other in parts:
            del values[other]
        values[name] = tuple(whole) if isinstance(expected, Tensor) else whole


def _listed(paths: dict[tuple[int, ...], Any]) -> list[Any] | None:
    """Values by their indices, as lists; ``None`` if an index is left out or stands for two things."""
    groups: dict[int, dict[tuple[int, ...], Any]] = {}
    for (first, *rest), value in paths.items():
        groups.setdefault(first, {})[tuple(rest)] = value
    if list(groups) != list(range(len(groups))):
        return None
    found: list[Any] = []
    for group in groups.values():
        if () in group and len(group) > 1:
            return None
        inner = group[()] if () in group else _listed(group)
        if inner is None and () not in group:
            return None
        found.append(inner)
    return found


def _parent(name: str) -> str | None:
    match = LAST_INDEX.fullmatch(name)
    return match[1] if match else None


def _parents(names: list[str]) -> list[str]:
    """Of parts, and of those parts that have parts themselves; the outer ones first."""
    found = set()
    for name in names:
        while (parent := _parent(name)) is not None:
            found.add(parent)
            name = parent
    return sorted(found, key=len)


def _split(parent: str, parts: list[str], values: dict[str, Any]) -> None:
    """A list or tensor becomes the parts that are asked for under names of their own."""
    value = values.get(parent)
    long_enough = isinstance(value, list) or isinstance(value, Tensor) and value.ndim > 0
    if long_enough and len(value) == len(parts) and not any(part in values for part in parts):  # type: ignore[arg-type]
        del values[parent]
        values.update(zip(parts, value))  # type: ignore[arg-type]


def other_container(draw: Draw, model: Draw) -> str | None:
    """What is said where none of the values that are asked for was returned: which container was, and which is expected."""
    found, names = list(draw.values), list(model.values)
    if not names or set(found) & set(names) or draw.named and model.named:
        return None
    if model.named:
        expected = f"a dict with the keys {_told(names)}"
    else:
        expected = wanted(model.values[WHOLE]) if names == [WHOLE] else f"a tuple of {len(names)} values"
    if draw.values.get(WHOLE, "") is None:
        return f"Nothing was returned (None); {expected} is expected. Does the function return its result?"
    if draw.named:
        return f"Return {expected}, not a dict (with the keys {_told(found)})." if found else f"Return {expected}, not an empty dict."
    this = wanted(draw.values[WHOLE]) if found == [WHOLE] else f"a list or tuple of {len(found)} values" if found else "an empty tuple"
    return f"Return {expected}, not {this}."


def absent(missing: list[str], others: list[str]) -> str:
    """Names of a dict that were not returned, and what was returned in their place."""
    said = f"Nothing was returned under {_told(missing)}."
    if not others:
        return said
    alike = {other.lower(): other for other in others}
    for name in missing:
        if found := difflib.get_close_matches(name.lower(), alike, 1):
            return f"{said} Is {_told([alike[found[0]]])} misspelt? {_told([name])} is expected."
    return f"{said} Other names were returned: {_told(others)}."


def _told(names: list[str]) -> str:
    """Names as they are shown, of which a student can make as many and as long ones as he likes."""
    shown = ", ".join(repr(name[:60]) for name in names[:12])
    return shown if len(names) <= 12 else f"{shown}, …"
