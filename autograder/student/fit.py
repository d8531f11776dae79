"""``fit`` trains a model or takes up what was trained; what is graded is the file that it leaves, in a model made afresh.

Three rules: stop whenever you want, and running the cell again goes on exactly there, as long as the kernel lives. A finished training is
loaded, not repeated, while its code is the same. Every training is kept in a file; the best one of the code that stands there counts.

``__tracebackhide__`` keeps the kit's own frames out of the traceback of a student's error.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Exercise, Loss
from autograder.student import weights
from autograder.student.called import Called, Fitted, called_with, file_of
from autograder.student.experiments import seen
from autograder.student.fingerprint import code_of, same_code, steady
from autograder.student.held_out import held_out_rows
from autograder.student.kept import Kept
from autograder.student.neutral import neutral
from autograder.student.progress import Progress
from autograder.student.run import REPLAYED, Interrupted, MakeModel, Run, Train, drive, some_steps, start, step_by_step
from autograder.student.session import Session, current
from autograder.student.snapshot import Snapshot
from autograder.student.untouched import untouched
from autograder.wall.checkpoint import Checkpoint, load
from autograder.wall.rows import same_run

TRIED_STEPS = 300  # of code whose first losses are not those of its weights: does it train at all?
TRIED_SECONDS = 20.0  # of the processor, at most
AFRESH = ". That holds while this kernel runs: after a restart the training begins afresh"
LISTED = 200  # names of a model's parts that go into the record

_suspended: dict[str, tuple[dict[str, str], Run]] = {}  # trainings that the user has stopped, with their code


def fit(exercise: str, make_model: MakeModel, train: Train, steps: int | None = None) -> Any:
    """Train a model, or take up a training where it was left.

    The weights are kept in ``<exercise>.safetensors`` beside the notebook; submit that file too.  While the kernel lives, a training that
    was stopped goes on where it stopped.  A finished one is loaded, not repeated, as long as the code is the same; other code trains
    afresh, and the older weights wait in the folder ``older_weights`` until you go back to their code.  After a restart
    an unfinished training begins afresh, unless ``train(model, first_step)`` can begin at a later step.

    Args:
        exercise: the id, as in ``course.yml``.
        make_model: returns a fresh model: any object that keeps what it learns in attributes, lists and dicts.
        train: a generator that trains the model and yields the loss of each step.
        steps: how many steps it will yield, for the progress bar.

    Returns:
        The model. It maps contexts ``(N, T) int64`` to logits ``(N, 27)``.
    """
    __tracebackhide__ = True
    session = current()
    rules = session.facts.rules(exercise)
    called = called_with[exercise] = Called(make_model, train)
    try:
        with neutral(session.facts.training_seed), torch.set_grad_enabled(rules.gradients):
            if session.training == "grading":
                return _for_grading(session, exercise, called, rules)
            return _train(session, exercise, called, steps, rules.loss_rules)
    except KeyboardInterrupt:
        raise  # the weights so far are saved, and can be checked
    except BaseException as error:
        called.stopped_by = error
        raise


def _train(session: Session, exercise: str, called: Called, steps: int | None, rules: Loss) -> Any:
    __tracebackhide__ = True
    code = code_of(called.make_model, called.train)
    kept = Kept(exercise, rules.context)
    report = session.report if session.training == "author" else None
    run, said = _run_on(session, exercise, called, kept, code)
    run.planned = steps
    if not run.step and session.training == "student":
        beforehand = getattr(session, "before_training", lambda _: "")(exercise)
        said = " ".join(filter(None, (said, _too_large(called, session.facts.training_seed, rules), beforehand)))
    if run.finished:
        Progress.say(said, quiet=report is not None)
    else:
        with Progress(exercise, steps, said, report) as progress:
            try:
                drive(run, progress, lambda: kept.save(run, steady(code, code_of(called.make_model, called.train))))
            except Interrupted as stopped:  # between two steps; a generator that was broken off within one cannot go on
                _suspended[exercise] = (steady(code, code_of(called.make_model, called.train)), run)
                raise Interrupted(f"{stopped}{'' if _takes_a_first_step(called) else AFRESH}") from None
        if not run.first:
            raise ValueError("the training yielded no loss: train(model) must `yield` the loss of every step")
        step_by_step(run)  # when the weights are saved: nothing is lost
    weights.evaluation_mode(run.model)
    if session.training == "student":
        for line in (*kept.choose_best(code), *_told_at_once(session, exercise, run, rules)):
            Progress.say(line)
    return run.model


def _run_on(session: Session, exercise: str, called: Called, kept: Kept, code: dict[str, str]) -> tuple[Run, str]:
    """The run to go on with, fresh or not, and a line that says so."""
    __tracebackhide__ = True
    seed, suspended = session.facts.training_seed, _suspended.pop(exercise, None)
    if suspended and same_code(suspended[0], code):
        return suspended[1], f"Continuing after step {suspended[1].step:,}."
    found = kept.of_code(code, lambda first: same_run(first, replayed(called, seed, len(first))))
    if found is None:
        return start(seed, called.make_model, called.train), kept.set_aside(code)
    facts = found.facts
    if facts["finished"]:
        model = _fresh(called, seed, kept.context)
        weights.put(model, found.tensors, found.held)
        run = Run(model, iter(()), step=facts["steps"], first=facts["first"], finished=True)
        return (
            run,
            f"Loaded the finished training ({run.step:,} steps) of {kept.came_from}. Delete {kept.path.name} to train afresh.",
        )
    if _takes_a_first_step(called) and len(facts["first"]) == REPLAYED:
        model = _fresh(called, seed, kept.context)
        weights.put(model, found.tensors, found.held)
        run = Run(
            model, iter(called.train(model, first_step=facts["steps"])), step=facts["steps"], first=facts["first"]
        )
        run.seconds, run.core_seconds = facts["seconds"], facts.get("core_seconds", 0.0)
        return run, f"Continuing from the saved weights at step {run.step:,}."
    aside = kept.put_aside()
    said = f"The training of {facts['steps']:,} steps was stopped, and the kernel has been restarted since: it cannot go on from there."
    return start(
        seed, called.make_model, called.train
    ), f"{said} Training afresh; the weights so far are kept in {aside}."


def _too_large(called: Called, seed: int, rules: Loss) -> str:
    """That a model has more parameters than the check takes, said before it is trained."""
    try:
        with neutral(seed):
            found = sum(weights.parts_of(_fresh(called, seed, rules.context), rules.context).sizes.values())
    except Exception:  # noqa: BLE001  a student's model raises whatever it raises, and its training or the check tells it
        return ""
    if found <= rules.max_parameters:
        return ""
    return f"Careful: the model holds {found:,} numbers, and the check takes none with more than {rules.max_parameters:,}. Make its layers smaller first."


def _takes_a_first_step(called: Called) -> bool:
    """Whether a training can begin at a later step."""
    return "first_step" in inspect.signature(called.train).parameters


def _told_at_once(session: Session, exercise: str, run: Run, rules: Loss) -> list[str]:
    """What grading will find when it takes the file: said now, while it can be mended."""
    trained = Snapshot(run.model)
    try:
        rows = weights.batches(rules.context)[0]
        mine = weights.predict(run.model, rows)
        found = fitted(exercise)
        lines = []
        if not torch.allclose(weights.predict(found.model, rows), mine, rtol=1e-3, atol=1e-3, equal_nan=True):
            lines.append(
                "Careful: a fresh model with the saved weights predicts otherwise than the one that was trained. Keep all that it learns in its "
                "own attributes: what stands in a global variable or a closure is not saved."
            )
        if found.try_code:
            lines.append(
                "A second training does not begin with the same losses (a random generator that goes on, or a model that is made once?). That is "
                "allowed: grading then trains your code for a short while, to see that it learns."
            )
        return lines
    except Exception as error:  # noqa: BLE001  a student's model raises whatever it raises, and the check tells it
        return [
            f"Careful: the saved weights cannot be tried in a fresh model ({type(error).__name__}: {str(error)[:200]})."
        ]
    finally:
        trained.restore()


def fitted(exercise: str) -> Fitted:
    """The saved weights in a model made afresh, on a student's machine as while grading; raises what stopped ``fit``."""
    __tracebackhide__ = True
    if exercise not in called_with:
        raise RuntimeError(f"run the cell with fit({exercise!r}, ...) first")
    called = called_with[exercise]
    if called.stopped_by is not None:
        raise called.stopped_by
    session = current()
    rules, seed = session.facts.rules(exercise), session.facts.training_seed
    with neutral(seed), torch.set_grad_enabled(rules.gradients):
        if not called.unsaved and not file_of(exercise).is_file():
            raise RuntimeError(f"there is no {file_of(exercise)}: run the cell with fit({exercise!r}, ...) again, which trains and saves it")
        found = called.unsaved or _from_file(load(file_of(exercise)), called, seed, rules)
        found.state = weights.parts_of(found.model, rules.loss_rules.context)
    found.facts = {**_facts_of(found.state), **found.facts}
    found.watched = lambda names: seen(called.make_model, called.train, seed, rules, names)
    found.held_out = lambda names: held_out_rows(called.make_model, called.train, seed, rules, names)
    return found


def _for_grading(session: Session, exercise: str, called: Called, rules: Exercise) -> Any:
    """The submitted weights; without any, what the code trains in so many steps."""
    __tracebackhide__ = True
    if file_of(exercise).exists():
        return _from_file(load(file_of(exercise)), called, session.facts.training_seed, rules).model
    run = start(session.facts.training_seed, called.make_model, called.train)
    step_by_step(run)
    some_steps(run, session.training_steps, session.training_seconds)
    called.unsaved = Fitted(
        run.model,
        {**_told_of(run), "replayed": run.first, "no_weights": True},
    )
    return run.model


def _told_of(run: Run) -> dict[str, Any]:
    return {"first": run.first, "steps": run.step, "finished": run.finished, "curve": run.curve}


def _from_file(saved: Checkpoint, called: Called, seed: int, rules: Exercise) -> Fitted:
    __tracebackhide__ = True
    first = [float(x) for x in saved.facts.get("first", [])][:REPLAYED]
    again = replayed(called, seed, max(len(first), 1))
    model = _fresh(called, seed, rules.loss_rules.context)
    weights.put(model, saved.tensors, saved.held)
    weights.evaluation_mode(model)
    found = Fitted(model, {"first": first, "replayed": again})
    found.facts |= {name: saved.facts.get(name) for name in ("steps", "finished", "curve", "planned", "seconds")}
    if same_run(first, again):
        return found

    def try_code(contexts: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of a fresh model, and of the same one after some steps of its training."""
        kept = Snapshot(model)  # where make_model gives the same model again
        with neutral(seed), torch.set_grad_enabled(rules.gradients), untouched(called.make_model, called.train):
            run = start(seed, called.make_model, called.train)
            before = weights.aside(run.model, contexts)
            some_steps(run, TRIED_STEPS, TRIED_SECONDS)
            after = weights.aside(run.model, contexts)
        found.facts["tried"] = run.step
        kept.restore()
        return before, after

    found.try_code = try_code
    return found


def _facts_of(state: weights.State) -> dict[str, Any]:
    sizes = sorted(state.sizes.items(), key=lambda item: -item[1])
    told = {"sizes": dict(sizes[:64]), "parameters": sum(size for _, size in sizes)}
    return told | ({"state": [leaf.name for leaf in state.leaves]} if len(state.leaves) <= LISTED else {})


def replayed(called: Called, seed: int, steps: int) -> list[float]:
    """The first losses of a fresh training."""
    __tracebackhide__ = True
    with untouched(called.make_model, called.train):
        run = start(seed, called.make_model, called.train)
        step_by_step(run)
        some_steps(run, steps, TRIED_SECONDS)
    return run.first


def _fresh(called: Called, seed: int, context: int) -> Any:
    """A model made afresh, while the notebook's own generators stay where they are."""
    __tracebackhide__ = True
    with untouched(called.make_model, called.train):
        return weights.fresh(called.make_model, seed, context)
