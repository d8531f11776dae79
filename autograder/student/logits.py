"""A trained model's record: its logits on rows of the names. The targets never enter it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from autograder.course.schema import Loss
from autograder.student import weights
from autograder.student.names import load_names
from autograder.wall.rows import ALONE_ROWS, ZEROED_ROWS, rows_of


def record_of(found: Any, rules: Loss, facts: Any, seed: int) -> dict[str, Tensor]:
    """The logits of a model: on every row, on some rows alone, on training rows, and with all weights at zero.

    Runs in the student's process; the targets never enter the record.
    """
    rows = rows_of(load_names(seed=facts.split_seed), rules, seed)
    model = found.model
    weights.evaluation_mode(model)
    values = {
        "logits": model(rows.contexts.clone()),
        "train": model(rows.train_contexts.clone()),
        "other": model(rows.other_contexts.clone()),
        "alone": torch.cat([model(rows.contexts[i : i + 1].clone()) for i in range(ALONE_ROWS)]),
    }
    tensors = [tensor for tensor in weights.tensors_of(model).values() if tensor.is_floating_point()]
    kept = [tensor.detach().clone() for tensor in tensors]
    try:
        for tensor in tensors:
            tensor.detach().zero_()
        values["zeroed"] = model(rows.contexts[:ZEROED_ROWS].clone())
    finally:
        for tensor, before in zip(tensors, kept):
            tensor.detach().copy_(before)
    return values
