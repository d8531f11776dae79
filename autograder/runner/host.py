"""The trusted half: sends cells, believes nothing about what comes back but its values, and never stops for a submission."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from typing import Any

from autograder.errors import UserError
from autograder.runner import cgroup, jail, launch, outputs
from autograder.runner.job import CellResult, Job, Result
from autograder.runner.limits import ENDED, OF_THE_NOTEBOOK, ended
from autograder.runner.reading import NameReader
from autograder.runner.taking import FRAME_COST, room, take_record, take_repair
from autograder.wall.frames import PATIENCE, Frame, Reader, WireError, send

MAX_RERUNS = 12  # cells of one submission that may end the process, each of which costs one more run
MAX_LOST = 2  # processes that may be killed under a submission before its cells are blamed
START_SECONDS = 120.0  # for the warm process to come up, on the slowest machine
GIVEN_UP = "The run was given up."
SPARE_SECONDS = 30.0  # beyond the time after which the warm process should have ended the run; then the jail is given up


class Flood(WireError):
    """More than a submission may hand over."""


class Killed(WireError):
    """The fork of the warm process was killed, by the submission or from outside."""


class Silence(WireError):
    """Nothing comes, long after the warm process should have ended the run."""


class Runner:
    """One warm process in a jail and the jobs it runs, one at a time. Use it as a context manager.

    Args:
        unsafe: run submissions without the jail: only where somebody has typed it.
        plain: with torch's plainest instructions, which round as another machine might; nothing changes where it has no others.
        early: a warm process that has been started already, of the same kind.
    """

    def __init__(self, unsafe: bool = False, plain: bool = False, early: launch.Launched | None = None) -> None:
        self.unsafe, self.plain, self.early = unsafe, plain, early
        self.names = NameReader(unsafe)
        self.process: subprocess.Popen[bytes] | None = None
        self.socket: socket.socket | None = None
        self.frames: Reader | None = None
        self.group: cgroup.Group | None = None  # that the jail is in, where there are such
        self.disk_mb = 0  # of the jail that runs
        self.current = -1  # the cell that is running
        self.since = 0.0  # when it began
        self.given_up = False  # nobody waits for what it runs any more

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def ready(self, disk_mb: int) -> None:
        """Start the warm process if there is none, or none with such a disk.

        Args:
            disk_mb: what submissions may write, in MB.

        Raises:
            UserError: see :meth:`start`.
        """
        if self.process is None or self.disk_mb != disk_mb or self.process.poll() is not None:
            self.stop()
            self.start(disk_mb)

    def start(self, disk_mb: int) -> None:
        """Start the warm process.

        Raises:
            UserError: it cannot be started here, or there is no jail to start it in.
        """
        if not hasattr(os, "fork"):
            raise UserError(
                "Grading needs Linux: submissions run in forks of a warm process. On Windows or macOS use a Linux container."
            )
        if self.early and self.early.disk_mb != disk_mb:
            self._end_early()
        begun, self.early = self.early or self._launched(disk_mb), None
        self.process, self.socket, self.group, self.disk_mb = begun.process, begun.socket, begun.group, disk_mb
        self.frames = frames = Reader(begun.socket.fileno())
        try:
            header = received(frames, time.monotonic() + START_SECONDS)[0]
        except WireError:
            self.process.kill()
            if self.given_up:  # what it would say comes when it has imported all that it needs
                self.stop()
                raise UserError(GIVEN_UP) from None
            said = self.process.communicate()[1].decode(errors="replace").strip().splitlines()[-3:]
            self.stop()
            raise UserError(
                f"Nothing is graded: the {'runner' if self.unsafe else 'jail for submissions'} does not start. Its last words: "
                f"{' / '.join(said)}. What is missing here says: autograder doctor. {'' if self.unsafe else jail.UNSAFE}"
            ) from None
        assert header["type"] == "ready"
        if self.group:
            self.group.begins()

    def _launched(self, disk_mb: int) -> launch.Launched:
        return launch.launch(disk_mb, self.unsafe, self.plain)

    def _end_early(self) -> None:
        if self.early is not None:
            self.early.end()
            self.early = None

    def close(self) -> None:
        """End the warm process and the one that reads names."""
        self._end_early()
        self.stop()
        self.names.close()

    def give_up(self) -> None:
        """End whatever runs, from another thread; nothing is run afterwards."""
        self.given_up = True
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """End the warm process and all that it has started."""
        if self.socket is not None:
            self.socket.close()
        if self.process is not None:
            with self.process:  # waits for its end and closes its stderr
                self.process.kill()
        if self.group is not None:
            self.group.remove()
        self.process = self.socket = self.frames = self.group = None

    def run(self, job: Job) -> Result:
        """Run a submission's cells; a cell that ends the process is left out and the rest runs again without it."""
        result = Result([CellResult(ended=cell.known, fatal=cell.known is not None) for cell in job.cells])
        for _ in range(MAX_RERUNS):
            last = self._once(job, result)
            if last is None:
                break
            result.cells[last].fatal = True
        else:
            for cell in result.cells:
                if not cell.ran and not cell.ended:
                    cell.ended = f"More than {MAX_RERUNS} cells ended the process; this one was not run."
        for cell in result.cells:
            cell.outputs = outputs.named_limits(cell.outputs, job.limits)
        return result

    def _once(self, job: Job, result: Result) -> int | None:
        """One run, within the time that earlier ones have left. Returns the cell that ended it, or ``None`` if it came to its end."""
        if self.given_up:
            raise UserError(GIVEN_UP)
        self.ready(job.limits["disk_mb"])
        self.current, begun, told = -1, time.monotonic(), result.seconds
        try:
            return self._collect(job, result)
        except Flood:
            self.stop()
            return self._died(result, ": it handed over more than a whole submission may")
        except (WireError, OSError) as error:
            too_much = self.group is not None and self.group.reached()
            if not isinstance(error, Killed):
                self.stop()  # the warm process itself is gone; the next run starts another
            if result.seconds == told:  # it could not say what it had used
                result.seconds += time.monotonic() - begun
                result.cpu_seconds += time.monotonic() - begun
            if too_much and self.current >= 0:
                result.cells[self.current].ended = self._why("memory_mb", job)
                return self.current
            result.lost += 1
            if result.lost <= MAX_LOST and not isinstance(error, Silence):
                return self._once(job, result)  # from outside, until it happens again
            return self._died(result, "")
        except BaseException:
            self.stop()  # half of a run's frames are still to come; the next run must not take them for its own
            raise

    def _collect(self, job: Job, result: Result) -> int | None:
        assert self.socket is not None and self.frames is not None  # ready() has seen to both
        if self.group:
            self.group.bound((job.limits["memory_mb"] + 2 * job.limits["disk_mb"]) * 2**20)
        send(self.socket.fileno(), self._header(job, result), b"".join([*job.files.values(), _many(job)]))
        until = time.monotonic() + PATIENCE * job.limits["notebook_seconds"] + SPARE_SECONDS
        left, shown = room(job), 0
        self.frames.max_payload = int(left)
        while True:
            header, payload = received(self.frames, until)
            kind, position = header.get("type"), header.get("cell")
            left -= len(payload) + FRAME_COST
            if left < 0:
                raise Flood
            if kind == "end":
                self._turn(result, self.current)
                return self._ended(header, job, result)
            if kind == "cell":
                if type(position) is int and self.current < position < len(job.cells) and not result.cells[position].fatal:
                    self._turn(result, position)
            elif kind == "file" and header.get("name") in job.wanted:
                result.files[header["name"]] = payload
            elif kind == "progress" and job.say:
                of = f" of {header['steps']:,}" if header["steps"] else ""
                job.say(f"training {header['exercise']}: step {header['step']:,}{of}, loss {header['loss']:.4f}")
            elif self.current < 0:
                continue  # nothing may come before the first cell
            elif kind == "interrupted":
                limit = "cell_cpu_seconds" if header.get("limit") == "cell_cpu_seconds" else "cell_seconds"
                result.cells[self.current].ended = self._why(limit, job)
            elif type(position) is not int or position != self.current:
                continue  # what is not of the running cell is forged or late
            elif kind == "outputs" and not result.cells[position].ran:
                result.cells[position].outputs = outputs.rebuilt(payload, job.limits, shown)
                result.cells[position].ran = True
                shown += outputs.size(result.cells[position].outputs)
            elif kind in ("record", "fork failed"):
                take_record(header, payload, job, position, result)
            elif kind == "repair":
                take_repair(header, payload, job, position, result)

    def _turn(self, result: Result, position: int) -> None:
        """The next cell begins, and with it the one before ends."""
        now = time.monotonic()
        if self.current >= 0:
            result.cells[self.current].seconds = now - self.since
        self.current, self.since = position, now

    def _header(self, job: Job, result: Result) -> dict[str, Any]:
        told = ("source", "locked", "given", "forks", "patient", "together", "repair", "goes_on")
        cells = [{name: getattr(c, name) for name in told} | {"skip": r.fatal} for c, r in zip(job.cells, result.cells)]
        return {
            "cells": cells,
            "files": [[name, len(data)] for name, data in job.files.items()],
            "facts": job.facts,
            "limits": job.limits,
            "seconds": {str(i): c.seconds for i, c in enumerate(job.cells) if c.seconds},
            "spent": [result.seconds, result.cpu_seconds],
            "training": job.training,
            "wanted": list(job.wanted),
            "autograd": job.autograd,
            "beside_first": job.beside_first,
            "pictures": job.pictures,
            "freeze": False,
        }

    def _ended(self, header: dict[str, Any], job: Job, result: Result) -> int | None:
        if header.get("leaving"):
            self.stop()
        result.seconds += _seconds(header.get("seconds"))
        result.cpu_seconds += _seconds(header.get("cpu_seconds"))
        reason = str(header.get("reason"))
        if reason == "done":
            return None
        if reason in OF_THE_NOTEBOOK:
            for cell in result.cells:
                if not cell.ran and not cell.ended:
                    cell.ended = ended(reason, job.limits)
            return None
        if reason in ENDED and self.current >= 0:
            result.cells[self.current].ended = self._why(reason, job)
            return self.current
        if header.get("signal") == signal.SIGKILL:
            raise Killed("killed")
        return self._died(result, f" (signal {header.get('signal')})" if header.get("signal") else "")

    def _why(self, limit: str, job: Job) -> str:
        own = job.cells[self.current].seconds if limit == "cell_seconds" else None
        return ended(limit, job.limits, own)

    def _died(self, result: Result, how: str) -> int:
        """The running cell ended the process; if none was running, the fault is the grader's and nobody is graded for it."""
        if self.current < 0:
            raise UserError("The runner ended before the first cell; `autograder doctor` says what is missing here.")
        result.cells[self.current].ended = f"This cell ended the process that runs the notebook{how}."
        return self.current


def _many(job: Job) -> bytes:
    """Behind the files: answers by the number of their check's cell, which are too many for a header; nothing for a submission."""
    many = {str(number): cell.many for number, cell in enumerate(job.cells) if cell.many}
    return json.dumps(many).encode() if many else b""


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else 0.0


def received(frames: Reader, until: float) -> Frame:
    if (frame := frames.receive(until)) is None:
        raise Silence("the other side says nothing")
    return frame
