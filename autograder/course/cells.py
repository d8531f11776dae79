"""The cells of a lecture file: what each is for, and which of them students get."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def is_as_released(cell: Mapping[str, Any]) -> bool | None:
    """Whether a cell of a notebook is as nbgrader has released it, by the checksum that it has left there: the same sum, where nbgrader need not
    be installed. ``None`` where there is no checksum.
    """
    about = cell["metadata"].get("nbgrader", {})
    if not isinstance(about, Mapping) or not isinstance(left := about.get("checksum"), str):
        return None
    grade, solution = bool(about.get("grade")), bool(about.get("solution"))
    locked = not solution and (grade or bool(about.get("locked")))
    told = [cell["source"], cell.get("cell_type", "code"), grade, solution, locked, about.get("grade_id"), *([_points(about)] if grade else [])]
    return left == hashlib.md5("".join(map(str, told)).encode(errors="replace"), usedforsecurity=False).hexdigest()


def _points(about: Mapping[str, Any]) -> float:
    points = about.get("points")
    return float(points) if isinstance(points, (int, float)) else 0.0


def has_code(text: str) -> bool:
    """Whether a cell holds more than comments. It may be a stranger's: nothing is parsed."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
