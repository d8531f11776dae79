"""Where a NaN or an infinity begins: the first operation of torch's that makes one out of finite numbers, and the student's line it is in.

Nothing of torch is replaced: a mode of torch's own is told of each call while a probe runs once more.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from autograder.student.own_line import Given, is_own
from autograder.student.plainly import is_finite

EXPONENTIALS = ("exp", "exp_", "exp2", "expm1", "cosh", "sinh")
LOGARITHMS = ("log", "log_", "log2", "log10", "log1p")
DIVISIONS = ("div", "div_", "true_divide", "__rdiv__", "__rtruediv__")
POWERS = ("pow", "pow_", "__rpow__", "float_power")
REVERSED = ("__rdiv__", "__rtruediv__", "__rpow__")  # their first argument stands behind the sign
ROOTS = ("sqrt", "sqrt_", "rsqrt")
SPREADS = ("var", "std")
VANISHING = {"prod": "product", "exp": "exponential", "softmax": "softmax", "sigmoid": "sigmoid"}  # make a 0 of numbers that are none
UNSET = ("empty", "empty_like", "new_empty", "empty_strided")  # what stands in memory that nobody has written to means nothing
MOST = 200  # characters of a line


class FirstNotFinite(TorchFunctionMode):
    """Use it around the call of a probe; :attr:`found` is empty if there is no such operation, or it is in no line of the student's.

    Args:
        given: the lecture's own cells.
    """

    def __init__(self, given: Given) -> None:
        super().__init__()
        self.given, self.over = given, False
        self.found: dict[str, Any] = {}  # kind, line (its number), text; of what a 0 is that something else has made of other numbers
        self.vanished: tuple[Tensor, str] | None = None

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(function, "__name__", "")
        numbers = [] if self.over or name in UNSET else list(_numbers([*args, *kwargs.values()]))
        if not numbers or not all(map(is_finite, numbers)):
            return function(*args, **kwargs)
        before = [_zero_or_below(number) for number in numbers[:2]]  # an operation in place changes what it is given
        result = function(*args, **kwargs)
        if name in VANISHING and isinstance(result, Tensor) and not (name == "prod" and before[0][0]) and bool((result.detach() == 0).any()):
            self.vanished = result.detach(), VANISHING[name]
        if isinstance(result, Tensor) and not is_finite(result.detach()):
            self.over = True
            kind = _kind(name, bool(result.detach().isnan().any()), before[::-1] if name in REVERSED else before)
            if place := self._own_line():
                self.found = {"kind": kind, "line": place[0], "text": place[1]}
                if self.vanished and any(isinstance(n, Tensor) and n.data_ptr() == self.vanished[0].data_ptr() for n in numbers):
                    self.found["of"] = self.vanished[1]
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


def _zero_or_below(number: Any) -> tuple[bool, bool]:
    """Whether a zero is among the numbers, and whether one below zero."""
    tensor = torch.as_tensor(number)
    return bool((tensor == 0).any()), not tensor.is_complex() and bool((tensor < 0).any())


def _kind(name: str, undefined: bool, before: list[tuple[bool, bool]]) -> str:
    """What has happened.

    Args:
        undefined: a NaN has come out, not only infinity.
        before: of the arguments in the order in which they are written.
    """
    zero, (last_zero, last_below) = before[0][0], before[-1]
    if name in EXPONENTIALS:
        return "exponential"
    if name in LOGARITHMS:
        return "logarithm of a negative number" if undefined else "logarithm of zero"
    if name in DIVISIONS or name == "reciprocal":
        return "zero by zero" if undefined else "by zero" if last_zero else "other"
    if name in POWERS:
        return "root of a negative number" if undefined else "by zero" if zero and last_below else "other"
    if name in ROOTS:
        return "root of a negative number" if undefined else "by zero"
    if name == "mean" and undefined:
        return "mean of nothing"
    if name in SPREADS and undefined:
        return "spread of one number"
    return "other"
