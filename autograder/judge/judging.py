"""One way from a record to a verdict, for every kind of exercise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from autograder.course.cells import has_code
from autograder.course.names import Names
from autograder.course.schema import Exercise
from autograder.judge.answers import Key
from autograder.judge.loss import judge_loss
from autograder.judge.values import judge
from autograder.judge.verdict import Verdict, refuse
from autograder.wall.facts import Facts
from autograder.wall.record import Record

EMPTY = "The cell of your answer is empty: there is nothing to check yet."


def verdict_of(
    record: Record, facts: Facts, key: Key | None, names: Callable[[], Names], remarks: list[str] | None = None
) -> Verdict:
    """The verdict on one record.

    Args:
        names: gives the course's names; asked for a trained model only.
        remarks: takes what the instructor should know.
    """
    rules = facts.rules(record.exercise)
    if rules.loss:
        verdict, said = judge_loss(record, rules, names(), facts.seeds[record.exercise][0])
        if remarks is not None:
            remarks += [f"{record.exercise}: {remark}" for remark in said]
        return verdict
    if key is None:
        return refuse(
            record.exercise, rules, "There is no answer to compare with: build the lecture again.", "could not run"
        )
    return replace(judge(record, key, rules, facts.tolerance_of(record.exercise)), compared=_compared(record))


def nothing_written(record: Record, rules: Exercise, answer: str | None) -> Verdict | None:
    """Not attempted, where a check misses what the cell of an answer would define if anything stood in it; else nothing.

    Args:
        answer: the text of that cell, if it is there.
    """
    failure = record.draws[0].failure if record.draws else None
    if answer is None or failure is None or failure.line or failure.name not in ("NameError", "RuntimeError") or has_code(answer):
        return None
    return refuse(record.exercise, rules, EMPTY, "not attempted")


def _compared(record: Record) -> str:
    """How much of an answer was looked at."""
    if any(draw.failure for draw in record.draws):
        return ""
    values, draws = max((len(draw.values) for draw in record.draws), default=0), len(record.draws)
    return f"Compared: {values} {'value' if values == 1 else 'values'} for each of {draws} inputs, drawn at random." if values else ""
