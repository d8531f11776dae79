"""Why a trained model is not better, or better than it can be: told from its logits and from the losses of its training."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.course.known import ENTROPY
from autograder.course.names import SYMBOLS
from autograder.judge.curve import cut_off, first_too_high, hardly_moved, rising, still_falling, stopped
from autograder.judge.evaluation import UNIFORM, Evaluation
from autograder.judge.experiments import proves_right, told
from autograder.judge.structure import adds_up, sees_not

# Each bound is far from what a sound training shows and well inside what the fault shows (measured on lectures 1 to 5).
SAME_PREDICTION = 0.01  # largest difference of a probability between contexts, for a model that ignores them
FIRST_LETTERS = 0.25  # above the entropy of first letters, which a model of any context comes close to
OVERFITTED = 0.12  # from train to unseen names: sound models of this course stay below 0.11
NOTICED = 0.01  # nats: less between two splits says nothing, whatever its standard error
LINEAR = (
    2.25  # no sum of one term a position gets there, on the known list: 2.37, 2.31 and 2.27 with 2, 3 and 8 symbols
)
OTHER_ROWS = 0.15  # between the loss that was yielded at the end and that on all training rows


def diagnosis(e: Evaluation) -> str:
    """Why the loss is not lower, most telling thing first, and one next step."""
    return next(filter(None, (reason(e) for reason in REASONS)), "")


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


REASONS = (
    _probabilities_for_logits,
    _seen,
    _unfinished,
    rising,
    _context_ignored,
    _unread,
    _linear,
    _first_letters_missing,
    hardly_moved,
    first_too_high,
    _overfitted,
    _other_rows_trained,
    stopped,
    cut_off,
    still_falling,
)
