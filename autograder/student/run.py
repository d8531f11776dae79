"""One training, step by step: what it has reached, and the loop that drives it until it ends or is stopped."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch

from autograder.student.progress import Progress
from autograder.wall.rows import segments

REPLAYED = 5  # first losses that tell whether weights and code belong together
CHECKPOINT_SECONDS = 30  # what a crash may cost
MakeModel = Callable[[], Any]
Train = Callable[..., Iterator[float]]


class Interrupted(KeyboardInterrupt):
    """The user stopped the training: shown as one line, without the kit's own."""

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]


@dataclass
class Run:
    """A training that can be left after any step and continued."""

    model: Any
    losses: Iterator[float]
    history: list[float] = field(default_factory=list)
    seconds: float = 0.0
    core_seconds: float = 0.0  # of the processor, whatever else the machine does
    step: int = 0
    random: torch.Tensor | None = None  # state of torch's generator between two steps
    finished: bool = False
    first: list[float] = field(default_factory=list)  # of a fresh model, at most REPLAYED
    planned: int | None = None  # steps
    at_once: bool = False  # all losses came in a list, behind the last step

    @property
    def curve(self) -> list[float | None]:
        return segments(self.history)


def start(seed: int, make_model: MakeModel, train: Train) -> Run:
    """A fresh model, and its training before the first step."""
    __tracebackhide__ = True
    torch.manual_seed(seed)
    model = make_model()
    if model is None:
        raise TypeError("make_model() returned None: it must `return` the model that it makes")
    losses = train(model)
    if not isinstance(losses, Iterable) or isinstance(losses, torch.Tensor) and losses.dim() == 0:
        what = "None" if losses is None else f"a single {'number' if isinstance(losses, (float, int, torch.Tensor)) else type(losses).__name__}"
        raise TypeError(f"the training returned {what}: train(model) must `yield` the loss of every step, inside its loop")
    return Run(model, iter(losses), at_once=not isinstance(losses, Iterator))


def step_by_step(run: Run) -> None:
    """A training hands out each loss when its step is done.

    Raises:
        TypeError: it does not.
    """
    __tracebackhide__ = True
    if run.at_once:
        raise TypeError(
            "train(model) returned all losses at once, when the training was over: nothing could be shown, or stopped, on the way. Make it a "
            "generator: `yield` the loss of each step inside the loop"
        )


def drive(run: Run, progress: Progress, save: Callable[[], None]) -> None:
    """Step until the generator ends, the loss is no number or the user interrupts; the weights are saved in every case.

    Raises:
        Interrupted: by the user, between two steps.
    """
    __tracebackhide__ = True
    begun = last = time.monotonic()
    begun_core, before, before_core = time.process_time(), run.seconds, run.core_seconds
    with _interruption() as interrupted:
        try:
            if run.random is not None:
                torch.set_rng_state(run.random)
            for loss in run.losses:
                take(run, loss)
                now = time.monotonic()
                run.seconds = before + now - begun
                run.core_seconds = before_core + time.process_time() - begun_core
                progress.step(run.step, run.history, run.seconds)
                if now - last > CHECKPOINT_SECONDS:
                    save()
                    last = now
                if interrupted.is_set():
                    run.random = torch.get_rng_state()
                    save()
                    progress.done(run, "Interrupted.")
                    raise Interrupted(f"after step {run.step:,}; run the cell again to continue there")
                if math.isnan(run.history[-1]):
                    progress.done(
                        run, f"Stopped: the loss of step {run.step:,} is not a number. Lower the learning rate?"
                    )
                    break
            else:
                progress.done(run, "Done.")
            run.finished = True
        finally:
            if run.history:
                save()


def take(run: Run, loss: Any) -> None:
    """One more step."""
    number = number_of(loss)
    run.step += 1
    run.history.append(number)
    if len(run.first) < REPLAYED and run.step == len(run.first) + 1:
        run.first.append(number)


def number_of(loss: Any) -> float:
    """A loss that a training yields, which may still hang on its graph."""
    return float(loss.detach() if isinstance(loss, torch.Tensor) else loss)


def some_steps(run: Run, steps: int, core_seconds: float) -> None:
    """So many steps, or as many as fit into some seconds of the processor; the first one always."""
    __tracebackhide__ = True
    begun = time.process_time()
    for loss in run.losses:
        take(run, loss)
        if run.step >= steps or time.process_time() - begun > core_seconds:
            return
    run.finished = True


@contextlib.contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Ctrl-C (or the stop button) ends the training between two steps; a second one at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handler(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
