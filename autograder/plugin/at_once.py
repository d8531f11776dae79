"""A whole class through nbgrader's own converter, several submissions at a time: the same steps, files and rows as ``nbgrader autograde``.

Each submission is a piece of work that waits for its own jail alone (``runner/crew.py``). Between two runs it has the process for itself, so
one writer at a time has the gradebook, and what an interrupt leaves half done is what it leaves of ``nbgrader autograde``: it is graded again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import greenlet
from nbconvert.writers import FilesWriter
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from traitlets.config import Config

from autograder.course.dates import duration
from autograder.course.directory import CourseDirectory
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.judge.verdict import Verdict
from autograder.plugin.converting import Lines, find_work, is_done, listening, set_up, student_of, why
from autograder.plugin.interrupted import let_go
from autograder.plugin.lateness import HANDED_IN, PENALTY, course_of
from autograder.plugin.running import SubmissionRunner
from autograder.plugin.submission import SubmissionExporter
from autograder.runner.crew import Crew


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
    course: CourseDirectory,
    lecture: str,
    students: Sequence[str],
    crew: Crew,
    force: bool,
    begin: Callable[[int], object],
    done: Callable[[Graded | str], object],
    judged: Callable[[str, dict[str, Verdict]], object] = lambda student, verdicts: None,
) -> Outcome:
    """Grade what was handed in of a lecture.

    Args:
        students: names, or ``*`` for all.
        force: also what was graded before, and nothing that is kept is used.
        begin: told how many submissions are to be graded.
        done: told of each that is, or of the student whose submission could not be.
        judged: told whose submission has which verdicts.

    Raises:
        UserError: nothing was handed in by somebody; then nobody is graded.
    """
    config, directory = set_up(course, lecture)
    SubmissionRunner.instance(config=config).use(crew)
    lead = Autograde(coursedir=directory, config=config)
    lead.force = force
    outcome = Outcome()
    lines = Lines(greenlet.getcurrent)
    with listening(lead.log, lines):
        find_work(lead, students, lines, "There is nothing to grade: nothing was handed in at {where}.", without=True)
        lead.writer = FilesWriter(parent=lead, config=config)
        lead.convert_notebooks = lambda: _all(lead, config, crew, lines, outcome, begin, done, judged)
        lead.exporter = SubmissionExporter(parent=lead, config=config)
        outcome.said = lines.take()
        answer_key(course, lecture, SubmissionRunner.instance().kept, hidden_facts(course, lecture))  # once, before several ask for them at the same time
        lead.convert_notebooks()  # by now with the turn of this lecture's graders around it
    return outcome


def _all(
    lead: Autograde,
    config: Config,
    crew: Crew,
    lines: Lines,
    outcome: Outcome,
    begin: Callable[[int], object],
    done: Callable[[Graded | str], object],
    judged: Callable[[str, dict[str, Verdict]], object],
) -> None:
    spare: list[Converter] = []
    waiting = [folder for folder in sorted(lead.assignments) if lead.force or not is_done(lead, folder)]
    outcome.skipped = len(lead.assignments) - len(waiting)
    begin(len(waiting))

    def work(folder: str) -> Callable[[], None]:
        def one() -> None:
            converter = spare.pop() if spare else Converter(coursedir=lead.coursedir, config=config).for_submissions_of(lead)
            student = student_of(lead, folder)
            try:
                converter.assignments = {folder: lead.assignments[folder]}
                converter.convert_notebooks()
                graded = _graded(lead, student, converter.exporter.kept, lines.take())
                outcome.graded.append(graded)
                judged(student, converter.exporter.verdicts)
                done(graded)
            except MissingEntry:
                outcome.skipped += 1  # nbgrader was told to leave it out
            except NbGraderException:
                outcome.failed[student] = why(lines.take())
                done(student)
            finally:
                let_go(converter)
                spare.append(converter)

        return one

    crew.each(map(work, waiting))


def _graded(lead: Autograde, student: str, kept: bool, said: list[str]) -> Graded:
    lecture = lead.coursedir.assignment_id
    with Gradebook(lead.coursedir.db_url, lead.coursedir.course_id) as gradebook:
        submission = gradebook.find_submission(lecture, student)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        penalty = sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks)
        asks = sum(grade.needs_manual_grade for grade in grades)
        late = max(submission.total_seconds_late, 0)
        said = [line for line in said if not line.startswith(PENALTY)]
        if late:
            said = [line for line in said if not line.startswith(f"{student}: {HANDED_IN}")]
            said.append(f"{HANDED_IN} {duration(late)} late, which costs {f'{penalty:g} points' if penalty else 'nothing'}")
        return Graded(student, submission.score, submission.max_score, late, penalty, asks, kept, said)
