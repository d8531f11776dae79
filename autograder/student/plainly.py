"""Arguments and results of a student's function as they are at one moment: copies, comparisons, and changes tried on them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

MOST = 20_000  # elements of a list, with the lists in it
MOST_NUMBERS = 1_000_000  # of a tensor
SCALARS = (bool, int, float, str, type(None))


class OddError(Exception):
    """A value that cannot be copied or compared without asking it."""


def copied(value: Any) -> Any:
    """A copy that shares no memory with the value.

    Raises:
        OddError: it is none of tensors, numbers, texts, generators, and lists, tuples and dicts of them, or is part of a graph.
    """
    if type(value) in SCALARS:
        return value
    if type(value) is Tensor:
        if not value.is_leaf or value.numel() > MOST_NUMBERS or value.layout != torch.strided:
            raise OddError
        return value.detach().clone().requires_grad_(value.requires_grad)
    if type(value) is torch.Generator:
        other = torch.Generator(value.device)
        other.set_state(value.get_state())
        return other
    if type(value) in (list, tuple, dict) and len(value) <= MOST:
        if type(value) is dict:
            return {key: copied(inner) for key, inner in value.items()}
        if all(type(inner) in SCALARS for inner in value):
            return type(value)(value)
        return type(value)(copied(inner) for inner in value)
    raise OddError


def values_in(result: Any) -> dict[str, Any]:
    """What a function returned, by name: the keys of a dict, the places of a tuple, or one value without a name.

    Raises:
        OddError: it holds what cannot be copied; an iterator, which would be used up, among it.
    """
    if type(result) is dict and all(type(key) is str for key in result):
        return {key: _numbers(inner) for key, inner in result.items()}
    if type(result) is tuple:
        return {f"[{place}]": _numbers(inner) for place, inner in enumerate(result)}
    return {"": _numbers(result)}


def _numbers(value: Any) -> Any:
    """As :func:`copied`; of a tensor in a graph its numbers, and of a node of an own class the number that it holds."""
    if isinstance(value, Tensor):
        if value.numel() > MOST_NUMBERS:
            raise OddError
        return value.detach().clone()
    if type(value) in (list, tuple) and len(value) <= MOST:
        return [_numbers(inner) for inner in value]
    if type(value) not in (*SCALARS, dict) and type(held := vars(value).get("data") if hasattr(value, "__dict__") else None) in (int, float):
        return held
    return copied(value)


def alike(a: Any, b: Any) -> bool:
    """The same to the last bit; NaN equals NaN."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(torch.equal(a, b) or ((a == b) | ((a != a) & (b != b))).all())
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(alike(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or a != a and b != b)


def is_floating(value: Any) -> bool:
    """Holds floating-point numbers and nothing else: what a small change of any of its sources shows in."""
    if isinstance(value, Tensor):
        return value.is_floating_point()
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(is_floating, value))
    return isinstance(value, float)


def is_finite(value: Any) -> bool:
    """No NaN and no infinity in it, which would swallow whatever else it depends on."""
    if isinstance(value, Tensor):
        return bool(value.isfinite().all())
    if isinstance(value, (list, tuple)):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def otherwise(value: Any, floating: bool) -> list[Any]:
    """What may stand in an argument's place to see whether anything depends on it; the first that the function takes is enough.

    Args:
        floating: the result consists of floating-point numbers. Truth values, whole numbers and texts may stay as they are
            when a number that they come from changes a little.
    """
    if type(value) is int:
        return [value + 1, value - 1] if value > 0 else [value + 1]
    if type(value) is torch.Generator:
        return [torch.Generator(value.device).manual_seed(int(value.initial_seed() + 1) % 2**31)]
    if not floating:
        return []
    if type(value) is float:
        return [value * 1.5 + (0.25 if value == 0 else 0.0)] if math.isfinite(value) else []
    if type(value) is Tensor and value.numel():
        if not value.is_floating_point():
            if not value.ndim or len(value) < 2 or value.is_complex() or value.dtype == torch.bool:
                return []
            low = value.min()  # other ones in another order, and none that might be out of range
            return [(low + torch.div(value - low, 2, rounding_mode="floor")).roll(1, 0)]
        wave = torch.sin(torch.arange(value.numel(), dtype=value.dtype)).view(value.shape)
        return [(value.detach() * 1.25 + 0.25 * wave).requires_grad_(value.requires_grad)]
    if type(value) is list and value and all(type(inner) is float for inner in value):
        return [[inner * 1.25 + 0.1 for inner in value]]
    return []
