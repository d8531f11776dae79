"""A model's tensors by name, found by walking its attributes; checkpoints in safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from autograder.files import write_whole
from autograder.wall.record import RecordError, plain_tensor, read_safetensors

MAX_DEPTH = 8
MAX_LOSSES = 64  # in a list of a checkpoint, which fit writes with 5 and with 40
FACTS = {
    "fingerprint": str,
    "first": list,
    "curve": list,
    "steps": int,
    "seconds": (int, float),
    "core_seconds": (int, float),
    "finished": bool,
}


def tensors_of(model: Any) -> dict[str, Tensor]:
    """Every tensor that a model holds, by a dotted name: ``state_dict`` of a module, else attributes, keys and indices."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in _walk(model, "", 0, seen):
        found[name] = tensor
    return found


def _walk(node: Any, path: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(node, Tensor):
        if id(node) not in seen:
            seen.add(id(node))
            yield path or "weight", node
        return
    if (
        depth > MAX_DEPTH
        or id(node) in seen
        or isinstance(node, (str, bytes, type))
        or callable(node)
        and not hasattr(node, "__dict__")
    ):
        return
    seen.add(id(node))
    if isinstance(node, nn.Module):
        items = list({**dict(node.named_parameters()), **dict(node.named_buffers())}.items())
        items += [(k, v) for k, v in vars(node).items() if not k.startswith("_") and not isinstance(v, nn.Module)]
    elif isinstance(node, dict):
        items = [(str(k), v) for k, v in node.items()]
    elif isinstance(node, (list, tuple)):
        items = [(str(i), v) for i, v in enumerate(node)]
    elif hasattr(node, "__dict__"):
        items = list(vars(node).items())
    else:
        return
    for name, inner in items:
        yield from _walk(inner, f"{path}.{name}" if path else name, depth + 1, seen)


def put(model: Any, saved: dict[str, Tensor]) -> None:
    """Copy saved tensors into a model of the same form.

    Raises:
        ValueError: a tensor is missing, left over, or of another shape or kind of number.
    """
    own = tensors_of(model)
    for name in {*own, *saved}:
        if name not in saved or name not in own:
            raise ValueError(
                f"the weights {'lack' if name not in saved else 'hold'} {name}, which the model {'has' if name in own else 'lacks'}"
            )
        if own[name].shape != saved[name].shape:
            raise ValueError(
                f"{name} has shape {tuple(saved[name].shape)} in the weights and {tuple(own[name].shape)} in the model"
            )
        if not torch.can_cast(saved[name].dtype, own[name].dtype):
            raise ValueError(f"{name} is {saved[name].dtype} in the weights and {own[name].dtype} in the model")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(saved[name])


def save(path: Path, model: Any, facts: dict[str, Any]) -> None:
    """Write a checkpoint; a crash leaves the old file or the new one."""
    tensors = {name: plain_tensor(tensor) for name, tensor in tensors_of(model).items()}
    write_whole(path, safetensors.torch.save(tensors, metadata={"fit": json.dumps(facts)}))


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
        return sum(tensor.numel() for tensor in safetensors.torch.load(data).values())
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, RuntimeError):
        return None


def evaluation_mode(model: Any, depth: int = 0, seen: set[int] | None = None) -> None:
    """Set every attribute ``training`` in a model to ``False``, as ``nn.Module.eval`` does, whatever the model is made of."""
    seen = set() if seen is None else seen
    if depth > MAX_DEPTH or id(model) in seen or isinstance(model, (Tensor, str, bytes, type)):
        return
    seen.add(id(model))
    if isinstance(model, nn.Module):
        model.eval()
    elif isinstance(getattr(model, "training", None), bool):
        model.training = False
    if isinstance(model, dict):
        inner = list(model.values())
    elif isinstance(model, (list, tuple)):
        inner = list(model)
    else:
        inner = list(getattr(model, "__dict__", {}).values())
    for part in inner:
        evaluation_mode(part, depth + 1, seen)
