"""Of the code that trains a model: tells whether finished weights are those of the code that stands in the notebook."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import textwrap
import types
from collections.abc import Callable
from typing import Any


def fingerprint_of(make_model: Callable[..., Any], train: Callable[..., Any], steps: int | None) -> str:
    """Of the code that trains and all of the notebook that it calls, so that finished weights are not taken for those of other code."""
    parts: dict[str, str] = {}
    todo: list[Any] = [make_model, train]
    seen: set[int] = set()
    while todo:
        found = todo.pop()
        seen.add(id(found))
        if inspect.isclass(found):  # a notebook's classes have no source of their own, their methods have
            todo += [method for method in vars(found).values() if inspect.isfunction(method) and id(method) not in seen]
        elif inspect.isfunction(found):
            with contextlib.suppress(OSError, TypeError, SyntaxError):
                parts[found.__qualname__] = _code(inspect.getsource(found))
            for name in _names_in(found.__code__):
                value = found.__globals__.get(name)
                if isinstance(value, (bool, int, float, str)):
                    parts[name] = repr(value)
                elif getattr(value, "__module__", "") == found.__module__ and id(value) not in seen:
                    todo.append(value)
    text = "\0".join(f"{name}\0{parts[name]}" for name in sorted(parts))
    return hashlib.sha256(f"{text}{steps}".encode()).hexdigest()[:16]


def _code(source: str) -> str:
    """Without comments and layout: a comment more is not other code."""
    return ast.unparse(ast.parse(textwrap.dedent(source)))


def _names_in(code: types.CodeType) -> set[str]:
    """The global names that a function, and the functions inside it, refer to."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(_names_in, inner))
