"""Many other answers at one check, for authors: some dozens in one fork, each in the namespace as it was, within its time.

A fork for each takes 30 ms. One for many is far cheaper, but an answer could change what the next one sees: so the reference is checked
once more behind each batch, and where it no longer returns the same, or the fork has died, each answer of the batch gets a fork of its own.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import time
from collections.abc import Sequence
from types import CodeType
from typing import Any

import numpy as np
import torch
from matplotlib import pyplot

from autograder.course.schema import Tolerance
from autograder.inside.shell import RecordingShell
from autograder.student import session
from autograder.student.copies import in_a_copy
from autograder.student.session import Tried
from autograder.wall.calls import Call
from autograder.wall.frames import send
from autograder.wall.record import Draw, Record, encode
from autograder.wall.sketch import Sketch, sketch

BATCH = 32
SHORTEST = 0.25  # seconds of the processor that an answer has at least
FACTOR = 5  # times as long as the reference
LONGEST = 60.0  # seconds of the processor for the reference, or for an answer that somebody wrote down
SPARE = 5  # seconds after which the kernel ends a fork whose alarm is not heard
MEMORY = 1 << 30  # bytes beyond what the process holds


class OutOfTime(KeyboardInterrupt):
    """An answer takes too long; as a check lets an interrupt through, so this."""


class _Capture:
    """Takes the records of one check.

    Args:
        patient: of another right answer, which is looked at as long as it takes.
        looks: whether more is wanted than what the answer returns.
    """

    training_steps, training_seconds, stops = 0, 0.0, False

    def __init__(self, wired: Any, patient: bool, looks: bool) -> None:
        self.training, self.looks = "author" if patient else "grading", looks
        self.facts, self.max_bytes = wired.facts, wired.max_bytes
        self.lecture_cells: frozenset[str] = wired.given()
        self.record: Record | None = None

    def given(self) -> frozenset[str]:
        return self.lecture_cells

    def submit(self, record: Record, calls: Sequence[Call] = (), trial: Tried = ()) -> None:
        self.record = self.record or record

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        pass


def try_together(namespace: dict[str, Any], wired: Any, check: str, sources: list[str], patient: frozenset[int]) -> list[int]:
    """Send a record for each source, and return the numbers of those that need a fork and a shell of their own.

    These are the answers without a record, and those of a batch that changed something.
    """
    left: list[int] = []
    numbered = list(enumerate(sources))
    for first in range(0, len(numbered), BATCH):
        batch = numbered[first : first + BATCH]
        told = in_a_copy(_Batch(namespace, wired, check, False, patient, as_cells=True).run_sound, batch)
        answered = set(json.loads(told)) if told else set()
        left += [number for number, _ in batch if number not in answered]
    return left


def try_many(namespace: dict[str, Any], wired: Any, check: str, many: dict[str, Any], first: int) -> None:
    """Send a record (or its sketch, as a record) for each source, or why there is none, numbered from ``first``.

    Args:
        many: ``sources``; ``seconds`` of the processor for all of them, behind which none is begun; whether a ``sketch`` is enough.
    """
    left = list(enumerate(many["sources"], first))
    alone: list[tuple[int, str]] = []
    end = _used_by_children() + many["seconds"]
    while (left or alone) and (seconds := end - _used_by_children()) > 0:
        batch, left, alone = (alone[:1], left, alone[1:]) if alone else (left[:BATCH], left[BATCH:], alone)
        told = in_a_copy(_Batch(namespace, wired, check, many["sketch"], frozenset()).run, batch, seconds)
        if told == b"sound":
            continue
        if len(batch) > 1:
            alone = batch
        elif told != b"changed":
            _fail(wired, batch[0][0], "it ends the process")


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fail(wired: Any, number: int, why: str) -> None:
    send(wired.out, {"type": "fork failed", "cell": wired.cell, "fork": number, "error": why})


class _Batch:
    """What one fork does."""

    def __init__(self, namespace: dict[str, Any], wired: Any, check: str, sketched: bool, patient: frozenset[int], as_cells: bool = False) -> None:
        self.namespace, self.wired, self.sketched, self.patient, self.as_cells = namespace, wired, sketched, patient, as_cells
        self.looks = not sketched and not as_cells  # of mistakes, and of what is sketched, only the values are kept
        self.check = self._compiled(check)
        self.before = dict(namespace)
        self.states = random.getstate(), np.random.get_state(), torch.get_rng_state()

    def run(self, report: int, batch: list[tuple[int, str]], seconds: float) -> None:
        begun = time.process_time()
        _bound(memory=MEMORY, seconds=seconds + SPARE + SHORTEST * len(batch))
        signal.signal(signal.SIGPROF, _out_of_time)
        reference, took = self._once("", LONGEST)
        if not isinstance(reference, Record):
            for number, _ in batch:
                _fail(self.wired, number, f"the reference itself: {reference}")
            os.write(report, b"sound")
            return
        frames: list[tuple[int, dict[str, Any], bytes]] = []
        for number, source in batch:
            if time.process_time() - begun > seconds:
                frames.append((number, {"type": "fork failed", "error": "not run"}, b""))
                continue
            found, _ = self._once(source, max(SHORTEST, FACTOR * took))
            frames.append((number, *self._frame(found, reference)))
        same = self._still_returns(reference)
        if same or len(batch) == 1:
            self._send(frames)
        os.write(report, b"sound" if same else b"changed")

    def run_sound(self, report: int, batch: list[tuple[int, str]]) -> None:
        """Send the records that there are, and report their numbers; nothing if the reference returns something else behind them."""
        _bound(memory=MEMORY, seconds=LONGEST * (len(batch) + 2))
        signal.signal(signal.SIGPROF, _out_of_time)
        reference, _ = self._once("", LONGEST)
        if not isinstance(reference, Record):
            return
        frames: list[tuple[int, dict[str, Any], bytes]] = []
        for number, source in batch:
            found, _ = self._once(source, LONGEST, number in self.patient)
            if isinstance(found, Record):
                frames.append((number, *self._frame(found, reference)))
        if self._still_returns(reference):
            self._send(frames)
            os.write(report, json.dumps([number for number, *_ in frames]).encode())

    def _still_returns(self, reference: Record) -> bool:
        again, _ = self._once("", LONGEST)
        own, after = self._sketched(reference, reference), self._sketched(again, reference) if isinstance(again, Record) else None
        if own is None or after is None:
            return own is after
        return own.form == after.form and bool(own.near(after.numbers))

    def _send(self, frames: list[tuple[int, dict[str, Any], bytes]]) -> None:
        for number, header, payload in frames:
            send(self.wired.out, {**header, "cell": self.wired.cell, "fork": number}, payload)

    def _compiled(self, source: str) -> CodeType:
        """As a cell it is named as the shell names one: it is looked at in use, and an error in it has a line."""
        return compile(source, RecordingShell.instance().compile.cache(source) if self.as_cells else "<answer>", "exec")

    def _once(self, source: str, seconds: float, patient: bool = False) -> tuple[Record | str, float]:
        """The record of one answer, and the seconds that it took."""
        capture, begun = _Capture(self.wired, patient, self.looks or patient), time.process_time()
        session.use(capture)
        random.setstate(self.states[0])
        np.random.set_state(self.states[1])
        torch.set_rng_state(self.states[2])
        why = "it hands over no record"
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)
            if source:
                exec(self._compiled(source), self.namespace)
            exec(self.check, self.namespace)
        except OutOfTime:
            why = "it takes too long"
        except BaseException as error:  # noqa: BLE001  whatever another answer raises
            why = f"{type(error).__name__}: {str(error)[:200]}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            torch.set_grad_enabled(True)
            pyplot.close("all")
            self.namespace.clear()
            self.namespace.update(self.before)
        return capture.record if capture.record is not None else why, time.process_time() - begun

    def _sketched(self, record: Record, reference: Record) -> Sketch | None:
        tolerance: Tolerance = self.wired.facts.tolerance_of(record.exercise)
        return sketch(record, reference, tolerance.rtol, tolerance.atol)

    def _frame(self, found: Record | str, reference: Record) -> tuple[dict[str, Any], bytes]:
        if isinstance(found, str):
            return {"type": "fork failed", "error": found}, b""
        if self.sketched:
            own = self._sketched(found, reference)
            if own is None:
                return {"type": "fork failed", "error": "a draw failed"}, b""
            found = Record(found.exercise, (Draw({"form": own.form, "numbers": own.numbers, "slack": own.slack}),))
        data = encode({"record": found})
        if len(data) > self.wired.max_bytes:
            return {"type": "record", "too_large": len(data)}, b""
        return {"type": "record"}, data


def _out_of_time(*_: Any) -> None:
    raise OutOfTime


def _bound(memory: int, seconds: float) -> None:
    with open("/proc/self/statm") as statm:
        held = int(statm.read().split()[0]) * resource.getpagesize()
    for limit, value in ((resource.RLIMIT_AS, held + memory), (resource.RLIMIT_CPU, int(time.process_time() + seconds) + 1)):
        _, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
