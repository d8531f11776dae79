"""Of the code that trains a model: tells whether weights are those of the code that stands in the notebook, and what has changed."""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from autograder.wall.checkpoint import MAX_PARTS

LONGEST = 80  # characters of a value that is told as it is
CODE = "#"  # begins what is told of a function: a hash of what Python made of it, without comments, names of files and docstrings
CHANGES = "~"  # what the training itself changes
MAX_REACHED = 8 * MAX_PARTS  # functions, classes and values
WRAPPERS = (staticmethod, classmethod, type(functools.cache(len)))  # around a function of the notebook
VERSION = f"python {sys.version_info[0]}.{sys.version_info[1]}"  # whose bytecode that was


def code_of(make_model: Callable[..., Any], train: Callable[..., Any]) -> dict[str, str]:
    """All that decides a training, by name: the notebook's functions and classes that it reaches, and the values that they read."""
    parts: dict[str, str] = {}
    for name, found in reached(make_model, train):
        if len(parts) == MAX_PARTS:
            break
        if isinstance(found, types.FunctionType):
            parts[found.__qualname__] = CODE + _hash(_bytecode(found.__code__, found.__doc__))
        elif (told := _told(found)) is not None:
            parts[name] = told
    return parts


def reached(make_model: Callable[..., Any], train: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What a training gets to from its two functions, by name: functions, classes, values, and objects of the notebook's classes."""
    own = {getattr(found, "__module__", "__main__") for found in (make_model, train)}
    yield from reached_from([("make_model", make_model), ("train", train)], own)


def reached_from(roots: list[tuple[str, Any]], own: set[str]) -> Iterator[tuple[str, Any]]:
    """What code gets to from these, by name.

    Args:
        own: the modules that count as the notebook's.
    """
    todo, seen = list(roots), set[int]()
    while todo and len(seen) < MAX_REACHED:
        name, found = todo.pop()
        if id(found) in seen and not _is_plain(found):
            continue
        seen.add(id(found))
        yield name, found
        todo += _beyond(name, found, own)


def _beyond(name: str, found: Any, own: set[str]) -> Iterable[tuple[str, Any]]:
    """One step on; objects of other people's classes are the end."""
    if isinstance(found, types.FunctionType):
        return _read_by(found)
    if isinstance(found, (types.MethodType, functools.partial)):
        return _inside(name, found)
    if isinstance(found, type):
        if not _is_own(found, own):
            return []
        parts = [(f"{found.__qualname__}.{key}", value) for key, value in vars(found).items() if not _is_pythons(key)]
        return parts + [(base.__qualname__, base) for base in found.__bases__]
    if isinstance(found, WRAPPERS):
        return [(name, found.__wrapped__)]
    if isinstance(found, functools.cached_property):
        return [(name, found.func)]
    if isinstance(found, property):
        return [(f"{name}.{what}", getattr(found, what)) for what in ("fget", "fset") if getattr(found, what)]
    if not _is_plain(found) and _is_own(type(found), own):  # a configuration: an object of a class of the notebook's
        values = [(f"{name}.{key}", value) for key, value in getattr(found, "__dict__", {}).items() if _is_plain(value)]
        return [*values, (name, type(found))]
    return []


def is_of_the_notebook(value: Any, make_model: Callable[..., Any], train: Callable[..., Any]) -> bool:
    """Whether the notebook has written its class."""
    return _is_own(type(value), {getattr(found, "__module__", "__main__") for found in (make_model, train)})


def steady(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The same parts; what the training itself changes (a list of losses, a counter) is no part of its code."""
    return {name: text if after.get(name) == text else CHANGES for name, text in before.items()}


def same_code(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two trainings are of the same code, and of the same values that it reads."""
    return not _differences(one, other)


def _differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    names = sorted({*one, *other})
    return [name for name in names if one.get(name) != other.get(name) and CHANGES not in (one.get(name), other.get(name))]


def change(before: dict[str, str], now: dict[str, str]) -> str:
    """What is different, in words: values by value, functions by name; the first few."""
    said = []
    for name in _differences(before, now):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            what = "a decorator" if name.startswith("_") else f"`{name}`"  # such as torch's no_grad
            said.append(f"{what} is {'new' if old is None else 'gone'}")
        elif old.startswith(CODE) or new.startswith(CODE):
            said.append(f"the code of `{name}` has changed")
        else:
            said.append(f"`{name}` is {new}, it was {old}")
    said = list(dict.fromkeys(said))
    said.sort(key=lambda text: not text.startswith("`"))  # values tell more
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    return "; ".join(said[:3]) + more


def _read_by(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """The values that a function reads from outside: globals (not attributes of the same name), closures, defaults."""
    for name in _globals_in(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            yield f"{function.__qualname__}.{parameter.name}", parameter.default


def _inside(name: str, found: types.MethodType | functools.partial[Any]) -> list[tuple[str, Any]]:
    if isinstance(found, types.MethodType):
        return [(name, found.__func__), (name, found.__self__)]
    arguments = [*((f"{name}({i})", value) for i, value in enumerate(found.args)), *found.keywords.items()]
    return [(name, found.func), *arguments]


@functools.lru_cache(maxsize=4096)  # asked for again before and after every trial
def _globals_in(code: types.CodeType) -> frozenset[str]:
    names = {str(i.argval) for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return frozenset(names.union(*(_globals_in(inner) for inner in code.co_consts if isinstance(inner, types.CodeType))))


def _bytecode(code: types.CodeType, doc: str | None = None) -> str:
    constants = [c for c in code.co_consts if not (isinstance(c, str) and c == doc)]
    inner = [_bytecode(c) if isinstance(c, types.CodeType) else f"{type(c).__name__} {c!r}" for c in constants]
    return "\0".join([code.co_code.hex(), *code.co_names, *code.co_varnames, *code.co_freevars, *inner])


def _told(value: Any) -> str | None:
    """A plain value as text; ``None`` for what is none."""
    if not _is_plain(value):
        return None
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}, {value.dtype}"
    text = repr(sorted(value, key=repr)) if isinstance(value, (set, frozenset)) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 20]}… ({_hash(text)[:8]})"


def _is_plain(value: Any, depth: int = 0) -> bool:
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        inner = [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)
        return depth < 4 and len(inner) < 10_000 and all(_is_plain(part, depth + 1) for part in inner)
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes, range, torch.Tensor, torch.dtype, torch.device))


def _is_own(found: type, own: set[str]) -> bool:
    """Written in the notebook, or in a file beside it."""
    module = found.__module__
    if module in own:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return bool(file) and Path(str(file)).parent == Path.cwd()


def _is_pythons(name: str) -> bool:
    return name in ("__module__", "__doc__", "__dict__", "__weakref__", "__qualname__", "__annotations__", "__firstlineno__", "__static_attributes__")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
