"""A built or submitted notebook as the runner wants it: its code cells, and the files beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.runner.job import Cell

WALL = 3  # seconds on the wall for each of the processor's: neighbours cost nobody a point, only what hangs is ended


def built_notebook(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"{path}: there is no such file. Make it with: autograder build")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001  nbformat raises whatever a damaged file leads it to
        raise UserError(f"{path} is not a notebook ({error}). Make it again with: autograder build") from None


def cells_of(notebook: Any, course: CourseDirectory, lecture: str) -> list[Cell]:
    """The code cells of a sanitised notebook as the runner wants them."""
    limits, rules = course.course.limits, course.lecture(lecture).exercises
    cells = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        metadata = cell.metadata.get("nbgrader", {})
        name = metadata.get("grade_id", "")
        fits = name.removesuffix("_fit") if name.endswith("_fit") and name.removesuffix("_fit") in rules else None
        trains = fits or name in rules and rules[name].loss  # the check, too, may try a training
        seconds = limits.cell_seconds + WALL * limits.training_seconds if trains else None
        exercise = name if metadata.get("grade") and name in rules else None
        locked = bool(metadata.get("locked") or metadata.get("grade"))
        cells.append(Cell(cell.source, locked, given=locked, own=not metadata, exercise=exercise, fits=fits, seconds=seconds))
    return cells


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_names(files: dict[str, bytes], course: CourseDirectory) -> dict[str, bytes]:
    """The submitted files, with the course's own names in place of whatever a student submitted."""
    return {**files, "names.txt": course.names.read_bytes()}
