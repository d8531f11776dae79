"""Whose line an error comes from: the student's last one, in whichever cell of his own; the lecture's cells and the kit's are not his."""

from __future__ import annotations

import contextlib
import dis
import inspect
import json
import linecache
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from torch import Tensor

from autograder.student.misspelt import probably
from autograder.student.no_return import returns_nothing
from autograder.wall.record import MAX_TEXT, Failure

DEFINES = re.compile(r"^(?:async +)?(?:def|class) +(\w+)", re.MULTILINE)
CHECKS = ("check(", "check_loss(")
NUMBERS = {"float": "a number", "int": "a whole number", "Tensor": "a tensor"}  # what a helper's annotation asks for, in words
MAX_NOTEBOOK = 1 << 26  # bytes of a notebook that is looked through for its locked cells
Given = frozenset[str]  # the lecture's own cells, without what stands behind their last line


def failure_of(error: BaseException, probe: Callable[..., Any] | None = None, given: Given = frozenset()) -> Failure:
    """The exception, with the last line of the student's own that led to it.

    Args:
        probe: of the check; a cell that defines what it uses is the answer's own.
        given: the cells that the lecture gives, and a student cannot change.
    """
    place: tuple[int, FrameType, int] | None = None
    frames = list(traceback.walk_tb(error.__traceback__))
    in_cells = [(step, frame, line) for step, (frame, line) in enumerate(frames) if is_cell(frame.f_code.co_filename)]
    for step, frame, line in in_cells:
        if is_own(frame.f_code.co_filename, given):
            place = step, frame, line
    name, message = type(error).__name__[:100], _words(error)
    with contextlib.suppress(Exception):  # names stand in things of a student's own
        by_check = in_cells and not place  # what a check asks for is the student's to write
        meant = probably(error, lambda value: _is_theirs(value, given)) if by_check else probably(error)
        message += f".{meant}" if meant else ""
        where = place[1:] if place else in_cells[-1][1:]
        if "NoneType" in message and (empty := returns_nothing(*where, lambda file: is_cell(file) and is_own(file, given))):
            message += f". `{empty}` returns nothing: is a `return` missing there?"
    if place is None:
        asks = next((linecache.getline(f.f_code.co_filename, n).strip() for _, f, n in reversed(in_cells)), "")
        return Failure(name, message, check=asks[:200])
    step, frame, line = place
    file = frame.f_code.co_filename
    names = names_of(probe) if probe else set()
    helper = next((f for f, _ in frames[step + 1 :] if f.f_globals.get("__name__") != "autograder.student.looks"), None)
    called = _called(helper) if helper is not None and is_cell(helper.f_code.co_filename) else ""
    return Failure(name, message, linecache.getline(file, line).strip()[:200], line, _other_cell(file, line, names), called)


def _is_theirs(value: Any, given: Given) -> bool:
    """Whether a function, or a class by its first method, stands in a cell of the student's own."""
    methods = list(vars(value).values()) if type(value) is type else [value]
    file = next((method.__code__.co_filename for method in methods if type(method) is FunctionType), "")
    return is_cell(file) and is_own(file, given)


def is_cell(file: str) -> bool:
    return "ipykernel_" in file or file.startswith("<ipython-input")


def is_own(file: str, given: Given) -> bool:
    """Whether a cell is the student's: neither the lecture's nor a check."""
    text = "".join(linecache.getlines(file))
    return is_cell(file) and text.rstrip() not in given and not any(call in text for call in CHECKS)


def names_of(probe: Callable[..., Any]) -> set[str]:
    """The global names that a probe's code uses, with the functions in it."""
    code = getattr(probe, "__code__", None)
    return {name for inner in codes_in(code) for name in inner.co_names} if code else set()


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """A piece of compiled code, and the functions and classes in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def locked_cells(folder: Path, lecture: str) -> Given:
    """The lecture's own cells, as the notebooks of this lecture in a student's folder have them."""
    found: set[str] = set()
    for path in sorted(folder.glob("*.ipynb")):
        try:
            if path.stat().st_size > MAX_NOTEBOOK:
                continue
            notebook = json.loads(path.read_text(encoding="utf-8"))
            if notebook["metadata"].get("autograder", {}).get("lecture") != lecture:
                continue
            for cell in notebook["cells"]:
                about = cell["metadata"].get("nbgrader", {})
                if cell["cell_type"] == "code" and about.get("locked"):
                    found.add("".join(cell["source"]).rstrip())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # a damaged notebook says nothing of its cells
    return frozenset(found)


def _words(error: BaseException) -> str:
    try:
        return str(error)[: MAX_TEXT // 4]
    except Exception:  # noqa: BLE001  a student's __str__ may raise anything
        return "(its message cannot be read)"


def _other_cell(file: str, line: int, names: set[str]) -> str:
    """What the line's cell defines, if it is not the answer's: the name that stands above the line, or the cell's first."""
    lines = linecache.getlines(file)
    defined = DEFINES.findall("".join(lines))
    if not defined or names & set(defined):
        return ""
    above = DEFINES.findall("".join(lines[:line]))
    return str(above[-1] if above else defined[0])[:100]


def _called(frame: FrameType) -> str:
    """How one of the lecture's functions was called, and what it takes where that is something else."""
    code, values = frame.f_code, frame.f_locals
    names = list(code.co_varnames[: code.co_argcount])
    starred = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & inspect.CO_VARARGS else ""
    changed = [i.argval for i in dis.get_instructions(code) if i.opname.startswith(("STORE_", "DELETE_"))]
    stored = {name for stored in changed for name in (stored if isinstance(stored, tuple) else (stored,))}
    if stored & {*names, starred} or code.co_name.startswith("<") and code.co_name != "<lambda>":
        return ""
    names = [name for name in names if name != "self"]
    try:
        passed = [(name, values[name]) for name in names] + [(starred, value) for value in values.get(starred, ())]
        told = " and ".join(told_of(value) for _, value in passed[:4])
    except Exception:  # noqa: BLE001  a student's object may raise anything
        return ""
    name = "the function" if code.co_name == "<lambda>" else f"`{code.co_name}`"
    said = f"{name} with {len(passed)} argument{'' if len(passed) == 1 else 's'}{', ' if passed else ''}{told}"
    asked = _asked(frame)
    for parameter, value in passed:
        wanted = NUMBERS.get(asked.get(parameter, ""))
        if wanted and not _fits(value, asked[parameter]):
            each = ", each as an argument of its own" if parameter == starred else f" for `{parameter}`"
            return f"{said}; it takes {wanted.removeprefix('a ') + 's' if parameter == starred else wanted}{each}"[:300]
    return said[:300]


def _asked(frame: FrameType) -> dict[str, str]:
    """The annotations of a function of the lecture by its source: the frame does not hold the function."""
    first = linecache.getlines(frame.f_code.co_filename)[frame.f_code.co_firstlineno - 1 :][:12]
    head = re.match(r"\s*def +\w+\((.*?)\)\s*(?:->.*?)?:\s*\n", "".join(first), re.DOTALL)
    pairs = re.findall(r"(\w+)\s*:\s*(\w+)\s*(?=[,=]|$)", head[1]) if head else []
    return {name: kind for name, kind in pairs if kind in NUMBERS}


def _fits(value: Any, kind: str) -> bool:
    """Whether a value may be what an annotation asks for; only a container in place of a number, or a list of a tensor, surely is not."""
    if kind == "Tensor":
        return not isinstance(value, (str, list, tuple, dict, type(None)))
    return not isinstance(value, (str, list, tuple, dict, type(None))) and not (isinstance(value, Tensor) and value.numel() != 1)


def told_of(value: Any) -> str:
    """An argument in a few words: what it is, not all that it holds."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return f"the number {value:.4g}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        numbers = all(isinstance(inner, (int, float)) for inner in value)
        return f"a {kind} of {len(value)} {'number' if numbers else 'element'}{'' if len(value) == 1 else 's'}"
    return f"an object of the class {type(value).__name__[:60]}" if not callable(value) else "a function"
