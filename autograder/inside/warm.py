"""The half that holds a student's code: a warm process that forks for each submission, and watches the fork.

It gets cells, files, seeds and limits, and returns bytes.  Nothing here decides about points, and nothing worth having is here.
In a jail it is PID 1: no signal from inside reaches it, and what it kills and wipes after a submission is all that was there.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace
from typing import Any

from autograder.wall.user import become, dumpable

if __name__ == "__main__" and len(sys.argv) > 2:  # in a jail, or as another user: before anything large is imported
    become(int(sys.argv[2]))
    os.makedirs(os.environ["HOME"], exist_ok=True)

import torch  # noqa: E402  imported once, here, for every submission

from autograder.inside.child import Frozen, pages_held, run_cells  # noqa: E402
from autograder.inside.frozen import run_once  # noqa: E402
from autograder.inside.pages import collapse  # noqa: E402
from autograder.inside.warming import load_late, mentions_late, prepare, warm_up  # noqa: E402
from autograder.inside.watch import Folders, Watch, end_all, state  # noqa: E402
from autograder.wall.frames import PATIENCE, Reader, WireError, send  # noqa: E402

FOLDER = "/tmp/submission"  # in a jail
GRACE_SECONDS = 2.0  # between the polite interrupt of a cell and its end
TICK_SECONDS = 0.1  # between two looks at what a submission uses
MAX_FILES = 20_000  # in the jail's folders
MAX_SOCKETS = 128  # each holds up to 200 KB that no process is charged with
NICE = 5  # whoever works at the machine comes first
PASSED_ON = (
    "cell",
    "outputs",
    "record",
    "repair",
    "fork failed",
    "progress",
    "file",
)  # "end" and "interrupted" are for this side to say
FRAME_SPARE = 1 << 20  # bytes of a record beyond its own limit: names and JSON
OUTPUT_FACTOR = 8  # JSON's escapes, images in base64 and tracebacks, beyond the cell's own limit


class Warm:
    """The warm process: one submission after the other, each in a fork."""

    def __init__(self, fd: int, jailed: bool) -> None:
        self.fd, self.jailed, self.collapsed = fd, jailed, False
        self.frozen: Frozen | None = None  # what all jobs begin with, once it has been run
        self.jobs = Reader(fd)
        self.folders = Folders("/tmp", "/dev/shm") if jailed else Folders()
        self.folders.renew()  # the first submission finds them as all others do

    def serve(self) -> None:
        """Jobs in, frames out, until the trusted half closes the connection or this process is no longer as it was."""
        send(self.fd, {"type": "ready", "torch": torch.__version__})
        before = state()
        while True:
            try:
                job, files = self.jobs.receive()
            except WireError:
                return
            if "torch._dynamo" not in sys.modules and mentions_late(job, files):
                self.load_late()
                before = state()
            if job["freeze"]:
                self.frozen = self.freeze(job, files)
                send(self.fd, {"type": "frozen", "done": self.frozen is not None})
                if self.frozen is None:
                    return
                before = state()  # with the standard input of all forks
                continue
            end = self.run(job, files)
            del files
            sound = end.pop("sound") and state() == before
            send(self.fd, {"type": "end", "leaving": not sound, **end})
            if not sound:
                return
            if not self.collapsed:  # not before the first submission, which would wait for it
                collapse()
                self.collapsed = True

    def load_late(self) -> None:
        """Import what is late; its memory is nobody's, also where the first cells have run before."""
        held = pages_held()
        load_late()
        if self.frozen:
            whole, data = (before + now - then for before, now, then in zip(self.frozen.pages, pages_held(), held))
            self.frozen = replace(self.frozen, pages=(whole, data))

    def new_folder(self) -> str:
        """A new one for a submission; in a jail the same for each."""
        if not self.jailed:
            return tempfile.mkdtemp(prefix="submission-")
        os.mkdir(FOLDER, mode=0o700)
        return FOLDER

    def freeze(self, job: dict[str, Any], files: bytes) -> Frozen | None:
        """Run a job's cells once for all jobs to come, and leave nothing of it in the folders."""
        prepare(job, files)
        frozen = run_once(job, files, self.new_folder())
        self.folders.renew()
        self.collapsed = False
        return frozen

    def run(self, job: dict[str, Any], files: bytes) -> dict[str, Any]:
        """Fork, relay the fork's frames within the limits, and leave nothing of it behind."""
        prepare(job, files)
        folder = self.new_folder()
        reading, writing = os.pipe()
        watch = Watch(self.jailed, self.frozen.memory if self.frozen else 0)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(self.fd)
                os.close(reading)
                os.setsid()
                dumpable(True)  # so that Python finds its own /proc/self/fd
                run_cells(job, files, folder, writing, self.jailed, self.frozen)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        watch.first = pid
        status, sound, clock = 0, True, Clock(job["limits"], job["seconds"], job["spent"], watch)
        try:
            reason = self.relay(reading, watch, clock, job)
        finally:
            os.close(reading)
            try:
                status = end_all(pid, self.jailed)
                self.folders.renew()
            except (OSError, RecursionError):  # TimeoutError is one of them
                sound = False
            if not self.jailed:
                shutil.rmtree(folder, ignore_errors=True)
        used = {"seconds": clock.worked, "cpu_seconds": watch.ended_seconds()}
        return {"reason": reason, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "sound": sound, **used}

    def relay(self, reading: int, watch: Watch, clock: Clock, job: dict[str, Any]) -> str:
        """Pass frames on until the fork is done or reaches a limit; says which."""
        limits = job["limits"]
        largest = max(limits["record_mb"] * 2**20, OUTPUT_FACTOR * limits["output_kb"] * 1024) + FRAME_SPARE
        frames = Reader(reading, int(max(largest, limits["file_mb"] * 2**20 if job["wanted"] else 0)))
        hangup = select.poll()
        hangup.register(self.fd, 0)
        next_look = 0.0
        while True:
            now = time.monotonic()
            if now >= next_look:
                if hangup.poll(0):
                    return "died"  # the grader is gone
                if reason := clock.reached(now) or self.too_much(watch, limits):
                    return reason
                next_look = now + TICK_SECONDS
            if (limit := clock.cell_is_over()) and now >= clock.grace_end:
                if clock.interrupted:
                    return limit
                os.kill(
                    watch.first, signal.SIGINT
                )  # a loop that does not catch it leaves the process alive for the cells to come
                send(self.fd, {"type": "interrupted", "limit": limit})
                clock.interrupted, clock.grace_end = True, now + GRACE_SECONDS
            try:
                frame = frames.receive(next_look)
            except WireError:
                return "died"
            if frame is None:
                continue
            kind = frame[0].get("type")
            if kind == "done":
                return "done"
            if kind == "cell":
                clock.begin(frame[0].get("cell"))
            if kind in PASSED_ON:
                send(self.fd, *frame)

    def too_much(self, watch: Watch, limits: dict[str, Any]) -> str:
        """The limit of memory or files that all processes together have reached, or nothing."""
        if len(watch.processes()) > 1 and watch.memory() > limits["memory_mb"] * 2**20:
            return (
                "memory_mb"  # of one process alone the kernel sees to it, and the cell gets an error that it can read
            )
        if self.folders.files() > MAX_FILES:
            return "disk_mb"
        if watch.sockets() > MAX_SOCKETS:
            return "sockets"
        return ""


class Clock:
    """Time and processor time of the running cell and of the notebook.

    A cell's time stands still while it waits for a processor that others have: neighbours cost nobody points.

    Args:
        seconds: of the cells that have a limit of their own, by number.
        spent: seconds, and seconds of the processor, that earlier runs of the same submission have used.
    """

    def __init__(self, limits: dict[str, Any], seconds: dict[str, float], spent: tuple[float, float], watch: Watch) -> None:
        self.limits, self.seconds, self.watch = limits, seconds, watch
        self.begun, self.left = time.monotonic(), limits["notebook_seconds"] - spent[0]
        self.cpu_left = limits["notebook_cpu_seconds"] - spent[1]
        self.worked = self.used = 0.0  # seconds, and of the processor, at the last look
        self.cell = -2
        self.begin(-1)

    def begin(self, cell: Any) -> None:
        """A cell begins, if it is one that comes after the running one: each has its time once."""
        if type(cell) is not int or cell <= self.cell:
            return
        self.look(time.monotonic())
        own = self.seconds.get(str(cell), self.limits["cell_seconds"])
        self.cell, self.interrupted, self.grace_end = cell, False, 0.0
        self.cell_end = self.worked + own
        self.cpu_end = self.used + self.limits["cell_cpu_seconds"] + own - self.limits["cell_seconds"]

    def look(self, now: float) -> None:
        self.worked = now - self.begun - self.watch.waited_seconds()
        self.used = self.watch.cpu_seconds()

    def cell_is_over(self) -> str:
        """The limit of the running cell that is reached, or nothing."""
        if self.worked >= self.cell_end:
            return "cell_seconds"
        return "cell_cpu_seconds" if self.used >= self.cpu_end else ""

    def reached(self, now: float) -> str:
        """The limit of the notebook that is reached, or nothing."""
        self.look(now)
        if self.worked >= self.left or now - self.begun >= PATIENCE * self.left:
            return "notebook_seconds"
        return "notebook_cpu_seconds" if self.used >= self.cpu_left else ""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # PID 1 gets from inside only signals that it handles: none
    os.nice(NICE)
    warm_up()
    Warm(int(sys.argv[1]), jailed=len(sys.argv) == 3).serve()
