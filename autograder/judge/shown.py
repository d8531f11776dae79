"""A wrong value beside the right one, on a student's own machine: the smallest input that fails, as a call that can be typed, and a picture.

The public answers lie beside the notebook anyway; of hidden inputs nothing is ever shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Tolerance
from autograder.judge.arrange import arranged
from autograder.judge.diagnose import close
from autograder.judge.forms import aligned
from autograder.judge.looks import label
from autograder.judge.picture import drawn_side_by_side
from autograder.judge.verdict import Shown
from autograder.wall.calls import MOST_CALLS, Call
from autograder.wall.plain import WHOLE
from autograder.wall.record import Record

LONGEST = 72  # characters of an argument or a value
FEW = 12  # numbers of a tensor that are written out
WINDOW = 6  # rows and columns of a table of numbers
DRAWN = 12  # of a picture
AS_CODE = "margin:6px 0;line-height:1.3;background:none;font-family:var(--jp-code-font-family,monospace);font-size:.9em"


def shown(record: Record, reference: Record, calls: Sequence[Call], tolerance: Tolerance) -> Shown | None:
    """The smallest of the draws in which something is wrong, and the first value of it that is."""
    if any(draw.failure for draw in record.draws) or len(record.draws) != len(reference.draws):
        return None
    mine, of_draw = arranged(record, reference), {call.draw: [other for other in calls if other.draw == call.draw] for call in calls}
    failing = []
    for number, (draw, model) in enumerate(zip(mine.draws, reference.draws)):
        wrong = [n for n, v in model.values.items() if n in draw.values and not close(draw.values[n], v, tolerance)]
        if wrong:
            size = sum(_size(value) for _, value in of_draw[number][0].arguments) if number in of_draw else 0
            failing.append((size, number, wrong[0]))
    if not failing:
        return None
    _, number, name = min(failing)
    value, expected = mine.draws[number].values[name], reference.draws[number].values[name]
    lines = _call_of(of_draw.get(number, []), value)
    what = "" if name == WHOLE else f" of {label(name, record)}"
    picture = ""
    sides = aligned(value, expected)
    if all(isinstance(side, Tensor) and side.ndim for side in sides) and sides[0].shape == sides[1].shape and not sides[1].is_complex():
        place, tables = _tables(*sides, tolerance)
        lines += [f"elements{place}{what}, * where yours differ:", *tables]
        part, some, right, wrong_ones = _cut(*sides, tolerance, DRAWN)
        picture = drawn_side_by_side(some, right, wrong_ones, part if some.numel() < sides[0].numel() else "")
    else:
        lines += _both(value, expected, what)
    text = "\n".join(lines)
    return Shown(text, f'<pre style="{AS_CODE}">{escape(text)}</pre>{picture}')


def _call_of(calls: Sequence[Call], value: Any) -> list[str]:
    """The call that gave a value: of several in a draw the one that returned just this, else the first, and that there were more."""
    for call in calls:
        if isinstance(value, Tensor) and isinstance(call.returned, Tensor) and call.returned.shape == value.shape:
            if bool(((call.returned == value) | (call.returned != call.returned) & (value != value)).all()):
                return _call(call)
    if not calls:
        return []
    more = [f"the first of {'many' if len(calls) >= MOST_CALLS else len(calls)} calls in this check:"] if len(calls) > 1 else []
    return [*more, *_call(calls[0])]


def _size(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.numel()
    return sum(map(_size, value)) + 1 if isinstance(value, (list, tuple)) else len(value) if isinstance(value, str) else 1


def _call(call: Call) -> list[str]:
    """The call as it would be typed; what is too long for it stands below."""
    below, arguments = [], []
    for name, value in call.arguments:
        if isinstance(value, Tensor) and value.numel() > FEW:
            arguments.append(name)
            below.append(f"  {name}: a tensor of shape {tuple(value.shape)}, {str(value.dtype).removeprefix('torch.')}")
        elif isinstance(value, (Tensor, int, float, str, list, tuple, dict)):
            text = typed(value)
            arguments.append(text if len(text) <= LONGEST // 2 or isinstance(value, (list, str)) else name)
            below += [] if arguments[-1] is text else [f"  {name}: {text}"]
        else:
            arguments.append(name)
    return [f"{call.function}({', '.join(arguments)})", *below]


def typed(value: Any, most: int = LONGEST) -> str:
    """A value as Python writes it, of a long one the beginning."""
    if isinstance(value, Tensor):
        if value.numel() > FEW:
            return f"a tensor of shape {tuple(value.shape)}"
        if not value.ndim:
            return typed(value.item())
        return "".join(repr(value.detach()).split("\n")).replace("        ", " ")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)) and len(repr(value)) > most:
        shown: list[str] = []
        for inner in value:
            if sum(map(len, shown)) + 2 * len(shown) > most - 16:
                break
            shown.append(typed(inner, most // 2))
        more = f", … {len(value)} in all" if len(shown) < len(value) else ""
        return f"[{', '.join(shown)}{more}]" if isinstance(value, list) else f"({', '.join(shown)}{more})"
    if isinstance(value, list):
        return f"[{', '.join(typed(inner) for inner in value)}]"
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _both(value: Any, expected: Any, what: str) -> list[str]:
    """Expected and yours; of two lists of a length, the first element that differs."""
    if isinstance(value, (list, tuple)) and isinstance(expected, (list, tuple)) and len(value) == len(expected):
        place = next((i for i, (a, b) in enumerate(zip(value, expected)) if a != b), 0)
        what, value, expected = f"{' in element' if not what else f'{what}, element'} {place}", value[place], expected[place]
    return [f"expected{what}: {typed(expected)}", f"yours:    {' ' * len(what)}{typed(value)}"]


def _cut(value: Tensor, expected: Tensor, tolerance: Tolerance, most: int) -> tuple[str, Tensor, Tensor, Tensor]:
    """The rows and columns around the first element that differs: where they stand, both sides, and which differ."""
    wrong = value != expected
    if value.is_floating_point():
        wrong = ~torch.isclose(value, expected, rtol=tolerance.rtol, atol=tolerance.atol)
    place = [int(i) for i in wrong.nonzero()[0]] if wrong.any() else [0] * value.ndim
    *outer, row, column = [0, *place] if value.ndim == 1 else place
    sides = [side[None] if side.ndim == 1 else side[tuple(outer)] for side in (value, expected, wrong)]
    top, left = (max(0, min(at - most // 3, size - most)) for at, size in zip((row, column), sides[0].shape))
    rows, columns = (slice(start, min(start + most, size)) for start, size in zip((top, left), sides[0].shape))
    said = [str(i) for i in outer] if value.ndim > 1 else []
    ranges = (columns,) if value.ndim == 1 else (rows, columns)
    said += [f"{part.start}:{part.stop}" for part in ranges]
    value, expected, wrong = (side[rows, columns] for side in sides)
    return f"[{', '.join(said)}]", value, expected, wrong


def _tables(value: Tensor, expected: Tensor, tolerance: Tolerance) -> tuple[str, list[str]]:
    """Where the first difference is, and both sides as numbers."""
    place, mine, right, wrong = _cut(value, expected, tolerance, WINDOW)
    cells = {"expected": [[_number(x) for x in row] for row in right.tolist()]}
    cells["yours"] = [
        [f"{'*' if bad else ''}{_number(x)}" for x, bad in zip(row, marks)] for row, marks in zip(mine.tolist(), wrong.tolist())
    ]
    width = max(len(text) for rows in cells.values() for row in rows for text in row)
    lines = []
    for name, rows in cells.items():
        for number, row in enumerate(rows):
            lines.append(f"{name if not number else '':9}{'  '.join(text.rjust(width) for text in row)}")
    whole = tuple(right.shape) == tuple(expected.shape) or expected.ndim == 1 and len(right[0]) == len(expected)
    return "" if whole else f" {place}", lines


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
