"""How a student's function was called in a draw: shown on a student's own machine, and sent nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_CALLS = 8  # of a draw, that are kept


@dataclass(frozen=True)
class Call:
    """One call in a draw; the first ones of each are kept."""

    draw: int
    function: str
    arguments: tuple[tuple[str, Any], ...]  # by the names of the student's parameters, as they were before the call
    returned: Any = None  # a tensor that came back, as it was then
