"""Jobs and results as bytes: JSON and safetensors, to be kept in a file or sent to another machine, never pickled.

A result came from a stranger once, and is taken with the bounds of the wire; a job is the course's own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, astuple
from typing import Any

from autograder.changes.repairs import LONGEST, Repair
from autograder.runner import outputs
from autograder.runner.job import Cell, CellResult, Job, Result
from autograder.runner.taking import LONGEST_SAID, MAX_REPAIRS, room
from autograder.wall.record import Record, RecordError, decode, encode, storable

LENGTH = 8  # bytes, of the JSON behind them
MAX_TEXT = 1 << 16  # characters of a sentence about a cell
RECORD, REPAIR = "record", "repair"


def with_json(about: Any, data: bytes = b"") -> bytes:
    """A JSON text, its length before it and bytes behind it."""
    text = json.dumps(about).encode()
    return len(text).to_bytes(LENGTH, "big") + text + data


def apart(data: bytes) -> tuple[Any, bytes]:
    """What :func:`with_json` has put together.

    Raises:
        ValueError: it has not.
    """
    length = int.from_bytes(data[:LENGTH], "big")
    return json.loads(data[LENGTH : LENGTH + length]), data[LENGTH + length :]


def job_to_bytes(job: Job) -> bytes:
    """A submission's job: cells, limits and facts, and the files behind them."""
    files = [[name, len(data)] for name, data in job.files.items()]
    return with_json({**without_files(job), "files": files}, b"".join(job.files.values()))


def without_files(job: Job) -> dict[str, Any]:
    """Of a job all that decides its run but the files, as JSON has it."""
    about = {name: value for name, value in vars(job).items() if name not in ("cells", "files", "say")}
    return {"job": about, "cells": [asdict(cell) for cell in job.cells]}


def job_of(data: bytes) -> Job:
    """The job of :func:`job_to_bytes`."""
    about, behind = apart(data)
    files, position = {}, 0
    for name, size in about["files"]:
        files[name] = behind[position : position + size]
        position += size
    return Job([Cell(**cell) for cell in about["cells"]], files, **{**about["job"], "wanted": tuple(about["job"]["wanted"])})


def result_to_bytes(result: Result) -> bytes:
    """What a run of a submission returned; not the answers of an author's run."""
    repairs = {f"{REPAIR}/{name}/{number}": record for name, tried in result.repairs.items() for number, (_, record) in enumerate(tried)}
    records = {f"{RECORD}/{name}": record for name, record in result.records.items()} | repairs
    about = {
        "cells": [[cell.outputs, cell.ended, cell.ran, cell.fatal, cell.seconds] for cell in result.cells],
        "refused": result.refused,
        "repairs": {name: [astuple(repair) for repair, _ in tried] for name, tried in result.repairs.items()},
        "seconds": [result.seconds, result.cpu_seconds],
        "lost": result.lost,
    }
    return with_json(about, encode(records))


def result_of(data: bytes, job: Job) -> Result | None:
    """The result of :func:`result_to_bytes`; nothing where these bytes hold what no run of this job could have handed over."""
    try:
        about, behind = apart(data)
        records, _ = decode(behind, int(room(job)))
        return _rebuilt(about, records, job)
    except (RecordError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def records_of(data: bytes, most_bytes: int) -> dict[str, Record]:
    """Of :func:`result_to_bytes` what the checks were given, by exercise; empty where these bytes hold something else."""
    try:
        found, _ = decode(apart(data)[1], most_bytes)
    except (RecordError, ValueError, RecursionError):
        return {}
    return {record.exercise: record for key, record in found.items() if key == f"{RECORD}/{record.exercise}"}


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
    seconds, cpu_seconds = about["seconds"]
    result = Result(cells, lost=int(about["lost"]), seconds=float(seconds), cpu_seconds=float(cpu_seconds))
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
