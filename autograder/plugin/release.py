"""What ``nbgrader generate_assignment`` does besides its own: stubs that name their exercise, and due dates."""

from __future__ import annotations

from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearSolutions
from traitlets import Bool

from autograder.course.notebook import ANSWER
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.lateness import agree, end_if_unknown


class ClearNamedSolutions(ClearSolutions):
    """A solution becomes ``raise NotImplementedError("<its exercise>")``."""

    def preprocess_cell(self, cell: Any, resources: dict[str, Any], cell_index: int) -> tuple[Any, dict[str, Any]]:
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix(ANSWER)
        self.code_stub = {"python": f'raise NotImplementedError("{exercise}")'}
        return super().preprocess_cell(cell, resources, cell_index)


class ReleaseExporter(NotebookExporter):
    """Dates change in the gradebook also where nbgrader leaves an assignment alone, which has been released before."""

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        if getattr(self.parent, "assignments", None):
            with Gradebook(self.parent.coursedir.db_url, self.parent.coursedir.course_id) as gradebook:
                agree(self, gradebook, self.parent.coursedir.assignment_id)


class SaveDueDate(CoursePreprocessor):
    """Puts a lecture's due date and extensions from ``course.yml`` into the gradebook, and takes away what is not there any more."""

    even_skipped = Bool(False, help="Also for a lecture that course.yml leaves out, to know its stub").tag(config=True)

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        name = resources["nbgrader"]["assignment"]
        if name in self.course.skipped and not self.even_skipped:
            end_if_unknown(self.course, name)
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            agree(self, gradebook, name)
        return nb, resources
