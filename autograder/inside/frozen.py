"""What all submissions of a lecture begin with, run once in the warm process itself: each fork goes on from there.

Only the course's own cells are run here, never a line of a student's: what runs in the warm process could change what every later fork finds.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograder.inside import no_autograd
from autograder.inside.child import (
    Frozen,
    WireSession,
    as_bytes,
    as_in_a_kernel,
    at_home,
    hand_out,
    outputs_within,
    without_a_terminal,
)
from autograder.inside.shell import RecordingShell
from autograder.inside.watch import state
from autograder.student import session

NOWHERE = -1  # a check among these cells has nobody to hand a record to, and fails


def run_once(job: dict[str, Any], files: bytes, folder: str) -> Frozen | None:
    """Run a job's cells in this process, for all forks to come.

    Returns nothing where a cell fails, or leaves something that forks would share, such as an open file or a thread: then this process is spoilt.
    """
    shell, here, stdin = RecordingShell.instance(), os.getcwd(), sys.stdin
    before = state()
    hand_out(job, files, folder)
    as_in_a_kernel(beside_first=job["beside_first"])
    if not job["autograd"]:
        no_autograd.switch_off()
    session.use(WireSession(job, NOWHERE))
    outputs_within(job["limits"], shell)
    shown = []
    with _descriptors_as_in_a_fork(shell):
        for cell in job["cells"]:
            with at_home(folder, shell, cell):
                shown.append(shell.run(cell["source"]))
    shell.close_loop()
    sys.stdin.close()
    sys.stdin = stdin
    path = sys.path.index("")
    del sys.path[path]  # this process never looks into a submission's folder
    os.chdir(here)
    failed = any(output["output_type"] == "error" for outputs in shown for output in outputs)
    if failed or _has_children() or state() != before:
        return None
    gc.collect()
    gc.freeze()
    return Frozen([as_bytes(outputs) for outputs in shown], path, random.getstate())


def _has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


@contextmanager
def _descriptors_as_in_a_fork(shell: RecordingShell) -> Iterator[None]:
    """Standard input, output and error by number; afterwards they are this process's own again."""
    kept = [os.dup(number) for number in range(3)]
    without_a_terminal()
    shell.raw.open()
    try:
        yield
    finally:
        shell.raw.close()
        for number, own in enumerate(kept):
            os.dup2(own, number)
            os.close(own)
