"""What a person needs who grades a written answer: the model answer, and what earns the points. Students get neither."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.course.cells import LectureCell
from autograder.course.directory import CourseDirectory


def marking_file(course: CourseDirectory, lecture: str) -> Path:
    """Beside the source notebooks, never in what is released."""
    return course.build / "marking" / f"{lecture}.json"


def marking(cells: list[LectureCell]) -> dict[str, dict[str, str]]:
    """By exercise the Markdown of its model answer, and of its marking scheme if it has one."""
    found: dict[str, dict[str, str]] = {}
    for cell in cells:
        if cell.role in ("written", "marking"):
            found.setdefault(cell.exercise, {})[cell.role] = cell.source
    return found


def read_marking(course: CourseDirectory, lecture: str) -> dict[str, dict[str, str]]:
    """As the last build has left it; nothing where there was none."""
    path = marking_file(course, lecture)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
