"""What is said about one exercise of one submission: status, points, a message, and a row for each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autograder.course.schema import Exercise

Status = Literal["correct", "partly correct", "wrong", "error", "not attempted", "could not run"]
NOT_ATTEMPTED = "Not attempted yet."


@dataclass(frozen=True)
class Row:
    """One named value of the answer, or one band of a loss."""

    name: str
    right: bool
    note: str = ""
    called: str = ""  # as the student knows the value, if that is not its name


@dataclass(frozen=True)
class Shown:
    """An input that fails, the value that is expected and the student's, for both places where it is read."""

    text: str
    html: str  # with everything of a student's escaped


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
    unseen: float | None = None  # the same on names that it was not trained on
    shown: Shown | None = None  # on a student's own machine alone
    compared: str = ""  # what was, in a few words; empty if nothing came that could be


def refuse(exercise: str, rules: Exercise, message: str, status: Status = "error") -> Verdict:
    """No points, for a reason that lies outside the values."""
    return Verdict(exercise, status, 0.0, rules.points, message)


def listed(words: list[str]) -> str:
    """Several words as a sentence has them: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
