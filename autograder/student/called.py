"""What ``fit`` was called with in this process, exercise by exercise, and what came of it."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

from torch import Tensor

from autograder.course.names import Names
from autograder.student import weights
from autograder.student.fingerprint import VERSION, change, code_of
from autograder.student.run import MakeModel, Train
from autograder.wall.checkpoint import load

OTHER_CODE = "Other code has trained these weights: {}. Run the cell with fit again, so that weights and code belong together."


@dataclass
class Fitted:
    """A trained model, the facts that go with its logits into the record, and how its code can be tried."""

    model: Any
    facts: dict[str, Any] = field(default_factory=dict)
    try_code: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    watched: Callable[[Names], dict[str, Any]] | None = None  # what the first steps of its training do
    held_out: Callable[[Names], dict[str, int]] | None = None  # what its first batches hold that is not to be learned from
    state: weights.State = field(default_factory=lambda: weights.State([], []))  # what its predictions read


@dataclass
class Called:
    """What ``fit`` was last called with, and what stopped it."""

    make_model: MakeModel
    train: Train
    stopped_by: BaseException | None = None
    unsaved: Fitted | None = None  # a model that was trained without a file, while grading


called_with: dict[str, Called] = {}  # by exercise


def file_of(exercise: str) -> Path:
    """Where the weights of a training are that count."""
    return Path(f"{exercise}.safetensors")


def trained_by_other_code(exercise: str) -> str:
    """What is different in the code that stands in the notebook since the weights in the file were trained, in words; nothing if all is the same,
    or it cannot be told.
    """
    called, file = called_with.get(exercise), file_of(exercise)
    if called is None or not file.is_file():
        return ""
    try:
        told = load(file).facts.get("code", {})
        now = code_of(_latest(called.make_model), _latest(called.train))
    except Exception:  # noqa: BLE001  a damaged file, or whatever a student's objects raise: the check tells it
        return ""
    before = {name: text for name, text in told.items() if name}
    return change(before, now) if before and told.get("") == VERSION else ""


def _latest(function: Any) -> Any:
    """What a function's cell, by its first line, has made of its name since; another exercise may have a function of that name, too."""
    space = vars(sys.modules[function.__module__]) if isinstance(function, type) else getattr(function, "__globals__", {})
    found = space.get(getattr(function, "__name__", ""))
    return found if type(found) in (FunctionType, type(function)) and _first_line(found) == _first_line(function) else function


def _first_line(thing: Any) -> str:
    """Of the cell in which a function, or a class by one of its methods, stands."""
    parts = list(vars(thing).values()) if isinstance(thing, type) else [thing]
    file = next((part.__code__.co_filename for part in parts if type(part) is FunctionType), "")
    return linecache.getline(file, 1)


def forget(function: Any) -> list[str]:
    """Do as if ``fit`` had not been called with a function or class that is gone; for which exercises it was."""
    gone = [name for name, called in called_with.items() if function is not None and (called.make_model is function or called.train is function)]
    for name in gone:
        del called_with[name]
    return gone
