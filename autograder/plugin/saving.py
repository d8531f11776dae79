"""Scores and automatic comments go into the gradebook as ``nbgrader`` writes them, in one transaction for a submission.

nbgrader's own preprocessor asks for each cell's row by its names, and waits for the disk after each: a third of what judging costs.
"""

from __future__ import annotations

from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, Gradebook, MissingEntry
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.preprocessors.base import NbGraderPreprocessor


class SaveGrades(SaveAutoGrades):
    """What is written for a cell is nbgrader's own code."""

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
        return self._found(Grade, cell)

    def find_comment(self, cell: str, *_: str) -> Comment:
        return self._found(Comment, cell)

    def _found(self, kind: type, cell: str) -> Any:
        if cell not in self.rows[kind]:
            raise MissingEntry(f"No such {kind.__name__.lower()}: {cell}")
        return self.rows[kind][cell]
