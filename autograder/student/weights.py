"""A model's state: what its predictions read and do not write. It alone is saved, counted, and put into a fresh model.

What a call overwrites (a layer's ``out``, a cache) or never looks at (a velocity, an optimiser, the losses so far) is no state.
Which is which is found by looking: the model is called on batches of different length, and with each part spoiled in turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, equal, nn  # by name: what a notebook makes of torch.equal is its own affair

from autograder.files import write_whole
from autograder.student.leaves import Leaf, at, leaves_of, nodes_of, put_at, shared_places
from autograder.student.leaves import Path as Place
from autograder.student.neutral import neutral
from autograder.student.snapshot import Snapshot
from autograder.wall.checkpoint import Held, as_float32, encode, numbers_in
from autograder.wall.record import plain_tensor

ROWS = (7, 4)  # of two batches: what a batch leaves behind has another shape after the other
FEW = 8  # parts that are spoiled one by one: where most are read, halves of halves would ask the model twice as often
FREE_NUMBERS = 64  # single numbers that count as no parameters: sizes, rates, an eps


@dataclass
class State:
    """The leaves that count, and the places that share one of them."""

    leaves: list[Leaf]
    shared: list[tuple[Place, Place]]

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers each holds; a view of another leaf's storage holds none of its own."""
        found: dict[str, int] = {}
        storages: set[int] = set()
        numbers = [leaf for leaf in self.leaves if leaf.kind == "number"]
        for leaf in self.leaves:
            storage = leaf.value.untyped_storage().data_ptr() if leaf.kind == "tensor" else id(leaf.value)
            if leaf.kind != "number" or len(numbers) > FREE_NUMBERS:
                found[leaf.name] = 0 if storage in storages else numbers_in(as_float32(leaf.tensor()))  # as it is saved
            storages.add(storage)
        return found


def predict(model: Any, contexts: Tensor) -> Tensor:
    """Logits as plain numbers, the same for each call whatever is drawn in it."""
    with neutral(0), torch.no_grad():
        return plain_tensor(torch.as_tensor(model(contexts.clone())))


def aside(model: Any, contexts: Tensor) -> Tensor:
    """Logits of a model in the middle of its training, as it stands; the training does not notice."""
    before = Snapshot(model)
    try:
        return predict(model, contexts)
    finally:
        before.restore()


def batches(context: int) -> list[Tensor]:
    """Contexts ``(N, T) int64`` of two lengths."""
    g = torch.Generator().manual_seed(0)
    return [torch.randint(0, 27, (rows, context), generator=g) for rows in ROWS]


def state_of(model: Any, context: int) -> State:
    """What the model's predictions read and do not write. The model is left as it was.

    Args:
        context: T, the length of a context.

    Raises:
        Exception: whatever the model raises when it is called.
    """
    before = Snapshot(model)
    try:
        evaluation_mode(model)
        long, short = batches(context)
        predict(model, long)  # what is made with the first batch is there
        still = Snapshot(model)
        known = {leaf.path: (leaf, _copy(leaf)) for leaf in leaves_of(model)}
        kept = set(known)
        for contexts in (long, short):
            predict(model, contexts)
            after = {leaf.path: leaf for leaf in leaves_of(model)}
            kept = {path for path in kept if path in after and _same(after[path], *known[path])}
        still.restore()
        leaves = _read([known[path][0] for path in known if path in kept], model, long, still)
        paths = {leaf.path for leaf in leaves}
        return State(leaves, [pair for pair in shared_places(model) if pair[1] in paths])
    finally:
        before.restore()


def _copy(leaf: Leaf) -> Any:
    return leaf.tensor() if leaf.ready and leaf.kind != "number" else leaf.value


def _same(now: Leaf, before: Leaf, copy: Any) -> bool:
    if now.kind in ("tensor", "array") and now.value is not before.value:
        return False
    if not isinstance(copy, Tensor) or now.kind == "number":
        return now.value is copy or bool(now.value == copy)
    value = now.tensor()
    return value.shape == copy.shape and value.dtype == copy.dtype and equal(value.nan_to_num(), copy.nan_to_num())


def _read(candidates: list[Leaf], model: Any, contexts: Tensor, still: Snapshot) -> list[Leaf]:
    """Those of which a prediction changes, or fails, when they are spoiled: by halves down to some few, since most groups are read or not."""
    told = predict(model, contexts)
    still.restore()

    def matters(group: list[Leaf]) -> bool:
        try:
            for leaf in group:
                spoil(model, leaf)
            changed = predict(model, contexts)
            return changed.shape != told.shape or not equal(changed, told)
        except Exception:  # noqa: BLE001  a student's model raises whatever spoiled numbers lead it to
            return True
        finally:
            still.restore()

    def search(group: list[Leaf]) -> list[Leaf]:
        if not group or not matters(group):
            return []
        if len(group) == 1:
            return group
        if len(group) <= FEW:
            return [leaf for leaf in group if matters([leaf])]
        half = len(group) // 2
        return [*search(group[:half]), *search(group[half:])]

    return search(candidates)


def spoil(model: Any, leaf: Leaf) -> None:
    """Other numbers, of the same shape."""
    if isinstance(leaf.value, Tensor):
        if leaf.value.is_floating_point() or leaf.value.is_complex():
            leaf.value.data.fill_(torch.nan)
        else:
            leaf.value.data.copy_(torch.zeros_like(leaf.value) if leaf.value.any() else torch.ones_like(leaf.value))
    elif isinstance(leaf.value, np.ndarray):
        leaf.value[...] = np.nan if leaf.value.dtype.kind == "f" else not leaf.value.any()
    elif leaf.kind == "number":
        put_at(model, leaf.path, type(leaf.value)(np.nan) if isinstance(leaf.value, (float, np.floating)) else leaf.value + 1)
    else:
        put_at(model, leaf.path, _filled(leaf.value))


def _filled(value: Any) -> Any:
    return type(value)(_filled(inner) for inner in value) if isinstance(value, (list, tuple)) else float("nan")


def parts_of(model: Any, context: int) -> State:
    """The state; where nothing is read, or the model cannot be called, all that it holds but single numbers, so that nothing is lost."""
    try:
        state = state_of(model, context)
    except Exception:  # noqa: BLE001  a student's model; the check tells what it raises
        state = State([], [])
    if state.leaves:
        return state
    return State([leaf for leaf in leaves_of(model) if leaf.kind != "number"], shared_places(model))


def save(path: Path, model: Any, context: int, facts: dict[str, Any]) -> None:
    """Write a checkpoint of the model's state; a crash leaves the old file or the new one."""
    state = parts_of(model, context)
    tensors: dict[str, Tensor] = {}
    held: list[Held] = []
    names: dict[Place, str] = {}
    for leaf in state.leaves:
        if not leaf.ready:
            continue
        name = leaf.name if leaf.name not in tensors else f"{leaf.name}#{len(tensors)}"
        tensors[name], names[leaf.path] = as_float32(plain_tensor(leaf.tensor())), name
        held.append(Held(name, leaf.kind, leaf.path))
    held += [Held(names[first], "again", place) for place, first in state.shared if first in names]
    write_whole(path, encode(tensors, held, facts))


def put(model: Any, saved: dict[str, Tensor], held: Iterable[Held]) -> None:
    """Put a saved state into a fresh model: at the place, and in the shape and kind, that each part had when it was saved.

    Raises:
        ValueError: the model has no such place.
    """
    for part in held:
        try:
            _put(model, part, saved)
        except LookupError as error:
            raise ValueError(f"the weights hold {part.name}, and a model that make_model() makes has no place {error} for it") from None


def _put(model: Any, part: Held, saved: dict[str, Tensor]) -> None:
    value = saved[part.name]
    if part.kind == "again":
        first = next(p for p in leaves_of(model) if p.name == part.name)
        if at(model, part.path) is not first.value:
            put_at(model, part.path, first.value)
        return
    try:
        now = at(model, part.path)
    except LookupError:
        now = None
    if part.kind == "tensor":
        if isinstance(now, Tensor) and now.shape == value.shape and now.dtype == value.dtype:
            now.data = value.clone() if now.is_sparse or not now.is_contiguous() else now.data.copy_(value)
        else:
            put_at(model, part.path, value.clone())
    elif part.kind == "array":
        put_at(model, part.path, value.numpy().copy())
    elif part.kind == "number":
        put_at(model, part.path, value.item())
    else:
        numbers = value.tolist()
        put_at(model, part.path, _as_tuples(numbers) if part.kind == "tuple" else numbers)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def fresh(make_model: Any, seed: int, context: int) -> Any:
    """A model as ``make_model`` makes it, called once, so that what is made with the first batch is there."""
    torch.manual_seed(seed)
    model = make_model()
    before = Snapshot(model)
    unready = [leaf for leaf in leaves_of(model) if not leaf.ready]
    try:
        evaluation_mode(model)
        predict(model, batches(context)[0])
    except Exception:  # noqa: BLE001  it may need what it has learned before it can be called
        before.restore()
    else:
        if not unready:
            before.restore()
    return model


def evaluation_mode(model: Any) -> None:
    """Set every attribute ``training`` in a model to ``False``, as ``nn.Module.eval`` does, whatever the model is made of."""
    for node in nodes_of(model):
        if isinstance(node, nn.Module):
            node.eval()
        elif isinstance(node, dict):
            if isinstance(node.get("training"), bool):
                node["training"] = False
        elif isinstance(getattr(node, "training", None), bool):
            object.__setattr__(node, "training", False)


