"""A trained model's exercise: its logits on rows of the names are the record, the loss on them is the verdict."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.course.names import SYMBOLS, Names
from autograder.course.schema import Exercise, Loss
from autograder.course.thresholds import entropy_beside_known
from autograder.judge.curve import blown_up
from autograder.judge.errors import describe, is_of_the_stub
from autograder.judge.evaluation import UNIFORM, Evaluation, shown
from autograder.judge.training import diagnosis, too_good
from autograder.judge.verdict import NOT_ATTEMPTED, Row, Status, Verdict, refuse
from autograder.wall.record import Record
from autograder.wall.rows import (
    ALONE_ROWS,
    TRIED_ROWS,
    ZEROED_ROWS,
    Rows,
    is_number,
    number,
    other_split,
    rows_of,
    same_run,
)

PARTS = ("logits", "train", "other", "alone", "zeroed")  # of a record
TRIED = ("fresh", "tried")  # also, where the code begins otherwise than the training of the weights
LEARNS = (
    0.05  # nats on training rows, within some hundred steps: far more than chance, far less than any training gains
)
FEW = 100  # parameters; of models of two symbols none is known that does with so few
UNIGRAM = (
    2.75  # on the known list, where the entropy of single symbols is 2.822: nothing that ignores the context gets there
)


def judge_loss(record: Record, rules: Exercise, names: Names, seed: int) -> tuple[Verdict, list[str]]:
    """Points from the band of the loss, and remarks for the instructor that cost nothing."""
    exercise, loss = record.exercise, rules.loss_rules
    if len(record.draws) != 1:
        return refuse(exercise, rules, f"The check handed over {len(record.draws)} draws, expected 1."), []
    draw = record.draws[0]
    if draw.failure:
        if is_of_the_stub(draw.failure, exercise):
            return refuse(exercise, rules, NOT_ATTEMPTED, "not attempted"), []
        return refuse(exercise, rules, describe(draw.failure)), []
    rows, moved = _rows(names, loss.split, loss.context, seed), entropy_beside_known(names)
    if reason := _wrong_form(draw.values, rows):
        return refuse(exercise, rules, reason, "wrong"), []
    values = {
        name: value.float()
        for name, value in draw.values.items()
        if name in PARTS or name in TRIED and _is_logits(value)
    }
    foreign, tried = _other_code(record, values, rows)
    reason = (
        _not_finite(values, record.facts)
        or foreign
        or _too_many(record.facts, loss)
        or _other_rows(values, rows)
        or _beside_the_weights(values, rows, UNIGRAM + moved)
        or _reads_beside(record.facts)
        or _held_out(record.facts, loss)
    )
    if reason:
        return refuse(exercise, rules, reason, "wrong"), []
    evaluation = Evaluation(
        values["logits"],
        rows.contexts,
        rows.targets,
        F.cross_entropy(values["logits"], rows.targets, reduction="none"),
        F.cross_entropy(values["train"], rows.train_targets, reduction="none"),
        F.cross_entropy(values["other"], rows.other_targets, reduction="none"),
        record.facts,
        moved,
        max(
            bound
            for bound, p in loss.bands.items()
            if p >= min(rules.points - rules.bonus_points, rules.points) and p > 0
        ),
    )
    reached, train = float(evaluation.each.mean()), float(evaluation.train.mean())
    points = max((p for bound, p in loss.bands.items() if reached <= bound), default=0.0)
    table = tuple(
        Row(f"{loss.split} loss at most {bound:g}", reached <= bound, f"{p:g} point{'' if p == 1 else 's'}")
        for bound, p in loss.bands.items()
    )
    unseen = _unseen_loss(evaluation.each, names, loss, seed)
    told = f"The {loss.split} loss is {shown(reached)} (train {shown(train)}; on names that are not in train {shown(unseen)})."
    enough = points > 0 and points >= rules.points - rules.bonus_points  # a bonus is no duty
    remark = too_good(evaluation, loss.split, other_split(loss), loss.too_good)
    hint = remark or ("" if enough else diagnosis(evaluation) if math.isfinite(reached) else blown_up(record.facts))
    status: Status = "correct" if enough else "partly correct" if points else "wrong"
    verdict = Verdict(
        exercise, status, points, rules.points, f"{told}{' ' + hint if hint else ''}", table, loss=reached, unseen=unseen
    )
    return verdict, [
        said
        for said in (remark, tried, _untried(record.facts), _by_few(record.facts, reached, UNIGRAM + moved))
        if said
    ]


def _wrong_form(values: dict[str, Any], rows: Rows) -> str | None:
    expected = {
        "logits": len(rows.targets),
        "train": len(rows.train_targets),
        "other": len(rows.other_targets),
        "alone": ALONE_ROWS,
        "zeroed": min(ZEROED_ROWS, len(rows.targets)),
    }
    for name, count in expected.items():
        value = values.get(name)
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return "The model must return a tensor of floating-point logits."
        if value.shape != (count, len(SYMBOLS)):
            wanted = f"For contexts of shape ({count}, {rows.contexts.shape[1]}) it is expected to be ({count}, {len(SYMBOLS)})."
            return f"The model returns logits of shape {tuple(value.shape)}. {wanted}"
    return None


def _is_logits(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and bool(torch.isfinite(value).all())


def _not_finite(values: dict[str, Tensor], facts: dict[str, Any]) -> str | None:
    """What the targets never see, the weights at zero, may be NaN."""
    if all(bool(torch.isfinite(values[name].sum())) for name in PARTS if name != "zeroed"):  # a sum is no number where a part is none
        return None
    counts = {name: int((~torch.isfinite(values[name])).sum()) for name in PARTS if name != "zeroed"}
    count = sum(counts.values())
    if count == 0:
        return None
    if count == counts["alone"]:
        return (
            "A row that is given alone gets NaN, the same rows in a batch do not: the model takes statistics of the batch, and one row has no variance. "
            "In evaluation BatchNorm uses its running mean and variance."
        )
    return f"{count:,} of the logits are NaN or infinite, so no loss can be taken. {blown_up(facts)}"


def _other_code(record: Record, values: dict[str, Tensor], rows: Rows) -> tuple[str | None, str | None]:
    """Whether these weights are not what this code trains: a reason to refuse them, and a remark for the instructor if they are taken.

    Other first losses are no proof: a generator that goes on, a shuffle, another processor change them. Code that learns when it is tried
    for a while is a training; code that does not is none.
    """
    first, again = record.facts.get("first"), record.facts.get("replayed")
    if not (isinstance(first, list) and isinstance(again, list) and first and all(map(is_number, first + again))):
        return f"There are no first losses in {record.exercise}.safetensors: submit the file that fit wrote.", None
    if same_run(first, again):
        return None, None
    begins = f"the code begins with the losses {_few(again)}, the training of the weights with {_few(first)}"
    shape = (TRIED_ROWS, len(SYMBOLS))
    if not all(name in values and values[name].shape == shape for name in ("fresh", "tried")):
        return (
            f"The weights and the code do not belong together: {begins}. Submit the file that fit wrote for this code.",
            None,
        )
    targets = rows.train_targets[:TRIED_ROWS]
    before, after = (float(F.cross_entropy(values[name], targets)) for name in ("fresh", "tried"))
    steps = number(record.facts.get("tried"))
    if not after < before - LEARNS:
        return (
            f"The weights and the code do not belong together: {begins}; and trained for {steps:.0f} steps from a fresh model, the code's loss on training "
            f"rows goes from {before:.2f} to {after:.2f}. Submit the file that fit wrote together with the code that trained it."
        ), None
    return (
        None,
        f"{begins}. Tried for {steps:.0f} steps, the code does learn (from {before:.2f} to {after:.2f}), so the points count.",
    )


def _few(losses: list[float]) -> str:
    return ", ".join(f"{number(x):.3f}" for x in losses[:3])


def _too_many(facts: dict[str, Any], loss: Loss) -> str | None:
    count, sizes = facts.get("parameters"), facts.get("sizes")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0 or not isinstance(sizes, dict):
        return "The number of parameters is not known."
    if count <= loss.max_parameters:
        return None
    largest = max(sizes, key=lambda name: number(sizes[name]), default="?")
    size = number(sizes.get(largest))
    hint = "Make its layers smaller." if size < 0.9 * count else "A table of counts is not what is asked for: a network has to do with less."
    return f"The model holds {count:,} numbers, the limit here is {loss.max_parameters:,}; the largest tensor is {largest} with {size:,.0f}. {hint}"


def _other_rows(values: dict[str, Any], rows: Rows) -> str | None:
    """Of a model that blew up, and gets no points for its loss either, the cause is another: it rounds differently in each batch."""
    together, alone = values["logits"][:ALONE_ROWS], values["alone"]
    if (
        torch.allclose(together, alone, rtol=1e-3, atol=1e-3)
        or float(F.cross_entropy(values["logits"], rows.targets)) > 3 * UNIFORM
    ):
        return None
    return (
        "The logits of a row change with the other rows of the batch. Each context must be predicted on its own: in evaluation BatchNorm uses its "
        "running mean and variance, and nothing may look at the neighbouring rows."
    )


def _beside_the_weights(values: dict[str, Any], rows: Rows, unigram: float) -> str | None:
    zeroed = values["zeroed"]
    if not torch.isfinite(zeroed).all():
        return None
    if float(F.cross_entropy(zeroed, rows.targets[: len(zeroed)])) >= unigram:
        return None
    return "With all its weights at zero the model still predicts: what it knows is not in its parameters. Keep everything learned in the model's tensors."


def _sizes(facts: dict[str, Any], name: str) -> str:
    found = facts.get(name)
    return (
        ", ".join(f"`{what}` ({number(size):,.0f} numbers)" for what, size in found.items())
        if isinstance(found, dict)
        else ""
    )


def _reads_beside(facts: dict[str, Any]) -> str | None:
    if not (told := _sizes(facts, "beside")):
        return None
    return f"The predictions read {told}, which is no part of the model: it is neither counted nor saved. Keep everything learned in the model's tensors."


def _held_out(facts: dict[str, Any], loss: Loss) -> str | None:
    seen = facts.get("held out")
    hits = number(seen.get("held out")) if isinstance(seen, dict) else 0.0
    if not isinstance(seen, dict) or not hits > 0:
        return None
    other, also = (" or dev", " (names.dev may be learned from as well)") if loss.split == "test" else ("", "")
    return (
        f"The training learns from the {loss.split} names, on which it is judged: of the {number(seen.get('rows')):,.0f} rows that its batches are taken "
        f"from, {hits:,.0f} occur in {loss.split} names and in none of train{other}. "
        f"Take every batch from names.train{also}, not from names.all or a split of your own."
    )


def _untried(facts: dict[str, Any]) -> str | None:
    told = _sizes(facts, "untried")
    return (
        f"The model's code holds {told} beside its weights; whether its predictions read it could not be tried. Have a look."
        if told
        else None
    )


def _by_few(facts: dict[str, Any], reached: float, unigram: float) -> str | None:
    """Even the frequencies of single symbols are 26 numbers; what depends on a context needs hundreds."""
    if not reached < unigram or not number(facts.get("parameters")) < FEW:
        return None
    return f"A loss of {reached:.2f} with {facts['parameters']} parameters: what the model knows stands elsewhere, in its code perhaps. Have a look."


_rows = functools.lru_cache(maxsize=8)(rows_of)  # all submissions of a class are judged on the same


def _unseen_loss(each: Tensor, names: Names, loss: Loss, seed: int) -> float:
    """The mean over the rows of names that do not also stand in the training split."""
    return float(each[_unseen_rows(names, loss.split, seed)].mean())


@functools.lru_cache(maxsize=8)
def _unseen_rows(names: Names, split: str, seed: int) -> Tensor:
    """Which rows of :func:`rows_of` are theirs."""
    known, words = set(names.train), names.split(split)
    fresh = torch.tensor([word not in known for word in words]).repeat_interleave(torch.tensor([len(word) + 1 for word in words]))
    order = torch.randperm(len(fresh), generator=torch.Generator().manual_seed(seed))  # the same first draw as in rows_of
    return fresh[order]
