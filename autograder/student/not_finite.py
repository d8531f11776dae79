"""Where a NaN or an infinity begins: the first operation of torch's that makes one out of finite numbers, and the student's line it is in.

Nothing of torch is replaced: a mode of torch's own is told of each call while a probe runs once more.
"""

from __future__ import annotations

import inspect
import linecache
import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from autograder.student.own_line import Given, is_own
from autograder.wall.record import Draw

EXPONENTIALS = ("exp", "exp_", "exp2", "expm1", "cosh", "sinh")
LOGARITHMS = ("log", "log_", "log2", "log10", "log1p")
DIVISIONS = ("div", "div_", "true_divide", "__truediv__", "__rtruediv__", "__rdiv__", "__itruediv__", "reciprocal")
POWERS = ("pow", "pow_", "__pow__", "__rpow__", "__ipow__", "float_power")
ROOTS = ("sqrt", "sqrt_", "rsqrt")
SPREADS = ("var", "std")
MOST = 200  # characters of a line


def is_finite(draw: Draw) -> bool:
    """Whether all floating-point numbers of a draw are."""
    return all(map(_is_finite, draw.values.values()))


def _is_finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not (value.is_floating_point() or value.is_complex()) or bool(value.isfinite().all())
    if isinstance(value, (list, tuple)):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


class FirstNotFinite(TorchFunctionMode):
    """Use it around the call of a probe; :attr:`found` is empty if there is no such operation, or it is in no line of the student's.

    Args:
        given: the lecture's own cells.
    """

    def __init__(self, given: Given) -> None:
        super().__init__()
        self.given, self.over = given, False
        self.found: dict[str, Any] = {}  # kind, line (its number), text

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.over:
            return function(*args, **kwargs)
        before = list(_numbers([*args, *kwargs.values()]))
        finite = all(map(_is_finite, before))
        zeros = any(bool((torch.as_tensor(number) == 0).any()) for number in before) if finite else False
        below = any(bool((torch.as_tensor(number) < 0).any()) for number in before if not _is_complex(number)) if finite else False
        result = function(*args, **kwargs)
        if finite and isinstance(result, Tensor) and not _is_finite(result.detach()):
            self.over = True
            kind = _kind(getattr(function, "__name__", ""), result.detach(), before, zeros, below)
            if place := self._own_line():
                self.found = {"kind": kind, "line": place[0], "text": place[1]}
        return result

    def _own_line(self) -> tuple[int, str] | None:
        frame = inspect.currentframe()
        while frame is not None:
            file = frame.f_code.co_filename
            if is_own(file, self.given):
                return frame.f_lineno, linecache.getline(file, frame.f_lineno).strip()[:MOST]
            frame = frame.f_back
        return None


def _numbers(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _numbers(value)
        elif isinstance(value, Tensor):
            yield value.detach()
        elif type(value) in (int, float):
            yield value


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


def _kind(name: str, result: Tensor, before: list[Any], zeros: bool, below: bool) -> str:
    undefined = bool(result.isnan().any())
    if name in EXPONENTIALS:
        return "exponential"
    if name in LOGARITHMS:
        return "logarithm of a negative number" if undefined and below else "logarithm of zero"
    if name in DIVISIONS and zeros:
        return "zero by zero" if undefined else "by zero"
    if name in POWERS:
        return "root of a negative number" if undefined else "by zero" if zeros else "other"
    if name in ROOTS:
        return "root of a negative number" if undefined else "by zero"
    if name == "mean" and undefined:
        return "mean of nothing"
    if name in SPREADS and undefined:
        return "spread of one number"
    return "other"
