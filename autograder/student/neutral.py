"""The state in which a probe or a training runs, whatever the notebook has set."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

APART = 1_000_003  # a prime, so that no draw's generator begins where another's does


def beside(seed: int) -> int:
    """Where all other random numbers begin while a probe has a generator of this seed: not where that one does.

    Else ``torch.randn(n)`` would give the generator's own numbers, and an answer that ignores it would seem right.
    """
    return seed + APART


@contextlib.contextmanager
def neutral(seed: int) -> Iterator[None]:
    """The usual dtype, device and gradients, and all random numbers from ``seed``; afterwards the notebook's own again."""
    dtype, states = torch.get_default_dtype(), (random.getstate(), np.random.get_state(), torch.get_rng_state())
    torch.set_default_dtype(torch.float32)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed notes a seed for every kind of device, with the stack of its caller
    try:
        with _on_the_cpu(), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def _on_the_cpu() -> contextlib.AbstractContextManager[object]:
    """Where tensors are made unless told otherwise; set only if it is not so, for it makes each operation pass through Python."""
    return contextlib.nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")
