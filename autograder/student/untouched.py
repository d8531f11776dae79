"""A trial of a student's training leaves the notebook as it was: its generators, lists, counters and models."""

from __future__ import annotations

import contextlib
import dis
import functools
import random
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from autograder.student.fingerprint import is_of_the_notebook, reached
from autograder.student.leaves import children
from autograder.student.snapshot import Snapshot

CODE = (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType)
ARRAYS = (torch.Tensor, np.ndarray)
KEPT = (list, dict, tuple, *ARRAYS)
NOTHING = object()  # where a name has no value yet


@contextlib.contextmanager
def untouched(make_model: Callable[..., Any], train: Callable[..., Any]) -> Iterator[None]:
    """Whatever is done inside, all that the two functions reach and can change is afterwards as it was before.

    What a training keeps where they do not reach, in a module or a file, is not seen.
    """
    found = [value for _, value in reached(make_model, train)]
    own = [v for v in found if isinstance(v, KEPT) or not isinstance(v, CODE) and is_of_the_notebook(v, make_model, train)]
    kept = [snapshot for snapshot in map(_snapshot, own) if snapshot]
    holders = [*own, *(node for snapshot in kept for node, _ in snapshot.nodes)]  # of generators, which are no part of a model
    inside = (inner for holder in holders if not isinstance(holder, ARRAYS) for _, inner in children(holder))
    generators = [(set_state, get_state()) for get_state, set_state in filter(None, map(_state_of, [*found, *inside]))]
    functions = [value for value in found if isinstance(value, types.FunctionType)]
    rebound = [(f.__globals__, name, f.__globals__.get(name, NOTHING)) for f in functions for name in _stored(f.__code__)]
    cells = [(cell, _content(cell)) for f in functions for cell in f.__closure__ or ()]
    try:
        yield
    finally:
        for snapshot in kept:
            snapshot.restore()
        for set_state, state in generators:
            set_state(state)
        for names, name, value in rebound:
            if value is NOTHING:
                names.pop(name, None)
            else:
                names[name] = value
        for cell, value in cells:
            if value is not NOTHING:
                cell.cell_contents = value


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return NOTHING


def _snapshot(value: Any) -> Snapshot | None:
    """``None`` of what holds more than a model can (rows of data, which a training reads), or cannot be looked at."""
    try:
        return Snapshot(value)
    except Exception:  # noqa: BLE001  a student's object raises whatever it raises
        return None


def _state_of(value: Any) -> tuple[Callable[[], Any], Callable[[Any], Any]] | None:
    """How a generator of random numbers is asked for its state, and set to one; ``None`` for what is none."""
    if isinstance(value, torch.Generator):
        return value.get_state, value.set_state
    if isinstance(value, np.random.Generator):
        bits = value.bit_generator
        return lambda: bits.state, lambda state: setattr(bits, "state", state)
    if isinstance(value, np.random.RandomState):
        return value.get_state, value.set_state
    if isinstance(value, random.Random):
        return value.getstate, value.setstate
    return None


@functools.lru_cache(maxsize=4096)
def _stored(code: types.CodeType) -> frozenset[str]:
    """The global names that a function, or one inside it, gives another value."""
    names = {str(i.argval) for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL"}
    return frozenset(names.union(*(_stored(inner) for inner in code.co_consts if isinstance(inner, types.CodeType))))
