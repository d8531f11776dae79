"""What all submissions of a lecture begin with, run once in the warm process itself: each fork goes on from there.

Only the course's own cells are run here, never a line of a student's: what runs in the warm process could change what every later fork finds.
"""

from __future__ import annotations

import gc
import os
import random
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
    pages_held,
    without_a_terminal,
)
from autograder.inside.shell import RecordingShell
from autograder.inside.watch import memory_of, state
from autograder.student import session

ROOTS = ("/tmp", "/dev/shm")
CLOCKS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
LOOP = re.compile(r"\b(?:asyncio|await|async)\b")  # of each process its own
NOWHERE = -1  # a check among these cells has nobody to hand a record to, and fails


def run_once(job: dict[str, Any], files: bytes, folder: str) -> Frozen | None:
    """Run a job's cells in this process, for all forks to come.

    Returns nothing where a cell fails, or leaves what a fork would find otherwise or share with others: an open file, memory that is common to
    processes, a file on the disk, a thread, a task of the event loop. Then this process is spoilt.
    """
    if any(LOOP.search(cell["source"]) for cell in job["cells"]):
        return None
    shell, here, drawn = RecordingShell.instance(), os.getcwd(), random.getstate()
    hand_out(job, files, folder)
    as_in_a_kernel(beside_first=job["beside_first"])
    if not job["autograd"]:
        no_autograd.switch_off()
    pages, memory = pages_held(), memory_of(os.getpid())
    before = _left_behind(), state()
    session.use(WireSession(job, NOWHERE))
    outputs_within(job["limits"], shell)
    shown = []
    with _descriptors_as_in_a_fork(shell):
        for cell in job["cells"]:
            with at_home(folder, shell, cell):
                shown.append(shell.run(cell["source"]))
    shell.close_loop()
    failed = any(output["output_type"] == "error" for outputs in shown for output in outputs)
    if failed or _has_children() or "" not in sys.path or (_left_behind(), state()) != before:
        return None
    path = sys.path.index("")
    del sys.path[path]  # this process never looks into a submission's folder
    os.chdir(here)
    gc.collect()
    gc.freeze()
    after, more = random.getstate(), max(0, memory_of(os.getpid()) - memory)
    return Frozen([as_bytes(outputs) for outputs in shown], path, after if after != drawn else None, pages, more)


def _left_behind() -> tuple[Any, ...]:
    """What stands where a submission may write, which memory is common to processes, and who waits for a signal or the clock."""
    maps = [line.split(maxsplit=2) for line in Path("/proc/self/maps").read_text().splitlines()]
    common = [(place, rest) for place, rights, rest in maps if rights[1] == "w" and rights[3] == "s"]
    handlers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    return list(_files()), common, handlers, [signal.getitimer(clock) for clock in CLOCKS]


def _files() -> Iterator[tuple[Any, ...]]:
    for root in ROOTS:
        disk = os.lstat(root).st_dev
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if os.lstat(os.path.join(folder, name)).st_dev == disk]  # not what is mounted there
            yield folder, os.lstat(folder).st_mode, sorted(folders)
            for path in sorted(os.path.join(folder, name) for name in names):
                found = os.lstat(path)
                yield path, found.st_mode, found.st_size, found.st_mtime_ns


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
