"""The rows of a training's batches beside the rows of the names."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from autograder.course.names import Names
from autograder.student.watching import Watch


def batches_of(watch: Watch, names: Names, context: int) -> dict[str, Any]:
    """Whether the rows of the batches are rows of the names, with the targets that belong to them."""
    steps = [(s.contexts, s.targets) for s in watch.taken if s.contexts is not None and s.targets is not None]
    facts: dict[str, Any] = {
        "as numbers": watch.as_numbers and not watch.looked_up,
        "sources": sorted(watch.sources)[-4:] if len(watch.taken) > 2 else [],
    }
    if not steps or context > 11:
        return facts
    of_yields = {
        s.yields: (s.contexts, s.targets) for s in watch.taken if s.contexts is not None and s.targets is not None
    }
    apart = list(of_yields.values()) if len(of_yields) > 1 else []
    same = [
        len(x) == len(apart[0][0]) and torch.equal(x, apart[0][0]) and torch.equal(y, apart[0][1]) for x, y in apart
    ]
    X, Y = torch.cat([x for x, _ in steps])[:20_000].long(), torch.cat([y for _, y in steps])[:20_000].long()
    if len(X) != len(Y):
        return facts
    splits = {split: names.contexts(split, context) for split in ("train", "dev", "test")}
    rows = {split: len(y) for split, (_, y) in splits.items()}
    contexts, targets = (torch.cat([pair[i] for pair in splits.values()]) for i in (0, 1))
    known, pairs = keys_of(contexts).unique(), keys_of(contexts, targets).unique()

    def share(keys: Tensor, among: Tensor) -> float:
        return round(float(torch.isin(keys, among).float().mean()), 4)

    return facts | {
        "rows": rows,
        "batch": len(steps[0][0]),
        "same": sum(same),
        "apart": len(same),
        "watched": len(steps),
        "contexts": share(keys_of(X), known),
        "pairs": share(keys_of(X, Y), pairs),
        "reversed": share(keys_of(X.flip(1), Y), pairs),
        "last": round(float((X[:, -1] == Y).float().mean()), 4),
        "by chance": share(keys_of(X, Y[torch.randperm(len(Y), generator=torch.Generator().manual_seed(0))]), pairs),
    }


def keys_of(contexts: Tensor, targets: Tensor | None = None) -> Tensor:
    """A number ``(N,) int64`` for each row of contexts ``(N, T)``, with the target of each: equal rows have equal ones."""
    keys = torch.zeros(len(contexts), dtype=torch.int64)
    for column in contexts.unbind(1):
        keys = 29 * keys + column
    return keys if targets is None else 29 * keys + targets
