"""The cells of a lecture as nbgrader has released them, by what its gradebook and a cell's own checksum say."""

from __future__ import annotations

import contextlib
from typing import Any

from nbgrader.utils import compute_checksum

from autograder.plugin import blank


def released_cells(notebook: Any) -> dict[str, Any]:
    """The cells that the gradebook knows, by id, as they were released."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    cells = {}
    for cell in notebook.source_cells:
        metadata = {
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
            "grade": cell.name in points,
            "grade_id": cell.name,
            "locked": bool(cell.locked),
            "schema_version": 3,
            "solution": cell.name in solutions,
            "task": False,
        }
        if cell.name in points:
            metadata["points"] = points[cell.name]
        cells[cell.name] = blank.cell(cell.cell_type == "code", cell.source, {"nbgrader": metadata})
    return cells


def as_it_was_released(cell: Any) -> bool:
    """Whether a cell is as nbgrader has released it, then or now: it has left a checksum of text and points there."""
    with contextlib.suppress(Exception):  # a stranger's metadata
        return bool(cell.metadata.nbgrader.checksum == compute_checksum(cell))
    return False
