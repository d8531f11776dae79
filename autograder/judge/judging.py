"""One way from a record to a verdict, for every kind of exercise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from autograder.course.cells import has_code
from autograder.course.names import Names
from autograder.course.schema import Exercise
from autograder.judge.answers import Key
from autograder.judge.errors import is_of_the_stub, place, quoted
from autograder.judge.loss import judge_loss
from autograder.judge.values import judge
from autograder.judge.verdict import Verdict, refuse
from autograder.wall.facts import Facts
from autograder.wall.record import Record

FUNCTION = re.compile(r"\s*(?:async +)?def +(\w+)")
LEFT = "{where} of {place} still says {line}. Put your code in its place, or take that line away where the code is written."
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


def not_finished(record: Record, rules: Exercise, answer: str | None, as_released: bool | None) -> Verdict | None:
    """What is said where a check comes upon an empty cell, or upon a part of an answer that is not written yet; else nothing.

    Args:
        answer: the text of its cell, if it is there.
        as_released: whether nothing was changed in it; ``None`` where that is not known.
    """
    failure = record.draws[0].failure if record.draws else None
    if answer is None or failure is None:
        return None
    if not failure.line and failure.name in ("NameError", "RuntimeError") and not has_code(answer):
        return refuse(record.exercise, rules, EMPTY, "not attempted")
    if as_released is False and is_of_the_stub(failure, record.exercise) and failure.line:
        function = _function_around(answer, failure.number)
        where = f"In `{function}`, line {failure.number}" if function else f"Line {failure.number}"
        return refuse(record.exercise, rules, LEFT.format(where=where, place=place(failure), line=quoted(failure.line)))
    return None


def _function_around(text: str, line: int) -> str:
    """The function in which a line stands, by what is indented less above it: a stranger's text is not parsed."""
    lines = text.splitlines()[:line]
    depth = _depth(lines[-1]) if lines else 0
    above = (found for other in reversed(lines) if _depth(other) < depth and (found := FUNCTION.match(other)))
    return next((found[1] for found in above), "")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _compared(record: Record) -> str:
    """How much of an answer was looked at."""
    if any(draw.failure for draw in record.draws):
        return ""
    values, draws = max((len(draw.values) for draw in record.draws), default=0), len(record.draws)
    what = "your result" if values == 1 else f"{values} values"
    return f"Compared: {what} for each of {draws} inputs, drawn at random." if values else ""
