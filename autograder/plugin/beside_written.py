"""The formgrader's page: below each written answer what a person needs to grade it, which no student's page ever holds."""

from __future__ import annotations

from html import escape
from typing import Any

from nbformat.v4 import new_markdown_cell
from traitlets import List

from autograder.course.marking import read_marking
from autograder.plugin.base import CoursePreprocessor

OPEN = "<details open><summary><b>{title}: model answer and marking</b> (only who grades sees this)</summary>\n\n"


class ShowMarking(CoursePreprocessor):
    """Puts model answer and marking scheme below a written answer, on the formgrader's page alone."""

    display_data_priority = List().tag(config=True)  # nbgrader's preprocessors take it from nobody, and say so when an exporter gives it

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        lecture = resources.get("assignment_id")
        if "submission_id" not in resources or lecture not in self.course.course.lectures:
            return nb, resources  # feedback, or a page of another kind
        known, rules = read_marking(self.course, lecture), self.course.lecture(lecture).exercises
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            about = cell.metadata.get("nbgrader", {})
            name = about.get("grade_id")
            if cell.cell_type == "markdown" and about.get("grade") and about.get("solution") and name in known and name in rules:
                parts = [OPEN.format(title=escape(rules[name].title)), known[name]["written"]]
                parts += [f"\n\n{known[name]['marking']}"] if "marking" in known[name] else []
                cells.append(new_markdown_cell("".join([*parts, "\n\n</details>"])))
        nb.cells = cells
        return nb, resources
