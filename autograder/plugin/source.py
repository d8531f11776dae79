"""What the built source notebook of a lecture says of its cells."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import nbformat

from autograder.course.notebook import earlier_prose


class CellsOf:
    """Counts how many cells of a lecture a notebook holds: by their ids, or by the text of those that are locked."""

    def __init__(self, source: Path) -> None:
        own = [(cell.metadata.nbgrader, cell.source.strip()) for cell in _cells_of(source) if "nbgrader" in cell.metadata]
        self.ids = {metadata.grade_id for metadata, _ in own}
        self.texts = {text for metadata, text in own if metadata.locked and text}

    def __call__(self, notebook: Any) -> int:
        named = (cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells)
        return sum(name in self.ids or cell.source.strip() in self.texts for name, cell in zip(named, notebook.cells))


def course_prose(source: Path) -> dict[str, str]:
    """The course's own Markdown, which may hold markup, by the id of its cell; also what notebooks of an earlier build hold."""
    earlier = earlier_prose(source)
    texts = json.loads(earlier.read_text(encoding="utf-8")) if earlier.is_file() else []
    return {f"earlier {text}": text for text in texts} | {cell.id: cell.source for cell in _cells_of(source) if cell.cell_type == "markdown"}


def _cells_of(source: Path) -> list[Any]:
    """To be read, not to be changed: a file is read once while it stays as it is."""
    return _read(source, source.stat().st_mtime_ns) if source.is_file() else []


@functools.lru_cache(maxsize=8)
def _read(source: Path, _: int) -> list[Any]:
    return list(nbformat.read(source, as_version=4).cells)


def ids(source: Path) -> dict[str, str]:
    """Of each released cell's own id the ``grade_id``."""
    return {cell.id: cell.metadata.nbgrader.grade_id for cell in _cells_of(source) if "nbgrader" in cell.metadata}
