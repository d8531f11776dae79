"""What ``nbgrader generate_assignment`` does besides its own: stubs that name their exercise, and due dates."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearSolutions

from autograder.course.notebook import ANSWER
from autograder.plugin.base import CoursePreprocessor


class ClearNamedSolutions(ClearSolutions):
    """A solution becomes ``raise NotImplementedError("<its exercise>")``."""

    def preprocess_cell(self, cell: Any, resources: dict[str, Any], cell_index: int) -> tuple[Any, dict[str, Any]]:
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix(ANSWER)
        self.code_stub = {"python": f'raise NotImplementedError("{exercise}")'}
        return super().preprocess_cell(cell, resources, cell_index)


class SaveDueDate(CoursePreprocessor):
    """Puts a lecture's due date from ``course.yml`` into the gradebook."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        name = resources["nbgrader"]["assignment"]
        lecture = self.course.course.lectures.get(name)
        if lecture and lecture.due:
            due = lecture.due
            due = due.astimezone(UTC).replace(tzinfo=None) if due.tzinfo else due
            with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
                gradebook.update_or_create_assignment(name, duedate=due)
        return nb, resources
