"""Whatever a student's function returned, as plain values by name: tensors, numbers, texts, and lists of them.

Who returns the same numbers in another container has answered the same: an array is a tensor, an iterator a list, a list
that holds tensors a tuple.  Nothing that comes out of here can answer for itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

WHOLE = ""  # the name of a value that stands alone
PLACE = re.compile(r"\[(\d{1,4})\]")  # that of a part of a tuple, which has no other
MAX_ITEMS = 256  # of one draw: far more than any exercise returns
MAX_LIST = 20_000  # of a list of strings or numbers, with the lists in it: far more than any probe returns
MAX_TEXT = 2_000  # characters of an error message or a string
MAX_DEPTH = 8  # of a list in a list in a dict
STORABLE = {
    *(torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
}  # the dtypes that safetensors knows and torch can compare


class RecordError(ValueError):
    """Bytes that are not a record, or a value that cannot be recorded; the message says why."""


def plain_values(value: Any) -> dict[str, Any]:
    """The plain values inside what was returned, by name.

    Raises:
        RecordError: something in it is no tensor, number, string or list, tuple or dict of them, or there is too much of it.
    """
    values: dict[str, Any] = {}
    for name, plain in _leaves(_tree(value, 0, Room()), WHOLE):
        values[name[:MAX_TEXT]] = plain
        if len(values) > MAX_ITEMS:
            raise RecordError(f"more than {MAX_ITEMS} values were returned")
    return values


def is_named(value: Any) -> bool:
    """A dict, or what is one in all but name."""
    return isinstance(value, Mapping) or dataclasses.is_dataclass(value) and not isinstance(value, type)


class Room:
    """How many more elements a list may hold, with all the lists in it."""

    left = MAX_LIST

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise RecordError(f"a list of more than {MAX_LIST} elements was returned")


def _tree(value: Any, depth: int, room: Room) -> Any:
    """The value made of dicts, tuples, lists, tensors and scalars alone."""
    if depth > MAX_DEPTH:
        raise RecordError(f"the value returned is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Tensor):
        return plain_tensor(value)
    if hasattr(value, "__array__") and not isinstance(value, (np.generic, type)):
        value = _array(np.asarray(value))
        if isinstance(value, Tensor):
            return value
    if isinstance(value, (set, frozenset)):
        raise RecordError("a set was returned, which has no order: return a list")
    if is_named(value) or hasattr(value, "_asdict") and not isinstance(value, type):
        return {key: _tree(inner, depth + 1, room) for key, inner in _fields(value)}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, type)):
        own = Room() if room.left == MAX_LIST else room  # one for the outermost list
        found = []
        for inner in value:
            own.take()
            found.append(_tree(inner, depth + 1, own))
        return tuple(found) if isinstance(value, tuple) and not isinstance(value, torch.Size) else found
    return scalar(value)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Of a dict, a dataclass or a namedtuple."""
    if dataclasses.is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return
    for count, (key, inner) in enumerate((value if isinstance(value, Mapping) else value._asdict()).items()):
        if count >= MAX_ITEMS:
            raise RecordError(f"more than {MAX_ITEMS} values were returned")
        yield storable(str(key)[:MAX_TEXT]), inner


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, inner in tree.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(tree, (tuple, list)) and (parts := _parts(tree)) is not None:
        for index, inner in enumerate(parts):
            yield from _leaves(inner, f"{path}[{index}]")
    elif isinstance(tree, (tuple, list)):
        yield path, _stacked(tree) if _holds_parts(tree) else _elements(tree)
    else:
        yield path, tree


def _parts(tree: tuple[Any, ...] | list[Any]) -> tuple[Any, ...] | list[Any] | None:
    """What stands under names of its own: the elements of a tuple, and of a list that holds more than numbers and texts."""
    several = isinstance(tree, tuple) or _holds_parts(tree)
    return tree if several and len(tree) <= MAX_ITEMS and not (isinstance(tree, tuple) and _is_table(tree)) else None


def _is_table(tree: Any) -> bool:
    """Rows of numbers, too many for names of their own."""
    return not _holds_parts(tree) and sum(1 for _ in types_in(tree)) > MAX_ITEMS


def _holds_parts(tree: Any) -> bool:
    if isinstance(tree, (tuple, list)):
        return any(map(_holds_parts, tree))
    return isinstance(tree, dict) or isinstance(tree, Tensor) and tree.ndim > 0


def _stacked(tree: tuple[Any, ...] | list[Any]) -> Tensor:
    """Many tensors in a list, as one."""
    if all(isinstance(t, Tensor) for t in tree) and len({(t.shape, t.dtype) for t in tree}) == 1:
        return torch.stack(list(tree))
    raise RecordError(f"more than {MAX_ITEMS} values were returned")


def _elements(tree: Any) -> Any:
    """Lists of numbers and texts all the way down."""
    if isinstance(tree, (tuple, list)):
        return [_elements(inner) for inner in tree]
    return scalar(tree.item()) if isinstance(tree, Tensor) else tree


def scalar(value: Any) -> Any:
    """A number, truth value, text or ``None``, of Python's own types.

    Raises:
        RecordError: it is none of them.
    """
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else str(value)[:MAX_TEXT]
    if isinstance(value, (float, Real, Decimal, np.floating)):
        return float(value)
    if isinstance(value, str):
        return storable(str.__str__(value)[:MAX_TEXT])
    raise RecordError(f"a value of type {type(value).__name__} was returned: {short(value)}")


def storable(text: str) -> str:
    """Text that can be written to a file: half of a UTF-16 pair, which JSON lets through, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def short(value: Any) -> str:
    try:
        return (str(value) if isinstance(value, Exception) else repr(value))[:80]
    except Exception as error:  # noqa: BLE001  a student's __repr__ may raise anything
        return f"(its repr raises {type(error).__name__})"


def _array(array: Any) -> Any:
    """A tensor with the array's numbers; of anything else a list."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f" and size > 8:
        array = array.astype(np.float64)
    if kind in "biufc" and size <= 16:
        return plain_tensor(torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C", subok=False)))
    if array.size > MAX_LIST:
        raise RecordError(f"an array of {array.size} elements was returned, more than {MAX_LIST}")
    return array.tolist()


def plain_tensor(value: Tensor) -> Tensor:
    """A contiguous CPU copy without graph, subclass, or anything that could answer for itself."""
    with torch._C.DisableTorchFunctionSubclass():  # a subclass must not choose what it compares equal to
        if value.is_nested:
            raise RecordError("a nested tensor was returned, which has no shape: return a list of tensors")
        if value.is_meta:
            raise RecordError("a tensor on the device 'meta' was returned: it has a shape but no values")
        try:
            plain = torch.Tensor.detach(value)
            plain = plain.to_dense() if plain.layout != torch.strided else plain
            plain = plain.dequantize() if plain.is_quantized else plain
            plain = plain.as_subclass(Tensor).to("cpu", copy=True)
            plain = plain.resolve_conj().resolve_neg().contiguous()
        except (RuntimeError, TypeError, NotImplementedError) as error:
            raise RecordError(
                f"a tensor of type {type(value).__name__} was returned that has no plain values: {error}"
            ) from None
    if plain.dtype not in STORABLE:
        raise RecordError(f"a tensor of dtype {str(plain.dtype).removeprefix('torch.')} was returned: return another dtype")
    if type(plain) is not Tensor:
        raise RecordError(f"a tensor of type {type(value).__name__} was returned; return a plain torch.Tensor")
    return plain


def tensor_of(value: Any) -> Tensor | None:
    """Numbers in rows of equal length as a tensor, whatever holds them; ``None`` if they are none.

    Python's numbers become int64, float64 or bool; truth values and numbers are not mixed.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (list, tuple)) and any(map(_holds_tensors, value)):
        return _stacked_numbers([tensor_of(inner) for inner in value])
    kinds = set(types_in(value))
    if not kinds <= {int, float} and kinds != {bool}:
        return None
    try:
        return torch.tensor(value, dtype=torch.float64 if float in kinds or not kinds else None)
    except (ValueError, TypeError, RuntimeError, OverflowError):  # rows of unequal length, or a number beyond int64
        return None


def _stacked_numbers(parts: list[Tensor | None]) -> Tensor | None:
    found = [part for part in parts if part is not None and not part.is_complex()]
    dtypes = {part.dtype for part in found}
    if len(found) < len(parts) or len({part.shape for part in found}) > 1:
        return None
    if len(dtypes) > 1:
        if torch.bool in dtypes:
            return None
        floating = any(dtype.is_floating_point for dtype in dtypes)
        found = [part.to(torch.float64 if floating else torch.int64) for part in found]
    return torch.stack(found)


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, Tensor) or isinstance(value, (list, tuple)) and any(map(_holds_tensors, value))


def types_in(value: Any) -> Iterator[type]:
    """Of all that stands in a list and the lists in it."""
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from types_in(inner)
    else:
        yield type(value)
