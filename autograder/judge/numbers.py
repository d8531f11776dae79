"""A value's numbers as a tensor, found out once: each value of an answer is held against those of all mistakes."""

from __future__ import annotations

import functools
from typing import Any

from torch import Tensor

from autograder.wall import plain

LONG = 8  # parts of a list, from which on it is worth remembering
REMEMBERED = 256  # lists, each of a bounded size


class _Same:
    """A value by which object it is: nothing of a record changes, and whoever remembers it keeps it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value


def tensor_of(value: Any) -> Tensor | None:
    """As :func:`autograder.wall.plain.tensor_of`, of a value that does not change."""
    if isinstance(value, (list, tuple)) and len(value) >= LONG:
        return _remembered(_Same(value))
    return plain.tensor_of(value)


@functools.lru_cache(maxsize=REMEMBERED)
def _remembered(same: _Same) -> Tensor | None:
    return plain.tensor_of(same.value)
