"""``autograder try``: a student's own kernel that does as grading does, as far as it can without anybody else's machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from autograder.course.schema import Limits
from autograder.student.own_line import Given

ASKED = "AUTOGRADER_TRY"  # in the environment of a kernel
LIMITS = Limits()  # the usual ones; a course's own stay with the course


def asked_for() -> bool:
    """Whether this process rehearses a grading."""
    return bool(os.environ.get(ASKED))


def begin(shell: Any, given: Callable[[], Given]) -> None:
    """Run locked cells with the kit's own functions and in the notebook's folder, whatever an answer has made of them.

    Args:
        shell: IPython's.
        given: the lecture's own cells.
    """
    import autograder

    folder = os.getcwd()
    kit = {name: getattr(autograder, name) for name in ("check", "check_loss", "fit")}

    def at_home(info: Any) -> None:
        if str(info.raw_cell).rstrip() in given():
            os.chdir(folder)
            shell.user_ns.update({name: own for name, own in kit.items() if name in shell.user_ns})

    shell.events.register("pre_run_cell", at_home)
