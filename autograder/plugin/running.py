"""The runner that all submissions of one nbgrader command share."""

from __future__ import annotations

import atexit
import sys
from pathlib import Path
from typing import Any

from traitlets import Bool
from traitlets.config import SingletonConfigurable

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.grading.secret import secret
from autograder.runner import jail
from autograder.runner.crew import Crew
from autograder.runner.frozen import FrozenRunner
from autograder.runner.host import Runner
from autograder.runner.kept import KeptRuns

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
        self.runner: Runner | Crew = FrozenRunner(self.unsafe)
        self.kept = KeptRuns(self.runner, None)
        atexit.register(self.close)

    def close(self) -> None:
        """End the runner."""
        self.runner.close()

    def use(self, runner: Runner | Crew) -> None:
        """Let another runner, or several, do the work."""
        if runner is not self.runner:
            self.runner.close()
            self.runner = runner
            self.kept = KeptRuns(runner, None)

    def keep(self, folder: Path, fresh: bool) -> None:
        """Keep what comes out of runs.

        Args:
            fresh: take nothing from there: all is run anew.
        """
        self.kept = KeptRuns(self.runner, folder, fresh)

    def ready(self, course: CourseDirectory) -> KeptRuns:
        """The runner, started. Where there is no jail, or one that shows the course, the whole command ends: nothing is graded."""
        try:
            if not self.runner.unsafe:
                jail.keep_out(course.root)
            secret(course)  # one that is no secret is told once, not for every student
            self.runner.ready(course.course.limits.disk_mb)
        except UserError as error:
            sys.exit(str(error))
        return self.kept
