"""A trained model's record: its logits on rows of the names. The targets never enter it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.course.schema import Exercise
from autograder.student import weights
from autograder.student.beside import by_its_weights_alone, forget_caches, read_beside
from autograder.student.called import Fitted
from autograder.student.experiments import falls_short
from autograder.student.leaves import put_at
from autograder.student.names import load_names
from autograder.student.snapshot import Snapshot
from autograder.wall.facts import Facts
from autograder.wall.rows import ALONE_ROWS, TRIED_ROWS, ZEROED_ROWS, rows_of

BESIDE_ROWS = 200  # that are asked for while something beside the model is spoiled


def record_of(found: Fitted, exercise: Exercise, facts: Facts, seed: int) -> dict[str, Tensor]:
    """The logits of a model: on every row, on some rows alone, on training rows, and with all its state at zero.

    Runs in the student's process. Where the code does not begin as the training of these weights did, also the logits of a fresh model
    and of one that the code has trained for a while. Where the loss falls short, the facts tell what the first steps of a training do.
    """
    names, rules = load_names(seed=facts.split_seed), exercise.loss_rules
    rows, model = rows_of(names, rules.split, rules.context, seed), found.model
    weights.evaluation_mode(model)
    forget_caches(model)
    with by_its_weights_alone():
        values = {
            "logits": model(rows.contexts.clone()),
            "train": model(rows.train_contexts.clone()),
            "other": model(rows.other_contexts.clone()),
            "alone": torch.cat([model(rows.contexts[i : i + 1].clone()) for i in range(ALONE_ROWS)]),
            "zeroed": _without_state(model, found.state, rows.contexts[:ZEROED_ROWS]),
        }
    found.facts["beside"], found.facts["untried"] = read_beside(model, found.state, rows.contexts[:BESIDE_ROWS])
    if found.try_code:
        values["fresh"], values["tried"] = found.try_code(rows.train_contexts[:TRIED_ROWS])
    if found.watched and falls_short(values["logits"], rows.targets, exercise):
        found.facts["seen"] = found.watched(names)
    if found.held_out:
        found.facts["held out"] = found.held_out(names)
    return values


def _without_state(model: Any, state: weights.State, contexts: Tensor) -> Tensor:
    """Logits with every tensor, array and list of the model's state at zero; NaN where it cannot predict so."""
    before = Snapshot(model)
    try:
        for leaf in state.leaves:
            if isinstance(leaf.value, Tensor):
                leaf.value.data.zero_()
            elif isinstance(leaf.value, np.ndarray):
                leaf.value[...] = 0
            elif leaf.kind != "number":
                put_at(model, leaf.path, _zeros(leaf.value))
        return weights.predict(model, contexts)
    except Exception:  # noqa: BLE001  a student's model raises whatever zeros lead it to
        return torch.full((len(contexts), 27), torch.nan)
    finally:
        before.restore()


def _zeros(value: Any) -> Any:
    return type(value)(_zeros(inner) for inner in value) if isinstance(value, (list, tuple)) else 0 * value
