"""A name that nobody knows: which one an error misses, and which one was probably meant."""

from __future__ import annotations

import builtins
import itertools
import linecache
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from torch import Tensor

from autograder.course.text import did_you_mean

MISSING = re.compile(r"name '(\w+)' is not defined")
SHELL = {"In", "Out", "exit", "quit", "get_ipython"}  # what IPython puts among a student's names
KINDS = (Tensor, list, dict, str, set, tuple, int, float)  # whose attributes are the same for everybody
IMPORTS = {  # by the name that everybody gives them
    **{"np": "import numpy as np", "plt": "import matplotlib.pyplot as plt", "F": "import torch.nn.functional as F", "nn": "from torch import nn"},
    **{name: f"import {name}" for name in ("torch", "math", "random", "itertools", "collections", "functools", "re", "copy", "time")},
}
LONGEST = 60  # letters of a name that is looked for among others
MOST = 5000  # names that are looked through


def missing_name(kind: str, message: str) -> str:
    """The name that a NameError misses; nothing for any other error."""
    found = MISSING.match(message) if kind == "NameError" else None
    return found[1] if found else ""


def probably(error: BaseException, may_be_meant: Callable[[Any], bool] | None = None) -> str:
    """A question behind the words of an error about a name that is nearly one of those known there; else nothing.

    Args:
        may_be_meant: by its value; only what is there by its own name is looked at then. Without it, functions of modules, too.
    """
    wanted = getattr(error, "name", None)
    if type(error) not in (NameError, AttributeError) or type(wanted) is not str or not 1 < len(wanted) <= LONGEST:
        return ""
    if type(error) is NameError and may_be_meant is None:
        if wanted in IMPORTS and _is_asked_for_a_part(wanted, error):
            return f" The line `{IMPORTS[wanted]}` is missing, or has not run."
        if _is_an_attribute(wanted, error):
            return f" Did you mean 'self.{wanted}'?"
        if modules := _modules_with(wanted, error):
            meant = " or ".join(f"'{module}.{wanted}'" for module in modules)
            return f" Did you mean {meant}?"
    some = {name for name in itertools.islice(_known(error, may_be_meant), MOST) if type(name) is str}
    return did_you_mean(wanted, {name for name in some if not name.startswith("_") and name not in SHELL and name != wanted})


def _is_asked_for_a_part(wanted: str, error: NameError) -> bool:
    """Whether the line has a dot behind the name, as behind a module's; a variable may be called ``time``."""
    frame, line = next(reversed(list(traceback.walk_tb(error.__traceback__))))
    return bool(re.search(rf"\b{wanted}\.", linecache.getline(frame.f_code.co_filename, line)))


def _is_an_attribute(wanted: str, error: NameError) -> bool:
    """Whether the object in whose method a name is missing has an attribute of that name."""
    me = next((names["self"] for names in _beside(error) if "self" in names), None)
    return wanted in getattr(me, "__dict__", {}) or wanted in dir(type(me))


def _modules_with(wanted: str, error: BaseException) -> list[str]:
    """Modules known there that have a function of this name: one of torch's own, and Python's own for single numbers."""
    beside = ((name, value) for names in _beside(error) for name, value in list(names.items()) if type(name) is str and type(value) is ModuleType)
    found = {name for name, value in beside if not name.startswith("_") and callable(vars(value).get(wanted))}
    others = sorted(found - {"math"}, key=lambda name: (name != "F", name != "torch", name))[:1]
    return others + ["math"] * ("math" in found)


def _known(error: BaseException, may_be_meant: Callable[[Any], bool] | None) -> Iterable[Any]:
    if type(error) is AttributeError:
        return _attributes(getattr(error, "obj", None))
    return (name for names in _beside(error) for name, value in list(names.items()) if may_be_meant is None or may_be_meant(value))


def _beside(error: BaseException) -> Iterator[dict[str, Any]]:
    """The names that stood beside one that was not known, also around a comprehension, which has a frame of its own."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        if frame.f_code.co_filename == frames[-1].f_code.co_filename:
            yield frame.f_locals
    if frames:
        yield frames[-1].f_globals
    yield vars(builtins)


def _attributes(thing: Any) -> Iterable[Any]:
    if type(thing) is ModuleType:
        return tuple(vars(thing))
    return next((dir(kind) for kind in KINDS if type(thing) is kind), ())
