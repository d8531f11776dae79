"""Where a None comes from that an error complains of: which of the student's own functions, of those that are called there, returns nothing."""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
from collections.abc import Callable, Iterator
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

LATER = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR  # code that gives something else when it is called
ENDS = ("RETURN_VALUE", "RETURN_CONST")


def returns_nothing(frame: FrameType, line: int, is_theirs: Callable[[str], bool]) -> str:
    """The name of a function, or of a method such as ``Linear.__call__``, without a return of a value; nothing if it is none, or several.

    Args:
        frame: of the function in which there was a None.
        line: of its file, in which that failed.
        is_theirs: of a file: whether the student has written it.
    """
    asked = _asked_for_a_value("".join(linecache.getlines(frame.f_code.co_filename)), range(frame.f_code.co_firstlineno, line + 1))
    found = {
        code.co_qualname.rpartition("<locals>.")[2]
        for name, thing in _named(frame)
        if name in asked
        for code in _runs(thing)
        if is_theirs(code.co_filename) and not code.co_flags & LATER and _gives_none(code)
    }
    return found.pop() if len(found) == 1 else ""


def _named(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """What a function knows by name; of the object whose method it is, the attributes and methods, too."""
    yield from ((name, frame.f_globals[name]) for name in frame.f_code.co_names if name in frame.f_globals)
    yield from list(frame.f_locals.items())
    me = frame.f_locals.get("self")
    yield from list(getattr(me, "__dict__", {}).items())
    yield from list(vars(type(me)).items())


def _runs(thing: Any) -> Iterator[CodeType]:
    """The code that runs when a thing is called."""
    thing = getattr(thing, "__wrapped__", thing)
    if isinstance(thing, (FunctionType, MethodType)):
        yield thing.__code__
        return
    for name in ("__call__", "forward"):
        if type(part := vars(type(thing)).get(name)) is FunctionType:
            yield part.__code__


def _asked_for_a_value(text: str, lines: range) -> set[str]:
    """The names of what is called in some lines of a text, where the result is used: a call that is a step of its own needs none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # IPython's own lines are no Python
        return set()
    steps = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in steps and node.lineno in lines)
    return {func.attr if isinstance(func, ast.Attribute) else func.id for func in called if isinstance(func, (ast.Attribute, ast.Name))}


def _gives_none(code: CodeType) -> bool:
    """Whether it ends without a value wherever it ends."""
    steps = list(dis.get_instructions(code))
    given = [step if step.opname == "RETURN_CONST" else steps[place - 1] for place, step in enumerate(steps) if step.opname in ENDS]
    return bool(given) and all(step.opname in ("LOAD_CONST", "RETURN_CONST") and step.argval is None for step in given)
