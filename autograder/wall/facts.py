"""What a student's process is told of the course: the rules of one lecture's exercises, the seeds, and what proves its torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from autograder.course.schema import Course, Exercise, Tolerance
from autograder.errors import CheckFailed


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

    def for_a_run(self) -> Facts:
        """The same without what only a judge needs: title, tolerance, and the points; but of a trained model these decide what is tried beside it."""
        unseen = {"title": "-", "minutes": 1, "difficulty": 1, "time": None, "tolerance": None}
        no_points = {"points": 1.0, "bonus": False}
        bare = {name: rules.model_copy(update=unseen if rules.loss else unseen | no_points) for name, rules in self.exercises.items()}
        return replace(self, exercises=bare, tolerance=Tolerance())

    def rules(self, exercise: str) -> Exercise:
        """The exercise's entry in ``course.yml``.

        Raises:
            CheckFailed: there is none of that id.
        """
        if exercise not in self.exercises:
            raise CheckFailed(f"{self.lecture} has no exercise {exercise!r}; it has {', '.join(self.exercises)}.")
        return self.exercises[exercise]

    def tolerance_of(self, exercise: str) -> Tolerance:
        return self.rules(exercise).tolerance or self.tolerance


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
