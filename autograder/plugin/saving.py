"""What ``nbgrader`` asks its gradebook for, a cell at a time, is asked for all cells at once; scores are written in one transaction.

nbgrader's own preprocessors ask for each cell's row by its names, and wait for the disk after each score: that was 37 % of the time of judging a
kept run, and the rows as they were released another 7. What is done with a row is nbgrader's own code.
"""

from __future__ import annotations

from typing import Any

from nbgrader import preprocessors
from nbgrader.api import BaseCell, Comment, Grade, Gradebook, GradedMixin, MissingEntry, SourceCell
from nbgrader.preprocessors.base import NbGraderPreprocessor


class OverwriteCells(preprocessors.OverwriteCells):
    """Each cell is held against the row of the one that was released."""

    gradebook: Gradebook | SourceRows

    def preprocess_cell(self, cell: Any, resources: dict[str, Any], cell_index: int) -> tuple[Any, dict[str, Any]]:
        if not isinstance(self.gradebook, SourceRows):
            self.gradebook = SourceRows(self.gradebook, self.notebook_id, self.assignment_id)
        return super().preprocess_cell(cell, resources, cell_index)


class SourceRows:
    """One notebook's rows of cells as they were released, read at once; all else is asked of the gradebook itself."""

    def __init__(self, gradebook: Gradebook, notebook: str, assignment: str) -> None:
        self.gradebook = gradebook
        released = gradebook.find_notebook(notebook, assignment)
        self.source = {cell.name: cell for cell in released.source_cells}
        self.graded = {cell.name: cell for cell in (*released.task_cells, *released.grade_cells)}

    def find_source_cell(self, cell: str, *_: str) -> SourceCell:
        return _found(self.source, cell)

    def find_graded_cell(self, cell: str, *_: str) -> GradedMixin:
        return _found(self.graded, cell)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gradebook, name)


class SaveGrades(preprocessors.SaveAutoGrades):
    """A submission's scores and automatic comments."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        info = resources["nbgrader"]
        self.notebook_id, self.assignment_id, self.student_id = info["notebook"], info["assignment"], info["student"]
        with Gradebook(info["db_url"]) as gradebook:
            self.gradebook = AllRows(gradebook, self.notebook_id, self.assignment_id, self.student_id)
            nb, resources = NbGraderPreprocessor.preprocess(self, nb, resources)
            gradebook.db.commit()
        return nb, resources


class AllRows:
    """One notebook's rows, read at once, where nbgrader's code asks a gradebook for one after the other."""

    def __init__(self, gradebook: Gradebook, notebook: str, assignment: str, student: str) -> None:
        submitted = gradebook.find_submission_notebook(notebook, assignment, student).id
        self.rows: dict[type, dict[str, Any]] = {}
        for kind in (Grade, Comment):
            found = gradebook.db.query(kind, BaseCell.name).join(BaseCell, kind.cell_id == BaseCell.id)
            self.rows[kind] = {name: row for row, name in found.filter(kind.notebook_id == submitted)}
        self.db = self

    def commit(self) -> None:
        """Not yet: when all cells are done."""

    def find_grade(self, cell: str, *_: str) -> Grade:
        return _found(self.rows[Grade], cell)

    def find_comment(self, cell: str, *_: str) -> Comment:
        return _found(self.rows[Comment], cell)


def _found(rows: dict[str, Any], cell: str) -> Any:
    if cell not in rows:
        raise MissingEntry(f"No such cell: {cell}")
    return rows[cell]
