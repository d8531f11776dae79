"""The rows that a training's batches were made of, in words."""

from __future__ import annotations

from autograder.judge.seen import FEW_STEPS, Seen
from autograder.wall.rows import is_number, number

RIGHT_PAIRS = 0.97  # of the batches' rows that stand in the names; all of them, in a sound training


def wrong_rows(seen: Seen) -> str:
    pairs, contexts, count = seen.get("pairs"), seen.get("contexts"), seen.get("batch") * seen.get("watched")
    if not (count >= 100 and pairs < RIGHT_PAIRS):
        return ""
    if seen.get("last") > 0.99:
        return "Each target in your batches is the last symbol of its own context, so the model learns to repeat it. The target is the symbol after it."
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


def same_batch(seen: Seen) -> str:
    rows, batch, apart = _rows(seen), seen.get("batch"), seen.get("apart")
    if not (apart >= FEW_STEPS and seen.get("same") == apart and batch < 0.2 * rows.get("train", 0)):
        return ""
    return f"Every step is taken on the same {batch:,.0f} rows: nothing else is ever learned. Draw other rows in each step, inside the loop."


def few_rows(seen: Seen) -> str:
    rows, sources = _rows(seen), seen.numbers("sources")
    train = rows.get("train", 0)
    if not sources or not train or not seen.get("batch") > 0:
        return ""
    most = max(sources)
    if most == sum(rows.values()):
        return f"Your batches are taken from {most:,.0f} rows, those of dev and test too: train on the rows of train alone, which are {train:,.0f}."
    for other in ("dev", "test"):
        if most == rows.get(other):
            return f"Your batches are taken from {most:,.0f} rows, as many as {other} has: train on the rows of train, which are {train:,.0f}."
    if most < 0.5 * train:
        return f"Your batches are taken from {most:,.0f} rows, while train has {train:,.0f}: take them from all rows of train."
    return ""


def as_numbers(seen: Seen) -> str:
    if seen.facts.get("as numbers") is not True:
        return ""
    return (
        "The numbers of the symbols go into the network as quantities, as if b were twice a. Give each symbol a row of its own, by an embedding or one-hot "
        "vectors."
    )


def _rows(seen: Seen) -> dict[str, float]:
    rows = seen.facts.get("rows")
    return (
        {str(split): number(count) for split, count in rows.items() if is_number(count)}
        if isinstance(rows, dict)
        else {}
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
