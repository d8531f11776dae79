"""Runs that are kept: what has left a jail is data, and the same cells, files, seeds and limits need not run again.

A file for each run, called by a hash of all that decides it. Nothing is lost with them: who finds none, or a damaged one, runs it again.
What is read here came from a stranger once, and is taken with the bounds of the wire.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from autograder.files import write_whole
from autograder.runner import jail
from autograder.runner.carried import records_of, result_of, result_to_bytes, without_files
from autograder.runner.job import Job, Result
from autograder.runner.runs import NamesRead, Runs
from autograder.wall.record import Record

DIGEST = 32  # bytes, of what follows
NAME = re.compile("[0-9a-f]{40}")  # of a file
UNUSED_DAYS = 120  # a run that nobody has asked for so long goes when another one comes: of answers, limits or a kit that are no more


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
                _forget_unused(path.parent)
                _write(path, result)
                result.name = path.name
        return result


def digest(job: Job, unsafe: bool) -> str:
    """Of everything that decides a run."""
    found = hashlib.sha256()
    about = without_files(replace(job, shared=0))  # where the first cells run changes nothing
    found.update(json.dumps({**about, "unsafe": unsafe, "kit": _kit()}, sort_keys=True).encode())
    for name, data in sorted(job.files.items()):
        found.update(f"\0{name}\0".encode(errors="surrogateescape") + hashlib.sha256(data).digest())
    return found.hexdigest()[:40]


@functools.cache
def _kit() -> str:
    """Of the code that runs beside a submission, and of what it stands on."""
    return f"Python {sys.version}, torch {version('torch')}, numpy {version('numpy')}, {code()}"


@functools.cache
def code() -> str:
    """Of this package's code that runs beside a submission."""
    found = hashlib.sha256()
    for name in (*jail.RUNS, "runner"):
        path = jail.PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()


@functools.cache  # once a command
def _forget_unused(folder: Path) -> None:
    last = time.time() - UNUSED_DAYS * 24 * 3600
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < last:
                path.unlink()


def kept_records(folder: Path, name: str, most_bytes: int) -> dict[str, Record]:
    """What the checks of one kept run were given, by exercise; empty where it is not there any more, or damaged.

    Args:
        folder: as of :class:`KeptRuns`.
        name: of :attr:`Result.name <autograder.runner.job.Result.name>`.
        most_bytes: that are read.
    """
    path = folder / name
    if not NAME.fullmatch(name) or not path.is_file() or path.stat().st_size > most_bytes:
        return {}
    data = _whole(path)
    return {} if data is None else records_of(data, most_bytes)


def _write(path: Path, result: Result) -> None:
    data = result_to_bytes(result)
    write_whole(path, hashlib.sha256(data).digest() + data)


def _whole(path: Path) -> bytes | None:
    """A file's bytes behind their digest, if they are the ones that were written."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    return whole[DIGEST:] if hashlib.sha256(memoryview(whole)[DIGEST:]).digest() == whole[:DIGEST] else None


def _read(path: Path, job: Job) -> Result | None:
    """A run that was kept; nothing if there is none, or it is not whole, or holds what no run of this job could have handed over."""
    data = _whole(path)
    result = None if data is None else result_of(data, job)
    if result is not None:
        result.kept, result.name = True, path.name
        with contextlib.suppress(OSError):  # it may be there to be read alone
            os.utime(path)
    return result
