"""Runs that are kept: what has left a jail is data, and the same cells, files, seeds and limits need not run again.

A file for each run, called by a hash of all that decides it. Nothing is lost with them: who finds none, or a damaged one, runs it again.
What is read here came from a stranger once, and is taken with the bounds of the wire.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import sys
from dataclasses import asdict, astuple
from importlib.metadata import version
from pathlib import Path
from typing import Any

from autograder.changes.repairs import LONGEST, Repair
from autograder.files import write_whole
from autograder.runner import jail, outputs
from autograder.runner.job import CellResult, Job, Result
from autograder.runner.runs import NamesRead, Runs
from autograder.runner.taking import LONGEST_SAID, MAX_REPAIRS, room
from autograder.wall.record import RecordError, decode, encode, storable

DIGEST, LENGTH = 32, 8  # bytes, of what follows and of its first part, before all else
MAX_TEXT = 1 << 16  # characters of a sentence about a cell
RECORD, REPAIR = "record", "repair"


class KeptRuns:
    """Runs jobs, and keeps what comes out of them.

    Args:
        folder: where; nothing is kept without one.
        fresh: nothing is taken from there.
    """

    def __init__(self, runner: Runs, folder: Path | None, fresh: bool = False) -> None:
        self.runner, self.folder, self.fresh = runner, folder, fresh

    @property
    def unsafe(self) -> bool:
        return self.runner.unsafe

    @property
    def names(self) -> NamesRead:
        return self.runner.names

    def run(self, job: Job) -> Result:
        """As :meth:`Runner.run <autograder.runner.host.Runner.run>`."""
        if self.folder is None or job.training != "grading" or any(cell.answers for cell in job.cells):
            return self.runner.run(job)
        path = self.folder / digest(job, self.unsafe)
        if not self.fresh and (result := _read(path, job)) is not None:
            return result
        result = self.runner.run(job)
        if not result.lost:  # what was killed from outside may end otherwise the next time
            with contextlib.suppress(OSError):  # a full disk costs nobody a grade
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _write(path, result)
        return result


def digest(job: Job, unsafe: bool) -> str:
    """Of everything that decides a run."""
    found = hashlib.sha256()
    decides = {name: value for name, value in vars(job).items() if name not in ("cells", "files", "say")}
    about = {"cells": [asdict(cell) for cell in job.cells], "job": decides, "unsafe": unsafe, "kit": _kit()}
    found.update(json.dumps(about, sort_keys=True).encode("utf-8", "surrogatepass"))
    for name, data in sorted(job.files.items()):
        found.update(f"\0{name}\0".encode(errors="surrogateescape") + hashlib.sha256(data).digest())
    return found.hexdigest()[:40]


@functools.cache
def _kit() -> str:
    """Of the code that runs beside a submission, and of what it stands on."""
    found = hashlib.sha256(f"Python {sys.version}, torch {version('torch')}, numpy {version('numpy')}".encode())
    for name in (*jail.RUNS, "runner"):
        path = jail.PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()


def _write(path: Path, result: Result) -> None:
    repairs = {f"{REPAIR}/{name}/{number}": record for name, tried in result.repairs.items() for number, (_, record) in enumerate(tried)}
    records = {f"{RECORD}/{name}": record for name, record in result.records.items()} | repairs
    about = {
        "cells": [[cell.outputs, cell.ended, cell.ran, cell.fatal, cell.seconds] for cell in result.cells],
        "refused": result.refused,
        "repairs": {name: [astuple(repair) for repair, _ in tried] for name, tried in result.repairs.items()},
        "seconds": [result.seconds, result.cpu_seconds],
    }
    text = json.dumps(about).encode()
    data = len(text).to_bytes(LENGTH, "big") + text + encode(records)
    write_whole(path, hashlib.sha256(data).digest() + data)


def _read(path: Path, job: Job) -> Result | None:
    """A run that was kept; nothing if there is none, or it is not whole, or holds what no run of this job could have handed over."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    data = memoryview(whole)[DIGEST:]
    if hashlib.sha256(data).digest() != whole[:DIGEST]:
        return None
    try:
        length = int.from_bytes(data[:LENGTH], "big")
        about = json.loads(bytes(data[LENGTH : LENGTH + length]))
        records, _ = decode(bytes(data[LENGTH + length :]), int(room(job)))
        return _rebuilt(about, records, job)
    except (RecordError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None


def _rebuilt(about: dict[str, Any], records: dict[str, Any], job: Job) -> Result:
    """Field by field."""
    if len(about["cells"]) != len(job.cells):
        raise ValueError("another number of cells")
    cells, shown = [], 0
    for shows, ended, ran, fatal, seconds in about["cells"]:
        found = outputs.rebuilt(json.dumps(shows).encode(), job.limits, shown)
        shown += outputs.size(found)
        cells.append(CellResult(found, None if ended is None else _text(ended), ran is True, fatal is True, float(seconds)))
    exercises = {cell.exercise for cell in job.cells if cell.exercise}
    result = Result(cells, kept=True, seconds=float(about["seconds"][0]), cpu_seconds=float(about["seconds"][1]))
    result.refused = {name: _text(why) for name, why in about["refused"].items() if name in exercises}
    for key, record in records.items():
        kind, name, *_ = key.split("/")
        if record.exercise != name or name not in exercises:
            raise ValueError("a record of another exercise")
        if kind == RECORD:
            result.records[name] = record
    for name, told in about["repairs"].items():
        tried = [(_repair(repair), records[f"{REPAIR}/{name}/{number}"]) for number, repair in enumerate(told[:MAX_REPAIRS])]
        result.repairs[name] = tried
    return result


def _repair(told: list[Any]) -> Repair:
    line, before, says = told
    if type(line) is not int:
        raise TypeError
    return Repair(line, _text(before)[:LONGEST], _text(says)[:LONGEST_SAID])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return storable(value[:MAX_TEXT])
