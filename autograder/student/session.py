"""Where a check's record goes: into a comparison on a student's machine, or out of the jail while grading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from autograder.changes.repairs import Repair
from autograder.course.schema import Data
from autograder.errors import CheckFailed
from autograder.wall.calls import Call
from autograder.wall.facts import Facts
from autograder.wall.record import Record

Tried = Iterable[tuple[Repair, Record]]


class Session(Protocol):
    facts: Facts
    training: str  # "student", "author" or "grading": what fit does
    looks: bool  # whether what is seen at an answer's calls, and tried with it once more, is wanted beside what it returns
    stops: bool  # whether an interrupt comes from the student who waits for the verdict, and is answered by where the answer was
    training_steps: int  # while grading, of a model that was handed in without weights
    training_seconds: float  # of the processor, for these steps

    def submit(self, record: Record, calls: Sequence[Call] = (), trial: Tried = ()) -> None:
        """Take a record.

        Args:
            calls: how the student's functions were called in it: to be shown at once, or never.
            trial: small changes of the answer and what comes out with them, tried while one goes through it; in a copy of the process alone.
        """

    def given(self) -> frozenset[str]:
        """The lecture's own cells, which are no student's."""

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        """Where a training stands; for an author who waits for the reference models."""


_current: Session | None = None
_desk: Callable[[], Session] | None = None
_of_a_runner = False


def never_a_desk() -> None:
    """The runner's half: this process runs submissions, and only what :func:`use` sets takes their records."""
    global _of_a_runner
    _of_a_runner = True


def use(session: Session | None) -> None:
    """The runner's half of the seam: everything that is checked from now on goes to ``session``."""
    global _current
    _current = session


def otherwise(desk: Callable[[], Session]) -> bool:
    """The student's half: what makes a session where no runner has set one; whether that is so here."""
    global _desk
    _desk = None if _of_a_runner else desk
    return _desk is not None


def current() -> Session:
    """The runner's session, or that of the student's own desk.

    Raises:
        CheckFailed: the desk has no answers to compare with, or there is none.
    """
    if _current is not None:
        return _current
    if _desk is None:
        raise CheckFailed("Nothing is set up to take a check's record.")
    return _desk()


def split_seed() -> int:
    """Of the course in whose notebook this runs; the usual one where there is no course."""
    try:
        return current().facts.split_seed
    except CheckFailed:
        return Data().split_seed
