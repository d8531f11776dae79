"""A checkpoint: the file that ``fit`` writes, a student hands in, and grading reads. safetensors and JSON, never pickle."""

from __future__ import annotations

import json
from builtins import all, any  # noqa: UP029  by name: what a notebook makes of them is its own affair
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, equal

from autograder.wall.record import RecordError, read_safetensors

MAX_LOSSES = 64  # in a list of a checkpoint, which fit writes with 5 and with 40
MAX_PARTS = 512  # of the code that trained it, each with a short text
MAX_PLACES = 20_000
MAX_STEPS = 16  # to a place
FACTS: dict[str, type | tuple[type, ...]] = {
    "fingerprint": str,
    "code": dict,
    "first": list,
    "curve": list,
    "steps": int,
    "seconds": (int, float),
    "core_seconds": (int, float),
    "loss": (int, float),
    "finished": bool,
}
KINDS = ("tensor", "array", "list", "tuple", "number", "again")
STEPS = ("attribute", "key", "item", "any")  # the last: of a file that does not tell


@dataclass(frozen=True)
class Held:
    """One part of a model's state: its name in the file, what it is in the model, and where it stands there."""

    name: str
    kind: str  # one of KINDS; "again" for another place of the same tensor
    path: tuple[tuple[str, Any], ...]  # steps from the model: one of STEPS, and an attribute's name, a key or an index


@dataclass(frozen=True)
class Checkpoint:
    tensors: dict[str, Tensor]
    held: tuple[Held, ...]
    facts: dict[str, Any]  # of the training


def encode(tensors: dict[str, Tensor], held: list[Held], facts: dict[str, Any]) -> bytes:
    """The bytes of a checkpoint."""
    places = [[part.name, part.kind, [[step, _key(place)] for step, place in part.path]] for part in held]
    data: bytes = safetensors.torch.save(tensors, metadata={"fit": json.dumps({**facts, "held": places})})
    return data


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ValueError: the file is damaged or was not written by ``fit``.
    """
    try:
        return decode(path.read_bytes())
    except RecordError as error:
        raise ValueError(f"{path.name} is damaged or was not written by fit: {error}") from None


def decode(data: bytes) -> Checkpoint:
    """The opposite of :func:`encode`; of a file that does not tell the places of its tensors, their names do.

    Raises:
        RecordError: the bytes are not a checkpoint.
    """
    tensors, facts = read_safetensors(data, "fit")
    if not isinstance(facts, dict):
        raise RecordError("its facts are no dict")
    for name in FACTS.keys() & facts.keys():
        if not isinstance(facts[name], FACTS[name]) or not _bounded(facts[name], name == "curve"):
            raise RecordError(f"{name} is of another form")
    places = facts.pop("held", None)
    if places is None:
        return Checkpoint(tensors, tuple(Held(name, "tensor", _by_name(name)) for name in tensors), facts)
    if not isinstance(places, list) or len(places) > MAX_PLACES:
        raise RecordError("its places are no list")
    return Checkpoint(tensors, tuple(_held(place, tensors) for place in places), facts)


def _by_name(name: str) -> tuple[tuple[str, Any], ...]:
    return tuple(("any", part) for part in name.split("."))


def _held(place: Any, tensors: dict[str, Tensor]) -> Held:
    try:
        name, kind, path = place
        steps = tuple((str(step), _place(where)) for step, where in path)
    except (TypeError, ValueError):
        raise RecordError("a place is of another form") from None
    if name not in tensors or kind not in KINDS or len(steps) > MAX_STEPS or any(step not in STEPS for step, _ in steps):
        raise RecordError("a place is of another form")
    return Held(name, kind, steps)


def _key(place: Any) -> Any:
    return {"tuple": list(place)} if isinstance(place, tuple) else place


def _place(where: Any) -> Any:
    parts = where["tuple"] if isinstance(where, dict) and isinstance(where.get("tuple"), list) else [where]
    if not all(isinstance(part, (str, int)) for part in parts):
        raise ValueError("neither a name nor a number")
    return tuple(parts) if isinstance(where, dict) else where


def _bounded(value: Any, gaps: bool) -> bool:
    """A list in a checkpoint holds a few losses (in the curve ``None`` stands for what is no number), a dict short texts."""
    if isinstance(value, list):
        return len(value) <= MAX_LOSSES and all(isinstance(x, float) or gaps and x is None for x in value)
    if isinstance(value, dict):
        return len(value) <= MAX_PARTS and all(isinstance(x, str) for x in value.values())
    return True


def numbers_in(tensor: Tensor) -> int:
    """How many numbers of 32 bits a tensor holds: a limit on numbers is one on what they can tell.

    Whole numbers count by what the largest needs, floats of 64 bits as one where they say no more than 32 bits do.
    """
    if tensor.is_complex():
        return 2 * tensor.numel()
    if tensor.is_floating_point():
        return tensor.numel() * (1 if equal(as_float32(tensor).nan_to_num(), tensor.nan_to_num()) else 2)
    if tensor.dtype == torch.bool or not tensor.numel():
        return tensor.numel()
    low, high = (int(x) for x in (tensor.min(), tensor.max()))
    return tensor.numel() * (1 if -(2**31) <= low and high < 2**32 else 2)


def as_float32(tensor: Tensor) -> Tensor:
    """The same tensor, of the same dtype, with no more in its numbers than float32 holds."""
    return tensor.float().to(tensor.dtype) if tensor.dtype == torch.float64 else tensor


def count(data: bytes) -> int | None:
    """How many numbers of 32 bits a checkpoint holds, or ``None`` if it is damaged; for the trusted side, which believes no model."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
        return sum(map(numbers_in, tensors.values()))
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, RuntimeError):
        return None


def only(data: bytes, names: set[str]) -> bytes:
    """The same checkpoint with these tensors alone, and no more in them than float32 holds.

    Raises:
        RecordError: the bytes are not a checkpoint.
    """
    whole = decode(data)
    kept = {name: as_float32(tensor) for name, tensor in whole.tensors.items() if name in names}
    return encode(kept, [part for part in whole.held if part.name in kept], whole.facts)
