"""What the first steps of a training were seen to do, in words: each sentence has its evidence, and where there is none nothing is said.

The numbers come from beside a student's code.  They may word a message; they never earn a point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from autograder.wall.rows import is_number, number

FEW_STEPS = 4  # less is no evidence
RIGHT_PAIRS = 0.97  # of the batches' rows that stand in the names; all of them, in a sound training
WRONG_LOSS = {
    "softmax twice": "The loss is the cross-entropy of probabilities: F.cross_entropy has a softmax inside, and another one before it flattens everything. "
    "Hand it the logits themselves.",
    "no logarithm": "The loss is minus the mean probability of the right symbol: the logarithm is missing, so a sure mistake costs hardly more than a doubt. "
    "Take the mean of minus the logarithm.",
    "not of the logits": "The loss is minus the logit of the right symbol, which falls for ever without a better prediction. F.nll_loss takes log-probabilities; "
    "F.cross_entropy takes logits.",
    "squares of logits": "The loss is the squared distance of the outputs from one-hot rows. What counts here is the mean negative log-likelihood: take the "
    "cross-entropy of the logits.",
    "upside down": "The loss that is differentiated is minus the cross-entropy: to lower it is to predict worse. Take the sign away.",
}
WRONG_LOSS["squares"] = WRONG_LOSS["squares, summed"] = (
    "The loss is the squared distance of the probabilities from one-hot rows. What counts here is the mean negative log-likelihood: take the "
    "cross-entropy of the logits."
)
STATISTICS = ("running", "moving")


@dataclass(frozen=True)
class Seen:
    """What a stranger says was seen, read with care."""

    facts: dict[str, Any]
    learned: bool  # whether the model knows anything of the context at the end

    def get(self, name: str) -> float:
        return number(self.facts.get(name))

    def numbers(self, name: str) -> list[float]:
        found = self.facts.get(name)
        return [float(x) for x in found if is_number(x)][:1000] if isinstance(found, list) else []

    def dicts(self, name: str) -> list[dict[str, Any]]:
        found = self.facts.get(name)
        return [x for x in found if isinstance(x, dict)][:100] if isinstance(found, list) else []

    @property
    def steps(self) -> int:
        steps = self.get("steps")
        return int(steps) if 0 <= steps <= 1000 else 0

    @property
    def lines(self) -> list[list[float]]:
        """Of some steps: the loss of the batch before, after a tenth of the step, and after all of it."""
        found = self.facts.get("lines")
        rows = found if isinstance(found, list) else []
        return [[number(x) if is_number(x) else math.inf for x in row] for row in rows[:100] if isinstance(row, list) and len(row) == 3]


def told(facts: Any, learned: bool = False) -> str:
    """What a training's first steps do wrong, most telling thing first; empty where nothing was seen."""
    if not isinstance(facts, dict):
        return ""
    seen = Seen(facts, learned)
    if seen.steps < FEW_STEPS:
        return ""
    return next(filter(None, (experiment(seen) for experiment in EXPERIMENTS)), "")


def proves_right(facts: Any) -> bool:
    """Whether enough was seen of a training to say that its batches, its loss and its gradients are right."""
    if not isinstance(facts, dict) or told(facts):
        return False
    seen = Seen(facts, learned=True)
    compared = [c for c in seen.dicts("losses") if is_number(c.get("taken")) and is_number(c.get("right"))]
    right = [abs(number(c["taken"]) - number(c["right"])) <= 0.01 * abs(number(c["right"])) for c in compared]
    return seen.steps >= FEW_STEPS and len(right) >= 3 and all(right) and seen.get("pairs") >= RIGHT_PAIRS


def _nothing_moves(seen: Seen) -> str:
    if seen.get("moving") != 0 or not seen.dicts("still"):
        return ""
    if not seen.get("differentiated") > 0:
        return f"In {seen.steps} steps no tensor of the model has changed. Is each step taken on the model's own tensors, in place or by p.data?"
    if not seen.facts.get("gradients"):
        return (
            f"In {seen.steps} steps no tensor of the model has changed, and none has got a gradient: the loss comes from other tensors, such as copies or a "
            "model of its own. Compute it from what model(contexts) returns."
        )
    return (
        f"The model's tensors get gradients, but in {seen.steps} steps none has changed. Print a weight and its gradient before and after a step: is the "
        "gradient still there when the step is taken, and does the step change the tensor itself?"
    )


def _wrong_loss(seen: Seen) -> str:
    compared = [c for c in seen.dicts("losses") if is_number(c.get("taken")) and is_number(c.get("right"))]
    if len(compared) < 3 or not all(abs(number(c["taken"]) - number(c["right"])) > 0.02 * abs(number(c["right"])) for c in compared):
        return ""
    for name, sentence in WRONG_LOSS.items():
        if all(abs(number(c["taken"]) - number(c.get(name))) <= 1e-4 * abs(number(c["taken"])) + 1e-6 for c in compared):
            return sentence
    return ""


def _wrong_rows(seen: Seen) -> str:
    pairs, contexts, count = seen.get("pairs"), seen.get("contexts"), seen.get("batch") * seen.get("watched")
    if not (count >= 100 and pairs < RIGHT_PAIRS):
        return ""
    if seen.get("last") > 0.99:
        return "The target of every row in your batches is the last symbol of its own context, so the model learns to repeat it. The target is the symbol after it."
    if contexts < 0.9:
        if seen.get("reversed") > 0.99:
            return "The contexts of your batches run backwards: the last symbol comes first. The model is asked with the latest symbol at the end."
        return (
            f"Only {_percent(contexts)} of the contexts in your batches occur in the names, written as the model is asked: compare them with "
            "names.contexts('train', T), in order, padding and numbering of the symbols."
        )
    if pairs < seen.get("by chance") + 0.1:
        return (
            f"The targets in your batches do not belong to their contexts: {_percent(pairs)} of the pairs occur in the names, hardly more than of "
            "shuffled ones. Take contexts and targets of the same rows, with one and the same index."
        )
    return (
        f"Only {_percent(pairs)} of the rows in your batches, context and target, occur in the names. Print a few of them: is each target the "
        "symbol that follows its context?"
    )


def _kept_gradients(seen: Seen) -> str:
    could = seen.get("could keep")
    if not (could >= FEW_STEPS and seen.get("kept") == could):
        return ""
    return (
        "At every backward the gradients of all earlier batches are still there, and the new ones are added to them: the steps follow a sum that only grows. "
        "Set the gradients to None, or call zero_grad, once in each step."
    )


def _upwards(seen: Seen) -> str:
    cosines, lines = seen.numbers("cosines")[:FEW_STEPS], seen.lines
    if len(cosines) < FEW_STEPS or not all(cosine > 0.05 for cosine in cosines):
        return ""
    grown = [line for line in lines if line[1] > line[0]]
    if not lines or len(grown) < 0.7 * len(lines):
        return ""
    return (
        f"Every step goes along the gradient, not against it: the loss of its own batch grows by it, from {lines[0][0]:.2f} to {lines[0][2]:.2f} at the "
        "first. Is the gradient added where it is to be subtracted?"
    )


def _evaluation_mode(seen: Seen) -> str:
    flags = seen.facts.get("training")
    if not seen.facts.get("normed") or not isinstance(flags, list) or len(flags) < FEW_STEPS or any(flags[2:]):
        return ""
    since = "From its second step on" if flags[0] else "In every step"
    return (
        f"{since} the model trains in evaluation mode, where BatchNorm uses its running statistics and no longer learns them. Switch back to training mode "
        "after every evaluation."
    )


def _statistics(seen: Seen) -> str:
    still = [str(t.get("name")) for t in seen.dicts("still") if any(word in str(t.get("name")) for word in STATISTICS)]
    if not still or seen.get("moving") == 0:
        return ""
    return (
        f"{_named(still)} {'is' if len(still) == 1 else 'are'} after {seen.steps} steps still what {'it was' if len(still) == 1 else 'they were'} at first, so "
        "the model predicts with statistics that are not the data's. Move each a little towards the batch's own in every step."
    )


def _frozen(seen: Seen) -> str:
    still = [t for t in seen.dicts("still") if not t.get("buffer") and not t.get("constant")]
    if not any(number(t.get("dimensions")) >= 2 and number(t.get("size")) >= 27 for t in still) or seen.get("moving") == 0:
        return ""
    names, one = _named([str(t.get("name")) for t in still]), len(still) == 1
    begins = f"{names} {'does' if one else 'do'} not change in {seen.steps} steps"
    it = "it" if one else "them"
    if not seen.get("differentiated") > 0:
        return f"{begins}, while the others do. Does your step reach {it} too?"
    gradients = [t.get("gradient") for t in still]
    if all(g is None for g in gradients):
        return f"{begins}, because no gradient reaches {it}. Does {it} require a gradient, and does no detach, .data or no_grad stand in between?".replace(
            "Does them require", "Do they require"
        )
    if all(number(g) == 0 for g in gradients):
        return f"{begins}: the gradient that reaches {it} is exactly 0. Are weights behind {it} all zero, or the units behind {it} all saturated?"
    if all(number(g) > 1e-7 for g in gradients):
        return f"{begins}, though a gradient reaches {it}. {'Is it' if one else 'Are they'} missing from the parameters that the step or the optimiser goes through?"
    return ""


def _same_batch(seen: Seen) -> str:
    rows, batch, watched = _rows(seen), seen.get("batch"), seen.get("watched")
    if not (watched >= FEW_STEPS and seen.get("same") == watched and batch < 0.2 * rows.get("train", 0)):
        return ""
    return f"Every step is taken on the same {batch:,.0f} rows: nothing else is ever learned. Draw other rows in each step, inside the loop."


def _few_rows(seen: Seen) -> str:
    rows, sources = _rows(seen), seen.numbers("sources")
    train = rows.get("train", 0)
    if not sources or not train or not seen.get("batch") > 0:
        return ""
    most = max(sources)
    for other in ("dev", "test"):
        if most == rows.get(other):
            return f"Your batches are taken from {most:,.0f} rows, as many as {other} has: train on the rows of train, which are {train:,.0f}."
    if most < 0.5 * train:
        return f"Your batches are taken from {most:,.0f} rows, while train has {train:,.0f}: take them from all rows of train."
    return ""


def _as_numbers(seen: Seen) -> str:
    if seen.facts.get("as numbers") is not True:
        return ""
    return (
        "The numbers of the symbols go into the network as quantities, as if b were twice a. Give each symbol a row of its own, by an embedding or one-hot "
        "vectors."
    )


def _too_far(seen: Seen) -> str:
    lines = seen.lines
    worse = [line for line in lines if line[2] > line[0] + 0.05 and line[1] < line[0]]
    if seen.learned or len(lines) < FEW_STEPS or len(worse) < 0.6 * len(lines):
        return ""
    before, tenth, after = max(worse, key=lambda line: line[2] - line[0])
    compared = [c for c in seen.dicts("losses") if number(c.get("rows")) > 1]
    summed = len(compared) >= 3 and all(abs(number(c.get("taken")) - number(c.get("summed"))) <= 1e-3 * abs(number(c.get("taken"))) for c in compared)
    begins = f"The steps are too large: one takes the loss of its own batch from {before:.2f} to {after:.2f}, a tenth of it to {tenth:.2f}."
    if summed:
        return f"{begins} The loss is summed over the {number(compared[0]['rows']):.0f} rows of the batch: take the mean."
    return f"{begins} Lower the learning rate."


def _too_small(seen: Seen) -> str:
    relative, lines = seen.numbers("relative"), seen.lines
    cosines = seen.numbers("cosines")
    if seen.learned or not relative or not 0 < relative[0] < 1e-4 * seen.steps or len(cosines) < FEW_STEPS or max(cosines) > -0.05 or not lines:
        return ""
    return (
        f"The steps go the right way but are very small: {seen.steps} of them change the weights by {relative[0]:.1g} of their size in all. Raise the learning "
        "rate tenfold, and again while that helps."
    )


def _by_hand(seen: Seen) -> str:
    """Gradients that were worked out by hand, beside the slopes that were measured: see ``student/by_replay``."""
    found, evenly = seen.facts.get("rates"), seen.facts.get("evenly")
    if not isinstance(found, dict) or not isinstance(evenly, dict) or any(evenly.values()):
        return ""
    rates = {str(name): [number(x) for x in r] for name, r in found.items() if isinstance(r, list) and len(r) >= 2 and all(map(is_number, r))}
    if rates and all(rate < 0 for r in rates.values() for rate in r):
        return "Every step makes the loss of its own batch larger: it goes along the gradient, not against it. Subtract what is added."
    wrong = [name for name, r in rates.items() if min(r) <= 0 or max(r) > 1.3 * min(r)]
    if wrong and len(wrong) < len(rates):
        right = [name for name in rates if name not in wrong]
        return (
            f"The step on {_named(wrong)} is not along minus its gradient, by what the loss does when it moves a little; that on {_named(right)} is. Look "
            f"at how the gradient of {_named(wrong[:1])} is worked out."
        )
    rows = seen.get("rows in a batch")
    rate = sorted(r[0] for r in rates.values())[len(rates) // 2] if rates else math.nan
    if not wrong and rows > 4 and rate > 2 and _is_round(rate / rows):
        return (
            f"The steps are {rate:.3g} times the gradient of the mean loss, which is {rows:.0f} times {rate / rows:.2g}: is the gradient of the "
            f"logits divided by the {rows:.0f} rows of the batch?"
        )
    return ""


def _is_round(x: float) -> bool:
    """Close to a number of one digit, or half of one more: as people choose rates."""
    digits = x / 10 ** math.floor(math.log10(x)) if x > 0 else math.nan
    return abs(2 * digits - round(2 * digits)) < 0.02 * digits


def _rows(seen: Seen) -> dict[str, float]:
    rows = seen.facts.get("rows")
    return {str(split): number(count) for split, count in rows.items() if is_number(count)} if isinstance(rows, dict) else {}


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _named(names: list[str]) -> str:
    shown = [f"`{name[:40]}`" for name in names[:3]]
    if len(names) > 3:
        return f"{', '.join(shown)} and {len(names) - 3} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


EXPERIMENTS = (
    _nothing_moves,
    _wrong_loss,
    _wrong_rows,
    _kept_gradients,
    _upwards,
    _evaluation_mode,
    _statistics,
    _frozen,
    _by_hand,
    _same_batch,
    _few_rows,
    _as_numbers,
    _too_far,
    _too_small,
)
