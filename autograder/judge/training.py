"""Why a trained model is not better, or better than it can be: told from its logits and from the losses of its training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.course.known import ENTROPY
from autograder.course.names import SYMBOLS
from autograder.judge.experiments import proves_right, told
from autograder.judge.structure import adds_up, sees_not
from autograder.wall.rows import SEGMENTS, is_number, number

UNIFORM = math.log(len(SYMBOLS))  # 3.2958 nats, the loss of guessing

# Each bound is far from what a sound training shows and well inside what the fault shows (measured on lectures 1 to 5).
FIRST_TOO_HIGH = UNIFORM + 1.0  # unscaled weights in the last layer begin at 10 to 30
SAME_PREDICTION = 0.01  # largest difference of a probability between contexts, for a model that ignores them
FIRST_LETTERS = 0.25  # above the entropy of first letters, which a model of any context comes close to
LEARNED = 2.7  # on the known list; well below 2.82, the entropy of single symbols: something about the context has been learned
MOVED = 0.15  # from the first segment to the last: less is no training
RISEN = 0.25  # from the lowest segment to the last: more than the noise of a segment
OVERFITTED = 0.12  # from train to unseen names: sound models of this course stay below 0.11
STILL_FALLING = 0.01  # from the third quarter of the training to the last
EVENLY = 0.5  # of the fall from the first quarter to the second; a rate that goes down at the end gives as much (the references: 0.07 to 0.93), but late
NOTICED = 0.01  # nats: less between two splits says nothing, whatever its standard error
LINEAR = (
    2.25  # no sum of one term a position gets there, on the known list: 2.37, 2.31 and 2.27 with 2, 3 and 8 symbols
)
CUT_OFF = 0.95  # of the steps that were planned
OTHER_ROWS = 0.15  # between the loss that was yielded at the end and that on all training rows


@dataclass(frozen=True)
class Evaluation:
    """The losses of one model, row by row, and what is told about its training."""

    logits: Tensor  # (N, 27), on the rows of the split that is graded
    contexts: Tensor  # (N, T)
    targets: Tensor  # (N,)
    each: Tensor  # (N,) loss of each row
    train: Tensor  # (M,) of rows of the training split
    other: Tensor  # (K,) of the rows of the other held-out split
    facts: dict[str, Any]  # of the record: numbers that a stranger has written
    moved: float = 0.0  # the entropy of single symbols less that of the known list
    wanted: float = math.inf  # the loss that the exercise asks for

    @property
    def learned(self) -> float:
        """The loss below which something about the context has been learned."""
        return LEARNED + self.moved

    @property
    def curve(self) -> list[float]:
        """Mean losses of equal parts of the training; NaN where it had none."""
        curve = self.facts.get("curve")
        if not isinstance(curve, list) or len(curve) > SEGMENTS:
            return []
        return [number(x) for x in curve]


def shown(loss: float) -> str:
    """A loss as it is read: four decimals, of a large one none."""
    return f"{loss:.4f}" if not loss >= 1000 else f"{loss:,.0f}"


def diagnosis(e: Evaluation) -> str:
    """Why the loss is not lower, most telling thing first, and one next step."""
    return next(filter(None, (reason(e) for reason in REASONS)), "")


def blown_up(facts: dict[str, Any]) -> str:
    """For logits that are NaN or infinite."""
    if seen := told(facts.get("seen")):
        return seen
    curve = facts.get("curve")
    if isinstance(curve, list) and any(not is_number(x) for x in curve):
        part = next(i for i, x in enumerate(curve) if not is_number(x))
        where = _at(part, len(curve), facts)
        return f"The loss stopped being a number {where}: lower the learning rate first, and if that does not help, look for a log of zero."
    return "Did the training blow up, or is there a log of zero?"


def too_good(e: Evaluation, split: str, other: str, floor: float | None) -> str | None:
    """A loss that an honest training of this size does not reach: for the instructor to look at, never a penalty."""
    if float(e.each.mean()) > e.learned:  # what has learned nothing has learned no names by heart
        return None
    for name, rows in (("train", e.train), (other, e.other)):
        error = math.hypot(_error(e.each), _error(rows))
        gap = float(rows.mean() - e.each.mean())
        if error > 0 and gap > 4 * error and gap > NOTICED:  # chance alone does this less than once in 30,000 times
            return f"The loss on {split} is {gap:.3f} below that on {name}, more than chance: were the {split} names trained on?"
    if floor is not None and float(e.each.mean()) < floor:
        return f"The loss on {split} is below {floor:g}, which no model of this context is known to reach: were the {split} names trained on?"
    return None


def _error(losses: Tensor) -> float:
    return float(losses.std()) / math.sqrt(len(losses))


def _seen(e: Evaluation) -> str:
    return told(e.facts.get("seen"), learned=float(e.train.mean()) < e.learned)


def _probabilities_for_logits(e: Evaluation) -> str:
    if not (bool((e.logits >= 0).all()) and bool((e.logits.sum(1) > 0).all())):
        return ""
    if bool(((e.logits.sum(1) - 1).abs() < 1e-3).all()):
        return "The outputs are probabilities: each row sums to 1. Return logits: F.cross_entropy takes the softmax itself; taken twice it flattens everything."
    taken = (e.logits / e.logits.sum(1, keepdim=True))[torch.arange(len(e.targets)), e.targets]
    if float(-taken.clamp_min(1e-9).log().mean()) >= float(e.each.mean()) - 0.05:
        return ""
    return "The outputs look like counts or probabilities. Return logits: the softmax is taken afterwards, and doing it twice flattens everything."


def _first_letters_missing(e: Evaluation) -> str:
    first = (e.contexts == 0).all(1)
    if not first.any() or first.all():
        return ""
    shares = torch.bincount(e.targets[first], minlength=len(SYMBOLS)) / int(first.sum())
    entropy = float(-torch.xlogy(shares, shares).sum())
    at_first, later = float(e.each[first].mean()), float(e.each[~first].mean())
    if at_first < entropy + FIRST_LETTERS or later > e.learned:
        return ""
    return (
        f"The first letter of a name costs {at_first:.2f}, all others {later:.2f}: the model was hardly trained to predict it. "
        "Pad every name with as many dots as the context is long, so that every letter, the first too, is a target."
    )


def _context_ignored(e: Evaluation) -> str:
    p = e.logits.softmax(1)
    if float((p.amax(0) - p.amin(0)).max()) > SAME_PREDICTION:
        return ""
    return (
        "The prediction is the same for every context, so only the output's bias has learned; such a model ends at the entropy of single symbols, "
        f"{ENTROPY + e.moved:.2f}. Do gradients reach the other parameters, and were they not all zero at first?"
    )


def _unread(e: Evaluation) -> str:
    return sees_not(e.logits, e.contexts)


def _linear(e: Evaluation) -> str:
    if e.wanted > LINEAR + e.moved or not adds_up(e.logits, e.contexts):
        return ""
    return (
        "The logits are a sum of one term for each symbol of the context, as in a network without a nonlinearity: no pair of symbols means more than its "
        "parts. Does a tanh, or another one, stand between the layers?"
    )


def _rising(e: Evaluation) -> str:
    curve = [x for x in e.curve if math.isfinite(x)]
    if len(curve) < 4 or curve[-1] < min(curve) + RISEN:
        return ""
    lowest = e.curve.index(min(curve))
    return (
        f"The training loss was {min(curve):.2f} {_when(lowest, len(e.curve))} and is {curve[-1]:.2f} at the end: it rises. "
        + (
            "The learning rate is too high; divide it by 3 to 10, or let it fall."
            if proves_right(e.facts.get("seen"))
            else "Is the learning rate too high?"
        )
    )


def _hardly_moved(e: Evaluation) -> str:
    curve = e.curve
    if len(curve) < 4 or not all(map(math.isfinite, curve)) or curve[0] - min(curve) > MOVED or curve[-1] < e.learned:
        return ""
    return (
        f"The training loss began at {curve[0]:.2f} and ended at {curve[-1]:.2f}: hardly anything was learned. Is the learning rate far too low, or do the "
        "steps not reach the model's own tensors?"
    )


def _first_too_high(e: Evaluation) -> str:
    first = e.facts.get("first")
    loss = number(first[0]) if isinstance(first, list) and first else math.nan
    if not loss >= FIRST_TOO_HIGH:
        return ""
    return (
        f"The first loss is {loss:.2f}, though a guess costs only {UNIFORM:.2f}: the network begins sure of wrong answers, and the first steps go into "
        "undoing that. Make the weights of the last layer small at first."
    )


def _overfitted(e: Evaluation) -> str:
    gap = float(e.each.mean() - e.train.mean())
    if gap < OVERFITTED or float(e.train.mean()) > UNIFORM:  # who learns by heart guesses better than by chance
        return ""
    return (
        f"On train the loss is {float(e.train.mean()):.2f}, {gap:.2f} lower than here: the model learns the training names by heart. "
        "Fewer parameters, weight decay, dropout, or an earlier end."
    )


def _other_rows_trained(e: Evaluation) -> str:
    curve = e.curve
    if not curve or not math.isfinite(curve[-1]) or float(e.train.mean()) - curve[-1] < OTHER_ROWS:
        return ""
    begins = f"The training ended at a loss of {curve[-1]:.2f}, but on all rows of train the model has {float(e.train.mean()):.2f}."
    if proves_right(e.facts.get("seen")):
        return (
            f"{begins} The first batches and their loss are right, so what predicts is not what was trained: running statistics, or an average of the "
            "weights, lag behind, or the weights were changed at the end."
        )
    return (
        f"{begins} Perhaps it "
        "was trained on other or fewer rows, or with another loss than it is measured by: compare your rows with names.contexts('train', T). Or "
        "what predicts is not what was trained: running statistics, or an average of the weights, lag behind after few steps."
    )


def _unfinished(e: Evaluation) -> str:
    if not e.facts.get("no_weights") or e.facts.get("finished"):
        return ""
    return (
        "No weights were submitted, and the training did not end within the steps that grading takes. "
        "Submit the .safetensors file that fit wrote beside the notebook."
    )


def _stopped(e: Evaluation) -> str:
    steps = e.facts.get("steps")
    if e.facts.get("finished") is not False or type(steps) is not int:
        return ""
    return f"The training was stopped after step {steps:,}. Run its cell again: it goes on there while the kernel lives, and begins afresh otherwise."


def _cut_off(e: Evaluation) -> str:
    steps, planned, seconds = (number(e.facts.get(name)) for name in ("steps", "planned", "seconds"))
    if not (e.facts.get("finished") and 0 < steps < CUT_OFF * planned):
        return ""
    took = f", after {seconds:,.0f} seconds" if seconds >= 1 else ""
    return (
        f"The training ended at step {steps:,.0f} of the {planned:,.0f} that fit was told{took}. If a limit of time ended it, make each step cheaper, or give "
        "it longer; if not, look at what ends the loop."
    )


def _still_falling(e: Evaluation) -> str:
    curve, part = e.curve, len(e.curve) // 4
    if len(curve) < 8 and number(e.facts.get("steps")) == len(curve):
        return f"The training took {len(curve)} step{'' if len(curve) == 1 else 's'}: take many more."
    if len(curve) < 8 or not all(math.isfinite(x) for x in curve[-2 * part :]):
        return ""
    before, last = sum(curve[-2 * part : -part]) / part, sum(curve[-part:]) / part
    if before - last > STILL_FALLING:
        first, second = sum(curve[:part]) / part, sum(curve[part : 2 * part]) / part
        evenly = math.isfinite(first - second) and second > e.learned and before - last > EVENLY * (first - second)
        if evenly:
            return (
                "The training loss fell evenly from beginning to end, and was still falling: the steps are small. Try a learning rate several times as high "
                "first; if the loss still falls at the end then, take more steps."
            )
        return "The training loss was still falling when the training ended: take more steps."
    if _unsure(curve[-2 * part :], part) > STILL_FALLING and is_number(steps := e.facts.get("steps")):
        return f"After {number(steps):,.0f} steps it cannot be told yet whether the loss still falls: take several times as many, and look at the curve again."
    return "The training loss no longer falls: let the learning rate go down towards the end, or give the model more to learn with."


def _unsure(means: list[float], part: int) -> float:
    """The standard error of a difference between the means of two halves of a piece of a curve, by how much neighbours in it differ."""
    steps = torch.tensor(means).diff()
    return float(steps.square().mean().sqrt()) / math.sqrt(part)


REASONS = (
    _probabilities_for_logits,
    _seen,
    _unfinished,
    _rising,
    _context_ignored,
    _unread,
    _linear,
    _first_letters_missing,
    _hardly_moved,
    _first_too_high,
    _overfitted,
    _other_rows_trained,
    _stopped,
    _cut_off,
    _still_falling,
)


def _at(part: int, parts: int, facts: dict[str, Any]) -> str:
    """In which steps a part of the curve lies; a loss that is NaN ends a training, so that its last step is known."""
    steps, planned = number(facts.get("steps")), number(facts.get("planned"))
    if not steps >= 1:
        return "on the way"
    of = f" of {planned:,.0f}" if planned >= steps else ""
    if part == parts - 1 and planned > steps:
        return f"at step {steps:,.0f}{of}"
    size = math.ceil(steps / SEGMENTS)
    return f"at step {part + 1:,}{of}" if size == 1 else f"within the steps {part * size + 1:,} to {(part + 1) * size:,}{of}"


def _when(part: int, parts: int) -> str:
    return f"after {100 * part // parts} % of the training" if part else "at the very beginning"
