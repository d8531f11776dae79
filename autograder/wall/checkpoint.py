"""A checkpoint: the file that ``fit`` writes, a student hands in, and grading reads. safetensors and JSON, never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from autograder.wall.record import RecordError, read_safetensors

MAX_LOSSES = 64  # in a list of a checkpoint, which fit writes with 5 and with 40
FACTS: dict[str, type | tuple[type, ...]] = {
    "fingerprint": str,
    "first": list,
    "curve": list,
    "steps": int,
    "seconds": (int, float),
    "core_seconds": (int, float),
    "finished": bool,
}


def encode(tensors: dict[str, Tensor], facts: dict[str, Any]) -> bytes:
    """The bytes of a checkpoint: plain tensors by their names in the model, and what is known of the training."""
    data: bytes = safetensors.torch.save(tensors, metadata={"fit": json.dumps(facts)})
    return data


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a checkpoint.

    Raises:
        ValueError: the file is damaged or was not written by ``fit``.
    """
    try:
        tensors, facts = read_safetensors(path.read_bytes(), "fit")
    except RecordError as error:
        raise ValueError(f"{path.name} is damaged or was not written by fit: {error}") from None
    if not isinstance(facts, dict):
        raise ValueError(f"{path.name} is damaged or was not written by fit: its facts are no dict")
    for name in FACTS.keys() & facts.keys():
        if not isinstance(facts[name], FACTS[name]) or not _losses(facts[name], name == "curve"):
            raise ValueError(f"{path.name} is damaged or was not written by fit: {name} is of another form")
    return tensors, facts


def _losses(value: Any, gaps: bool) -> bool:
    """A list in a checkpoint holds a few losses; in the curve ``None`` stands for what is no number."""
    if not isinstance(value, list):
        return True
    return len(value) <= MAX_LOSSES and all(isinstance(x, float) or gaps and x is None for x in value)


def count(data: bytes) -> int | None:
    """How many numbers a checkpoint holds, or ``None`` if it is damaged; for the trusted side, which believes no model."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
        return sum(tensor.numel() for tensor in tensors.values())
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, RuntimeError):
        return None
