"""Wrong answers that are the same answer: those that returned equal values in every draw.

No cause is known of them, but what many gave alike has one.  Nothing is compared with the reference here, nor is a distance taken: an answer
belongs to a cluster if it is its first member's within the exercise's tolerance, and so an exercise's other answers do not change a cluster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import torch

from autograder.course.schema import Tolerance
from autograder.judge.evidence import alike
from autograder.wall.record import Draw, Record
from autograder.wall.sketch import Sketch, sketch

ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")  # in a message: another one in each process
Failed = tuple[tuple[str, str] | None, ...]


@dataclass
class _Group:
    """Clusters whose answers have one form: all that may be equal at all."""

    first: list[Record] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)
    numbers: torch.Tensor | None = None  # sketches of the first members, a row for each


def clusters(records: list[Record], tolerance: Tolerance) -> list[list[int]]:
    """Which of some answers to one exercise are equal, as their places in the list: each once, the most frequent answer first."""
    groups: dict[tuple[Failed, str], _Group] = {}
    for place, record in enumerate(records):
        sketched = sketch(record, record, tolerance.rtol, tolerance.atol)
        group = groups.setdefault((_failures(record), sketched.form if sketched else ""), _Group())
        same = next((number for number in _candidates(group, sketched) if _same(record, group.first[number], tolerance)), None)
        if same is not None:
            group.members[same].append(place)
            continue
        group.first.append(record)
        group.members.append([place])
        if sketched:
            row = sketched.numbers.unsqueeze(0)
            group.numbers = row if group.numbers is None else torch.cat([group.numbers, row])
    found = [members for group in groups.values() for members in group.members]
    return sorted(found, key=lambda members: (-len(members), members[0]))


def stops_with(record: Record) -> str | None:
    """The exception in which every draw ends; ``None`` if one does not."""
    names = {draw.failure.name if draw.failure else None for draw in record.draws}
    return names.pop() if len(names) == 1 else None


def _failures(record: Record) -> Failed:
    return tuple((draw.failure.name, ADDRESS.sub("0x", draw.failure.message)) if draw.failure else None for draw in record.draws)


def _candidates(group: _Group, sketched: Sketch | None) -> list[int]:
    """The clusters that an answer may belong to; a sketch excludes nearly all others without a look at their values."""
    if sketched is None or group.numbers is None:
        return list(range(len(group.first)))
    near: list[int] = sketched.near(group.numbers).nonzero().flatten().tolist()
    return near


def _same(record: Record, other: Record, tolerance: Tolerance) -> bool:
    return all(a.failure is not None or _same_draw(a, b, tolerance) for a, b in zip(record.draws, other.draws, strict=True))


def _same_draw(draw: Draw, other: Draw, tolerance: Tolerance) -> bool:
    return draw.values.keys() == other.values.keys() and all(alike(name, draw, other, tolerance) for name in draw.values)
