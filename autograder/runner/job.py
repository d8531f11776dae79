"""What a run depends on and what it gives: cells, files, seeds and limits in; outputs and records out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autograder.changes.repairs import Repair
from autograder.wall.record import Record


@dataclass
class Cell:
    """One code cell to run."""

    source: str
    locked: bool = False
    exercise: str | None = None  # whose check it is
    seconds: float | None = None  # its own time limit
    forks: list[str] = field(default_factory=list)  # other answers to check in copies of the process
    patient: list[int] = field(default_factory=list)  # which of them are right answers, and looked at as long as it takes
    together: bool = False  # whether several of them may share a copy
    many: dict[str, Any] | None = None  # sources, seconds, sketch: many more answers, several in one copy of the process
    fits: str | None = None  # the exercise whose model it trains
    own: bool = False  # added by the student: no cell of the lecture
    goes_on: bool = False  # behind a statement that fails, as one may from which another was taken
    known: str | None = None  # why it ended the process in an earlier run: it is left out, and this is said of it
    repair: bool = False  # whether small changes of the answer that is checked here are tried
    given: bool = False  # the lecture's: where a student's code ends in it, the line that is told is the student's own

    @property
    def answers(self) -> int:
        """How many other answers are checked here."""
        return len(self.forks) + (len(self.many["sources"]) if self.many else 0)


@dataclass
class CellResult:
    outputs: list[dict[str, Any]] = field(default_factory=list)
    ended: str | None = None  # why the cell did not come to its end, for the student to read
    ran: bool = False
    fatal: bool = False  # it ended the process, and the rest ran without it
    seconds: float = 0.0  # between its beginning and that of the next one


@dataclass
class Result:
    """What one submission's run returned."""

    cells: list[CellResult]
    records: dict[str, Record] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # exercise -> why its record was not taken
    forks: dict[tuple[str, int], Record | str] = field(default_factory=dict)  # (exercise, number) -> record or error
    repairs: dict[str, list[tuple[Repair, Record]]] = field(default_factory=dict)  # exercise -> changes, and what comes out with each
    files: dict[str, bytes] = field(default_factory=dict)
    kept: bool = False  # from an earlier run: nothing has run now
    name: str = ""  # under which it is kept, if it is
    lost: int = 0  # processes that were killed under it, from outside or from within
    seconds: float = 0.0  # of all runs together, without those in which it waited for a processor
    cpu_seconds: float = 0.0  # of the processor


@dataclass
class Job:
    """Cells, files, seeds and limits: all that a run depends on."""

    cells: list[Cell]
    files: dict[str, bytes]
    facts: dict[str, Any]  # of session.Facts
    limits: dict[str, Any]  # of course.Limits
    training: str = "grading"
    wanted: tuple[str, ...] = ()  # files to bring back
    autograd: bool = True  # whether torch differentiates anything
    beside_first: bool = True  # as in a notebook, a file beside it takes the place of a module that is installed
    shared: int = 0  # cells at the beginning that are the course's own, byte for byte, and run alike in every submission
    pictures: bool = True  # whether figures are drawn; not where nobody will see what the cells show
    say: Callable[[str], None] | None = None  # told how far a reference's training is
