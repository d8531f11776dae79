"""What a stranger says was seen of a training, read with care: numbers that may word a message and never earn a point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from autograder.judge.verdict import listed
from autograder.wall.rows import is_number, number

FEW_STEPS = 4  # less is no evidence


@dataclass(frozen=True)
class Seen:
    """What a stranger says was seen, read with care."""

    facts: dict[str, Any]
    learned: bool  # whether the model knows anything of the context at the end

    def get(self, name: str) -> float:
        return number(self.facts.get(name))

    def numbers(self, name: str) -> list[float]:
        found = self.facts.get(name)
        return [float(x) for x in found if is_number(x)][:1000] if isinstance(found, list) else []

    def dicts(self, name: str) -> list[dict[str, Any]]:
        found = self.facts.get(name)
        return [x for x in found if isinstance(x, dict)][:100] if isinstance(found, list) else []

    @property
    def steps(self) -> int:
        steps = self.get("steps")
        return int(steps) if 0 <= steps <= 1000 else 0

    @property
    def lines(self) -> list[list[float]]:
        """Of some steps: the loss of the batch before, after a hundredth of the step, after a tenth, and after all of it."""
        found = self.facts.get("lines")
        rows = found if isinstance(found, list) else []
        return [
            [number(x) if is_number(x) else math.inf for x in row]
            for row in rows[:100]
            if isinstance(row, list) and len(row) == 4
        ]


def named(names: list[str]) -> str:
    """A student's own names as they are shown, the first ones of many."""
    shown = [f"`{name[:40]}`" for name in names[:3]]
    return listed([*shown, *([f"{len(names) - 3} more"] if len(names) > 3 else [])])
