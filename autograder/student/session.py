"""Where a check's record goes: into a comparison on a student's machine, or out of the jail while grading."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from autograder.course.schema import Course, Data, Exercise, Tolerance
from autograder.judge.answers import Answers
from autograder.wall.record import Record, RecordError

EXPECTED = "expected.safetensors"  # beside every stub notebook


class CheckFailed(AssertionError):
    """A check that did not pass: shown as one sentence, without the kit's own lines."""

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mCheckFailed\x1b[0m: {self}"]


@dataclass(frozen=True)
class Facts:
    """What a student's process has to know of ``course.yml``."""

    lecture: str
    exercises: dict[str, Exercise]
    tolerance: Tolerance
    split_seed: int
    training_seed: int
    seeds: dict[str, list[int]]  # of each exercise's draws
    torch: str
    canary: list[float]

    @classmethod
    def of(cls, course: Course, lecture: str, seeds: dict[str, list[int]]) -> Facts:
        exercises = course.lectures[lecture].exercises
        return cls(
            lecture,
            exercises,
            course.tolerance,
            course.data.split_seed,
            course.seeds.training,
            seeds,
            torch.__version__,
            canary(),
        )

    def to_json(self) -> dict[str, Any]:
        dump = {name: exercise.model_dump(mode="json") for name, exercise in self.exercises.items()}
        return {**self.__dict__, "exercises": dump, "tolerance": self.tolerance.model_dump()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Facts:
        exercises = {}
        for name, dump in data["exercises"].items():
            if dump.get("loss"):  # JSON has made strings of the losses
                dump = {
                    **dump,
                    "loss": {**dump["loss"], "bands": {float(k): v for k, v in dump["loss"]["bands"].items()}},
                }
            exercises[name] = Exercise.model_validate(dump)
        return cls(**{**data, "exercises": exercises, "tolerance": Tolerance.model_validate(data["tolerance"])})

    def rules(self, exercise: str) -> Exercise:
        if exercise not in self.exercises:
            raise CheckFailed(f"{self.lecture} has no exercise {exercise!r}; it has {', '.join(self.exercises)}.")
        return self.exercises[exercise]

    def tolerance_of(self, exercise: str) -> Tolerance:
        return self.rules(exercise).tolerance or self.tolerance


class Session(Protocol):
    facts: Facts
    training: str  # "student", "author" or "grading": what fit does

    def submit(self, record: Record) -> None: ...

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        """Where a training stands; for an author who waits for the reference models."""


_current: Session | None = None


def use(session: Session | None) -> None:
    """The runner's half of the seam: everything that is checked from now on goes to ``session``."""
    global _current
    _current = session


def current() -> Session:
    """The runner's session, or the student's own: the answers beside the notebook."""
    return _current or _local(Path(EXPECTED).resolve())


def split_seed() -> int:
    """Of the course in whose notebook this runs; the usual one where there is no course."""
    try:
        return current().facts.split_seed
    except CheckFailed:
        return Data().split_seed


class LocalSession:
    """Compares with the public answers at once and shows the verdict."""

    training = "student"

    def __init__(self, path: Path):
        if not path.is_file():
            raise CheckFailed(
                f"{path.name} is not in {path.parent}. It comes with the assignment: fetch it again, and open the notebook from its folder."
            )
        try:
            self.answers = Answers.load(path)
            self.facts = Facts.from_json(self.answers.facts)
        except (RecordError, KeyError, TypeError, ValueError) as error:
            raise CheckFailed(f"{path.name} is damaged; fetch the assignment again. ({error})") from None
        if self.facts.canary != canary():
            raise CheckFailed(
                f"This machine's torch {torch.__version__} draws other random numbers than torch {self.facts.torch}, with which the "
                f"answers were made, so nothing can be compared here. Install it with: pip install torch=={self.facts.torch.split('+')[0]}"
            )

    def submit(self, record: Record) -> None:
        from autograder.judge.judging import verdict_of  # here, because it also knows the losses and names
        from autograder.student.show import show

        show(verdict_of(record, self.facts, self.answers.keys.get(record.exercise)), self.facts)


_cache: dict[tuple, LocalSession] = {}


def _local(path: Path) -> LocalSession:
    key = (path, path.stat().st_mtime_ns if path.is_file() else None)
    if key not in _cache:
        _cache.clear()
        _cache[key] = LocalSession(path)
    return _cache[key]


def seeds_from(secret: bytes, lecture: str, exercises, draws: int) -> dict[str, list[int]]:
    """The seeds of every exercise's draws, from a secret or, for the public draws, from a word that is none."""

    def seed(exercise: str, draw: int) -> int:
        digest = hashlib.sha256(b"\0".join((secret, lecture.encode(), exercise.encode(), str(draw).encode()))).digest()
        return int.from_bytes(digest[:7], "big")

    return {exercise: [seed(exercise, draw) for draw in range(draws)] for exercise in exercises}


def canary() -> list[float]:
    """Numbers that tell one torch's random generator from another's."""
    g = torch.Generator().manual_seed(2147483647)
    weights = torch.arange(1.0, 9.0)
    drawn = [
        torch.randn(4, generator=g),
        torch.rand(2, generator=g),
        torch.randperm(8, generator=g),
        torch.randint(0, 1000, (4,), generator=g),
    ]
    drawn.append(torch.multinomial(weights, 4, replacement=True, generator=g))
    return [round(float(x), 5) for part in drawn for x in part]
