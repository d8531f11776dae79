"""Is a value of the form that is asked for? Containers and widths of numbers are free, shapes and kinds of numbers are not.

Whole numbers are as good as floating-point ones, never the other way round; a truth value is no number.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from autograder.judge.errors import describe
from autograder.judge.numbers import tensor_of
from autograder.wall.record import Failure

CAUGHT = re.compile(r"(\w+(?:Error|Exception|Warning|Iteration)): (.{1,300})", re.DOTALL)
NOT_DONE = re.compile(r"not (?:measured|computed|compared)\b")
KINDS = {"bool": "truth values", "integer": "whole numbers", "float": "floating-point numbers", "complex": "complex numbers"}
ONE = {"bool": "a truth value", "integer": "a whole number", "float": "a number", "complex": "a complex number"}
DTYPES = {"bool": "bool", "integer": "int64, or another integer dtype", "float": "float32 or float64", "complex": "complex64"}


def mismatch_of_form(value: Any, expected: Any, exact_type: bool = False) -> str | None:
    """What is wrong with the kind, shape or (for an exercise about types) dtype of a value, or ``None``."""
    if value is None and expected is not None:
        return f"Nothing was returned here (None); {wanted(expected)} is expected. Does the function return its result?"
    target, mine = tensor_of(expected), tensor_of(value)
    if target is None or _both_plain(value, expected):
        return _mismatch_of_plain(value, expected)
    if mine is None:
        return _no_numbers(value, expected)
    if mine.shape != target.shape:
        return _mismatch_of_shape(value, mine, expected, target)
    exact_type = exact_type and isinstance(expected, Tensor)
    if exact_type and not isinstance(value, Tensor):
        return f"Return a tensor of shape {_shape(target)} and dtype {_dtype(target)}, not {_kind(value)}."
    if exact_type and mine.dtype != target.dtype:
        return f"The dtype is {_dtype(mine)}, expected {_dtype(target)}: this exercise is about the type."
    if mine.numel() and not fits(mine.dtype, target.dtype):
        return _mismatch_of_kind(value, mine, expected, target)
    if mine.dtype == torch.uint64 and _wide(mine) is None:
        return "The numbers are larger than int64 can hold."
    return None


def fits(given: torch.dtype, wanted: torch.dtype) -> bool:
    """Whether numbers of one dtype may stand where the other is asked for: a whole number is a number too."""
    kinds = (kind_of(given), kind_of(wanted))
    return kinds[0] == kinds[1] or kinds == ("integer", "float")


def kind_of(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "bool"
    return "complex" if dtype.is_complex else "float" if dtype.is_floating_point else "integer"


def aligned(value: Any, expected: Any) -> tuple[Any, Any]:
    """Both sides as they are compared: numbers as tensors of the widest dtype of their kind, all else as it is."""
    mine, target = tensor_of(value), tensor_of(expected)
    if mine is None or target is None or _both_plain(value, expected):
        return value, expected
    if not mine.numel():
        return mine.to(target.dtype), target
    if not fits(mine.dtype, target.dtype):
        return value, expected
    if kind_of(target.dtype) == "float":
        return mine.double(), target.double()
    if kind_of(target.dtype) != "integer":
        return mine, target
    return (mine, target) if (a := _wide(mine)) is None or (b := _wide(target)) is None else (a, b)


def _wide(whole: Tensor) -> Tensor | None:
    """As int64, where that holds them: the upper half of uint64 would come out negative."""
    if whole.dtype == torch.uint64 and (whole.view(torch.int64) < 0).any():
        return None
    return whole.to(torch.int64)


def _both_plain(value: Any, expected: Any) -> bool:
    """Neither is a tensor, nor holds one or a float: whole numbers, truth values, texts and lists of them are compared as they are."""
    return not any(_holds_tensor_or_float(side) for side in (value, expected))


def _holds_tensor_or_float(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensor_or_float, value))
    return isinstance(value, (Tensor, float))


def _mismatch_of_plain(value: Any, expected: Any) -> str | None:
    if isinstance(expected, list) and isinstance(value, (list, tuple)):
        return None if len(value) == len(expected) else f"The list has {counted(len(value))}, expected {len(expected)}."
    if type(value) is type(expected):
        return None
    return _another_thing(value, expected)


def _no_numbers(value: Any, expected: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return _another_thing(value, expected)
    parts = [tensor_of(part) for part in value]
    if any(part is None for part in parts):
        why = "not all that it holds are numbers, in rows of equal length"
    elif len({part.shape for part in parts if part is not None}) > 1:
        why = "its parts have different shapes"
    else:
        why = "it mixes truth values with numbers"
    return f"Return {wanted(expected)}, not {_kind(value)}: {why}."


def _mismatch_of_shape(value: Any, mine: Tensor, expected: Any, target: Tensor) -> str:
    if isinstance(value, (list, tuple)) and isinstance(expected, list) and mine.ndim == target.ndim == 1:
        return f"The list has {counted(len(value))}, expected {len(expected)}."
    if isinstance(value, (list, tuple)) and not isinstance(expected, list):
        return f"Return {wanted(expected)}, not {_kind(value)}; as a tensor, yours has the shape {_shape(mine)}."
    if not isinstance(value, (Tensor, list, tuple)):
        return _another_thing(value, expected)
    extra = ""
    if not target.ndim:
        extra = " A single number has no axis."
    elif mine.numel() == target.numel():
        extra = " It has the right number of elements, in another arrangement."
    return f"The shape is {_shape(mine)}, expected {_shape(target)}.{extra}"


def _mismatch_of_kind(value: Any, mine: Tensor, expected: Any, target: Tensor) -> str:
    given, wanted = kind_of(mine.dtype), kind_of(target.dtype)
    if isinstance(value, (list, tuple)):
        return f"The list holds {KINDS[given]}; {KINDS[wanted]} are expected."
    if isinstance(value, Tensor):
        are = f"{ONE[wanted]} is" if not target.ndim else f"{KINDS[wanted]} are"
        return f"The dtype is {_dtype(mine)}; {are} expected ({DTYPES[wanted]})."
    return f"This is {ONE[given]}; {ONE[wanted]} is expected."


def _another_thing(value: Any, expected: Any) -> str:
    """What a student's own value is; a text may be the error that a probe has caught, or say why it has not measured anything."""
    if isinstance(value, str) and (caught := CAUGHT.match(value)):
        return f"It ends in an error: {describe(Failure(caught[1], caught[2]))}"
    if isinstance(value, str) and NOT_DONE.match(value):
        return f"It was {brief(value)[1:-1]}."
    told = f"the text {brief(value)}" if isinstance(value, str) else _kind(value)
    return f"This is {told}; {wanted(expected)} is expected."


def wanted(expected: Any) -> str:
    """What is expected, in words that do not give it away."""
    if isinstance(expected, Tensor) and not expected.ndim:
        return f"{ONE[kind_of(expected.dtype)]} (a tensor of shape ())"
    return _kind(expected)


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {_shape(value)}"
    names = {bool: "a truth value", int: "a whole number", float: "a number", str: "a string", list: "a list", tuple: "a list or tuple"}
    return "None" if value is None else names.get(type(value), type(value).__name__)


def _shape(value: Tensor) -> str:
    return "(" + ", ".join(map(str, value.shape)) + ("," if value.ndim == 1 else "") + ")"


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def counted(count: int) -> str:
    return "1 element" if count == 1 else f"{count} elements"


def brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
