"""What a probe returned, as plain values and as bytes: safetensors and JSON, never pickle.

A record is all that leaves a student's process.  Whoever reads one believes nothing but its values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

WHOLE = ""  # the name of a value that stands alone
MAX_ITEMS = 256  # of one draw: far more than any exercise returns
MAX_LIST = 20_000  # of a list of strings or numbers: far more than any probe returns
MAX_TEXT = 2_000  # characters of an error message or a string


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
    values = dict(_leaves(value, WHOLE))
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
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float)):
        return value if not isinstance(value, int) or abs(value) < 2**63 else str(value)[:MAX_TEXT]
    if isinstance(value, str):
        return str.__str__(value)[:MAX_TEXT]
    if isinstance(value, (list, torch.Size)):
        if len(value) > MAX_LIST:
            raise RecordError(f"a list of {len(value)} elements was returned, more than {MAX_LIST}")
        if any(isinstance(v, Tensor) for v in value):
            raise RecordError("a list of tensors was returned; return one tensor, or a tuple")
        if (
            value
            and all(isinstance(v, (int, float, np.generic)) for v in value)
            and any(isinstance(v, (float, np.floating)) for v in value)
        ):
            return torch.tensor([float(v) for v in value], dtype=torch.float64)  # compared within the tolerance
        return [list(_plain_list(v)) if isinstance(v, (list, tuple)) else _plain(v) for v in value]
    raise RecordError(f"a value of type {type(value).__name__} was returned: {_short(value)}")


def _plain_list(value: list | tuple) -> Iterator[Any]:
    for inner in value:
        if isinstance(inner, (list, tuple)):
            raise RecordError("a list of lists of lists was returned")
        yield _plain(inner)


def _short(value: Any) -> str:
    try:
        return repr(value)[:80]
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


def pack(record: Record, prefix: str) -> tuple[dict, dict[str, Tensor]]:
    """A record as JSON and tensors whose names begin with ``prefix``."""
    tensors: dict[str, Tensor] = {}
    draws = []
    for number, draw in enumerate(record.draws):
        items = []
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
    """The opposite of :func:`pack`; refuses whatever ``pack`` would not have written.

    Raises:
        RecordError: the JSON has another form, or names a tensor that is not there.
    """
    try:
        draws = []
        for draw in data["draws"]:
            values = {}
            for name, kind, value in draw["items"]:
                values[_text(name)] = tensors[value] if kind == "tensor" else _plain(value)
            failure = draw["failure"]
            if failure is not None:
                name, message, line, number = failure
                failure = Failure(_text(name), _text(message), _text(line), int(number))
            if len(values) > MAX_ITEMS:
                raise RecordError("too many values")
            draws.append(Draw(values, bool(draw["named"]), failure))
        facts = data["facts"]
        if not isinstance(facts, dict):
            raise RecordError("facts must be a dict")
        return Record(_text(data["exercise"]), tuple(draws), facts)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise RecordError(f"not a record: {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RecordError("a name must be a string")
    return value[:MAX_TEXT]


def encode(records: dict[str, Record], facts: dict[str, Any] | None = None) -> bytes:
    """Records by key, and facts about them, as one safetensors file."""
    tensors: dict[str, Tensor] = {}
    packed = {}
    for position, (key, record) in enumerate(records.items()):
        packed[key], own = pack(record, f"{position}/")
        tensors |= own
    header = json.dumps({"records": packed, "facts": facts or {}}, sort_keys=True)
    return safetensors.torch.save(tensors, metadata={"autograder": header})


def decode(data: bytes, max_bytes: int = 1 << 30) -> tuple[dict[str, Record], dict[str, Any]]:
    """The opposite of :func:`encode`.

    Raises:
        RecordError: the bytes are too many, damaged, or not what :func:`encode` writes.
    """
    if len(data) > max_bytes:
        raise RecordError(f"{len(data)} bytes are more than the {max_bytes} allowed")
    try:
        tensors = safetensors.torch.load(data)
        header = json.loads(_metadata(data)["autograder"])
        packed, facts = header["records"], header["facts"]
        records = {_text(key): unpack(value, tensors) for key, value in packed.items()}
    except RecordError:
        raise
    except (
        safetensors.SafetensorError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
        RuntimeError,
    ) as error:
        raise RecordError(f"not a record: {error}") from None
    return records, facts


def _metadata(data: bytes) -> dict[str, str]:
    """The ``__metadata__`` of safetensors bytes: an 8-byte length, then that much JSON."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]
