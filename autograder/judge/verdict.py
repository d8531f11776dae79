"""What is said about one exercise of one submission: status, points, a message, and a row for each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autograder.course.schema import Exercise
from autograder.wall.record import Failure

Status = Literal["correct", "partly correct", "wrong", "error", "not attempted", "could not run"]
NOT_ATTEMPTED = "Not attempted yet."


@dataclass(frozen=True)
class Row:
    """One named value of the answer, or one band of a loss."""

    name: str
    right: bool
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    exercise: str
    status: Status
    points: float
    max_points: float
    message: str = ""  # one diagnosis and one next step; empty if all is right
    rows: tuple[Row, ...] = ()
    recognised: tuple[str, ...] = ()  # the sentences of the mistakes found
    loss: float | None = None  # of a trained model


def refuse(exercise: str, rules: Exercise, message: str, status: Status = "error") -> Verdict:
    """No points, for a reason that lies outside the values."""
    return Verdict(exercise, status, 0.0, rules.points, message)


def describe(failure: Failure) -> str:
    """An exception in one sentence, with the student's own line."""
    what = f"{failure.name}: {failure.message}" if failure.message else failure.name
    if failure.name == "NotImplementedError":
        return f"Another answer that this one needs is not there yet ({what})."
    if failure.name == "NameError" and "is not defined" in failure.message:
        what = f"{failure.message}: is the cell that defines it missing, further down, or not run yet"
        return f"{what}? It is needed in line {failure.number} of your cell: {failure.line}" if failure.line else f"{what}?"
    if failure.line:
        return f"{what}, in line {failure.number} of your cell: {failure.line}"
    if "NoneType" in failure.message:  # in the check's own lines, which take apart what was returned
        return f"{what}. There is None where the check needs a value: does every function return its result?"
    return f"{what}."
