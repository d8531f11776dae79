"""What a probe returned, as plain values and as bytes: safetensors and JSON, never pickle.

A record is all that leaves a student's process.  Whoever reads one believes nothing but its values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

WHOLE = ""  # the name of a value that stands alone
MAX_ITEMS = 256  # of one draw: far more than any exercise returns
MAX_LIST = 20_000  # of a list of strings or numbers: far more than any probe returns
MAX_TEXT = 2_000  # characters of an error message or a string
MAX_DRAWS = 64  # of one check: twice what course.yml allows
MAX_DIMS = 16  # of a tensor; torch itself stops at 64, somewhere within a comparison
MAX_HEADER = 1 << 22  # bytes of JSON, which cost 30 times as much once read; all answers of a lecture take 250 KB


class RecordError(ValueError):
    """Bytes that are not a record, or a value that cannot be recorded; the message says why."""


@dataclass(frozen=True)
class Failure:
    """An exception that stopped a probe."""

    name: str  # of the exception's class
    message: str
    line: str = ""  # the line of the student's code that it came from; empty if it came from none
    number: int = 0  # of that line in its cell


@dataclass(frozen=True)
class Draw:
    """What one call of a probe returned: values by name, or the failure in their place."""

    values: dict[str, Any] = field(default_factory=dict)  # Tensor, number, string, or list of strings and numbers
    named: bool = False  # a dict: each name earns its own share of the points
    failure: Failure | None = None


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
    values = {name[:MAX_TEXT]: plain for name, plain in _leaves(value, WHOLE)}
    if len(values) > MAX_ITEMS:
        raise RecordError(f"{len(values)} values were returned, more than {MAX_ITEMS}")
    return Draw(values, named=isinstance(value, dict))


def _leaves(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > 8:
        raise RecordError("the value returned is nested more than 8 deep")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, tuple) and not hasattr(value, "_fields") and not isinstance(value, torch.Size):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]", depth + 1)
    elif hasattr(value, "_asdict"):
        yield from _leaves(dict(value._asdict()), path, depth + 1)
    else:
        yield path, _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return plain_tensor(value)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value)).clone()
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return _plain(value.item())
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else str(value)[:MAX_TEXT]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return storable(str.__str__(value)[:MAX_TEXT])
    if isinstance(value, (list, torch.Size)):
        count = len(value) + sum(len(v) for v in value if isinstance(v, (list, tuple)))
        if count > MAX_LIST:
            raise RecordError(f"a list of {count} elements was returned, more than {MAX_LIST}")
        if (
            value
            and all(isinstance(v, (int, float, np.generic)) for v in value)
            and any(isinstance(v, (float, np.floating)) for v in value)
        ):
            return torch.tensor([float(v) for v in value], dtype=torch.float64)  # compared within the tolerance
        return [list(map(_element, v)) if isinstance(v, (list, tuple)) else _element(v) for v in value]
    raise RecordError(f"a value of type {type(value).__name__} was returned: {_short(value)}")


def _element(value: Any) -> Any:
    """Of a list, or of a list within a list."""
    if isinstance(value, (list, tuple)):
        raise RecordError("a list of lists of lists was returned")
    if isinstance(value, (Tensor, np.ndarray)):
        raise RecordError("a list of tensors was returned; return one tensor, or a tuple")
    return _plain(value)


def storable(text: str) -> str:
    """Text that can be written to a file: half of a UTF-16 pair, which JSON lets through, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _short(value: Any) -> str:
    try:
        return (str(value) if isinstance(value, Exception) else repr(value))[:80]
    except Exception as error:  # noqa: BLE001  a student's __repr__ may raise anything
        return f"(its repr raises {type(error).__name__})"


def plain_tensor(value: Tensor) -> Tensor:
    """A contiguous CPU copy without graph, subclass, or anything that could answer for itself."""
    with torch._C.DisableTorchFunctionSubclass():  # a subclass must not choose what it compares equal to
        if value.is_meta:
            raise RecordError("a tensor on the device 'meta' was returned: it has a shape but no values")
        try:
            plain = torch.Tensor.detach(value).as_subclass(Tensor).to("cpu", copy=True)
            plain = plain.to_dense() if plain.layout != torch.strided else plain
            plain = plain.resolve_conj().resolve_neg().contiguous()
        except (RuntimeError, TypeError, NotImplementedError) as error:
            raise RecordError(
                f"a tensor of type {type(value).__name__} was returned that has no plain values: {error}"
            ) from None
    if type(plain) is not Tensor:
        raise RecordError(f"a tensor of type {type(value).__name__} was returned; return a plain torch.Tensor")
    return plain


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
            else:
                items.append([name, "plain", value])
        failure = draw.failure and [draw.failure.name, draw.failure.message, draw.failure.line, draw.failure.number]
        draws.append({"items": items, "named": draw.named, "failure": failure})
    return {"exercise": record.exercise, "draws": draws, "facts": record.facts}, tensors


def unpack(data: Any, tensors: dict[str, Tensor]) -> Record:
    """The opposite of :func:`pack`; refuses whatever ``pack`` would not have written, and takes its tensors out of ``tensors``.

    Raises:
        RecordError: the JSON has another form, or names a tensor that is not there.
    """
    try:
        draws = tuple(_draw(draw, tensors) for draw in _list(data["draws"], MAX_DRAWS))
        return Record(_text(data["exercise"]), draws, _fact(_dict(data["facts"])))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise RecordError(f"not a record: {_short(error)}") from None


def _draw(data: Any, tensors: dict[str, Tensor]) -> Draw:
    values: dict[str, Any] = {}
    for name, kind, value in _list(data["items"], MAX_ITEMS):
        name = _text(name)
        if name in values or kind not in ("tensor", "plain"):
            raise RecordError("a value stands twice, or is of no known kind")
        values[name] = _sound(tensors.pop(value)) if kind == "tensor" else _plain(value)
    failure, named = data["failure"], data["named"]
    if failure is not None:
        name, message, line, number = _list(failure, 4)
        failure = Failure(_text(name), _text(message), _text(line), _plain(number))
    if not isinstance(named, bool) or failure and not isinstance(failure.number, int):
        raise RecordError("named must be true or false, and a line a whole number")
    return Draw(values, named, failure)


def _sound(tensor: Tensor) -> Tensor:
    """A tensor that torch can compare: bytes make a tensor of truth values in which "true" is unequal to "true"."""
    if tensor.ndim > MAX_DIMS:
        raise RecordError(f"a tensor has {tensor.ndim} dimensions, more than {MAX_DIMS}")
    if tensor.dtype == torch.bool and (tensor.view(torch.uint8) > 1).any():
        raise RecordError("a tensor of truth values holds others than true and false")
    return tensor


def _fact(value: Any, depth: int = 0) -> Any:
    """A number, text, or short lists and dicts of them."""
    if isinstance(value, (list, dict)) and (depth > 2 or len(value) > MAX_ITEMS):
        raise RecordError("the facts are too many")
    if isinstance(value, dict):
        return {_text(name): _fact(inner, depth + 1) for name, inner in value.items()}
    return [_fact(inner, depth + 1) for inner in value] if isinstance(value, list) else _plain(value)


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


def encode(records: dict[str, Record], facts: dict[str, Any] | None = None) -> bytes:
    """Records by key, and facts about them, as one safetensors file."""
    tensors: dict[str, Tensor] = {}
    packed = {}
    for position, (key, record) in enumerate(records.items()):
        packed[key], own = pack(record, f"{position}/")
        tensors |= own
    header = json.dumps({"records": packed, "facts": facts or {}}, sort_keys=True)
    data: bytes = safetensors.torch.save(tensors, metadata={"autograder": header})
    return data


def decode(data: bytes, max_bytes: int = 1 << 30) -> tuple[dict[str, Record], dict[str, Any]]:
    """The opposite of :func:`encode`.

    Raises:
        RecordError: the bytes are too many, damaged, or not what :func:`encode` writes.
    """
    if len(data) > max_bytes:
        raise RecordError(f"{len(data)} bytes are more than the {max_bytes} allowed")
    tensors, header = read_safetensors(data, "autograder")
    try:
        records = {_text(key): unpack(value, tensors) for key, value in _dict(header["records"]).items()}
        return records, _dict(header["facts"])
    except (KeyError, TypeError) as error:
        raise RecordError(f"not a record: {_short(error)}") from None


def read_safetensors(data: bytes, entry: str) -> tuple[dict[str, Tensor], Any]:
    """The tensors of a file's bytes, and the JSON that stands in its metadata under ``entry``.

    Raises:
        RecordError: the bytes are damaged, or their header is longer than ``MAX_HEADER``.
    """
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise RecordError(f"a header of {length} bytes is longer than the {MAX_HEADER} allowed")
    try:
        tensors = safetensors.torch.load(data)
        return tensors, json.loads(json.loads(data[8 : 8 + length])["__metadata__"][entry])
    except Exception as error:  # noqa: BLE001  safetensors and torch raise whatever a false header leads them to
        raise RecordError(f"not a record: {_short(error)}") from None
