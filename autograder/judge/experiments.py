"""What the first steps of a training were seen to do, in words: each sentence has its evidence, and where there is none nothing is said.

The numbers come from beside a student's code.  They may word a message; they never earn a point.
"""

from __future__ import annotations

import math
from typing import Any

from autograder.judge.batches import RIGHT_PAIRS, as_numbers, few_rows, same_batch, wrong_rows
from autograder.judge.seen import FEW_STEPS, Seen, named
from autograder.wall.rows import is_number, number

USUAL = 1e-3  # size of a matrix's gradient in a network that can be trained
VANISHED = 1e-4  # of the largest gradient of a matrix; sound deep networks stay above 0.01
WRONG_LOSS = {
    "softmax twice": "The loss is the cross-entropy of probabilities: F.cross_entropy has a softmax inside, and another one before it flattens everything. "
    "Hand it the logits themselves.",
    "no logarithm": "The loss is minus the mean probability of the right symbol: the logarithm is missing, so a sure mistake costs hardly more than a doubt. "
    "Take the mean of minus the logarithm.",
    "not of the logits": "The loss is minus the logit of the right symbol, which falls for ever while nothing improves. F.nll_loss takes log-probabilities; "
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
    yielded = seen.numbers("yielded")
    same = [
        abs(number(c["taken"]) - y) <= 0.01 * abs(y) for c, y in zip(compared, yielded)
    ]  # of what stands in the curve
    enough: bool = seen.steps >= FEW_STEPS and len(right) >= 3 and all(right) and all(same) and seen.get("pairs") >= RIGHT_PAIRS
    return enough


def _nothing_moves(seen: Seen) -> str:
    still, reached = {str(tensor.get("name")) for tensor in seen.dicts("still")}, seen.facts.get("gradients")
    moved = seen.facts.get("moved")  # running statistics may, all the same
    follow_alone = isinstance(moved, list) and bool(moved) and all(any(word in str(name) for word in STATISTICS) for name in moved)
    learns_nothing = isinstance(reached, dict) and bool(reached) and still.issuperset(reached) or follow_alone and len(still) > 1
    if not still or seen.get("moving") != 0 and not learns_nothing:
        return ""
    if not seen.get("differentiated") > 0:
        but = " but its running statistics" if follow_alone else ""
        return (
            f"In the first {seen.steps} steps no tensor of the model has changed{but}. Is each step taken on the model's own tensors, in place or by p.data? "
            "`p = p - …` gives the name `p` another tensor, and changes none."
        )
    if not reached:
        return (
            f"In the first {seen.steps} steps no tensor of the model has changed, and none has got a gradient: the loss comes from other tensors, such as "
            "copies or a model of its own. Compute it from what model(contexts) returns."
        )
    return (
        f"The model's tensors get gradients, but in the first {seen.steps} steps none of them has changed. Is the step taken in each pass (of an optimiser: "
        "step())? Is the gradient still there then, and does the step change the tensor itself? Print a weight and its gradient before and after it."
    )


def _wrong_loss(seen: Seen) -> str:
    compared = [c for c in seen.dicts("losses") if is_number(c.get("taken")) and is_number(c.get("right"))]
    other = [c for c in compared if abs(number(c["taken"]) - number(c["right"])) > 1e-3 * abs(number(c["right"]))]
    if len(other) < 3:
        return ""
    for name, sentence in WRONG_LOSS.items():
        if all(
            abs(number(c["taken"]) - number(c.get(name))) <= 1e-5 * abs(number(c["taken"])) + 2e-6 for c in compared
        ):
            return sentence
    return ""


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
    grown = [line for line in lines if line[2] > line[0]]
    if not lines or len(grown) < 0.7 * len(lines):
        return ""
    return (
        f"Every step goes along the gradient, not against it: the loss of its own batch grows by it, from {lines[0][0]:.2f} to {lines[0][3]:.2f} at the "
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
        f"{named(still)} {'is' if len(still) == 1 else 'are'} after {seen.steps} steps still what {'it was' if len(still) == 1 else 'they were'} at first, so "
        "the model predicts with statistics that are not the data's. Move each a little towards the batch's own in every step."
    )


def _frozen(seen: Seen) -> str:
    still = [t for t in seen.dicts("still") if not t.get("buffer") and not t.get("constant")]
    if (
        not any(number(t.get("dimensions")) >= 2 and number(t.get("size")) >= 27 for t in still)
        or seen.get("moving") == 0
    ):
        return ""
    names, one = named([str(t.get("name")) for t in still]), len(still) == 1
    begins = f"{names} {'does' if one else 'do'} not change in the first {seen.steps} steps"
    it = "it" if one else "them"
    if not seen.get("differentiated") > 0:
        return f"{begins}, while the others do. Does your step reach {it} too?"
    gradients = [t.get("gradient") for t in still]
    if all(g is None for g in gradients):
        return (
            f"{begins}, because no gradient reaches {it}. {'Does it' if one else 'Do they'} require a gradient, also after a step (`W = W - …` "
            "makes a new tensor)? Does no detach, .data or no_grad stand in between?"
        )
    if all(number(g) == 0 for g in gradients):
        return f"{begins}: the gradient that reaches {it} is exactly 0. Are weights behind {it} all zero, or the units behind {it} all saturated?"
    if all(number(g) > 1e-7 for g in gradients):
        return f"{begins}, though a gradient reaches {it}. {'Is it' if one else 'Are they'} missing from the parameters that the step goes through?"
    return ""


def _vanishing(seen: Seen) -> str:
    found = seen.facts.get("slopes")
    slopes = {str(name): number(x) for name, x in found.items() if is_number(x) and number(x) > 0} if isinstance(found, dict) else {}
    if seen.learned or len(slopes) < 2:
        return ""
    least, most = min(slopes, key=slopes.__getitem__), max(slopes, key=slopes.__getitem__)
    if slopes[least] > VANISHED * slopes[most]:
        return ""
    return (
        f"The gradient vanishes on its way: for `{most[:40]}` its size is {slopes[most]:.1g}, for `{least[:40]}` only {slopes[least]:.1g}, so the layers below "
        "hardly learn. Scale the first weights to what feeds into a unit, or put BatchNorm between."
    )


def _too_far(seen: Seen) -> str:
    lines = seen.lines
    worse = [line for line in lines if line[3] > line[0] + 0.05 and min(line[1:3]) < line[0]]
    if seen.learned or len(lines) < FEW_STEPS or len(worse) < 0.5 * len(lines):
        return ""
    before, *shares, after = max(worse, key=lambda line: line[3] - line[0])
    share = "hundredth" if shares[0] < shares[1] else "tenth"
    compared = [c for c in seen.dicts("losses") if number(c.get("rows")) > 1]
    summed = len(compared) >= 3 and all(
        abs(number(c.get("taken")) - number(c.get("summed"))) <= 1e-3 * abs(number(c.get("taken"))) for c in compared
    )
    begins = f"The steps are too large: one takes the loss of its own batch from {before:,.2f} to {after:,.2f}, a {share} of it to {min(shares):,.2f}."
    if summed:
        return (
            f"{begins} The loss is summed over the {number(compared[0]['rows']):.0f} rows of the batch: take the mean."
        )
    return f"{begins} Lower the learning rate."


def _too_small(seen: Seen) -> str:
    relative, lines = seen.numbers("relative"), seen.lines
    cosines = seen.numbers("cosines")
    if (
        seen.learned
        or not relative
        or not 0 < relative[0] < 1e-4 * seen.steps
        or len(cosines) < FEW_STEPS
        or max(cosines) > -0.05
        or not lines
    ):
        return ""
    slopes = seen.facts.get("slopes")
    if not isinstance(slopes, dict) or not max(map(number, slopes.values()), default=0) > USUAL:  # it may be the gradient that is small
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
    rates = {
        str(name): [number(x) for x in r]
        for name, r in found.items()
        if isinstance(r, list) and len(r) >= 2 and all(map(is_number, r))
    }
    if rates and all(rate < 0 for r in rates.values() for rate in r):
        return "Every step makes the loss of its own batch larger: it goes along the gradient, not against it. Subtract what is added."
    wrong = [name for name, r in rates.items() if min(r) <= 0 or max(r) > 1.1 * min(r)]
    if wrong and len(wrong) < len(rates):
        right = [name for name in rates if name not in wrong]
        return (
            f"The step on {named(wrong)} does not follow its gradient: moved a little, the loss changes otherwise than the step says, while for "
            f"{named(right)} it fits. Look at how the gradient of {named(wrong[:1])} is worked out."
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
    return bool(abs(2 * digits - round(2 * digits)) < 0.02 * digits)


def _made_once(seen: Seen) -> str:
    if seen.facts.get("made once") is not True:
        return ""
    return (
        "Your function that makes the model gives the same tensors each time it is called, so a training that begins anew goes on from the weights of the one "
        "before. Make the model, with all its tensors, inside the function."
    )


EXPERIMENTS = (
    _nothing_moves,
    _wrong_loss,
    wrong_rows,
    _kept_gradients,
    _upwards,
    _evaluation_mode,
    _statistics,
    _frozen,
    _by_hand,
    same_batch,
    few_rows,
    as_numbers,
    _vanishing,
    _too_far,
    _too_small,
    _made_once,
)
