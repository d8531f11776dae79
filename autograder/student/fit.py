"""``fit`` trains a model or takes up what was trained: checkpoints beside the notebook; while grading, the weights that were handed in."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from autograder.student import weights
from autograder.student.fingerprint import fingerprint_of
from autograder.student.neutral import neutral
from autograder.student.progress import Progress
from autograder.student.run import REPLAYED, Interrupted, Run, drive, facts_of, replay, start
from autograder.student.session import Session, current
from autograder.wall.checkpoint import load
from autograder.wall.rows import same_run


@dataclass
class Fitted:
    """A trained model, and the facts that go with its logits into the record."""

    model: Any
    facts: dict[str, Any] = field(default_factory=dict)


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
    try:
        with neutral(session.facts.training_seed), torch.set_grad_enabled(rules.gradients):
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
        run = start(seed, make_model, train)
    report = session.report if session.training == "author" else None
    if not run.finished:
        budget = session.facts.rules(exercise).loss_rules.budget_seconds
        with Progress(exercise, steps, budget, said, report) as progress:
            try:
                drive(run, budget, progress, lambda: _save(path, run, fingerprint))
            except Interrupted:  # between two steps; a generator that was broken off within one cannot go on
                _suspended[exercise] = (fingerprint, run)
                raise
    else:
        Progress.say(said, quiet=report is not None)
    if not run.first:
        raise ValueError("the training yielded no loss: train(model) must `yield` the loss of every step")
    return Fitted(run.model, facts_of(run))


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
        saved, facts = load(path)
        same = facts["fingerprint"] == fingerprint
        if same and same_run(facts["first"], replay(seed, make_model, train, len(facts["first"]))):
            run = start(seed, make_model, train)
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
        saved, facts = load(path)
        replayed = replay(seed, make_model, train, REPLAYED)
        torch.manual_seed(seed)
        model = make_model()
        weights.put(model, saved)
        first = [float(x) for x in facts.get("first", [])][:REPLAYED]
        return Fitted(
            model,
            {"first": first, "replayed": replayed, **{k: facts.get(k) for k in ("steps", "finished", "curve")}},
        )
    run = start(seed, make_model, train)
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
    return Fitted(run.model, {**facts_of(run), "no_weights": True})
