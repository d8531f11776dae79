"""Whether a training learns from the names on which it is judged: the tables that its batches are taken from, row by row.

Rows that stand in the held-out names alone, and in no name of train, can come from nowhere else. What is seen here earns nothing; it can
only cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.course.names import Names
from autograder.course.schema import Exercise
from autograder.student.batches import keys_of
from autograder.student.neutral import neutral
from autograder.student.untouched import untouched
from autograder.student.watching import Drawn, Enough, Taken, Watch

FIRST_STEPS = 2  # of every training; they tell which tables it has
STEPS = 400  # of one whose tables hold held-out rows, until one of those is drawn
SECONDS = 2.0  # of the processor
HALF = 0.5  # of the rows that only held-out names have
LEAST = 10  # of such rows: fewer tell nothing
LONGEST = 11  # symbols of a context that fit into a whole number


def held_out_rows(make_model: Callable[[], Any], train: Callable[..., Any], seed: int, rules: Exercise, names: Names) -> dict[str, int]:
    """Where a batch took such a row: how many rows there were to take from, and how many of them only held-out names have; else empty."""
    context = rules.loss_rules.context
    if context > LONGEST:
        return {}
    rows = HeldOut(names, context, rules.loss_rules.split)
    try:
        return _found_in(rows, lambda steps: _watched(make_model, train, seed, rules, steps))
    except Exception:  # noqa: BLE001  a student's tables and indices may be of any kind: what cannot be read costs nothing
        return {}


def _found_in(rows: HeldOut, watched: Callable[[int], list[Taken]]) -> dict[str, int]:
    for steps in (FIRST_STEPS, STEPS):
        batches = [step.drawn for step in watched(steps) if step.drawn]
        if not any(rows.among(batch).any() for batch in batches):
            return {}
        for batch in batches:
            if rows.taken(batch):
                return {"rows": len(batch.targets), "held out": int(rows.among(batch).sum())}
    return {}


def _watched(make_model: Callable[[], Any], train: Callable[..., Any], seed: int, rules: Exercise, steps: int) -> list[Taken]:
    watch = Watch(rules.loss_rules.context, steps, SECONDS, lambda model, contexts: None)
    try:
        with neutral(seed), torch.set_grad_enabled(rules.gradients), untouched(make_model, train):
            torch.manual_seed(seed)
            watch.model = make_model()
            with watch:
                for number, _ in enumerate(train(watch.model), 1):
                    if number >= steps or time.process_time() > watch.until:
                        break
    except (Enough, Exception):  # noqa: BLE001  a student's training raises whatever it raises; what is not seen costs nothing
        pass
    return watch.taken


class HeldOut:
    """The rows, context and target, that only the held-out names have.

    Args:
        split: on which the training is judged. Where that is ``test``, ``dev`` may be learned from.
    """

    def __init__(self, names: Names, context: int, split: str) -> None:
        self.names, self.context, self.split = names, context, split
        self.alone: Tensor | None = None
        self.seen: list[tuple[Drawn, Tensor]] = []  # one batch of each table, and which rows of the table are held out

    def _alone(self) -> Tensor:
        if self.alone is None:
            others = ("train", "dev") if self.split == "test" else ("train",)
            mine = keys_of(*self.names.contexts(self.split, self.context)).unique()
            known = torch.cat([keys_of(*self.names.contexts(other, self.context)) for other in others])
            self.alone = mine[~torch.isin(mine, known)]
        return self.alone

    def among(self, batch: Drawn) -> Tensor:
        """Which rows of a batch's table are such rows, ``(n,) bool``; none, where it has few of them: a coincidence."""
        for other, rows in self.seen:
            if other.contexts is batch.contexts and other.targets is batch.targets:
                return rows
        self.seen.append((batch, self._found(batch.contexts, batch.targets)))
        return self.seen[-1][1]

    def taken(self, batch: Drawn) -> bool:
        """Whether a batch takes one of them."""
        rows, index = self.among(batch), batch.rows
        if isinstance(index, tuple):  # as in X[rows, :]
            index = index[0]
        return bool((rows if index is None else rows[index]).any())

    def _found(self, contexts: Tensor, targets: Tensor) -> Tensor:
        none = torch.zeros(len(targets), dtype=torch.bool)
        right, answers = self.names.contexts("train", self.context)
        if contexts.shape == right.shape and torch.equal(contexts.long(), right) and torch.equal(targets.long(), answers):
            return none
        alone = self._alone()
        keys = keys_of(contexts.long(), targets.long())
        rows = torch.isin(keys, alone)
        found = len(keys[rows].unique())
        return rows if found >= max(LEAST, HALF * len(alone)) else none
