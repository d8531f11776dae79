"""A training that falls short is tried again for a few steps, and watched: plain numbers that tell what its steps do.

Nothing here decides or words anything, and nothing of it changes the notebook: see ``untouched``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.course.names import Names
from autograder.course.schema import Exercise
from autograder.student import weights
from autograder.student.batches import batches_of
from autograder.student.by_replay import measured
from autograder.student.leaves import leaves_of, nodes_of
from autograder.student.neutral import neutral
from autograder.student.run import number_of
from autograder.student.untouched import untouched
from autograder.student.watching import Enough, Taken, Values, Watch, floats_of

STEPS = 12
SECONDS = (
    1.0  # of the processor, for these steps; as much again at most for what is measured by repeating the first of them
)
SHARES = (0.01, 0.1, 1.0)  # of a step, that are tried
LINES = 6  # steps of which shares are tried
COMPARED = 4  # losses
ROWS = 2_000  # of a larger batch, where the model is asked again
TOLD = 12  # tensors


def falls_short(logits: Any, targets: Tensor, rules: Exercise) -> bool:
    """Whether a loss earns less than an ordinary answer's points."""
    if (
        not isinstance(logits, Tensor)
        or logits.ndim != 2
        or len(logits) != len(targets)
        or not logits.is_floating_point()
    ):
        return False
    loss = float(F.cross_entropy(logits.float(), targets))
    points = max((p for bound, p in rules.loss_rules.bands.items() if loss <= bound), default=0.0)
    return not points or points < rules.points - rules.bonus_points


def seen(
    make_model: Callable[[], Any], train: Callable[..., Any], seed: int, rules: Exercise, names: Names
) -> dict[str, Any]:
    """What the first steps of a fresh training do."""
    context = rules.loss_rules.context
    watch = Watch(context, STEPS, SECONDS, _asked)
    states: list[Values] = []
    losses: list[float] = []
    facts: dict[str, Any] = {}
    try:
        with neutral(seed), torch.set_grad_enabled(rules.gradients), untouched(make_model, train):
            torch.manual_seed(seed)
            watch.model = model = make_model()
            _run(watch, train, states, losses)
            watch.off = True
            facts["training"], facts["rows in a batch"] = _flags(watch.taken), watch.batch
            facts["normed"] = any("norm" in type(node).__name__.lower() for node in nodes_of(model))
            facts |= _moves(model, watch, states, losses, context)
            facts |= _steps(model, watch) | batches_of(watch, names, context)
            if not watch.taken and len(losses) > 1:
                facts |= measured(make_model, train, seed, states[0], states[1], SECONDS)
            facts["made once"] = _held(make_model()) & _held(model) != set()
    except Exception:  # noqa: BLE001  a student's training raises whatever it raises; what is not seen is not told
        return {}
    plain: dict[str, Any] = _plain(facts)
    return plain


def _held(model: Any) -> set[int]:
    """Which tensors and arrays a model holds."""
    return {id(leaf.value) for leaf in leaves_of(model) if leaf.kind in ("tensor", "array")}


def _plain(value: Any) -> Any:
    """As JSON can hold it: ``None`` for what is no finite number."""
    if isinstance(value, dict):
        return {str(name)[:100]: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if not isinstance(value, float) or math.isfinite(value) else None


def _run(watch: Watch, train: Callable[..., Any], states: list[Values], losses: list[float]) -> None:
    """Some steps."""
    try:
        with watch:
            states.append(_state(watch))
            handed = train(watch.model)
            for loss in handed:
                losses.append(number_of(loss))
                watch.yields += 1
                states.append(_state(watch))
                if (
                    len(watch.taken) > STEPS
                    or len(losses) > STEPS
                    and not watch.taken
                    or time.process_time() > watch.until
                ):
                    break
            if hasattr(handed, "close"):
                handed.close()
    except Enough:
        pass


def _state(watch: Watch) -> Values:
    watch.off = True
    try:
        return {leaf.name: leaf.tensor() for leaf in floats_of(watch.model)}
    finally:
        watch.off = False


def _asked(model: Any, contexts: Tensor) -> Tensor | None:
    try:
        logits = weights.aside(model, contexts[:ROWS])
    except Exception:  # noqa: BLE001  a student's model, and what may be no context
        return None
    return logits.float() if logits.ndim == 2 and logits.shape[1] == 27 else None


def _flags(taken: list[Taken]) -> list[bool]:
    return [step.training for step in taken if step.training is not None]


def _transitions(watch: Watch) -> Iterator[tuple[Taken, Values, Values]]:
    """Each step: its loss, the model when that was differentiated, and when the next one is."""
    for step, following in zip(watch.taken, watch.taken[1:]):
        yield (
            step,
            step.before,
            {name: following.before[name] - step.before[name] for name in step.before if _fits(name, step, following)},
        )


def _fits(name: str, step: Taken, following: Taken) -> bool:
    return name in following.before and following.before[name].shape == step.before[name].shape


def _moves(model: Any, watch: Watch, states: list[Values], losses: list[float], context: int) -> dict[str, Any]:
    """Which tensors of the model change at all, and which get a gradient."""
    first = watch.taken[0].before if watch.taken else states[0]
    last = watch.taken[-1].before if watch.taken else states[-1]
    steps = len(watch.taken) - 1 if watch.taken else len(states) - 1
    state = {leaf.name for leaf in weights.parts_of(model, context).leaves}
    gradients = {
        name: max(float(step.gradients[name].norm()) for step in watch.taken if name in step.gradients)
        for name in {name for step in watch.taken for name in step.gradients}
    }
    read = [leaf for leaf in leaves_of(model) if leaf.name in state and leaf.name in first and leaf.name in last]
    still = [leaf for leaf in read if torch.equal(first[leaf.name], last[leaf.name])]
    told = [
        {
            "name": leaf.name,
            "size": leaf.value.numel(),
            "dimensions": leaf.value.ndim,
            "gradient": gradients.get(leaf.name),
            "constant": len(leaf.value.unique()) <= 2,
            "buffer": _is_buffer(model, leaf.path),
        }
        for leaf in still[:TOLD]
    ]
    grown = {str(x) for x in state} - {leaf.name for leaf in still}
    return {
        "steps": steps,
        "still": told,
        "moving": len(grown),
        "moved": sorted(grown)[:TOLD],
        "yielded": [round(x, 5) for x in losses[:STEPS]],
        "differentiated": len(watch.taken),
        "gradients": {name: size for name, size in sorted(gradients.items())[:TOLD]},
        "slopes": {leaf.name: gradients[leaf.name] for leaf in read if leaf.value.ndim > 1 and gradients.get(leaf.name)},
        "relative": [_relative(first, last)],
    }


def _relative(first: Values, last: Values) -> float:
    both = [(a, last[name]) for name, a in first.items() if name in last and last[name].shape == a.shape]
    size = sum(float(a.square().sum()) for a, _ in both) ** 0.5
    return sum(float((b - a).square().sum()) for a, b in both) ** 0.5 / size if size else 0.0


def _is_buffer(model: Any, path: Any) -> bool:
    if not isinstance(model, torch.nn.Module):
        return False
    return ".".join(str(place) for _, place in path) in dict(model.named_buffers())


def _steps(model: Any, watch: Watch) -> dict[str, Any]:
    """Each step beside the gradient that its own loss has left, and what shares of it do to the loss of its own batch."""
    cosines: list[float] = []
    lines: list[list[float]] = []
    compared: list[dict[str, Any]] = []
    kept = could = 0
    for number, (step, before, moved) in enumerate(_transitions(watch)):
        shared = [name for name in moved if name in step.gradients and step.gradients[name].shape == moved[name].shape]
        product = sum(float((moved[name] * step.gradients[name]).sum()) for name in shared)
        sizes = [sum(float(v[name].square().sum()) for name in shared) ** 0.5 for v in (moved, step.gradients)]
        if all(sizes):
            cosines.append(round(product / (sizes[0] * sizes[1]), 4))
            following = watch.taken[number + 1]
            could += 1
            kept += _carried(step, following)
        if step.logits is None or step.targets is None or step.contexts is None:
            continue
        if len(compared) < COMPARED:
            compared.append(_compared(step))
        if len(lines) < LINES and time.process_time() < watch.until + SECONDS:
            loss = float(F.cross_entropy(step.logits, step.targets[:ROWS]))
            tried = [_loss_with(model, step, {n: before[n] + share * moved[n] for n in moved}) for share in SHARES]
            lines.append([round(x, 5) for x in (loss, *tried)])
    return {"cosines": cosines, "kept": kept, "could keep": could, "lines": lines, "losses": compared}


def _carried(step: Taken, following: Taken) -> bool:
    """Whether the gradients of a step are all there when the next loss adds its own."""
    left = {name: step.kept[name] + g if name in step.kept else g for name, g in step.gradients.items()}
    if not any(bool(value.any()) for value in left.values()):
        return False
    return all(
        name in following.kept and float((following.kept[name] - value).norm()) <= 1e-4 * float(value.norm())
        for name, value in left.items()
    )


def _loss_with(model: Any, step: Taken, values: Values) -> float:
    leaves = {leaf.name: leaf.value for leaf in floats_of(model)}
    before = {name: leaves[name].detach().clone() for name in values if name in leaves}
    try:
        for name in before:
            leaves[name].data.copy_(values[name])
        assert step.contexts is not None and step.targets is not None
        logits = _asked(model, step.contexts)
        return float("nan") if logits is None else float(F.cross_entropy(logits, step.targets[:ROWS]))
    finally:
        for name, value in before.items():
            leaves[name].data.copy_(value)


def _compared(step: Taken) -> dict[str, Any]:
    """The loss that was differentiated, and losses that people take, of the same logits and targets."""
    assert step.logits is not None and step.targets is not None
    z, y = step.logits, step.targets[:ROWS]
    row = torch.arange(len(y))
    p, n = z.softmax(1), len(step.targets)
    one_hot = F.one_hot(y, z.shape[1]).float()
    found = {
        "right": F.cross_entropy(z, y),
        "softmax twice": F.cross_entropy(p, y),
        "no logarithm": -p[row, y].mean(),
        "not of the logits": -z[row, y].mean(),
        "squares of logits": (z - one_hot).square().mean(),
        "squares": (p - one_hot).square().mean(),
        "squares, summed": (p - one_hot).square().sum(1).mean(),
        "upside down": -F.cross_entropy(z, y),
        "summed": F.cross_entropy(z, y) * n,
    }
    sums = bool((z >= 0).all()) and bool(((z.sum(1) - 1).abs() < 1e-3).all())
    return {
        "taken": step.loss if n == len(y) else None,
        "rows": n,
        "probabilities": sums,
        **{k: round(float(v), 6) for k, v in found.items()},
    }
