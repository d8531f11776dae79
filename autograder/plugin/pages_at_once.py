"""The feedback pages of a whole class, several at a time: the same files as ``nbgrader generate_feedback``.

A page depends on nothing but its autograded notebook and the gradebook's row, and is drawn by the processor alone. So each process takes one
student after the other; what a stopped one leaves half written is found and written again.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from nbconvert.writers import FilesWriter
from nbgrader import api
from nbgrader.converters import GenerateFeedback
from nbgrader.converters.base import NbGraderException
from traitlets.config import Config

from autograder.course.directory import CourseDirectory
from autograder.plugin.converting import Lines, find_work, is_done, listening, set_up, student_of, why
from autograder.plugin.interrupted import let_go
from autograder.plugin.lateness import PENALTY
from autograder.wall.user import end_with_parent

KILLED = "the process that wrote it was killed; is there enough memory?"
NOT_WRITTEN = "nbgrader passed over it, and did not say why"
_writer: Any = None  # of this process


@dataclass
class Written:
    """What has become of a class."""

    pages: dict[str, Path] = field(default_factory=dict)  # student -> where it is
    failed: dict[str, str] = field(default_factory=dict)  # student -> why there is no page
    before: dict[str, Path] = field(default_factory=dict)  # of those that are passed over, where a page was written before
    skipped: int = 0  # written before and nothing has changed, or left out by nbgrader's own configuration
    said: list[str] = field(default_factory=list)


def write_pages(
    course: CourseDirectory, lecture: str, students: Sequence[str], jobs: int, force: bool, begin: Callable[[int], object], done: Callable[[str], object]
) -> Written:
    """Write the feedback of what was graded of a lecture.

    Args:
        students: names, or ``*`` for all.
        jobs: processes, at most.
        force: also what was written before.
        begin: told how many pages are to be written.
        done: told whose page is, or could not be.

    Raises:
        UserError: somebody has not been graded; then nothing is written.
    """
    config, directory = set_up(course, lecture)
    lead = GenerateFeedback(coursedir=directory, config=config)
    written, lines = Written(), Lines()
    with listening(lead.log, lines):
        find_work(lead, students, lines, f"Nothing is graded at {{where}}. First: autograder grade {lecture}")
        lead.exporter = lead.exporter_class(parent=lead, config=config)
        graded = lead.assignments
        written.said = lines.take()
        left_out = set(directory.student_id_exclude.split(","))
        waiting = [folder for folder in sorted(graded) if student_of(lead, folder) not in left_out and (force or not is_done(lead, folder))]
        written.skipped = len(graded) - len(waiting)
        passed = {student_of(lead, folder) for folder in graded} - {student_of(lead, folder) for folder in waiting} - left_out
        written.before = {student: page for student in sorted(passed) if (page := _page(lead, student)).is_file()}
        begin(len(waiting))
        api.create_engine(directory.db_url, echo=False, future=True).dispose()  # a fork shall not speak through its parent's connection
        _all(lead, config, waiting, jobs, force, written, done)
    return written


def _all(lead: GenerateFeedback, config: Config, waiting: list[str], jobs: int, force: bool, written: Written, done: Callable[[str], object]) -> None:
    def pool_of(size: int, force: bool = force) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(size, get_context("fork"), _begin, (lead, config, force, os.getpid()))

    jobs = max(1, min(jobs, len(waiting)))  # all are started with the first page
    left, again, running = list(reversed(waiting)), list[str](), dict[Future[tuple[str, list[str]]], str]()
    pool = pool_of(jobs)
    try:
        while left or again or running:
            while left and not again and len(running) <= jobs:
                folder = left.pop()
                try:
                    running[pool.submit(_write, folder, lead.assignments[folder])] = folder
                except BrokenProcessPool:  # one was killed while it had nothing to do
                    again.append(folder)
            if not running:  # what ran when one was killed, one alone after the other: now it shows whose page it is
                with pool_of(1, force=True) as alone:  # its folder is there, half done
                    folder = again.pop()
                    _took(lead, folder, alone.submit(_write, folder, lead.assignments[folder]), written, done)
                pool = pool if again else pool_of(jobs)
                continue
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                folder = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    again.append(folder)
                else:
                    _took(lead, folder, future, written, done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _took(lead: GenerateFeedback, folder: str, future: Future[tuple[str, list[str]]], written: Written, done: Callable[[str], object]) -> None:
    student = student_of(lead, folder)
    try:
        failure, said = future.result()
    except BrokenProcessPool:
        failure, said = KILLED, []
    if not failure and not _page(lead, student).is_file():
        failure = NOT_WRITTEN
    if failure:
        written.failed[student] = failure
        shutil.rmtree(_page(lead, student).parent, ignore_errors=True)  # nobody is to be given half a page
    else:
        written.pages[student] = _page(lead, student)
        written.said += [line for line in said if not line.startswith(PENALTY)]  # it stands on the page
    done(student)


def _page(lead: GenerateFeedback, student: str) -> Path:
    lecture = lead.coursedir.assignment_id
    return Path(lead._format_dest(lecture, student), f"{lecture}.html")


def _begin(lead: GenerateFeedback, config: Config, force: bool, parent: int) -> None:
    """In a process of its own: made ready as ``start()`` makes one, without the work that is done once for a lecture."""
    global _writer
    end_with_parent()
    if os.getppid() != parent:  # it ended before that was asked for
        os._exit(1)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # a bar may be drawn there, by a thread that is not in this process
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _writer = GenerateFeedback(coursedir=lead.coursedir, config=config)
    _writer.force, _writer.writer = force, FilesWriter(parent=_writer, config=config)
    _writer.exporter = _writer.exporter_class(parent=_writer, config=config)
    for preprocessor in _writer.preprocessors:
        _writer.exporter.register_preprocessor(preprocessor)


def _write(folder: str, notebooks: list[str]) -> tuple[str, list[str]]:
    """Why a page was not written, or nothing, and what nbgrader said of it."""
    lines = Lines()
    with listening(_writer.log, lines):
        _writer.assignments = {folder: notebooks}
        try:
            _writer.convert_notebooks()
            return "", lines.take()
        except NbGraderException:
            return why(lines.take()), []
        except BaseException as error:  # noqa: BLE001  whatever one page raises, the others are written
            return f"{type(error).__name__}: {error}", []
        finally:
            let_go(_writer)
