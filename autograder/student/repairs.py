"""Where an answer goes wrong, found by trying: small changes of the student's own cells, and what the check's probe returns with each.

It runs in a copy of the process, and in no other: a changed cell may change whatever the notebook holds.
"""

from __future__ import annotations

import linecache
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

import torch

from autograder.changes.repairs import Repair, repairs
from autograder.student.again import quietly
from autograder.student.neutral import beside, neutral
from autograder.student.open_figures import fresh_figures
from autograder.student.own_line import Given, is_cell, is_own, names_of
from autograder.student.plainly import OddError, alike
from autograder.wall.record import Draw, Record

SECONDS = 2.0  # of the processor, for all changes of an answer
PATIENCE = 2  # times as long on the clock: a cell may sleep
MOST_SECONDS = SECONDS + 2  # after which the kernel should end what hears no alarm
FEWEST = 20  # changes for which there has to be time: of an answer that takes longer none is tried
SHORTEST, FACTOR = 0.02, 4  # seconds that one may take at least; times as long as the answer itself
LIKELIEST, LONGEST = 8, SECONDS / 10  # the first changes, and seconds for each: an answer that returns too early takes less time than a right one
MOST_SLOW = 5  # changes that take longer than that; then the cell itself does
MOST_CELLS = 2


@dataclass(frozen=True)
class Trial:
    """What is needed to try changes of an answer: a check, and what came out of it."""

    probe: Callable[[torch.Generator], Any]
    record: Record
    seeds: list[int]
    given: Given
    gradients: bool
    attempt: Callable[..., Draw]
    seconds: float  # of the processor that the answer took, for all draws

    def __iter__(self) -> Iterator[tuple[Repair, Record]]:
        """Changes with which something else comes out, and that; for as long as there is time."""
        space: dict[str, Any] = self.probe.__globals__
        if self.seconds > SECONDS / FEWEST:
            return
        before, end, latest = dict(space), time.process_time() + SECONDS, time.monotonic() + PATIENCE * SECONDS
        each, tried, slow = max(SHORTEST, FACTOR * self.seconds), 0, 0
        torch.set_num_threads(1)  # those of the process that this is a copy of are not here
        warnings.simplefilter("ignore", SyntaxWarning)  # of a change that makes little sense
        for file, text in _own_cells(self.probe, self.given):
            for repair, code in repairs(text, file):
                if time.process_time() > end or time.monotonic() > latest:
                    return
                begun, tried = time.monotonic(), tried + 1
                draws = self._draws(code, space, each if tried > LIKELIEST else max(each, LONGEST))
                slow += time.monotonic() - begun > PATIENCE * SECONDS / FEWEST
                if slow > MOST_SLOW:
                    return
                space.update(before)
                if draws is not None and any(_differ(mine, other) for mine, other in zip(self.record.draws, draws)):
                    yield repair, Record(self.record.exercise, draws)

    def _draws(self, code: CodeType, space: dict[str, Any], seconds: float) -> tuple[Draw, ...] | None:
        """All draws with the changed cell; nothing where one fails."""
        draws: list[Draw] = []
        try:
            with quietly(seconds):
                exec(code, space)
                for seed in self.seeds:
                    with fresh_figures(shown=False), neutral(beside(seed)), torch.set_grad_enabled(self.gradients):
                        draws.append(self.attempt(self.probe, torch.Generator().manual_seed(seed)))
                    if draws[-1].failure:
                        return None
        except OddError:
            return None
        return tuple(draws) if len(draws) == len(self.seeds) else None


def _differ(mine: Draw, other: Draw) -> bool:
    if mine.failure or mine.values.keys() != other.values.keys():
        return True
    return not all(alike(value, other.values[name]) for name, value in mine.values.items())


def _own_cells(probe: Callable[..., Any], given: Given) -> list[tuple[str, str]]:
    """The student's cells that define what a probe names: their files, and texts."""
    found: dict[str, str] = {}
    space = getattr(probe, "__globals__", {})
    for name in sorted(names_of(probe)):
        for code in _codes_of(space.get(name)):
            file = code.co_filename
            if is_cell(file) and is_own(file, given):
                found.setdefault(file, "".join(linecache.getlines(file)))
    return list(found.items())[:MOST_CELLS]


def _codes_of(thing: Any) -> Iterator[CodeType]:
    """Of a function, or of the methods of a class."""
    parts = vars(thing).values() if isinstance(thing, type) else (thing,)
    for part in parts:
        code = getattr(part, "__code__", None)
        if isinstance(code, CodeType):
            yield code
