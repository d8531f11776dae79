"""A model's tensors by name, found by walking its attributes; into a checkpoint and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autograder.files import write_whole
from autograder.wall.checkpoint import encode
from autograder.wall.record import plain_tensor

MAX_DEPTH = 8


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
    write_whole(path, encode(tensors, facts))


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
