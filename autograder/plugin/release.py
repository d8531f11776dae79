"""What ``nbgrader generate_assignment`` does besides its own: stubs that name their exercise, and due dates."""

from __future__ import annotations

import sys
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import ClearSolutions
from traitlets import Bool

from autograder.course.frame import YOUR_CODE
from autograder.course.notebook import ANSWER
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.lateness import agree, course_of, end_if_unknown


class ClearNamedSolutions(ClearSolutions):
    """A solution becomes ``raise NotImplementedError("<its exercise>")``, in a cell whose first line says that it is the student's."""

    def preprocess_cell(self, cell: Any, resources: dict[str, Any], cell_index: int) -> tuple[Any, dict[str, Any]]:
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix(ANSWER)
        self.code_stub = {"python": f'raise NotImplementedError("{exercise}")'}
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = f"{YOUR_CODE.format(exercise=exercise)}\n{cell.source}"
        return cell, resources


class ReleaseExporter(NotebookExporter):
    """Looks at the gradebook first: dates change there also where nbgrader leaves an assignment alone that has been released before.

    What cannot be generated is told before nbgrader has taken away the release that there was.
    """

    even_skipped = Bool(False, help="Also a lecture that course.yml leaves out, to know its stub").tag(config=True)

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        if getattr(self.parent, "assignments", None):
            course, name = course_of(self), self.parent.coursedir.assignment_id
            if name in course.skipped and not self.even_skipped:
                end_if_unknown(course, name)
            with Gradebook(self.parent.coursedir.db_url, self.parent.coursedir.course_id) as gradebook:
                agree(self, gradebook, name)
                if self.parent.force and name in course.course.lectures:
                    _end_if_graded(gradebook, name, set(course.lecture(name).exercises))


def _end_if_graded(gradebook: Gradebook, lecture: str, exercises: set[str]) -> None:
    """nbgrader takes no other exercises once a submission is in the gradebook."""
    try:
        assignment = gradebook.find_assignment(lecture)
    except MissingEntry:
        return
    known = {cell.name for notebook in assignment.notebooks for cell in notebook.grade_cells}
    if assignment.submissions and known and known != exercises:
        sys.exit(
            f"{lecture}: submissions are graded already, by other exercises than course.yml has now ({', '.join(sorted(known ^ exercises))}). nbgrader "
            f"cannot change that; this does, and keeps what people graded by hand: autograder build {lecture}"
        )


class SaveDueDate(CoursePreprocessor):
    """Puts a lecture's due date and extensions from ``course.yml`` into the gradebook, and takes away what is not there any more."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            agree(self, gradebook, resources["nbgrader"]["assignment"])
        return nb, resources
