"""The cells of a lecture file: what each is for, and which of them students get."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = (
    "exercise",
    "answer",
    "check",
    "fit",
    "oracle",
    "mistake",
    "variant",
    "written",
    "marking",
)  # each with the id of its exercise
SHIPPED = ("exercise", "answer", "check", "fit", "written", "prose", "provided")
EXTRA = ("oracle", "mistake", "variant")  # other answers: never in what students get
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class LectureCell:
    """One cell of a lecture file."""

    role: str  # one of ROLES, or "author", "prose", "provided"
    source: str
    line: int  # of its header in the file
    code: bool
    exercise: str = ""
    says: str = ""
    raises: str = ""  # the exception in which a mistake ends, if it returns nothing


def has_code(text: str) -> bool:
    """Whether a cell holds more than comments. It may be a stranger's: nothing is parsed."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
