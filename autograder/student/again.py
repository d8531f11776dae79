"""A call of a student's function once more: as it was, and with one argument after the other changed."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch

from autograder.student.neutral import neutral
from autograder.student.plainly import OddError, alike, copied, is_finite, is_floating, otherwise, values_in

MOST_CALLS = 8  # that are tried again
QUICK = 0.01  # seconds of the processor: a function that takes longer is not called again
SPENT = 0.01  # seconds of the processor, after which nothing more is tried: what was tried is told, and is true
PATIENT = (0.5, 5.0)  # the same two for an author's reference, with which all others are compared


class TimeUpError(BaseException):
    """A function that is tried with other arguments takes much longer than with its own."""


@dataclass
class First:
    """The first call that is looked at: the function, and its arguments before the call."""

    function: FunctionType
    names: tuple[str, ...]
    arguments: dict[str, Any]  # copies
    plain: bool  # whether all of them could be copied
    values: dict[str, Any] | None = None  # what it returned
    seconds: float = 0.0


def tried_again(first: First, seed: int, gradients: bool, quick: float, enough: float) -> dict[str, Any]:
    """The first call once more as it was, and with one argument after the other changed.

    Raises:
        OddError: it takes too long, or cannot be compared.
    """
    if first.seconds > quick or first.values is None or threading.current_thread() is not threading.main_thread():
        raise OddError
    begun, calls = time.thread_time(), 0

    def again(other: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal calls
        calls += 1
        arguments = {n: other[n] if n in other else _or_itself(v) for n, v in first.arguments.items()}
        with quietly(max(quick, 10 * first.seconds)), neutral(seed + 1), torch.set_grad_enabled(gradients):
            return values_in(first.function(**arguments))
        return None

    same = again({})
    if same is None:
        raise OddError
    if not alike(same, first.values):
        if not first.plain:
            raise OddError
        return {"unsteady": "global" if alike(again({}), same) else "other"}
    if not all(map(is_finite, same.values())):
        raise OddError
    floating = all(map(is_floating, same.values()))
    tried: dict[str, Any] = {}  # what has stood in an argument's place
    depends: set[tuple[str, str]] = set()
    order = sorted(first.arguments, key=lambda name: type(first.arguments[name]) is torch.Tensor)  # numbers first: they are ignored most
    for name in order:
        for other in otherwise(first.arguments[name], floating):
            if calls >= MOST_CALLS or time.thread_time() - begun > enough:
                break
            if (found := again({name: other})) is not None:
                tried[name] = other
                depends |= {(name, value) for value in _other_values(same, found)}
                break
    quiet = [name for name in tried if len(tried) > 1 and any((name, value) not in depends for value in same)]
    elsewhere = again(tried) if quiet else None  # a factor may be hidden by another that happens to be 0
    for name in quiet:
        if elsewhere and (found := again({other: value for other, value in tried.items() if other != name})) is not None:
            depends |= {(name, value) for value in _other_values(elsewhere, found)}
        else:
            del tried[name]  # not known
    places = {name: place for place, name in enumerate(first.names)}
    return {
        "tried": [places[name] for name in tried],
        "depends": sorted(f"{places[name]}:{value}"[:200] for name, value in depends)[:256],
        "values": list(same)[:64],
        "generators": [places[name] for name in tried if type(first.arguments[name]) is torch.Generator],
    }


def _other_values(same: dict[str, Any], found: dict[str, Any]) -> set[str]:
    return {name for name in same if name not in found or not alike(same[name], found[name])}


def _or_itself(value: Any) -> Any:
    try:
        return copied(value)
    except OddError:
        return value


@contextlib.contextmanager
def quietly(seconds: float) -> Iterator[None]:
    """What a student's function does once more is seen by nobody, raises nothing, and ends soon."""
    if not hasattr(signal, "setitimer"):
        raise OddError

    def up(*_: Any) -> None:
        raise TimeUpError

    before = signal.signal(signal.SIGVTALRM, up)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  with other arguments it may raise anything
        return
    finally:
        signal.signal(signal.SIGVTALRM, before)
