"""How a student's function was called in a draw: shown on a student's own machine, and sent nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """The first call of a draw."""

    draw: int
    function: str
    arguments: tuple[tuple[str, Any], ...]  # by the names of the student's parameters, as they were before the call
