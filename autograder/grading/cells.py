"""A built or submitted notebook as the runner wants it: its code cells, and the files beside them."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import nbformat

from autograder.course.directory import CourseDirectory
from autograder.course.packaged import NAMES
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


def shared(cells: list[Cell], files: dict[str, bytes], course: CourseDirectory, lecture: str) -> int:
    """How many cells a submission begins with that are the course's own, byte for byte, and run alike for everybody.

    None where the notebook that was built is not there to compare with, or where a file was handed in that these cells could come upon.

    Args:
        files: what was submitted besides; a model's weights are read by its own cells alone, and names are the course's.
    """
    path = course.source(lecture)
    if not path.is_file() or not files.keys() <= {NAMES, *(f"{name}.safetensors" for name in course.lecture(lecture).exercises)}:
        return 0
    given = _first_given(path, path.stat().st_mtime_ns)
    alike = itertools.takewhile(lambda pair: pair[0].locked and pair[0].source == pair[1], zip(cells, given))
    return sum(1 for _ in alike)


@functools.lru_cache(maxsize=8)
def _first_given(path: Path, _: int) -> list[str]:
    """The code cells of a built notebook that come before the first one of a student."""
    code = code_of(built_notebook(path))
    about = [cell.metadata.get("nbgrader", {}) for cell in code]
    return [cell.source for cell, _ in itertools.takewhile(lambda pair: pair[1].get("locked") and not pair[1].get("grade"), zip(code, about))]


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_names(files: dict[str, bytes], course: CourseDirectory) -> dict[str, bytes]:
    """The submitted files, with the course's own names in place of whatever a student submitted."""
    return {**files, NAMES: course.names.read_bytes()}
