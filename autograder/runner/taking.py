"""What is taken of all that comes out of a run: so much, and one record an exercise."""

from __future__ import annotations

from typing import Any

from autograder.changes.repairs import LONGEST, Repair
from autograder.runner import outputs
from autograder.runner.job import Job, Result
from autograder.wall.record import RecordError, decode, storable

FRAME_COST = 256  # bytes that a frame counts beside its payload
MAX_FRAMES = 100_000  # of progress, in a long training
MAX_REPAIRS = 2_000  # of one exercise
REPAIRS_MB = 64  # of all of them together
LONGEST_SAID = 200  # characters of what is said of one


def room(job: Job) -> float:
    """Bytes that all frames of a run may have together, far more than an honest one needs."""
    forks = sum(cell.answers for cell in job.cells)
    checks = sum(cell.exercise is not None for cell in job.cells)
    records = (checks + forks) * (job.limits["record_mb"] * 2**20 + FRAME_COST)
    shown = job.limits["notebook_output_mb"] * 2**20 * outputs.FACTOR
    files = len(job.wanted) * job.limits["file_mb"] * 2**20
    repairs = sum(cell.repair for cell in job.cells) * (REPAIRS_MB * 2**20 + MAX_REPAIRS * FRAME_COST)
    return float(records + repairs + shown + files + FRAME_COST * (MAX_FRAMES + 4 * len(job.cells)))


def take_record(header: dict[str, Any], payload: bytes, job: Job, current: int, result: Result) -> None:
    """One record an exercise, of the check that is running, and only if it can be read."""
    exercise, fork = job.cells[current].exercise, header.get("fork")
    if exercise is None or (fork == -1 and (exercise in result.records or exercise in result.refused)):
        return
    if fork != -1 and not (isinstance(fork, int) and 0 <= fork < job.cells[current].answers):
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


def take_repair(header: dict[str, Any], payload: bytes, job: Job, current: int, result: Result) -> None:
    """What comes out with one change of an answer, of the check that is running, if it was asked for and can be read."""
    cell = job.cells[current]
    if cell.exercise is None or not cell.repair:
        return
    taken = result.repairs.setdefault(cell.exercise, [])
    try:
        line, before, says = header["repair"]
        record = decode(payload, int(job.limits["record_mb"] * 2**20))[0]["record"]
    except (RecordError, KeyError, TypeError, ValueError):
        return
    sound = type(line) is int and isinstance(before, str) and isinstance(says, str) and record.exercise == cell.exercise
    if sound and len(taken) < MAX_REPAIRS:
        taken.append((Repair(line, storable(before[:LONGEST]), says[:LONGEST_SAID]), record))
