"""A runner whose warm process has run what all submissions of a lecture begin with, so that each of them costs its own cells alone.

The cells are the course's own, byte for byte, and run in the warm process itself. A submission that begins otherwise runs in another process, which
has run nothing.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from dataclasses import replace
from typing import Any

from autograder.course.packaged import NAMES
from autograder.runner.host import START_SECONDS, Runner, received
from autograder.runner.job import CellResult, Job, Result
from autograder.runner.launch import Launched
from autograder.wall.frames import WireError, send

WORTH = 2  # times that a beginning is asked for before it is frozen: a single submission gains nothing
MORE = 8  # times that another one is asked for more often than this one twice before it takes its place
OWN_LIMITS = ("output_kb", "notebook_output_mb", "disk_mb")  # that decide what the first cells do


class FrozenRunner(Runner):
    """As :class:`~autograder.runner.host.Runner`, for a class whose submissions begin alike."""

    def __init__(self, unsafe: bool = False, early: Launched | None = None) -> None:
        super().__init__(unsafe, early=early)
        self.frozen = ""  # the beginning that the warm process has run
        self.wanted = ""  # the one that it is to have run
        self.asked: Counter[str] = Counter()
        self.unfit = {""}  # those that cannot be frozen
        self.other: Runner | None = None  # for what begins otherwise

    def run(self, job: Job) -> Result:
        """As :meth:`Runner.run <autograder.runner.host.Runner.run>`."""
        begins = "" if self.unsafe else beginning(job)
        self.asked[begins] += 1
        fit = begins not in self.unfit and self.asked[begins] >= WORTH
        if self.frozen not in ("", begins):
            if not fit or self.asked[begins] < 2 * self.asked[self.frozen] + MORE:
                return self._other().run(job)
            self.stop()
        self.wanted = begins if fit else ""
        return super().run(job)

    def _collect(self, job: Job, result: Result) -> int | None:
        if self.wanted and not self.frozen and not self._freeze(job):
            self.unfit.add(self.wanted)
            self.wanted = ""
            self.stop()
            self.ready(job.limits["disk_mb"])
        return super()._collect(job, result)

    def _freeze(self, job: Job) -> bool:
        """Let the warm process run the first cells for good; whether it has come to their end and is as it was."""
        assert self.socket is not None and self.frames is not None
        first = replace(job, cells=job.cells[: job.shared], files={NAMES: job.files[NAMES]})
        header = {**self._header(first, Result([CellResult() for _ in first.cells])), "freeze": True}
        send(self.socket.fileno(), header, job.files[NAMES])
        try:
            told = received(self.frames, time.monotonic() + START_SECONDS)[0]
        except WireError:
            return False
        if told.get("done") is not True:
            return False
        self.frozen = self.wanted
        return True

    def _other(self) -> Runner:
        self.other = self.other or Runner(self.unsafe)
        if self.given_up:
            self.other.give_up()
        return self.other

    def stop(self) -> None:
        """End the warm process and all that it has started; the next one has run nothing yet."""
        self.frozen = ""
        super().stop()

    def give_up(self) -> None:
        """End whatever runs, from another thread; nothing is run afterwards."""
        super().give_up()
        if self.other is not None:
            self.other.give_up()

    def close(self) -> None:
        """End all processes."""
        super().close()
        if self.other is not None:
            self.other.close()


def beginning(job: Job) -> str:
    """A name for the cells that all submissions share and all that decides what they do; nothing if this job cannot share them."""
    first = job.cells[: job.shared]
    if not first or any(cell.known for cell in first) or NAMES not in job.files:
        return ""
    about: list[Any] = [[cell.source, cell.locked] for cell in first]
    about += [job.facts, job.training, job.autograd, job.beside_first, [job.limits[name] for name in OWN_LIMITS]]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode() + job.files[NAMES]).hexdigest()
