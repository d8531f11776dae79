"""What a probe returned, as plain values and as bytes: safetensors and JSON, never pickle.

A record is all that leaves a student's process.  Whoever reads one believes nothing but its values.
"""

from __future__ import annotations

import base64
import functools
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from autograder.wall.plain import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_LIST,
    MAX_TEXT,
    STORABLE,
    WHOLE,
    RecordError,
    Room,
    is_named,
    plain_tensor,
    plain_values,
    scalar,
    short,
    storable,
    tensor_of,
    types_in,
)

__all__ = [
    "MAX_DRAWS",
    "MAX_TEXT",
    "WHOLE",
    "Draw",
    "Failure",
    "Record",
    "RecordError",
    "decode",
    "draw_from",
    "encode",
    "plain_tensor",
    "read_safetensors",
    "storable",
    "unpack",
]

MAX_DRAWS = 64  # of one check: twice what course.yml allows
MAX_DIMS = 16  # of a tensor; torch itself stops at 64, somewhere within a comparison
PLAIN, SMALL = "autograder", "autograder.zlib"  # the entry of a file's metadata that holds the JSON
MAX_UNPACKED = 1 << 25  # bytes of JSON that was compressed
MAX_HEADER = 1 << 22  # bytes of JSON, which cost 30 times as much once read; all answers of a lecture take 250 KB


UNREADABLE = "The answer cannot be read"  # the name of a failure that is no exception of the student's code


@dataclass(frozen=True)
class Failure:
    """An exception that stopped a probe."""

    name: str  # of the exception's class
    message: str
    line: str = ""  # the line of the student's code that it came from; empty if it came from none
    number: int = 0  # of that line in its cell
    cell: str = ""  # what this cell defines, if it is another than the answer's
    called: str = ""  # the lecture's own function that the line called, where it ended in there, and with what
    check: str = ""  # in place of a line of the student's: the one of the check, or of the lecture, that it came from


@dataclass(frozen=True)
class Draw:
    """What one call of a probe returned: values by name, or the failure in their place."""

    values: dict[str, Any] = field(default_factory=dict)  # Tensor, number, string, or list of strings and numbers
    named: bool = False  # a dict: each name earns its own share of the points
    failure: Failure | None = None

    @functools.cached_property
    def numbers(self) -> dict[str, Tensor | None]:
        """Each value as a tensor, for what is compared with many others; ``None`` for what holds no numbers in equal rows."""
        return {name: tensor_of(value) for name, value in self.values.items()}


@dataclass(frozen=True)
class Record:
    """All draws of one check, in the order of their seeds."""

    exercise: str
    draws: tuple[Draw, ...]
    facts: dict[str, Any] = field(default_factory=dict)  # numbers beside a trained model's logits


def draw_from(value: Any) -> Draw:
    """The plain values inside what a student's function returned.

    Raises:
        RecordError: something in it is no tensor, number, string or list, tuple or dict of them.
    """
    return Draw(plain_values(value), named=is_named(value))


def pack(record: Record, prefix: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A record as JSON and tensors whose names begin with ``prefix``."""
    tensors: dict[str, Tensor] = {}
    draws = []
    for number, draw in enumerate(record.draws):
        items: list[list[Any]] = []
        for name, value in draw.values.items():
            if isinstance(value, Tensor):
                key = f"{prefix}{number}/{len(items)}"
                tensors[key] = value
                items.append([name, "tensor", key])
            elif (numbers := _floats(value)) is not None:
                key = f"{prefix}{number}/{len(items)}"
                tensors[key] = numbers
                items.append([name, "list", key])
            else:
                items.append([name, "plain", value])
        draws.append({"items": items, "named": draw.named, "failure": draw.failure and _packed(draw.failure)})
    return {"exercise": record.exercise, "draws": draws, "facts": record.facts}, tensors


def _packed(failure: Failure) -> list[Any]:
    where = [failure.cell, failure.called, failure.check]
    return [failure.name, failure.message, failure.line, failure.number, *(where if any(where) else ())]


def unpack(data: Any, tensors: dict[str, Tensor]) -> Record:
    """The opposite of :func:`pack`; refuses whatever ``pack`` would not have written, and takes its tensors out of ``tensors``.

    Raises:
        RecordError: the JSON has another form, or names a tensor that is not there.
    """
    try:
        draws = tuple(_draw(draw, tensors) for draw in _list(data["draws"], MAX_DRAWS))
        return Record(_text(data["exercise"]), draws, _fact(_dict(data["facts"])))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise RecordError(f"not a record: {short(error)}") from None


def _draw(data: Any, tensors: dict[str, Tensor]) -> Draw:
    values: dict[str, Any] = {}
    for name, kind, value in _list(data["items"], MAX_ITEMS):
        name = _text(name)
        if name in values or kind not in ("tensor", "list", "plain"):
            raise RecordError("a value stands twice, or is of no known kind")
        values[name] = _json(value, Room()) if kind == "plain" else _sound(tensors.pop(value))
        if kind == "list":
            values[name] = _list_of(values[name])
    failure, named = data["failure"], data["named"]
    if failure is not None:
        name, message, line, number, *where = _list(failure, 7)
        failure = Failure(_text(name), _text(message), _text(line), scalar(number), *map(_text, where))
    if not isinstance(named, bool) or failure and not isinstance(failure.number, int):
        raise RecordError("named must be true or false, and a line a whole number")
    return Draw(values, named, failure)


def _json(value: Any, room: Room, depth: int = 0) -> Any:
    """A scalar, or lists of them."""
    if not isinstance(value, list):
        return scalar(value)
    if depth > MAX_DEPTH:
        raise RecordError(f"lists are nested more than {MAX_DEPTH} deep")
    found = []
    for inner in value:
        room.take()
        found.append(_json(inner, room, depth + 1))
    return found


def _floats(value: Any) -> Tensor | None:
    """A list of nothing but floats, in rows of equal length: as numbers it takes a third of what it takes as text."""
    return tensor_of(value) if isinstance(value, list) and set(types_in(value)) == {float} else None


def _list_of(tensor: Tensor) -> Any:
    if tensor.dtype != torch.float64 or not 0 < tensor.numel() <= MAX_LIST or not 0 < tensor.ndim <= MAX_DEPTH:
        raise RecordError("a list of numbers is of another form")
    return tensor.tolist()


def _sound(tensor: Tensor) -> Tensor:
    """A tensor that torch can compare: bytes make a tensor of truth values in which "true" is unequal to "true"."""
    if tensor.dtype not in STORABLE:
        raise RecordError(f"a tensor is of dtype {tensor.dtype}")
    if tensor.ndim > MAX_DIMS:
        raise RecordError(f"a tensor has {tensor.ndim} dimensions, more than {MAX_DIMS}")
    if tensor.dtype == torch.bool and (tensor.view(torch.uint8) > 1).any():
        raise RecordError("a tensor of truth values holds others than true and false")
    return tensor


def _fact(value: Any, depth: int = 0) -> Any:
    """A number, text, or short lists and dicts of them."""
    if isinstance(value, (list, dict)) and (depth > 3 or len(value) > MAX_ITEMS):
        raise RecordError("the facts are too many")
    if isinstance(value, dict):
        return {_text(name): _fact(inner, depth + 1) for name, inner in value.items()}
    return [_fact(inner, depth + 1) for inner in value] if isinstance(value, list) else scalar(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RecordError("a name must be a string")
    return storable(value[:MAX_TEXT])


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise RecordError(f"a list of at most {most} elements is expected")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordError("a dict is expected")
    return value


def encode(records: dict[str, Record], facts: dict[str, Any] | None = None, small: bool = False) -> bytes:
    """Records by key, and facts about them, as one safetensors file.

    Args:
        small: what is JSON is compressed: for many records, which are written once and read by friends.
    """
    tensors: dict[str, Tensor] = {}
    packed = {}
    for position, (key, record) in enumerate(records.items()):
        packed[key], own = pack(record, f"{position}/")
        tensors |= own
    header = json.dumps({"records": packed, "facts": facts or {}}, sort_keys=True)
    metadata = {SMALL: base64.b64encode(zlib.compress(header.encode(), 9)).decode()} if small else {PLAIN: header}
    data: bytes = safetensors.torch.save(tensors, metadata=metadata)
    return data


def decode(data: bytes, max_bytes: int = 1 << 30, small: bool = False) -> tuple[dict[str, Record], dict[str, Any]]:
    """The opposite of :func:`encode`.

    Args:
        small: as there; of a stranger's bytes nothing is decompressed.

    Raises:
        RecordError: the bytes are too many, damaged, or not what :func:`encode` writes.
    """
    if len(data) > max_bytes:
        raise RecordError(f"{len(data)} bytes are more than the {max_bytes} allowed")
    tensors, header = read_safetensors(data, SMALL if small else PLAIN, small)
    try:
        records = {_text(key): unpack(value, tensors) for key, value in _dict(header["records"]).items()}
        return records, _dict(header["facts"])
    except (KeyError, TypeError) as error:
        raise RecordError(f"not a record: {short(error)}") from None


def read_safetensors(data: bytes, entry: str, small: bool = False) -> tuple[dict[str, Tensor], Any]:
    """The tensors of a file's bytes, and the JSON that stands in its metadata under ``entry``.

    Args:
        small: compressed, as :func:`encode` writes it.

    Raises:
        RecordError: the bytes are damaged, or their header is longer than ``MAX_HEADER``.
    """
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise RecordError(f"a header of {length} bytes is longer than the {MAX_HEADER} allowed")
    try:
        tensors = safetensors.torch.load(data)
        text = json.loads(data[8 : 8 + length])["__metadata__"][entry]
        return tensors, json.loads(zlib.decompressobj().decompress(base64.b64decode(text), MAX_UNPACKED) if small else text)
    except Exception as error:  # noqa: BLE001  safetensors and torch raise whatever a false header leads them to
        raise RecordError(f"not a record: {short(error)}") from None
