"""``nbgrader collect``: which of a student's submissions is the newest, by times that are read as in grading."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

from autograder.course.dates import stamp
from autograder.plugin.lateness import course_of, zone_of
from autograder.plugin.stamps import settle


class Collect(ExchangeCollect):
    """nbgrader's own, which takes 10:00:00 EDT for a time in UTC."""

    def _path_to_record(self, path: str) -> dict[str, Any]:
        record = super()._path_to_record(path)
        with contextlib.suppress(ValueError):  # what cannot be read stays nbgrader's to judge; grading will tell
            written = record["filename"].rsplit("+", 3)[2]
            record["timestamp"] = stamp(written, zone_of(course_of(self))).replace(tzinfo=None)
        return record

    def copy_files(self) -> None:
        self._settle()
        super().copy_files()
        self._settle()

    def _settle(self) -> None:
        """What was collected before is compared by its stamp, and the formgrader reads it."""
        for record in self.src_records:
            student = record["username"]
            folder = self.coursedir.format_path(self.coursedir.submitted_directory, student, self.coursedir.assignment_id)
            settle(Path(folder), zone_of(course_of(self)), self.log)
