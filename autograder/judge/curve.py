"""What the losses of a training tell, from its first step to its last, and one next step."""

from __future__ import annotations

import math
from typing import Any

import torch

from autograder.judge.evaluation import UNIFORM, Evaluation
from autograder.judge.experiments import proves_right, told
from autograder.wall.rows import SEGMENTS, is_number, number

# Each bound is far from what a sound training shows and well inside what the fault shows (measured on lectures 1 to 5).
FIRST_TOO_HIGH = UNIFORM + 1.0  # unscaled weights in the last layer begin at 10 to 30
MOVED = 0.15  # from the first segment to the last: less is no training
RISEN = 0.25  # from the lowest segment to the last: more than the noise of a segment
LOUD = 5  # times the usual step from one segment to the next: of a few batches each segment is as loud as that
STILL_FALLING = 0.01  # from the third quarter of the training to the last
EVENLY = 0.5  # of the fall from the first quarter to the second; a rate that goes down at the end gives as much (the references: 0.07 to 0.93), but late
CUT_OFF = 0.95  # of the steps that were planned


def blown_up(facts: dict[str, Any]) -> str:
    """For logits that are NaN or infinite."""
    if seen := told(facts.get("seen")):
        return seen
    curve = facts.get("curve")
    if isinstance(curve, list) and any(not is_number(x) for x in curve):
        part = next(i for i, x in enumerate(curve) if not is_number(x))
        where = _at(part, len(curve), facts)
        return f"The loss stopped being a number {where}: lower the learning rate first, and if that does not help, look for a log of zero."
    if isinstance(curve, list) and curve:
        return (
            f"In training the loss was a number to the end ({number(curve[-1]):.2f}), so it is in evaluation that something is none: look at what is used "
            "there alone, such as running statistics. A running variance below 0 has no root."
        )
    return "Did the training blow up, or is there a log of zero?"


def first_too_high(e: Evaluation) -> str:
    first = e.facts.get("first")
    loss = number(first[0]) if isinstance(first, list) and first else math.nan
    if not loss >= FIRST_TOO_HIGH:
        return ""
    return (
        f"The first loss is {loss:.2f}, though a guess costs only {UNIFORM:.2f}: the network begins sure of wrong answers, and the first steps go into "
        "undoing that. Make the weights of the last layer small at first."
    )


def hardly_moved(e: Evaluation) -> str:
    curve = e.curve
    if len(curve) < 4 or not all(map(math.isfinite, curve)) or curve[0] - min(curve) > MOVED or curve[-1] < e.learned:
        return ""
    return (
        f"The training loss began at {curve[0]:.2f} and ended at {curve[-1]:.2f}: hardly anything was learned. Is the learning rate far too low, or do the "
        "steps not reach the model's own tensors?"
    )


def rising(e: Evaluation) -> str:
    curve = [x for x in e.curve if math.isfinite(x)]
    if len(curve) < 4 or curve[-1] < min(curve) + max(RISEN, LOUD * float(torch.tensor(curve).diff().abs().median())):
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


def stopped(e: Evaluation) -> str:
    steps = e.facts.get("steps")
    if e.facts.get("finished") is not False or type(steps) is not int:
        return ""
    return f"The training was stopped after step {steps:,}. Run its cell again: it goes on there while the kernel lives, and begins afresh otherwise."


def cut_off(e: Evaluation) -> str:
    steps, planned, seconds = (number(e.facts.get(name)) for name in ("steps", "planned", "seconds"))
    if not (e.facts.get("finished") and 0 < steps < CUT_OFF * planned):
        return ""
    if steps == 1:
        return f"A single loss was yielded, where fit was told of {planned:,.0f} steps: is `yield` inside of the loop, and not behind it?"
    took = f", after {seconds:,.0f} seconds" if seconds >= 1 else ""
    return (
        f"The training ended at step {steps:,.0f} of the {planned:,.0f} that fit was told{took}. If a limit of time ended it, make each step cheaper, or give "
        "it longer; if not, look at what ends the loop."
    )


def still_falling(e: Evaluation) -> str:
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
