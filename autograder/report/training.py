"""Trained models of a class: a list by loss, and the curves of their trainings, as far as their records are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from autograder.report.data import ClassWork, Work


@dataclass(frozen=True)
class Model:
    """One student's."""

    student: str
    loss: float
    unseen: float | None  # loss on names that are not in the training split
    parameters: int | None
    steps: int | None
    points: float | None
    curve: tuple[float, ...]  # mean losses of equal parts of the training


@dataclass(frozen=True)
class Board:
    """Of one exercise, the lowest loss first."""

    exercise: str
    title: str
    split: str
    too_good: float | None  # below it a person should look
    models: list[Model]


def boards(work: ClassWork) -> list[Board]:
    """Each exercise with a trained model that somebody was given a loss for."""
    found = []
    for name, rules in work.rules.items():
        if rules.loss:
            models = [model for one in work.graded if (model := _model(one, name))]
            found.append(Board(name, rules.title, rules.loss.split, rules.loss.too_good, sorted(models, key=lambda model: (model.loss, model.student))))
    return [board for board in found if board.models]


def _model(one: Work, name: str) -> Model | None:
    answer = one.answers.get(name)
    if answer is None or answer.outcome.loss is None:
        return None
    facts = answer.facts
    curve = facts.get("curve")
    means = tuple(map(float, curve)) if isinstance(curve, list) and all(map(_is_finite, curve)) else ()
    whole = {key: facts[key] if isinstance(facts.get(key), int) and not isinstance(facts[key], bool) else None for key in ("parameters", "steps")}
    return Model(one.student, answer.outcome.loss, answer.outcome.unseen, whole["parameters"], whole["steps"], answer.points, means)


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
