"""A trained model beside the rows that it is judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autograder.course.names import SYMBOLS
from autograder.wall.rows import SEGMENTS, number

UNIFORM = math.log(len(SYMBOLS))  # 3.2958 nats, the loss of guessing
LEARNED = 2.7  # on the known list; well below 2.82, the entropy of single symbols: something about the context has been learned


@dataclass(frozen=True)
class Evaluation:
    """The losses of one model, row by row, and what is told about its training."""

    logits: Tensor  # (N, 27), on the rows of the split that is graded
    contexts: Tensor  # (N, T)
    targets: Tensor  # (N,)
    each: Tensor  # (N,) loss of each row
    train: Tensor  # (M,) of rows of the training split
    other: Tensor  # (K,) of the rows of the other held-out split
    facts: dict[str, Any]  # of the record: numbers that a stranger has written
    moved: float = 0.0  # the entropy of single symbols less that of the known list
    wanted: float = math.inf  # the loss that the exercise asks for

    @property
    def learned(self) -> float:
        """The loss below which something about the context has been learned."""
        return LEARNED + self.moved

    @property
    def curve(self) -> list[float]:
        """Mean losses of equal parts of the training; NaN where it had none."""
        curve = self.facts.get("curve")
        if not isinstance(curve, list) or len(curve) > SEGMENTS:
            return []
        return [number(x) for x in curve]


def shown(loss: float) -> str:
    """A loss as it is read: four decimals, of a large one none."""
    return f"{loss:.4f}" if not loss >= 1000 else f"{loss:,.0f}"
