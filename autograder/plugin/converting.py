"""nbgrader's converters without its command line: their configuration, for whom they work, what is done already, and what they say."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory as NbgraderDirectory
from traitlets.config import Config

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.plugin import configure
from autograder.plugin.folders import folders
from autograder.plugin.notes import NOTE

CONFIG = "nbgrader_config.py"
AGAIN = "Removing existing assignment"  # what nbgrader says of each one that is converted once more
OURS = f"{UserError.__module__}.{UserError.__name__}: "  # before a sentence of ours in a traceback of nbgrader's


class Lines(logging.Handler):
    """Takes what nbgrader says, and for whom.

    Args:
        speaker: whose work it is that speaks now.
    """

    def __init__(self, speaker: Callable[[], Any] = lambda: None) -> None:
        super().__init__(logging.WARNING)
        self.speaker = speaker
        self.lines: dict[Any, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if not (said := record.getMessage()).startswith(AGAIN):
            self.lines.setdefault(self.speaker(), []).append(said)

    def take(self) -> list[str]:
        return self.lines.pop(self.speaker(), [])


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


def set_up(course: CourseDirectory, lecture: str) -> tuple[Config, NbgraderDirectory]:
    """What a converter is made with, in the course's folder."""
    os.chdir(course.root)
    config = _config_of(course)
    directory = NbgraderDirectory(config=config)
    directory.assignment_id = lecture
    return config, directory


def _config_of(course: CourseDirectory) -> Config:
    """As every command of nbgrader's reads it in the course's folder; without a file there, as ``configure`` makes it."""
    app = NbGrader()
    app.load_config_file()
    if not (path := course.root / CONFIG).is_file():
        configure(app.config, str(path))
    return app.config


def find_work(lead: BaseConverter, students: Sequence[str], lines: Lines, nothing: str, without: bool = False) -> None:
    """Let nbgrader find the work of each of some students; ``folders.names_of`` knows from then on that it is theirs.

    Args:
        students: names, or ``*`` for all.
        lines: takes what nbgrader says where it finds nothing, which is forgotten.
        nothing: the sentence about a student of whom there is nothing, with ``{where}`` in it.
        without: take a folder without a notebook, too: what stands there is told later.

    Raises:
        UserError: there is nothing of one of them.
    """
    lecture, found = lead.coursedir.assignment_id, dict[str, list[str]]()
    for student in students:
        lead.students, lead.coursedir.student_id = [student], student
        try:
            lead.init_notebooks()
        except NbGraderException:
            pass
        lines.take()  # where no notebook lies on top, there may be one in a zip
        there = folders(lead) if without else []
        if not lead.assignments and not there:
            where = os.path.relpath(lead._format_source(lecture, student), lead.coursedir.root)
            raise UserError(nothing.format(where=where))
        found |= lead.assignments or {str(folder): [str(folder / f"{lecture}.ipynb")] for folder in there}
    lead.assignments, lead.students = found, list(students)


def student_of(converter: BaseConverter, folder: str) -> str:
    """By nbgrader's own pattern of folders, which a course may have set otherwise."""
    found = re.fullmatch(converter._format_source(re.escape(converter.coursedir.assignment_id), "(.*)", escape=True), folder, re.DOTALL)
    return found[1] if found else Path(folder).parent.name


def is_done(converter: BaseConverter, folder: str) -> bool:
    """Whether nbgrader would pass over it: what was outdated is gone by now, and what has a newer time is found by nbgrader itself."""
    target = Path(converter._format_dest(converter.coursedir.assignment_id, student_of(converter, folder)))
    if not target.exists():
        return False
    new, old = converter.coursedir.get_existing_timestamp(folder), converter.coursedir.get_existing_timestamp(str(target))
    return not (new and old and new > old)


def why(said: list[str]) -> str:
    """The last line of what nbgrader says of a failure that is no traceback and no advice of its own."""
    own = [line for text in said for line in text.splitlines() if line.strip() and not line.startswith((" ", "There was an error", "Please", "Removing"))]
    return NOTE.sub("", own[-1]).strip().removeprefix(OURS) if own else "nbgrader did not say why"
