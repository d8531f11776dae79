"""A whole class through nbgrader's own converter, several submissions at a time: the same steps, files and rows as ``nbgrader autograde``.

Each submission is a piece of work that waits for its own jail alone (``runner/crew.py``). Between two runs it has the process for itself, so
one writer at a time has the gradebook, and what an interrupt leaves half done is what it leaves of ``nbgrader autograde``: it is graded again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import greenlet
from nbconvert.writers import FilesWriter
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory as NbgraderDirectory
from traitlets.config import Config

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.plugin import configure
from autograder.plugin.interrupted import let_go
from autograder.plugin.lateness import course_of
from autograder.plugin.notes import NOTE
from autograder.plugin.running import SubmissionRunner
from autograder.plugin.submission import SubmissionExporter
from autograder.runner.crew import Crew

CONFIG = "nbgrader_config.py"
AGAIN = "Removing existing assignment"  # what nbgrader says of each one that is graded once more
OURS = f"{UserError.__module__}.{UserError.__name__}: "  # before a sentence of ours in a traceback of nbgrader's


@dataclass
class Graded:
    """What came of one submission."""

    student: str
    points: float = 0.0
    most: float = 0.0
    seconds_late: float = 0.0
    penalty: float = 0.0
    asks: int = 0  # answers that wait for a person
    kept: bool = False  # no cell ran: all that was needed was kept
    said: list[str] = field(default_factory=list)  # what nbgrader would have put in its log as a warning


@dataclass
class Outcome:
    graded: list[Graded] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # student -> why nobody was graded there
    skipped: int = 0  # graded before, and nothing has changed
    said: list[str] = field(default_factory=list)  # about the lecture, not about one submission


class _Lines(logging.Handler):
    """Takes what nbgrader says, and for whom: the submission whose work it is that speaks."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: dict[Any, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if not (said := record.getMessage()).startswith(AGAIN):
            self.lines.setdefault(greenlet.getcurrent(), []).append(said)

    def take(self) -> list[str]:
        return self.lines.pop(greenlet.getcurrent(), [])


class Converter(Autograde):
    """nbgrader's, for one submission after the other."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.made: dict[bool, list[Any]] = {}  # preprocessors of both stages: nbgrader makes them anew for each submission

    def _init_preprocessors(self) -> None:
        if self._sanitizing not in self.made:
            super()._init_preprocessors()
            self.made[self._sanitizing] = self.exporter._preprocessors
        self.exporter._preprocessors = self.made[self._sanitizing]

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Both of nbgrader's stages, without the variable of the environment by which it tells a kernel what it is for.

        Here is no kernel, these overlap, and nbgrader takes the variable away twice.
        """
        for sanitizing in (True, False):
            self._sanitizing = sanitizing
            self._init_preprocessors()
            try:
                BaseConverter.convert_single_notebook(self, notebook_filename)
            finally:
                self._sanitizing = True
            notebook_filename = os.path.join(self.writer.build_directory, os.path.basename(notebook_filename))

    def for_submissions_of(self, lead: Autograde) -> Converter:
        """Made ready as ``start()`` makes one, without the work that is done once for a lecture."""
        self.force = lead.force
        self.writer = FilesWriter(parent=self, config=self.config)
        self.exporter = SubmissionExporter(parent=self, config=self.config)
        self.exporter.equip(course_of(self))
        self.exporter.share(lead.exporter)
        return self


def grade_class(
    course: CourseDirectory, lecture: str, student: str, crew: Crew, force: bool, begin: Callable[[int], object], done: Callable[[Graded | str], object]
) -> Outcome:
    """Grade what was handed in of a lecture.

    Args:
        student: a name, or ``*`` for all.
        force: also what was graded before, and nothing that is kept is used.
        begin: told how many submissions are to be graded.
        done: told of each that is, or of the student whose submission could not be.

    Raises:
        UserError: nothing can be graded, and why.
    """
    os.chdir(course.root)
    config = _config(course)
    directory = NbgraderDirectory(config=config)
    directory.assignment_id, directory.student_id = lecture, student
    SubmissionRunner.instance(config=config).use(crew)
    lead = Autograde(coursedir=directory, config=config)
    lead.force = force
    outcome = Outcome()
    lines = _Lines()
    with listening(lead.log, lines):
        try:
            lead.init_notebooks()
        except NbGraderException:
            where = directory.format_path(directory.submitted_directory, student, lecture)
            raise UserError(f"There is nothing to grade: nothing was handed in at {os.path.relpath(where, course.root)}.") from None
        lead.writer = FilesWriter(parent=lead, config=config)
        lead.convert_notebooks = lambda: _all(lead, config, crew, lines, outcome, begin, done)
        lead.exporter = SubmissionExporter(parent=lead, config=config)
        outcome.said = lines.take()
        answer_key(course, lecture, SubmissionRunner.instance().kept, hidden_facts(course, lecture))  # once, before several ask for them at the same time
        lead.convert_notebooks()  # by now with the turn of this lecture's graders around it
    return outcome


def _config(course: CourseDirectory) -> Config:
    """As every command of nbgrader's reads it in the course's folder; without a file there, as ``configure`` makes it."""
    app = NbGrader()
    app.load_config_file()
    if not (path := course.root / CONFIG).is_file():
        configure(app.config, str(path))
    return app.config


def _all(
    lead: Autograde, config: Config, crew: Crew, lines: _Lines, outcome: Outcome, begin: Callable[[int], object], done: Callable[[Graded | str], object]
) -> None:
    spare: list[Converter] = []
    waiting = [folder for folder in sorted(lead.assignments) if lead.force or not _is_graded(lead, folder)]
    outcome.skipped = len(lead.assignments) - len(waiting)
    begin(len(waiting))

    def work(folder: str) -> Callable[[], None]:
        def one() -> None:
            converter = spare.pop() if spare else Converter(coursedir=lead.coursedir, config=config).for_submissions_of(lead)
            student = _student(lead, folder)
            try:
                converter.assignments = {folder: lead.assignments[folder]}
                converter.convert_notebooks()
                graded = _graded(lead, student, converter.exporter.kept, lines.take())
                outcome.graded.append(graded)
                done(graded)
            except MissingEntry:
                outcome.skipped += 1  # nbgrader was told to leave it out
            except NbGraderException:
                outcome.failed[student] = _why(lines.take())
                done(student)
            finally:
                let_go(converter)
                spare.append(converter)

        return one

    crew.each(map(work, waiting))


def _student(lead: Autograde, folder: str) -> str:
    """By nbgrader's own pattern of folders, which a course may have set otherwise."""
    found = re.fullmatch(lead._format_source(re.escape(lead.coursedir.assignment_id), "(.*)", escape=True), folder, re.DOTALL)
    return found[1] if found else Path(folder).parent.name


def _is_graded(lead: Autograde, folder: str) -> bool:
    """Whether nbgrader would pass over it: what was outdated is gone by now, and what has a newer time is found by nbgrader itself."""
    target = Path(lead._format_dest(lead.coursedir.assignment_id, _student(lead, folder)))
    if not target.exists():
        return False
    new, old = lead.coursedir.get_existing_timestamp(folder), lead.coursedir.get_existing_timestamp(str(target))
    return not (new and old and new > old)


def _graded(lead: Autograde, student: str, kept: bool, said: list[str]) -> Graded:
    lecture = lead.coursedir.assignment_id
    with Gradebook(lead.coursedir.db_url, lead.coursedir.course_id) as gradebook:
        submission = gradebook.find_submission(lecture, student)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        penalty = sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks)
        asks = sum(grade.needs_manual_grade for grade in grades)
        return Graded(student, submission.score, submission.max_score, max(submission.total_seconds_late, 0), penalty, asks, kept, said)


def _why(said: list[str]) -> str:
    """The last line of what nbgrader says of a failure that is no traceback and no advice of its own."""
    own = [line for text in said for line in text.splitlines() if line.strip() and not line.startswith((" ", "There was an error", "Please", "Removing"))]
    return NOTE.sub("", own[-1]).strip().removeprefix(OURS) if own else "nbgrader did not say why"


@contextlib.contextmanager
def listening(log: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    """What nbgrader says goes to a handler, and nowhere else."""
    before = log.level, log.propagate, list(log.handlers)
    log.setLevel(logging.INFO)
    log.propagate, log.handlers = False, [handler]
    try:
        yield
    finally:
        log.setLevel(before[0])
        log.propagate, log.handlers = before[1], before[2]
