"""One way from a record to a verdict, for every kind of exercise."""

from __future__ import annotations

from autograder.course.names import load_names
from autograder.judge.answers import Key
from autograder.judge.loss import judge_loss
from autograder.judge.verdict import Verdict, judge, refuse
from autograder.student.session import Facts
from autograder.wall.record import Record


def verdict_of(
    record: Record, facts: Facts, key: Key | None, names_path=None, remarks: list[str] | None = None
) -> Verdict:
    """The verdict on one record; remarks for the instructor are added to ``remarks``."""
    rules = facts.rules(record.exercise)
    if rules.loss:
        names = load_names(names_path, facts.split_seed)
        verdict, said = judge_loss(record, rules, names, facts.seeds[record.exercise][0])
        if remarks is not None:
            remarks += [f"{record.exercise}: {remark}" for remark in said]
        return verdict
    if key is None:
        return refuse(
            record.exercise, rules, "There is no answer to compare with: build the lecture again.", "could not run"
        )
    return judge(record, key, rules, facts.tolerance_of(record.exercise))
