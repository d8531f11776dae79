"""What can be seen only where a check calls a student's function: inputs that it changes, arguments that it ignores, other random numbers.

For the time of a check a thin wrapper stands in the function's place. It hands everything through; only the first call of the first draw
is looked at, and tried again after the last draw. Whatever is odd is left alone. What is found words a message and gives no point.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import linecache
import time
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from autograder.student.again import PATIENT, QUICK, SPENT, First, quietly, tried_again
from autograder.student.neutral import beside, neutral
from autograder.student.own_line import Given, is_cell, is_own, names_of
from autograder.student.plainly import MOST_NUMBERS, OddError, alike, copied, values_in
from autograder.wall.calls import MOST_CALLS, Call
from autograder.wall.record import Draw

ODD = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class Watch:
    """Stands between a probe and the student's functions that it calls by name; use it as a context manager.

    Args:
        given: the lecture's own cells.
        keep: the arguments of the first calls of every draw, and what they returned, to show them.
    """

    def __init__(self, probe: Callable[..., Any], given: Given, keep: bool) -> None:
        self.probe, self.given, self.keep = probe, given, keep
        self.space: dict[str, Any] = getattr(probe, "__globals__", {})
        self.wrapped: dict[str, tuple[FunctionType, Callable[..., Any]]] = {}
        self.first: First | None = None
        self.calls: list[Call] = []
        self.changed: list[str] = []
        self.shared: list[str] = []  # names of values that are one tensor, in pairs
        self.draw, self.wanted, self.protecting = -1, False, False
        self.inside, self.noted = False, 0  # a call that is looked at; how many in this draw

    def __enter__(self) -> Watch:
        for name in sorted(names_of(self.probe)):
            function = self.space.get(name)
            if isinstance(function, FunctionType) and self._simple(name, function):
                self.wrapped[name] = function, self._wrapper(function)
                self.space[name] = self.wrapped[name][1]
        return self

    def __exit__(self, *_: Any) -> None:
        for name, (function, wrapper) in self.wrapped.items():
            if self.space.get(name) is wrapper:
                self.space[name] = function

    def begin(self, draw: int) -> None:
        self.draw, self.wanted, self.noted = draw, self.keep or draw == 0, 0

    def _simple(self, name: str, function: FunctionType) -> bool:
        """An ordinary function of the student's that does not know its own name: nobody can tell it from its wrapper."""
        if type(function) is not FunctionType or function.__name__ != name or function.__globals__ is not self.space:
            return False
        file, of_probe = function.__code__.co_filename, self.probe.__code__.co_filename
        own = is_own(file, self.given) if is_cell(file) else file == of_probe
        return own and not function.__code__.co_flags & ODD and not function.__dict__ and name not in names_of(function)

    def _wrapper(self, function: FunctionType) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if not self.wanted:
                if not self.keep or self.inside or self.protecting or self.noted >= MOST_CALLS:
                    return function(*arguments, **named)
                return self._noted(function, arguments, named)
            self.wanted = False
            if self.protecting:
                with contextlib.suppress(OddError):
                    return function(*map(copied, arguments), **{name: copied(value) for name, value in named.items()})
                return function(*arguments, **named)
            seen = self._before(function, arguments, named)
            begun = time.thread_time()
            result = self._called(function, arguments, named, bool(seen))
            if seen and self.draw == 0:
                seen.seconds = time.thread_time() - begun
                self._after(seen, arguments, named, result)
            return result

        return call

    def _noted(self, function: FunctionType, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """A later call of a draw: to be shown, if the value that is wrong came from it."""
        return self._called(function, arguments, named, bool(self._before(function, arguments, named)))

    def _called(self, function: FunctionType, arguments: tuple[Any, ...], named: dict[str, Any], known: bool) -> Any:
        place = len(self.calls) - 1
        self.noted, self.inside = self.noted + 1, True  # what it calls itself is not looked at
        try:
            result = function(*arguments, **named)
        finally:
            self.inside = False
        if self.keep and known and type(result) is Tensor and result.layout == torch.strided and result.numel() <= MOST_NUMBERS:
            self.calls[place] = replace(self.calls[place], returned=result.detach().clone())
        return result

    def _before(self, function: FunctionType, arguments: tuple[Any, ...], named: dict[str, Any]) -> First | None:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        bound = {**dict(zip(names, arguments)), **named}
        seen, plain = First(function, names, {}, True), True
        try:
            for name, value in bound.items():
                try:
                    seen.arguments[name] = copied(value)
                except OddError:
                    seen.arguments[name], plain = value, False
            seen.plain = plain
            self.calls.append(Call(self.draw, function.__name__, tuple(seen.arguments.items())))
        except Exception:  # noqa: BLE001  whatever an odd argument raises when it is looked at
            return None
        return seen

    def _after(self, seen: First, arguments: tuple[Any, ...], named: dict[str, Any], result: Any) -> None:
        try:
            seen.values = values_in(result)
            for name, value in {**dict(zip(seen.names, arguments)), **named}.items():
                changed = type(value) in (Tensor, list, dict) and not alike(value, seen.arguments[name])
                if changed:
                    self.changed.append(name)
        except Exception:  # noqa: BLE001  as above
            seen.values = None
        self.first = seen

    def returned(self, value: Any) -> Any:
        """What the probe returned, on its way to the record: two names of one tensor cannot both be right where they should differ."""
        if self.draw == 0 and type(value) in (dict, tuple):
            places: dict[Any, str] = {}
            pairs = value.items() if type(value) is dict else ((f"[{i}]", inner) for i, inner in enumerate(value))
            for name, inner in pairs:
                if type(inner) is Tensor and inner.layout == torch.strided and inner.numel():
                    place = inner.data_ptr(), inner.shape, inner.stride(), inner.dtype
                    if place in places:
                        self.shared += [places[place], str(name)]
                    places.setdefault(place, str(name))
        return value

    def facts(self, draw: Draw, seed: int, gradients: bool, patient: bool, attempt: Callable[..., Draw]) -> dict[str, Any]:
        """All that was seen, and what some more calls show, as plain data.

        Args:
            draw: the first one, as it was recorded.
            patient: for an author's reference.
            attempt: calls a probe.
        """
        found: dict[str, Any] = {}
        if self.shared:
            found["shared"] = self.shared[:64]
        if self.first and self.first.values is not None and not draw.failure:
            found["function"], found["parameters"] = self.first.function.__name__, list(self.first.names)[:64]
            if len(self.first.values) > 1 and (names := names_returned(self.first.function, len(self.first.values))):
                found["returns"] = names
            if self.changed:
                found["changed"] = self.changed[:64]
                found["heals"] = self._healed(attempt, draw, seed, gradients)
            with contextlib.suppress(Exception):  # an odd object may raise anything; then nothing more is known
                found |= tried_again(self.first, seed, gradients, *(PATIENT if patient else (QUICK, SPENT)))
        return found

    def _healed(self, attempt: Callable[..., Draw], draw: Draw, seed: int, gradients: bool) -> list[str]:
        """The values that come out otherwise where the function works on copies of its arguments."""
        self.protecting, self.draw, self.wanted = True, 0, True
        with self, quietly(1.0), neutral(beside(seed)), torch.set_grad_enabled(gradients):
            other = attempt(self.probe, torch.Generator().manual_seed(seed))
            return [n for n, v in draw.values.items() if n not in other.values or not alike(v, other.values[n])][:64]
        return []


def names_returned(function: FunctionType, count: int) -> list[str]:
    """The names of a tuple's parts where every ``return`` of the function has the same ones, as in ``return stoi, itos``."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename))
    if len(text) > 20_000:
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    wanted = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == code.co_name)
    own = next((node for node in wanted if node.lineno == code.co_firstlineno), None)
    found = {tuple(_names(node.value)) for node in ast.walk(own) if isinstance(node, ast.Return)} if own else set()
    names = found.pop() if len(found) == 1 else ()
    return [name[:60] for name in names] if len(names) == count else []


def _names(value: ast.expr | None) -> list[str]:
    parts = value.elts if isinstance(value, ast.Tuple) else []
    return [part.id for part in parts if isinstance(part, ast.Name)] if all(isinstance(part, ast.Name) for part in parts) else []
