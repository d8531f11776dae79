"""The gradebook agrees with ``course.yml`` about due dates, extensions and what a delay costs.

nbgrader computes a penalty once, when it grades, from the points that there are by then.  Points that a person gives later count
as well: before anything shows a penalty it is computed again.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties

from autograder.course.dates import duration
from autograder.course.directory import CourseDirectory, line_of
from autograder.course.text import did_you_mean
from autograder.errors import UserError
from autograder.plugin.base import course_at

SECONDS = "%s is %s seconds late"  # in nbgrader's words
AGAIN = re.compile(r" is [\d.]+ seconds late$")
PENALTY = "Late submission penalty: "  # nbgrader says it without saying whose it is
HANDED_IN = "handed in"


class InWords(logging.Filter):
    """How late a submission is, of which nbgrader tells the seconds, twice."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == SECONDS and isinstance(record.args, tuple):
            submission, seconds = record.args
            student = getattr(getattr(submission, "student", None), "id", submission)
            record.msg, record.args = f"%s: {HANDED_IN} %s late", (student, duration(float(str(seconds))))
        return not AGAIN.search(str(record.msg))


def course_of(configurable: Any) -> CourseDirectory:
    """The course of anything of nbgrader's that :func:`~autograder.plugin.configure` has configured."""
    return course_at(configurable.config.CoursePreprocessor.course_file)


def zone_of(course: CourseDirectory) -> tzinfo | None:
    return ZoneInfo(course.course.timezone) if course.course.timezone else None


def agree(configurable: Any, gradebook: Gradebook, lecture: str) -> None:
    """Write a lecture's due date and extensions into the gradebook, and all its penalties anew by the points there are now.

    Args:
        configurable: of nbgrader; its configuration names the course and the plug-in that knows the late rule.
    """
    course, log = course_of(configurable), configurable.log
    try:
        assignment = gradebook.find_assignment(lecture)
    except MissingEntry:
        return
    if lecture not in course.course.lectures:
        return
    due = _as_stored(course.lecture(lecture).due)
    if assignment.duedate != due:
        tell = log.warning if assignment.duedate else log.info
        tell("%s: the gradebook said that it is due %s, course.yml says %s (UTC).", lecture, assignment.duedate or "never", due or "never")
        for submission in assignment.submissions:
            submission.extension = None  # of another date
        assignment.duedate = due
    rule = AssignLatePenalties(parent=configurable)
    rule.init_plugin()
    for submission in assignment.submissions:
        extend(submission, course)
        for notebook in submission.notebooks:
            cost = _cost(rule.plugin_inst, submission, notebook)
            if (notebook.late_submission_penalty or 0) != (cost or 0):
                before = notebook.late_submission_penalty or 0
                log.info("%s: %s: the delay costs %g points, not %g", submission.student.id, lecture, cost or 0, before)
            notebook.late_submission_penalty = cost
    gradebook.db.commit()


def end_if_unknown(course: CourseDirectory, lecture: str) -> None:
    """End nbgrader's command with a sentence where the course has no such lecture, or skips it."""
    try:
        course.lecture(lecture)
    except UserError as error:
        sys.exit(str(error))


def extend(submission: Any, course: CourseDirectory) -> None:
    """Give a submission the extension that ``course.yml`` has for its student, or none."""
    rules = course.lecture(submission.assignment.name)
    later = rules.extensions.get(submission.student.id)
    submission.extension = later.astimezone(UTC) - rules.due.astimezone(UTC) if later and rules.due else None


def agree_before(converter: Any) -> None:
    """:func:`agree` for the lecture of one of nbgrader's converters, and tell of extensions that are nobody's."""
    course, lecture = course_of(converter), converter.coursedir.assignment_id
    end_if_unknown(course, lecture)
    with Gradebook(converter.coursedir.db_url, converter.coursedir.course_id) as gradebook:
        agree(converter, gradebook, lecture)
        known = {student.id for student in gradebook.students}
    tell_unknown(converter, course, lecture, known)


def tell_unknown(converter: Any, course: CourseDirectory, lecture: str, known: set[str]) -> None:
    """Who has an extension and no folder in ``submitted/`` and no entry in the gradebook may be misspelt."""
    everybody = Path(converter.coursedir.format_path(converter.coursedir.submitted_directory, ".", "."))
    known = known | (set(os.listdir(everybody)) if everybody.is_dir() else set())
    for student in course.lecture(lecture).extensions:
        if student not in known:
            line = line_of(course.file, ("lectures", lecture, "extensions", student))
            hint = did_you_mean(student, known)
            converter.log.warning("%s:%d: the extension is for %r, of whom nothing is known so far.%s", course.file.name, line, student, hint)


def date_submission(converter: Any, lecture: str, student: str, when: datetime | None) -> None:
    """Give a submission that is about to be graded the time that its folder tells, and its extension; an older time is another submission's."""
    with Gradebook(converter.coursedir.db_url, converter.coursedir.course_id) as gradebook:
        submission = gradebook.find_submission(lecture, student)
        submission.timestamp = when
        extend(submission, course_of(converter))
        gradebook.db.commit()


def _cost(rule: Any, submission: Any, notebook: Any) -> float | None:
    """As nbgrader's own ``AssignLatePenalties``: never below 0, never more than there is."""
    if submission.total_seconds_late <= 0:
        return None
    cost = rule.late_submission_penalty(submission.student.id, notebook.score, submission.total_seconds_late)
    return None if cost is None else float(min(max(cost, 0), notebook.score))


def _as_stored(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None
