"""Runners on other machines: what runs a submission here runs it there, and what comes back is taken as from a jail here.

Dask carries bytes to its workers and back, and gives the work of a worker that dies to another one (``runner/there.py``).
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from autograder.errors import UserError
from autograder.runner import there
from autograder.runner.carried import apart, result_of
from autograder.runner.host import START_SECONDS, Runner
from autograder.runner.job import Job, Result
from autograder.runner.reading import Asked, Read

CONNECT_SECONDS = 20.0
WORKERS_SECONDS = 60.0  # without any worker, until it is said that there is none
LOOK_SECONDS = 2.0  # between two looks at whether there still are workers
NEARBY = ("127.0.0.1", "localhost", "::1")
MISSING = "--scheduler needs the Python package 'distributed', which is not installed here: pip install distributed"
SAME = "Install the same on all machines."
READS = TypeAdapter(list[Read])


class Cluster:
    """The workers that a Dask scheduler knows. Use it as a context manager.

    Args:
        address: of the scheduler. Certificates for ``tls://`` come from Dask's own configuration (``distributed.comm.tls``).

    Raises:
        UserError: it cannot be reached.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UserError(MISSING) from None
        self.address = address
        try:
            self.client: Any = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except Exception as error:  # noqa: BLE001  whatever a wrong address, a closed port or a certificate leads Dask to
            raise UserError(f"The scheduler at {address} cannot be reached: {_in_one_line(error)}") from None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: Any) -> None:
        self.client.close()

    @property
    def open_to_all(self) -> bool:
        """Whether what goes over the network can be read and changed on the way."""
        return urlsplit(self.address).scheme != "tls" and (urlsplit(self.address).hostname or "") not in NEARBY

    def threads(self) -> int:
        """How many tasks its workers take at a time."""
        return sum(worker["nthreads"] for worker in self._workers().values())

    def runner(self) -> RemoteRunner:
        """One more submission at a time."""
        return RemoteRunner(self)

    def done(self, task: bytes, given_up: Callable[[], bool]) -> tuple[Any, bytes]:
        """What a worker makes of a task.

        Raises:
            UserError: each worker that had it died, or it cannot be run, as on this machine.
            SystemExit: none is left, or one that has come since cannot run anything: whoever is next would fare no better, so the command ends.
        """
        future = self.client.submit(there.done_here, task, key=f"submission-{uuid.uuid4().hex}", pure=False)
        try:
            answer = self._waited_for(future, given_up)
        finally:
            with contextlib.suppress(Exception):  # a scheduler that is gone cannot be told either
                future.cancel()
        about, behind = apart(answer)
        if there.FAILED in about:
            raise UserError(about[there.FAILED])
        if there.CANNOT in about:
            sys.exit(f"A worker of {self.address} cannot go on: {about[there.CANNOT]}")
        if there.OTHER in about:
            sys.exit(f"A worker of {self.address} has {about[there.OTHER]}. {SAME}")
        return about[there.DONE], behind

    def _waited_for(self, future: Any, given_up: Callable[[], bool]) -> bytes:
        missing = 0.0
        while True:
            try:
                return bytes(future.result(timeout=LOOK_SECONDS))
            except TimeoutError as error:
                if given_up():
                    raise UserError("The run was given up.") from None
                if future.status == "error":  # of the task itself; what has just been done well is taken in the next round
                    raise UserError(f"A worker of {self.address} did not come to the end of this submission: {_in_one_line(error)}") from None
                missing = 0.0 if self._workers() else missing + LOOK_SECONDS
                if missing > WORKERS_SECONDS:
                    sys.exit(f"All workers of {self.address} are gone. Start some, and type the same again: what was graded is in the gradebook.")
            except Exception as error:  # noqa: BLE001  of Dask's, or raised on a worker that has another package by this name
                raise UserError(f"A worker of {self.address} did not come to the end of this submission: {_in_one_line(error)}") from None

    def _workers(self) -> dict[str, Any]:
        try:
            return dict(self.client.scheduler_info(n_workers=-1)["workers"])
        except Exception:  # noqa: BLE001  Dask tries to reach its scheduler again by itself
            return {}

    def ready(self, disk_mb: int) -> None:
        """Start a jail on each worker. One that is busy or has just died is not waited for longer than a start may take: its first task tells.

        Raises:
            UserError: no worker is there or answers, one is not as this machine is, or has no jail.
        """
        try:
            self.client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise UserError(f"The scheduler at {self.address} has no worker. Start some: dask worker {self.address} --nthreads 1") from None
        here = there.versions()
        asked = {worker: self.client.submit(there.ready, disk_mb, workers=[worker], pure=False) for worker in self._workers()}
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and not all(future.done() for future in asked.values()):
            time.sleep(0.1)
        answered = sorted((worker, future) for worker, future in asked.items() if future.done())
        if not answered:
            raise UserError(f"No worker of {self.address} has answered for {START_SECONDS:.0f} s. They may be busy for others: try again when they are free.")
        for worker, future in answered:
            try:
                found = future.result()
            except Exception as error:  # noqa: BLE001  of Dask's, or of a package of this name that knows nothing of it
                raise UserError(f"The worker {worker} cannot run this kit: {_in_one_line(error)}. {SAME}") from None
            if there.CANNOT in found:
                raise UserError(f"The worker {worker} says: {found[there.CANNOT]}")
            if other := there.differences(found[there.DONE], here):
                raise UserError(f"The worker {worker} has {other}. {SAME}")


class RemoteRunner:
    """As :class:`~autograder.runner.host.Runner`, on whatever machine is free. An author's job runs here, beside the course."""

    unsafe = False

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.names = cluster, _RemoteNames(self)
        self.own: Runner | None = None
        self.given_up = threading.Event()

    def ready(self, disk_mb: int) -> None:
        """Each worker has started a jail (:meth:`Cluster.ready`); one that comes later starts it with its first submission."""

    def run(self, job: Job) -> Result:
        """As :meth:`Runner.run <autograder.runner.host.Runner.run>`.

        Raises:
            UserError: it cannot be run, and that is not the submission's fault.
        """
        if job.training != "grading" or any(cell.answers for cell in job.cells):
            self.own = self.own or Runner()
            return self.own.run(job)
        _, behind = self.done(there.to_run(job))
        result = result_of(behind, job)
        if result is None:
            raise UserError(f"A worker of {self.cluster.address} handed over what no run of this submission could have.")
        return result

    def done(self, task: bytes) -> tuple[Any, bytes]:
        return self.cluster.done(task, self.given_up.is_set)

    def give_up(self) -> None:
        """Nobody waits for what it runs any more."""
        self.given_up.set()
        if self.own is not None:
            self.own.give_up()

    def close(self) -> None:
        if self.own is not None:
            self.own.close()


class _RemoteNames:
    def __init__(self, runner: RemoteRunner) -> None:
        self.runner = runner

    def read(self, cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> list[Read]:
        told, _ = self.runner.done(there.to_read(cells, beside, kept, asked))
        try:
            found = READS.validate_python(told)
        except ValidationError:
            found = []
        if len(found) != len(asked):
            raise UserError("A worker did not say what it has read.")
        return found


def _in_one_line(error: Any) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
