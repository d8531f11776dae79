"""Why one value is not the expected one, in a sentence a student can act on."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.forms import aligned, brief, mismatch_of_form
from autograder.judge.not_finite import ANYWHERE
from autograder.judge.relations import Found, Relations


def close(value: Any, expected: Any, tolerance: Tolerance) -> bool:
    """The same numbers or texts in the same arrangement, within the tolerance; NaN equals nothing but an expected NaN never occurs."""
    return mismatch_of_form(value, expected, tolerance.exact_type) is None and _equal(value, expected, tolerance)


ARRANGED = " It has the right number of elements, in another arrangement."


def difference(value: Any, expected: Any, tolerance: Tolerance) -> str | None:
    """What is wrong with one value of one draw, most telling thing first, or ``None`` if it is right."""
    found = where(value, expected, tolerance)
    if found is None:
        return None
    alike = Relations({"": [value]}, {"": [expected]}, tolerance)
    return with_relation(found, value, expected, alike.of(""), tolerance)


def with_relation(note: str, value: Any, expected: Any, found: Found | None, tolerance: Tolerance) -> str:
    """What one draw shows, and what all draws have in common."""
    if found is None:
        return note
    if found.beside:
        return f"{note.removesuffix(ARRANGED)} {found.says}"
    if isinstance(value, Tensor) and mismatch_of_form(value, expected) is None and isinstance(expected, Tensor):
        mine, target = aligned(value, expected)
        if mine.shape == target.shape and _coarse(mine, target, value.dtype):
            return note
    return found.says


def where(value: Any, expected: Any, tolerance: Tolerance) -> str | None:
    """Where and by how much a value differs, or that it is of another form; ``None`` if it is right. Never states the expected values."""
    if (form := mismatch_of_form(value, expected, tolerance.exact_type)) is not None:
        return form
    given = value
    value, expected = aligned(value, expected)
    if _equal(value, expected, tolerance):
        return None
    if not isinstance(expected, Tensor):
        return _plain_difference(value, expected, tolerance)
    if value.is_floating_point() and not torch.isfinite(value).all():
        return _not_finite(value, expected)
    if isinstance(given, Tensor) and (coarse := _coarse(value, expected, given.dtype)):
        return coarse
    return _where(value, expected, tolerance)


def _equal(value: Any, expected: Any, tolerance: Tolerance) -> bool:
    value, expected = aligned(value, expected)
    if not isinstance(expected, Tensor):
        return _same(value, expected, tolerance)
    if value.shape != expected.shape or value.dtype != expected.dtype:
        return False
    if not (value.is_floating_point() or value.is_complex()):
        return torch.equal(value, expected)
    return torch.allclose(value, expected, rtol=tolerance.rtol, atol=tolerance.atol)


def _same(value: Any, expected: Any, tolerance: Tolerance) -> bool:
    """Texts, truth values, tensors, and lists and tuples of them and of numbers: each element as it would be compared alone."""
    if isinstance(value, Tensor) or isinstance(expected, Tensor):
        return isinstance(value, Tensor) and isinstance(expected, Tensor) and _equal(value, expected, tolerance)
    if isinstance(value, (list, tuple)) and type(value) is type(expected):
        return len(value) == len(expected) and all(_same(a, b, tolerance) for a, b in zip(value, expected))
    if isinstance(expected, float) and type(value) in (int, float) and math.isfinite(expected) and math.isfinite(value):
        return bool(abs(value - expected) <= tolerance.atol + tolerance.rtol * abs(expected))
    return type(value) is type(expected) and value == expected and value == value


def _coarse(value: Tensor, expected: Tensor, dtype: torch.dtype) -> str | None:
    """Right but for what a narrow dtype can hold."""
    if value.dtype == torch.int64 and dtype.itemsize < 8 and torch.equal(expected.to(dtype).to(torch.int64), value):
        return f"{str(dtype).removeprefix('torch.')} cannot hold numbers as large as these: they have wrapped round. Use a wider dtype."
    if not dtype.is_floating_point or dtype.itemsize > 2 or value.dtype != torch.float64:
        return None
    if not torch.allclose(value, expected, rtol=2 * torch.finfo(dtype).eps, atol=torch.finfo(dtype).smallest_normal):
        return None
    return f"The numbers are rounded to {str(dtype).removeprefix('torch.')}, which keeps too few digits. Compute in float32 or float64."


def _plain_difference(value: Any, expected: Any, tolerance: Tolerance) -> str:
    if isinstance(expected, list):
        places = [i for i, (a, b) in enumerate(zip(value, expected)) if not _same(a, b, tolerance)]
        first, wrong = places[0], len(places)
        if sorted(map(repr, value)) == sorted(map(repr, expected)):
            return (
                f"The list has the right elements in another order; the first that is out of place is element {first}."
            )
        return f"{wrong} of {len(expected)} elements differ; the first is element {first}: {brief(value[first])}."
    if isinstance(expected, bool) and isinstance(value, bool):
        return f"This is {value}; {not value} is expected."
    return f"{brief(value)} is not the expected value."


def _not_finite(value: Tensor, expected: Tensor) -> str:
    kinds = [name for name, found in (("NaN", value.isnan().any()), ("infinity", value.isinf().any())) if found]
    count = int((~torch.isfinite(value)).sum())
    what = "Your number is" if not value.ndim else f"{count} of {value.numel()} elements are"
    return f"{what} {' or '.join(kinds)}. {ANYWHERE}"


def _where(value: Tensor, expected: Tensor, tolerance: Tolerance) -> str:
    if value.dtype == torch.bool or not value.is_floating_point():
        wrong = value != expected
        size = ""
    else:
        gap = (value.double() - expected.double()).abs()
        wrong = gap > tolerance.atol + tolerance.rtol * expected.double().abs()
        size = f"; the largest difference is {float(gap.max()):.3g}"
    if value.ndim == 0:
        if value.dtype == torch.bool:
            return f"This is {value.item()}; {not value.item()} is expected."
        return f"{value.item():.6g} is not the expected number{f': it is off by {float(gap.max()):.3g}' if size else ''}."
    first = tuple(int(i) for i in wrong.nonzero()[0]) if wrong.any() else ()
    place = f"; the first is at {list(first)}" if first else ""
    rows = ""
    if value.ndim == 2 and wrong.any() and not wrong.all():
        bad_rows, bad_columns = int(wrong.any(1).sum()), int(wrong.any(0).sum())
        if bad_rows < value.shape[0] or bad_columns < value.shape[1]:
            rows = f" ({bad_rows} of {value.shape[0]} rows, {bad_columns} of {value.shape[1]} columns)"
    if value.numel() == 1:
        return f"The only element differs{f': it is off by {float(gap.max()):.3g}' if size else ''}."
    return f"{int(wrong.sum())} of {value.numel()} elements differ{rows}{place}{size}."
