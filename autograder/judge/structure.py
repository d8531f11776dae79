"""What a model cannot tell apart, seen in its logits on many contexts: symbols that it does not read, their order, all but a sum over them."""

from __future__ import annotations

import torch
from torch import Tensor

ROWS = 6_000
ENOUGH = 50  # rows that would differ in a model that saw more
SAME = 1e-3  # of the spread of the logits


def sees_not(logits: Tensor, contexts: Tensor) -> str:
    """Which symbols, or what about them, makes no difference to the logits; empty if everything does.

    Args:
        logits: (N, 27)
        contexts: (N, T) int64
    """
    logits = logits[:ROWS].double() - logits[:ROWS].double().mean(1, keepdim=True)
    contexts = contexts[:ROWS]
    size = float(logits.std())
    if not size > 0:
        return ""
    T = contexts.shape[1]
    unread = [
        k
        for k in range(T)
        if _same_within(logits, contexts, torch.cat([contexts[:, :k], contexts[:, k + 1 :]], 1), size)
    ]
    if unread and len(unread) < T:
        places = " and ".join(
            [", ".join(map(str, [k + 1 for k in unread][:-1])), str(unread[-1] + 1)]
            if len(unread) > 1
            else [str(unread[0] + 1)]
        )
        what = f"{'symbols' if len(unread) > 1 else 'symbol'} {places} of the {T} in a context"
        return (
            f"The prediction does not depend on {what}: contexts that differ there alone get the same logits. Follow {'them' if len(unread) > 1 else 'it'} "
            "through your model: what is made of all its inputs?"
        )
    if not unread and _same_within(logits, contexts, contexts.sort(1).values, size):
        return (
            "The prediction stays the same when the symbols of a context change places, so the model cannot know which comes first. Give every position "
            "weights of its own."
        )
    return ""


def adds_up(logits: Tensor, contexts: Tensor) -> bool:
    """Whether the logits are a sum of one term a position: what a network without a nonlinearity computes."""
    logits, contexts = logits[:ROWS].double(), contexts[:ROWS]
    logits = logits - logits.mean(1, keepdim=True)
    if not float(logits.std()) > 0:
        return False
    columns = torch.nn.functional.one_hot(contexts, 27).flatten(1).double()
    if len(columns) < 4 * columns.shape[1]:
        return False
    square = columns.T @ columns + 1e-6 * torch.eye(columns.shape[1], dtype=torch.float64)
    left = logits - columns @ torch.linalg.solve(square, columns.T @ logits)
    return float(left.std()) < SAME * float(logits.std())


def _same_within(logits: Tensor, contexts: Tensor, key: Tensor, size: float) -> bool:
    """Whether contexts of one key have the same logits, of enough different ones."""
    different, first = torch.unique(contexts, dim=0, return_inverse=True)
    rows = torch.full((len(different),), len(contexts), dtype=torch.int64).scatter_reduce(
        0, first, torch.arange(len(contexts)), "amin"
    )
    groups = torch.unique(key[rows], dim=0, return_inverse=True)[1]
    counts = torch.bincount(groups)
    if int(counts[counts > 1].sum()) < ENOUGH:
        return False
    means = (
        torch.zeros(len(counts), logits.shape[1], dtype=torch.float64).index_add_(0, groups, logits[rows])
        / counts[:, None]
    )
    return float((logits[rows] - means[groups]).abs().max()) < SAME * size
