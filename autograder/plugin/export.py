"""``nbgrader export``: penalties by the points that people have given by now, and no lecture that is skipped."""

from __future__ import annotations

from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin

from autograder.plugin.lateness import agree, course_of


class CourseExport(CsvExportPlugin):
    """nbgrader's table of grades."""

    def export(self, gradebook: Gradebook) -> None:
        skipped = course_of(self).skipped
        names = [assignment.name for assignment in gradebook.assignments]
        for name in names:
            agree(self, gradebook, name)
        if not self.assignment and set(names) & set(skipped):
            self.log.warning("Left out, since course.yml skips it: %s", ", ".join(name for name in names if name in skipped))
            self.set_trait("assignment", [name for name in names if name not in skipped] or [""])  # an empty list means all of them
        super().export(gradebook)
