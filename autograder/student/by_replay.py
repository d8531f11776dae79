"""Gradients without autograd: the first step of a training is repeated from weights a little aside, and the losses that it yields are compared.

Of a step ``s`` along minus the gradient at a rate ``r``, the loss falls by ``|s|² / r`` for each whole step: the same ``r`` for every tensor, and
for any part of a tensor.  So a gradient that was worked out wrongly is seen, whatever the rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.student.run import number_of
from autograder.student.watching import floats_of

CHANGE = 0.02  # of the loss, that a tried move shall make: far above rounding, small enough to be straight
PARTS = 3  # of each tensor: all of it, and random halves


def measured(
    make_model: Callable[[], Any],
    train: Callable[..., Any],
    seed: int,
    before: dict[str, Tensor],
    after: dict[str, Tensor],
    seconds: float,
) -> dict[str, Any]:
    """The rate of each tensor's first step, measured over all of it and over random parts of it."""
    until = time.process_time() + seconds

    def loss_at(name: str, direction: Tensor) -> float:
        torch.manual_seed(seed)
        model = make_model()
        leaf = next(leaf for leaf in floats_of(model) if leaf.name == name)
        leaf.value.data.add_(direction)
        return number_of(next(iter(train(model))))

    if abs(loss_at(next(iter(before)), torch.zeros(())) - loss_at(next(iter(before)), torch.zeros(()))) > 1e-6:
        return {}
    g = torch.Generator().manual_seed(0)
    rates: dict[str, list[float]] = {}
    evenly: dict[str, bool] = {}
    for name, start in before.items():
        step = after[name] - start if name in after and after[name].shape == start.shape else torch.zeros_like(start)
        if not step.any():
            continue
        sizes = step.abs()[step != 0]
        evenly[name] = (
            len(sizes) > 3 and bool(sizes.max() < 1.01 * sizes.median()) and bool(sizes.min() > 0.99 * sizes.median())
        )
        for part in range(PARTS):
            if time.process_time() > until:
                return {"rates": rates, "evenly": evenly}
            some = step if part == 0 else step * (torch.rand(step.shape, generator=g) < 0.5)
            if (square := float(some.square().sum())) > 0:
                slope = _slope(lambda t, some=some, name=name: loss_at(name, t * some))  # type: ignore[misc]
                if slope is None:
                    break
                rates.setdefault(name, []).append(-square / slope)
    return {"rates": rates, "evenly": evenly}


def _slope(loss: Callable[[float], float]) -> float | None:
    """Of the loss for each whole step: by both sides, as far apart as rounding needs; ``None`` if nothing changes."""
    scale = 0.25
    for _ in range(6):
        up, down = loss(scale), loss(-scale)
        if abs(up - down) > CHANGE or scale > 100:
            break
        scale *= 4
    while abs(up - down) > 10 * CHANGE and scale > 1e-4:
        scale /= 4
        up, down = loss(scale), loss(-scale)
    return (up - down) / (2 * scale) if abs(up - down) > CHANGE / 4 else None
