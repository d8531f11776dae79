"""A record in a few numbers: enough to tell whether another one holds the same values, too few to hold them.

A small tensor stands as it is. Of a larger one the elements, each times a fixed random weight, are added up in ``BUCKETS`` sums; whole
numbers, texts and truth values are hashed. The weights are torch's own for a fixed seed: both sides draw the same, or the canary says so.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.wall.plain import tensor_of
from autograder.wall.record import Draw, Record

BUCKETS = 8  # sums of a tensor, each over its own eighth of the elements
SMALL = 8  # elements that are kept as they are
LARGEST = 1e30  # beyond it numbers are cut off: a sum of them fits into float32
SPREAD = 4.0  # standard deviations that a sum may be off where each of its elements is off by the tolerance
ROUNDING = 3e-7  # of float32, in which the sums are kept
SEED = 20_220_816
HASH_BITS = 24  # of a whole number that float32 holds exactly


@dataclass(frozen=True)
class Sketch:
    """Of one record: two with different forms are different answers."""

    form: str  # names, kinds and shapes of all values
    numbers: Tensor  # float32
    slack: Tensor  # how far another sketch's numbers may lie from these and mean the same values

    def near(self, others: Tensor) -> Tensor:
        """Which rows are sketches of the same values as this one's."""
        return ((others.double() - self.numbers.double()).abs() <= self.slack).all(-1)


def sketch(record: Record, reference: Record, rtol: float, atol: float) -> Sketch | None:
    """The sketch of a record; ``None`` if one of its draws failed or has not all of the reference's values.

    Args:
        reference: its values say what is a floating-point number: whole numbers may stand for those.
    """
    forms: list[str] = []
    numbers: list[Tensor] = []
    slack: list[Tensor] = []
    for draw, model in zip(record.draws, reference.draws):
        if draw.failure or not draw.values.keys() >= model.values.keys():
            return None
        for name in model.values:
            form, own, free = _value(draw.values[name], _is_float(model.values[name]), rtol, atol)
            forms.append(form)
            numbers.append(own)
            slack.append(free)
        forms.append(_others(draw, model))
    if not numbers:
        return None
    form = hashlib.sha256("|".join(forms).encode()).hexdigest()[:12]
    return Sketch(form, torch.cat(numbers).float(), torch.cat(slack))


def _others(draw: Draw, model: Draw) -> str:
    """Names that the reference has not."""
    return ",".join(sorted(draw.values.keys() - model.values.keys()))


def _is_float(value: Any) -> bool:
    numbers = tensor_of(value)
    return numbers is not None and numbers.dtype.is_floating_point


def _value(value: Any, floating: bool, rtol: float, atol: float) -> tuple[str, Tensor, Tensor]:
    """Form, numbers and slack of one value."""
    numbers = tensor_of(value)
    if numbers is None:
        return type(value).__name__, *_exact(_of_text(value))
    shape = "x".join(map(str, numbers.shape))
    if numbers.dtype == torch.bool or not (floating or numbers.is_floating_point() or numbers.is_complex()):
        kind = "bool" if numbers.dtype == torch.bool else "integer"
        return f"{kind} {shape}", *_exact(_of_whole(numbers.reshape(-1)))
    if numbers.is_complex():
        numbers, shape = torch.view_as_real(numbers.resolve_conj()), f"{shape} complex"
    flat = numbers.reshape(-1).double()
    finite = torch.isfinite(flat)
    holes = torch.zeros(2) if finite.all() else _of_whole((torch.isnan(flat) * 3 + torch.isposinf(flat) * 2 + torch.isneginf(flat) * 1).long())
    flat = torch.where(finite, flat, 0.0).clamp(-LARGEST, LARGEST)
    allowed = atol + rtol * flat.abs()
    if len(flat) <= SMALL:
        own, free = flat, allowed + ROUNDING * flat.abs()
    else:
        weights = _weights(len(flat))
        own = _in_buckets(weights * flat)
        free = SPREAD * _in_buckets((weights * allowed).square()).sqrt() + ROUNDING * _in_buckets((weights * flat).abs())
    return f"float {shape}", torch.cat([own, holes.double()]), torch.cat([free, torch.zeros(2)])


def _in_buckets(numbers: Tensor) -> Tensor:
    padded = torch.nn.functional.pad(numbers, (0, -len(numbers) % BUCKETS))
    return padded.view(-1, BUCKETS).sum(0)


@functools.lru_cache(maxsize=64)
def _weights(count: int) -> Tensor:
    """Between 1 and 2 with a random sign: none so small that a change of its element would not be seen."""
    drawn = torch.rand(2, count, generator=torch.Generator("cpu").manual_seed(SEED), dtype=torch.float64, device="cpu")
    return (1 + drawn[0]) * torch.where(drawn[1] < 0.5, -1.0, 1.0)


@functools.lru_cache(maxsize=64)
def _factors(count: int) -> Tensor:
    return torch.randint(1, 2**62, (count, 2), generator=torch.Generator("cpu").manual_seed(SEED), device="cpu")


def _of_whole(numbers: Tensor) -> Tensor:
    """Two hashes of whole numbers; int64 wraps round."""
    mixed: Tensor = ((numbers.to(torch.int64) + 1).unsqueeze(1) * _factors(len(numbers))).sum(0) if len(numbers) else torch.zeros(2, dtype=torch.int64)
    return torch.bitwise_and(mixed >> 20, 2**HASH_BITS - 1)


def _of_text(value: Any) -> Tensor:
    """Two hashes of a text, or of lists of texts and numbers."""
    digest = hashlib.sha256(json.dumps(value, default=str).encode()).digest()
    return torch.tensor([int.from_bytes(digest[start : start + 3], "big") for start in (0, 3)])


def _exact(hashes: Tensor) -> tuple[Tensor, Tensor]:
    return hashes.double(), torch.zeros(2, dtype=torch.float64)
