"""What a worker of a cluster does: runs a submission's job in a jail of its own machine.

Bytes come, bytes go. Nothing but a job is known here: no course, no answers, no secret beyond the seeds of its inputs.
"""

from __future__ import annotations

import atexit
import contextlib
import queue
import sys
from collections.abc import Iterator
from dataclasses import astuple
from importlib.metadata import version
from typing import Any

from autograder.errors import UserError
from autograder.runner.carried import apart, job_of, job_to_bytes, result_to_bytes, with_json
from autograder.runner.frozen import FrozenRunner
from autograder.runner.host import Runner
from autograder.runner.job import Job
from autograder.runner.kept import code
from autograder.runner.reading import Asked

OTHER, CANNOT, FAILED, DONE = "other", "cannot", "failed", "done"
_idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()  # of this process: each works for one task at a time


def versions() -> dict[str, str]:
    """What has to be the same wherever submissions of one class run."""
    return {"Python": f"{sys.version_info[0]}.{sys.version_info[1]}", "torch": version("torch"), "numpy": version("numpy"), "the kit's code": code()[:12]}


def differences(there: dict[str, str], here: dict[str, str]) -> str:
    """What a worker has otherwise than where the class is graded; nothing if all is the same."""
    return "; ".join(f"{what} {there.get(what)}, here {here.get(what)}" for what in sorted({*there, *here}) if there.get(what) != here.get(what))


def ready(disk_mb: int) -> dict[str, Any]:
    """Start a jail here, and say which versions there are; why not, if it does not start.

    Args:
        disk_mb: as of :meth:`Runner.ready <autograder.runner.host.Runner.ready>`.
    """
    try:
        with _a_runner() as runner:
            runner.ready(disk_mb)
    except UserError as error:
        return {CANNOT: str(error)}
    return {DONE: versions()}


def to_run(job: Job) -> bytes:
    """A task: run a job."""
    return with_json({"versions": versions(), "do": "run"}, job_to_bytes(job))


def to_read(cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> bytes:
    """A task: look for forbidden names, as :meth:`NameReader.read <autograder.runner.reading.NameReader.read>`."""
    arguments = [cells, beside, sorted(kept), [astuple(one) for one in asked]]
    return with_json({"versions": versions(), "do": "read", "arguments": arguments})


def done_here(task: bytes) -> bytes:
    """Do a task in this process; says as JSON how it went, and what came of it behind.

    Nothing is raised: what cannot be done on this machine is told, and apart from it what cannot be done with this submission.
    """
    about, behind = apart(task)
    if differs := differences(versions(), about["versions"]):
        return with_json({OTHER: differs})
    try:
        with _a_runner() as runner:
            if about["do"] == "run":
                job = job_of(behind)
                runner.ready(job.limits["disk_mb"])
                try:
                    return with_json({DONE: None}, result_to_bytes(runner.run(job)))
                except UserError as error:
                    return with_json({FAILED: str(error)})
            return with_json({DONE: _read(runner, *about["arguments"])})
    except UserError as error:
        return with_json({CANNOT: str(error)})


def _read(runner: Runner, cells: list[str], beside: dict[str, str | None], kept: list[int], asked: list[list[Any]]) -> list[dict[str, Any]]:
    wanted = [Asked(tuple(forbid), tuple(asking)) for forbid, asking in asked]
    return [read.model_dump() for read in runner.names.read(cells, beside, set(kept), wanted)]


@contextlib.contextmanager
def _a_runner() -> Iterator[Runner]:
    """One that nobody uses, or a new one; it stays for the next task."""
    try:
        runner = _idle.get_nowait()
    except queue.Empty:
        runner = FrozenRunner()
        atexit.register(runner.close)
    try:
        yield runner
    finally:
        _idle.put(runner)
