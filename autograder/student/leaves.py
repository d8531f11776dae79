"""What a model holds: its tensors, arrays and numbers, the place of each, and how another is put there.

A model is any object: a module, a plain class with or without ``__slots__``, dicts, lists and tuples of tensors, arrays or numbers.
"""

from __future__ import annotations

import types
from builtins import all  # noqa: UP029  by name: what a notebook makes of them is its own affair
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

Step = tuple[str, Any]  # ("attribute", name), ("key", key) or ("item", index)
Path = tuple[Step, ...]

MAX_DEPTH = 12
MAX_LEAVES = 20_000
MODULE_OWN = frozenset(vars(nn.Module()))  # how torch keeps a module's parts
CLOSED = (str, bytes, type, types.ModuleType, types.FunctionType, types.MethodType, torch.Generator, torch.device, torch.dtype)


@dataclass
class Leaf:
    """A tensor, an array, a list or tuple of numbers, or a number, and where it stands."""

    path: Path
    value: Any

    @property
    def name(self) -> str:
        """Dotted, as in ``state_dict``."""
        return ".".join(str(place) for _, place in self.path) or "weight"

    @property
    def kind(self) -> str:
        """``tensor``, ``array``, ``list``, ``tuple`` or ``number``."""
        kinds = ((Tensor, "tensor"), (np.ndarray, "array"), (list, "list"), (tuple, "tuple"))
        return next((kind for made_of, kind in kinds if isinstance(self.value, made_of)), "number")

    @property
    def ready(self) -> bool:
        """Whether it has a shape yet; a lazy layer's weights have none before their first batch."""
        return not is_lazy(self.value)

    def tensor(self) -> Tensor:
        """A copy of its numbers."""
        if isinstance(self.value, Tensor):
            return self.value.detach().clone()
        return torch.from_numpy(np.array(self.value))


def leaves_of(model: Any) -> list[Leaf]:
    """Every leaf once; of what stands in two places, the first.

    Raises:
        ValueError: there are more than a model can need.
    """
    found: list[Leaf] = []
    for leaf, again in _walk(model, (), set()):
        if not again:
            found.append(leaf)
        if len(found) > MAX_LEAVES:
            raise ValueError(f"the model holds more than {MAX_LEAVES:,} tensors and numbers: keep them in tensors")
    return found


def shared_places(model: Any) -> list[tuple[Path, Path]]:
    """Places that hold the same tensor or array as another, such as tied weights: the place, and the first one."""
    first: dict[int, Path] = {}
    pairs = []
    for leaf, again in _walk(model, (), set()):
        if again:
            pairs.append((leaf.path, first[id(leaf.value)]))
        else:
            first[id(leaf.value)] = leaf.path
    return pairs


def nodes_of(model: Any) -> list[Any]:
    """Every object and container in which leaves can stand."""
    nodes: list[Any] = []
    for _ in _walk(model, (), set(), nodes):
        pass
    return nodes


def _walk(node: Any, path: Path, seen: set[int], nodes: list[Any] | None = None) -> Iterator[tuple[Leaf, bool]]:
    """The leaves below a node, and whether each has been met before."""
    if isinstance(node, bool) or node is None or isinstance(node, CLOSED) or len(path) > MAX_DEPTH:
        return
    if isinstance(node, (Tensor, np.ndarray)):
        if isinstance(node, Tensor) or node.dtype.kind in "fiub":
            yield Leaf(path, node), id(node) in seen
            seen.add(id(node))
        return
    if isinstance(node, (int, float, np.number)):
        yield Leaf(path, node), False
        return
    if id(node) in seen or type(node).__module__.partition(".")[0] == "autograder":
        return
    seen.add(id(node))
    if nodes is not None:
        nodes.append(node)
    if isinstance(node, (list, tuple)) and _are_numbers(node):
        yield Leaf(path, node), False
        return
    for step, inner in children(node):
        yield from _walk(inner, (*path, step), seen, nodes)


def _are_numbers(node: list[Any] | tuple[Any, ...], depth: int = 0) -> bool:
    """Numbers, or rows of them of one length."""
    if not node or depth > 4:
        return False
    if isinstance(node[0], (list, tuple)):
        rows = all(isinstance(row, (list, tuple)) and len(row) == len(node[0]) for row in node)
        return rows and all(_are_numbers(row, depth + 1) for row in node)
    return all(isinstance(x, (int, float, np.number)) and not isinstance(x, bool) for x in node)


def children(node: Any) -> Iterator[tuple[Step, Any]]:
    """What stands directly in an object or container, and how it is reached."""
    if isinstance(node, dict):
        yield from ((("key", key), inner) for key, inner in list(node.items()) if _is_plain_key(key))
        return
    if isinstance(node, (list, tuple)):
        yield from ((("item", index), inner) for index, inner in enumerate(node))
        return
    own = dict(getattr(node, "__dict__", {}))
    if isinstance(node, nn.Module):
        for kept in ("_parameters", "_buffers", "_modules"):
            yield from ((("attribute", name), inner) for name, inner in own[kept].items())
        own = {name: inner for name, inner in own.items() if name not in MODULE_OWN}
    for slot in slots_of(node):
        own.setdefault(slot, getattr(node, slot, None))
    yield from ((("attribute", name), inner) for name, inner in own.items())


def _is_plain_key(key: Any) -> bool:
    if isinstance(key, tuple):
        return all(isinstance(part, (str, int)) for part in key)
    return isinstance(key, (str, int)) and not isinstance(key, bool)


def slots_of(node: Any) -> list[str]:
    """The names in ``__slots__`` of an object's classes."""
    found: list[str] = []
    for owner in type(node).__mro__:
        slots = owner.__dict__.get("__slots__", ())
        found += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in found if name not in ("__dict__", "__weakref__")]


def at(model: Any, path: Path) -> Any:
    """What stands at a place.

    Raises:
        LookupError: there is no such place.
    """
    node = model
    for step in path:
        kind, place = told(node, step)
        try:
            node = getattr(node, place) if kind == "attribute" else node[place]
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            raise LookupError(str(place)) from error
    return node


def told(node: Any, step: Step) -> Step:
    """A step of which only a word is known, as the object before it needs it."""
    kind, place = step
    if kind != "any":
        return step
    if isinstance(node, dict):
        return "key", next((key for key in node if str(key) == place), place)
    if isinstance(node, (list, tuple)):
        return "item", int(place) if str(place).isdecimal() else place
    return "attribute", place


def put_at(model: Any, path: Path, value: Any) -> None:
    """Put something in a place, whatever was there; the object that holds the place must be there, or be a list or a dict.

    Raises:
        LookupError: it is not, or takes nothing.
    """
    parent = at(model, path[:-1])
    if parent is None and path[-1][0] in ("item", "key"):  # a list or dict that the training has made
        put_at(model, path[:-1], [] if path[-1][0] == "item" else {})
        parent = at(model, path[:-1])
    kind, place = told(parent, path[-1])
    try:
        if kind == "attribute":
            _set_attribute(parent, place, value)
        elif isinstance(parent, tuple):
            changed = [*parent[:place], value, *parent[place + 1 :]]
            rebuilt = type(parent)(*changed) if hasattr(parent, "_fields") else tuple(changed)
            put_at(model, path[:-1], rebuilt)
        elif kind == "item" and place == len(parent):
            parent.append(value)
        else:
            parent[place] = value
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise LookupError(str(place)) from error


def _set_attribute(parent: Any, name: str, value: Any) -> None:
    if isinstance(parent, nn.Module) and isinstance(value, Tensor):
        if name in parent._parameters:
            parent._parameters[name] = value if isinstance(value, nn.Parameter) else nn.Parameter(value, value.is_floating_point())
            return
        if name in parent._buffers:
            parent._buffers[name] = value
            return
    try:
        setattr(parent, name, value)
    except AttributeError:  # of a frozen dataclass
        object.__setattr__(parent, name, value)
