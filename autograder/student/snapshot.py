"""A model as it is at one moment, to be made so again."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autograder.student.leaves import leaves_of, nodes_of, slots_of

same_tensor, same_array = torch.equal, np.array_equal  # as they are before a notebook can give them another meaning


class Snapshot:
    """A model as it is now, down to every list and tensor in it; :meth:`restore` makes it so again.

    Tensors are written past autograd's bookkeeping, so that a training between two steps does not notice.

    Raises:
        ValueError: it holds more than a model can need.
    """

    def __init__(self, model: Any) -> None:
        self.copies: list[tuple[Any, Any]] = [
            (leaf.value, leaf.value.detach().clone() if leaf.kind == "tensor" else leaf.value.copy())
            for leaf in leaves_of(model)
            if leaf.kind in ("tensor", "array") and leaf.ready
        ]
        self.nodes = [(node, _held(node)) for node in nodes_of(model) if not isinstance(node, tuple)]

    def restore(self) -> None:
        for node, held in self.nodes:
            _hold(node, held)
        for value, copy in self.copies:
            if isinstance(value, Tensor):
                if not same_tensor(value, copy):  # what cannot be written has not changed
                    value.data.copy_(copy)
            elif not same_array(value, copy):
                np.copyto(value, copy)


def _held(node: Any) -> Any:
    if isinstance(node, dict):
        return dict(node)
    if isinstance(node, list):
        return list(node)
    own = dict(getattr(node, "__dict__", {}))
    if isinstance(node, nn.Module):  # whose parts stand in dicts of its own
        own = {name: dict(inner) if isinstance(inner, dict) else inner for name, inner in own.items()}
    return own, {name: getattr(node, name) for name in slots_of(node) if hasattr(node, name)}


def _hold(node: Any, held: Any) -> None:
    if isinstance(node, dict):
        node.clear()
        node.update(held)
    elif isinstance(node, list):
        node[:] = held
    else:
        own, slots = held
        if hasattr(node, "__dict__"):
            for name in set(vars(node)) - set(own):
                del vars(node)[name]
            for name, inner in own.items():
                if isinstance(node, nn.Module) and isinstance(inner, dict) and isinstance(vars(node).get(name), dict):
                    vars(node)[name].clear()
                    vars(node)[name].update(inner)
                else:
                    vars(node)[name] = inner
        for name, inner in slots.items():
            object.__setattr__(node, name, inner)
