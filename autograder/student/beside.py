"""What predictions read that is no part of the model: large values of the notebook's, and the names themselves.

A model is what stands in its own tensors: those are counted, and saved.  Everything here is found by looking: a value counts as read when
predictions change, or fail, while it is spoiled.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, equal

from autograder.course import names
from autograder.student import weights
from autograder.student.fingerprint import WRAPPERS, reached_from
from autograder.student.leaves import leaves_of, nodes_of
from autograder.student.snapshot import Snapshot

FREE = 1_000  # numbers that a value beside the model may hold: an alphabet, sizes, a table of letters
MOST = 8  # such values that are told
CODE = (".py", ".pyc", ".so", ".pth", ".zip", ".dll", ".pyd", ".dylib")
READS_A_FILE = "a model predicts from its weights alone: no file of this folder can be read while it is asked"
OTHERS = ("torch", "numpy", "builtins", "collections", "types", "functools")  # whose classes are nobody's answer

_asked = False
_listening = False


@contextlib.contextmanager
def by_its_weights_alone() -> Iterator[None]:
    """Inside, neither the course's names nor a file beside the notebook can be read."""
    global _asked, _listening
    if not _listening:
        sys.addaudithook(_refuse)
        _listening = True
    _asked = names.Names.away = True
    try:
        yield
    finally:
        _asked = names.Names.away = False


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _asked or event != "open" or not isinstance(arguments[0], (str, bytes)):
        return
    path = os.fsdecode(arguments[0])
    if path.endswith(CODE) or "site-packages" in path:
        return
    place = os.path.realpath(path)
    if any(place.startswith(os.path.join(os.path.realpath(root), "")) for root in (os.getcwd(), tempfile.gettempdir(), "/dev/shm")):
        raise RuntimeError(READS_A_FILE)


def forget_caches(model: Any) -> None:
    """What ``functools.cache`` has kept for the model's functions is computed again, by the weights alone."""
    for _, found in _reached(model):
        if isinstance(found, WRAPPERS[-1]):
            found.cache_clear()


def read_beside(model: Any, state: weights.State, contexts: Tensor) -> tuple[dict[str, int], dict[str, int]]:
    """Values beside the model's state that its predictions read, and large ones of which that could not be tried: how many numbers each holds.

    Args:
        state: what the model's predictions read of its own.
        contexts: to predict, (N, T) int64.
    """
    own = {_identity(leaf.value) for leaf in leaves_of(model)}
    still = Snapshot(model)

    def changes(spoil: Callable[[], Callable[[], None]]) -> bool | None:
        """Whether predictions are others, or none, while something is spoiled; ``None`` if it cannot be."""
        try:
            undo = spoil()
        except Exception:  # noqa: BLE001  a tensor of a kind that takes no zeros
            return None
        try:
            with by_its_weights_alone():
                other = weights.predict(model, contexts)
            return other.shape != told.shape or not equal(other, told)
        except Exception:  # noqa: BLE001  a student's model raises whatever spoiled numbers lead it to
            return True
        finally:
            undo()
            still.restore()

    with by_its_weights_alone():
        told = weights.predict(model, contexts)
    still.restore()
    read: dict[str, int] = {}
    untried: dict[str, int] = {}
    paths = {leaf.path for leaf in state.leaves}
    for leaf in leaves_of(model):
        size = numbers_in(leaf.value)
        if leaf.path not in paths and size > FREE and changes(lambda leaf=leaf: _spoiled_leaf(model, leaf)):  # type: ignore[misc]
            read[leaf.name] = size
    for name, value in _values_beside(model):
        size = numbers_in(value)
        if size <= FREE or _identity(value) in own or len(read) + len(untried) >= MOST:
            continue
        spoil = _how_to_spoil(value, name, model)
        changed = changes(spoil) if spoil else None
        if changed is None:
            untried[name] = size
        elif changed:
            read[name] = size
    return read, untried


def numbers_in(value: Any, depth: int = 0) -> int:
    """How many numbers of 32 bits a value holds."""
    if isinstance(value, Tensor):
        return weights.numbers_in(value)
    if isinstance(value, np.ndarray):
        return value.nbytes // 4
    if isinstance(value, (str, bytes, bytearray)):
        return len(value) // 4
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, int):
        return max(1, value.bit_length() // 32)
    if isinstance(value, float):
        return 1
    if isinstance(value, (list, tuple, set, frozenset, dict)) and depth < 4:
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        return sum(numbers_in(part, depth + 1) for part in parts)
    return 0


def _reached(model: Any) -> Iterator[tuple[str, Any]]:
    """What the code of a model's classes gets to, by name."""
    classes = dict.fromkeys(type(node) for node in nodes_of(model))
    roots: list[tuple[str, Any]] = [(kind.__qualname__, kind) for kind in classes if kind.__module__.partition(".")[0] not in OTHERS]
    if isinstance(model, (types.FunctionType, types.MethodType)):
        roots.append(("model", model))
    own = {"__main__", *(found.__module__ for _, found in roots)}
    yield from reached_from(roots, own)


def _values_beside(model: Any) -> Iterator[tuple[str, Any]]:
    for name, found in _reached(model):
        if isinstance(found, (Tensor, np.ndarray, list, tuple, set, frozenset, dict, str, bytes, bytearray, int)):
            yield name, found
        elif isinstance(found, type) or callable(found) or isinstance(found, (names.Names, types.ModuleType)):
            continue
        else:
            yield from ((f"{name}.{leaf.name}", leaf.value) for leaf in leaves_of(found))


def _identity(value: Any) -> Any:
    return value.untyped_storage().data_ptr() if isinstance(value, Tensor) and not value.is_sparse else id(value)


def _spoiled_leaf(model: Any, leaf: Any) -> Callable[[], None]:
    weights.spoil(model, leaf)
    return lambda: None  # the snapshot of the model restores it


def _how_to_spoil(value: Any, name: str, model: Any) -> Callable[[], Callable[[], None]] | None:
    """Something that spoils a value where it stands, and returns what undoes it; ``None`` if nothing can."""
    if isinstance(value, (Tensor, np.ndarray)):
        return lambda: _spoiled_numbers(value)
    if isinstance(value, (list, set, dict, bytearray)):
        return lambda: _emptied(value)
    for _, found in _reached(model):
        space = getattr(found, "__globals__", None)
        if isinstance(space, dict) and space.get(name) is value:
            return lambda: _taken_away(space, name)
    return None


def _spoiled_numbers(value: Any) -> Callable[[], None]:
    if isinstance(value, np.ndarray):
        before = value.copy()
        value[...] = 0

        def undo_array() -> None:
            value[...] = before

        return undo_array
    copy = value.detach().clone()
    with torch.no_grad():
        value.data.zero_()

    def undo() -> None:
        value.data.copy_(copy)

    return undo


def _emptied(value: Any) -> Callable[[], None]:
    before = value.copy()
    value.clear()

    def undo() -> None:
        value.clear()
        value.extend(before) if isinstance(value, (list, bytearray)) else value.update(before)

    return undo


def _taken_away(space: dict[str, Any], name: str) -> Callable[[], None]:
    before = space.pop(name)

    def undo() -> None:
        space[name] = before

    return undo
