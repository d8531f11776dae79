"""``fit`` drives a training: progress, loss curve, budget, checkpoint; while grading it loads the weights and replays the first steps."""

from __future__ import annotations

import contextlib
import itertools
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from autograder.judge.loss import same_run
from autograder.judge.training import segments
from autograder.student import weights
from autograder.student.check import neutral
from autograder.student.fingerprint import fingerprint_of
from autograder.student.progress import Progress
from autograder.student.session import Session, current

REPLAYED = 5  # first losses that tell whether weights and code belong together
CHECKPOINT_SECONDS = 30  # what a crash may cost


class Interrupted(KeyboardInterrupt):
    """The user stopped the training: shown as one line, without the kit's own."""

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]


@dataclass
class Fitted:
    """A trained model, and the facts that go with its logits into the record."""

    model: Any
    facts: dict[str, Any] = field(default_factory=dict)


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
    first: list[float] = field(default_factory=list)
    saved_curve: list[float | None] = field(default_factory=list)  # of weights that were loaded

    @property
    def curve(self) -> list[float | None]:
        return segments(self.history) or self.saved_curve


def fitted(exercise: str) -> Fitted:
    """What ``fit(exercise, ...)`` made; raises what stopped it."""
    if exercise not in _fitted:
        raise RuntimeError(f"run the cell with fit({exercise!r}, ...) first")
    found = _fitted[exercise]
    if isinstance(found, BaseException):
        raise found
    return found


_fitted: dict[str, Fitted | BaseException] = {}
_suspended: dict[str, tuple[str, Run]] = {}  # trainings that the user has stopped, with the fingerprint of their code


def fit(
    exercise: str, make_model: Callable[[], Any], train: Callable[[Any], Iterator[float]], steps: int | None = None
) -> Any:
    """Train a model, or take up a training where it was left.

    The weights are kept in ``<exercise>.safetensors`` beside the notebook; submit that file too.  A finished training is
    loaded, not repeated, as long as the code is the same; an interrupted one is continued; other code trains afresh, and
    the older weights stay in ``<exercise>.previous.safetensors``.

    Args:
        exercise: the id, as in ``course.yml``.
        make_model: returns a fresh model: any object that holds its tensors in attributes, lists and dicts.
        train: a generator that trains the model and yields the loss of each step.
        steps: how many steps it will yield, for the progress bar.

    Returns:
        The model. It maps contexts ``(N, T) int64`` to logits ``(N, 27)``.
    """
    session = current()
    rules = session.facts.rules(exercise)
    _fitted.pop(exercise, None)
    gradients = not any(name in ("backward", "autograd") for name in rules.forbid)
    try:
        with neutral(session.facts.training_seed), torch.set_grad_enabled(gradients):
            found = _fit(session, exercise, make_model, train, steps)
        weights.evaluation_mode(found.model)
        sizes = {name: tensor.numel() for name, tensor in weights.tensors_of(found.model).items()}
        found.facts["sizes"] = dict(sorted(sizes.items(), key=lambda item: -item[1])[:64])
        found.facts["parameters"] = sum(sizes.values())
    except BaseException as error:
        _fitted[exercise] = error
        raise
    _fitted[exercise] = found
    return found.model


def _fit(session: Session, exercise: str, make_model: Callable, train: Callable, steps: int | None) -> Fitted:
    path = Path(f"{exercise}.safetensors")
    seed = session.facts.training_seed
    if session.training == "grading":
        return _for_grading(path, session, exercise, make_model, train)
    fingerprint = fingerprint_of(make_model, train, steps)
    run, said = _resume(path, exercise, fingerprint, seed, make_model, train)
    if run is None:
        run = _start(seed, make_model, train)
    report = session.report if session.training == "author" else None
    if not run.finished:
        budget = session.facts.rules(exercise).loss.budget_seconds
        with Progress(exercise, steps, budget, said, report) as progress:
            try:
                _drive(run, budget, progress, lambda: _save(path, run, fingerprint))
            except Interrupted:  # between two steps; a generator that was broken off within one cannot go on
                _suspended[exercise] = (fingerprint, run)
                raise
    else:
        Progress.say(said, quiet=report is not None)
    if not run.first:
        raise ValueError("the training yielded no loss: train(model) must `yield` the loss of every step")
    return Fitted(run.model, _facts(run))


def _facts(run: Run) -> dict[str, Any]:
    return {
        "first": run.first,
        "replayed": run.first,
        "steps": run.step,
        "finished": run.finished,
        "curve": run.curve,
    }


def _start(seed: int, make_model: Callable, train: Callable) -> Run:
    torch.manual_seed(seed)
    model = make_model()
    return Run(model, iter(train(model)))


def _resume(
    path: Path, exercise: str, fingerprint: str, seed: int, make_model: Callable, train: Callable
) -> tuple[Run | None, str]:
    """The run to go on with, and a line that says so; ``None`` to start afresh."""
    if exercise in _suspended and _suspended[exercise][0] == fingerprint:
        run = _suspended.pop(exercise)[1]
        return run, f"Continuing after step {run.step:,}."
    if not path.exists():
        return None, ""
    try:
        saved, facts = weights.load(path)
        same = facts["fingerprint"] == fingerprint
        if same and same_run(facts["first"], replay(seed, make_model, train, len(facts["first"]))):
            run = _start(seed, make_model, train)
            weights.put(run.model, saved)
            run.step, run.seconds = facts["steps"], facts["seconds"]
            run.first, run.finished, run.saved_curve = facts["first"], facts["finished"], facts.get("curve", [])
            run.core_seconds = facts.get("core_seconds", 0.0)
            state = "Loaded the finished training" if run.finished else "Continuing from the saved weights"
            return run, f"{state} of {path.name} ({run.step:,} steps). Delete the file to train afresh."
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = f" ({error})"
    else:
        reason = ", because the code has changed"
    previous = next(p for p in _previous(path) if not p.exists())
    path.replace(previous)
    return None, f"Training afresh{reason}; the older weights are kept in {previous.name}."


def _previous(path: Path) -> Iterator[Path]:
    """Names for older weights, of which none is ever overwritten."""
    yield path.with_suffix(".previous.safetensors")
    yield from (path.with_suffix(f".previous-{number}.safetensors") for number in itertools.count(2))


def _drive(run: Run, budget: float, progress: Progress, save: Callable[[], None]) -> None:
    """Step until the generator ends, the budget is spent or the user interrupts; the weights are saved in every case."""
    begun = last = time.monotonic()
    begun_core, before, before_core = time.process_time(), run.seconds, run.core_seconds
    with _interruption() as interrupted:
        try:
            if run.random is not None:
                torch.set_rng_state(run.random)
            for loss in run.losses:
                run.step += 1
                run.history.append(float(loss))
                if len(run.first) < REPLAYED and run.step <= REPLAYED:
                    run.first.append(float(loss))
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
                    raise Interrupted(f"nothing is lost after step {run.step:,}; run the cell again to continue")
                if math.isnan(run.history[-1]):
                    progress.done(
                        run, f"Stopped: the loss of step {run.step:,} is not a number. Lower the learning rate?"
                    )
                    break
                if run.seconds > budget:
                    progress.done(run, f"Stopped: the budget of {budget:g} seconds is spent. These weights count.")
                    break
            else:
                progress.done(run, "Done.")
            run.finished = True
        finally:
            if run.history:
                save()


@contextlib.contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Ctrl-C (or the stop button) ends the training between two steps; a second one at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handler(number, frame):
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)


def _save(path: Path, run: Run, fingerprint: str) -> None:
    facts = {
        "fingerprint": fingerprint,
        "first": run.first,
        "steps": run.step,
        "seconds": round(run.seconds, 2),
        "core_seconds": round(run.core_seconds, 2),
        "finished": run.finished,
        "curve": run.curve,
    }
    weights.save(path, run.model, facts)


def _for_grading(path: Path, session: Session, exercise: str, make_model: Callable, train: Callable) -> Fitted:
    """The submitted weights in a fresh model, with the first losses that the submitted code gives."""
    seed = session.facts.training_seed
    if path.exists():
        saved, facts = weights.load(path)
        replayed = replay(seed, make_model, train, REPLAYED)
        torch.manual_seed(seed)
        model = make_model()
        weights.put(model, saved)
        first = [float(x) for x in facts.get("first", [])][:REPLAYED]
        return Fitted(
            model,
            {"first": first, "replayed": replayed, **{k: facts.get(k) for k in ("steps", "finished", "curve")}},
        )
    run = _start(seed, make_model, train)
    begun = time.monotonic()
    for loss in run.losses:
        run.step += 1
        run.history.append(float(loss))
        if len(run.first) < REPLAYED:
            run.first.append(float(loss))
        if time.monotonic() - begun > session.training_seconds:
            break
    else:
        run.finished = True
    return Fitted(run.model, {**_facts(run), "no_weights": True})


def replay(seed: int, make_model: Callable, train: Callable, steps: int) -> list[float]:
    """The first losses of a fresh training."""
    run = _start(seed, make_model, train)
    first = []
    for loss in run.losses:
        first.append(float(loss))
        if len(first) >= steps:
            break
    return first
