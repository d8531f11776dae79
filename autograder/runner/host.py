"""The trusted half: sends cells, believes nothing about what comes back but its values, and never stops for a submission."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import UserError
from autograder.record import Record, RecordError, decode
from autograder.runner import wire

MAX_RERUNS = 12  # cells of one submission that may end the process, each of which costs one more run
OUTPUT_FACTOR = 8  # JSON's escapes, images in base64 and tracebacks, beyond the cell's own limit


@dataclass
class Cell:
    """One code cell to run."""

    source: str
    locked: bool = False
    exercise: str | None = None  # whose check it is
    seconds: float | None = None  # its own time limit
    forks: list[str] = field(default_factory=list)  # other answers to check in copies of the process


@dataclass
class CellResult:
    outputs: list[dict[str, Any]] = field(default_factory=list)
    ended: str | None = None  # why the cell did not come to its end, for the student to read
    ran: bool = False


@dataclass
class Result:
    """What one submission's run returned."""

    cells: list[CellResult]
    records: dict[str, Record] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # exercise -> why its record was not taken
    forks: dict[tuple[str, int], Record | str] = field(default_factory=dict)  # (exercise, number) -> record or error
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Job:
    """Cells, files, seeds and limits: all that a run depends on."""

    cells: list[Cell]
    files: dict[str, bytes]
    facts: dict[str, Any]  # of session.Facts
    limits: dict[str, Any]  # of course.Limits
    training: str = "grading"
    wanted: tuple[str, ...] = ()  # files to bring back
    say: Callable[[str], None] | None = None  # told how far a reference's training is


class Runner:
    """One warm process and the jobs it runs, one at a time. Use it as a context manager."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None
        self.socket: socket.socket | None = None
        self.current = -1  # the cell that is running

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def start(self) -> None:
        """Start the warm process.

        Raises:
            UserError: it cannot be started here.
        """
        if not hasattr(os, "fork"):
            raise UserError(
                "Grading needs Linux: submissions run in forks of a warm process. On Windows or macOS use a Linux container."
            )
        ours, theirs = socket.socketpair()
        environment = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
            if name in os.environ
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autograder.runner.jailed", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={
                **environment,
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            start_new_session=True,
        )
        theirs.close()
        self.socket = ours
        try:
            header, _ = wire.receive(ours.fileno())
        except wire.WireError:
            said = self.process.stderr.read().decode(errors="replace").strip().splitlines()[-3:]
            self.close()
            raise UserError(
                "The runner does not start; `autograder doctor` says what is missing. Its last words: "
                + " / ".join(said)
            ) from None
        assert header["type"] == "ready"

    def close(self) -> None:
        """End the warm process."""
        if self.socket is not None:
            self.socket.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process.stderr.close()
        self.process = self.socket = None

    def run(self, job: Job) -> Result:
        """Run a submission's cells; a cell that ends the process is left out and the rest runs again without it."""
        result = Result([CellResult() for _ in job.cells])
        skipped: set[int] = set()
        for _ in range(MAX_RERUNS):
            last = self._once(job, skipped, result)
            if last is None:
                break
            skipped.add(last)
        else:
            for cell in result.cells:
                if not cell.ran and not cell.ended:
                    cell.ended = f"More than {MAX_RERUNS} cells ended the process; this one was not run."
        return result

    def _once(self, job: Job, skipped: set[int], result: Result) -> int | None:
        """One run. Returns the cell that ended it, or ``None`` if it came to its end."""
        if self.process is None:
            self.start()
        self.current = -1
        try:
            return self._collect(job, skipped, result)
        except (wire.WireError, OSError):
            self.close()  # the warm process itself is gone; the next run starts another
            return self._died(result, "")

    def _collect(self, job: Job, skipped: set[int], result: Result) -> int | None:
        fd = self.socket.fileno()
        wire.send(fd, self._header(job, skipped), b"".join(job.files.values()))
        while True:
            header, payload = wire.receive(fd)
            kind, position = header.get("type"), header.get("cell")
            if kind == "end":
                return self._ended(header, job, result)
            if kind == "cell":
                if isinstance(position, int) and self.current < position < len(job.cells) and position not in skipped:
                    self.current = position
            elif kind == "file" and header.get("name") in job.wanted:
                result.files[header["name"]] = payload
            elif kind == "progress" and job.say:
                job.say(f"training {header['exercise']}: step {header['step']:,}, loss {header['loss']:.4f}")
            elif self.current < 0:
                continue  # nothing may come before the first cell
            elif kind == "interrupted":
                result.cells[self.current].ended = _time_message(job, self.current)
            elif position != self.current:
                continue  # what is not of the running cell is forged or late
            elif kind == "outputs" and not result.cells[position].ran:
                result.cells[position].outputs = _outputs(payload, job.limits)
                result.cells[position].ran = True
            elif kind in ("record", "fork failed"):
                _take(header, payload, job, position, result)

    def _header(self, job: Job, skipped: set[int]) -> dict[str, Any]:
        cells = [
            {"source": c.source, "locked": c.locked, "skip": i in skipped, "forks": c.forks}
            for i, c in enumerate(job.cells)
        ]
        return {
            "cells": cells,
            "files": [[name, len(data)] for name, data in job.files.items()],
            "facts": job.facts,
            "limits": job.limits,
            "seconds": {str(i): c.seconds for i, c in enumerate(job.cells) if c.seconds},
            "training": job.training,
            "wanted": list(job.wanted),
        }

    def _ended(self, header: dict[str, Any], job: Job, result: Result) -> int | None:
        reason = header.get("reason")
        if reason == "done":
            return None
        if reason == "notebook time":
            limit = job.limits["notebook_seconds"]
            for cell in result.cells:
                if not cell.ran and not cell.ended:
                    cell.ended = f"The notebook took more than {limit:g} seconds (the limit notebook_seconds); this cell did not come to its end."
            return None
        if reason == "cell time" and self.current >= 0:
            result.cells[self.current].ended = _time_message(job, self.current)
            return self.current
        return self._died(result, f" (signal {header.get('signal')})" if header.get("signal") else "")

    def _died(self, result: Result, how: str) -> int:
        """The running cell ended the process; if none was running, the fault is the grader's and nobody is graded for it."""
        if self.current < 0:
            raise UserError("The runner ended before the first cell; `autograder doctor` says what is missing here.")
        result.cells[self.current].ended = f"This cell ended the process that runs the notebook{how}."
        return self.current


def _time_message(job: Job, cell: int) -> str:
    seconds = job.cells[cell].seconds or job.limits["cell_seconds"]
    return f"This cell took more than {seconds:g} seconds (the limit cell_seconds) and was stopped. Is there a loop that never ends?"


def _take(header: dict[str, Any], payload: bytes, job: Job, current: int, result: Result) -> None:
    """One record an exercise, of the check that is running, and only if it can be read."""
    exercise, fork = job.cells[current].exercise, header.get("fork")
    if exercise is None or (fork == -1 and (exercise in result.records or exercise in result.refused)):
        return
    if fork != -1 and not (isinstance(fork, int) and 0 <= fork < len(job.cells[current].forks)):
        return
    limit = int(job.limits["record_mb"] * 2**20)
    try:
        if header["type"] == "fork failed":
            raise RecordError(str(header.get("error")))
        if "too_large" in header:
            raise RecordError(f"the answer is larger than {job.limits['record_mb']} MB (the limit record_mb)")
        records, _ = decode(payload, limit)
        record = records["record"]
        if record.exercise != exercise:
            raise RecordError(f"it calls itself {record.exercise!r}")
    except (RecordError, KeyError) as error:
        if fork == -1:
            result.refused[exercise] = str(error)
        else:
            result.forks[exercise, fork] = str(error)
        return
    if fork == -1:
        result.records[exercise] = record
    else:
        result.forks[exercise, fork] = record


def _outputs(payload: bytes, limits: dict[str, Any]) -> list[dict[str, Any]]:
    """A cell's outputs, rebuilt field by field: a stranger wrote them."""
    if len(payload) > OUTPUT_FACTOR * limits["output_kb"] * 1024 + (1 << 20):
        return [{"output_type": "stream", "name": "stderr", "text": "[the outputs are too large]"}]
    try:
        data = json.loads(payload)
        outputs = []
        for output in data[:200]:
            kind = output["output_type"]
            if kind == "stream":
                outputs.append(
                    {
                        "output_type": kind,
                        "name": "stderr" if output["name"] == "stderr" else "stdout",
                        "text": str(output["text"]),
                    }
                )
            elif kind in ("display_data", "execute_result"):
                mime = {str(key): str(value) for key, value in output["data"].items()}
                count = {"execution_count": None} if kind == "execute_result" else {}
                outputs.append({"output_type": kind, "data": mime, "metadata": {}, **count})
            elif kind == "error":
                lines = [str(line) for line in output["traceback"]]
                outputs.append(
                    {
                        "output_type": kind,
                        "ename": str(output["ename"]),
                        "evalue": str(output["evalue"]),
                        "traceback": lines,
                    }
                )
        return outputs
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [{"output_type": "stream", "name": "stderr", "text": "[the outputs cannot be read]"}]
