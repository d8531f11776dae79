"""nbgrader's converters in this process, with the warm process that the whole worker uses: what a command does, without its start.

A command costs three seconds before it begins, and as many for its warm process; a few tests type them all the same.
"""

from __future__ import annotations

import logging
from pathlib import Path

from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.plugin import configure
from autograder.plugin.converting import listening
from autograder.plugin.running import SubmissionRunner
from autograder.runner.host import Runner

CONVERTERS = {"generate_assignment": GenerateAssignment, "autograde": Autograde, "generate_feedback": GenerateFeedback}


def convert(folder: Path, command: str, lecture: str, runner: Runner, force: bool = False) -> str:
    """What ``nbgrader COMMAND LECTURE`` does in a course's folder, and says.

    Raises:
        NbGraderException: it fails for one of the submissions.
    """
    config = Config()
    configure(config, str(folder / "nbgrader_config.py"))
    directory = CourseDirectory(config=config)
    directory.assignment_id = lecture
    made = CONVERTERS[command](coursedir=directory, config=config)
    made.force = force
    SubmissionRunner.instance().use(runner)  # the plug-in's one runner of a process is the worker's own
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    with listening(made.log, handler):
        made.start()
    return "\n".join(lines)
