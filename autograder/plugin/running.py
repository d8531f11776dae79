"""The runner that all submissions of one nbgrader command share."""

from __future__ import annotations

import atexit
import sys
from typing import Any

from traitlets import Bool
from traitlets.config import SingletonConfigurable

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.grading.secret import secret
from autograder.runner import jail
from autograder.runner.host import Runner

UNSAFE_NOTE = (
    "Graded without the jail (--SubmissionRunner.unsafe=True): each submission could read the course's files, the answers and "
    "other submissions, and write to them."
)


class SubmissionRunner(SingletonConfigurable):
    """Starts the jail before the first submission, or ends the command with what is missing."""

    unsafe = Bool(
        False, help="Run submissions without the jail. Only on the command line, never in a configuration file."
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        typed = any(word.startswith("--SubmissionRunner.unsafe=") for word in sys.argv)
        if self.unsafe and not typed:
            sys.exit("SubmissionRunner.unsafe must be typed, not configured: --SubmissionRunner.unsafe=True")
        if self.unsafe:
            self.log.warning(UNSAFE_NOTE)
        self.runner = Runner(self.unsafe)
        atexit.register(self.runner.close)

    def ready(self, course: CourseDirectory) -> Runner:
        """The runner, started. Where there is no jail, or one that shows the course, the whole command ends: nothing is graded."""
        try:
            if not self.unsafe:
                jail.keep_out(course.root)
            secret(course)  # one that is no secret is told once, not for every student
            self.runner.ready(course.course.limits.disk_mb)
        except UserError as error:
            sys.exit(str(error))
        return self.runner
