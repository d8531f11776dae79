"""Is a value right? A record and the reference's record, side by side: points, a message, and a row for each name.

The same code runs in the trusted process that grades and, with the public seeds, on a student's machine; only the
former's points count.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograder.course.schema import Exercise, Tolerance
from autograder.judge import not_finite
from autograder.judge.answers import Key
from autograder.judge.arrange import absent, arranged, other_container
from autograder.judge.catalogue import is_vague
from autograder.judge.catalogue import recognised as in_catalogue
from autograder.judge.diagnose import close, where, with_relation
from autograder.judge.errors import describe, is_of_the_stub
from autograder.judge.evidence import Cause, agree, cause, in_part, stopped_by
from autograder.judge.lines import LOOSE
from autograder.judge.looks import changes_arguments, label, seen_at_the_calls
from autograder.judge.relations import Relations
from autograder.judge.verdict import NOT_ATTEMPTED, Row, Verdict, listed, refuse
from autograder.wall.record import WHOLE, Failure, Record

AFTERWARDS = "the arguments afterwards"
ONLY = "{} only, all else is right:"
MOST_CONSTANT = 2  # right values that are the same for every input, by name


def judge(record: Record, key: Key, rules: Exercise, tolerance: Tolerance) -> Verdict:
    """Compare a student's record with the reference's.

    Points: all of them if every draw is right; of an answer that is a dict, the share of the names that are right in
    every draw, if one of them depends on the inputs.
    """
    reference = key.reference
    if len(record.draws) != len(reference.draws):
        return refuse(
            record.exercise, rules, f"The check handed over {len(record.draws)} draws, expected {len(reference.draws)}."
        )
    failures = [draw.failure for draw in record.draws if draw.failure]
    if failures:
        return _failed(record, failures[0], key, rules, tolerance)

    record = arranged(record, reference)
    key = replace(key, mistakes=[replace(m, record=arranged(m.record, reference)) for m in key.mistakes])
    names = list(reference.draws[0].values)
    named = reference.draws[0].named
    if other := other_container(record.draws[0], reference.draws[0]):
        return refuse(record.exercise, rules, other, "wrong")
    wrong_names = [name for name in names if not agree(name, record, reference, tolerance)]
    known = cause(record, key, names, wrong_names, tolerance) if wrong_names else Cause({})
    says = known.says
    unexpected = [name for name in record.draws[0].values if name not in names]
    relations = Relations(_by_name(record, names), _by_name(reference, names), tolerance) if wrong_names else None
    rows = [_judge_value(name, record, reference, says.get(name), unexpected, tolerance, relations) for name in names]
    rows = [replace(row, note=not_finite.told(row.note, record), called=label(row.name, record)) for row in rows]
    recognised = list(dict.fromkeys(says.values()))
    right = sum(row.right for row in rows)
    share = right / len(rows) if named else float(right == len(rows))
    telling = telling_names(reference, tolerance)
    alone = bool(telling) and 0 < share < 1 and not any(row.right for row in rows if row.name in telling)
    if alone:
        share = 0.0
    if unexpected and not named:
        share = 0.0
    if share == 1.0:
        return _right(record, reference, rules, rows)
    wrong = _leading(rows, relations)
    message = wrong.note if wrong else ""
    if wrong and wrong.name != WHOLE and not (recognised and known.whole):
        message = f"{wrong.called}: {message}"
    missing = [name for name in names if name not in record.draws[0].values]
    if missing and not recognised and named:
        message = absent(missing, unexpected)
    if not named and (unexpected and not wrong or missing and not recognised):
        message = f"{_values(len(record.draws[0].values))} returned, expected {len(names)}."
    found = in_catalogue(record, key, tolerance) if wrong and not recognised else None  # behind what somebody wrote down
    if wrong and found and is_vague(found):
        message = message if relations and relations.of(wrong.name) else f"{found} {wrong.note}"
    elif found:
        message, recognised = found, [found]
    partly = in_part(record, key, names, wrong_names, tolerance) if wrong and not recognised else None
    if partly:
        message = f"{ONLY.format(listed([f'`{row.called or row.name}`' for row in rows if not row.right]))} {partly}"
    nothing = wrong and relations and relations.is_zero(wrong.name)  # more is said by that than by what it does not depend on
    if not recognised and not partly and not nothing and (seen := seen_at_the_calls(record, reference, wrong_names, tolerance)):
        message = seen
    if alone:
        message = f"{message} {_alone([row.called or row.name for row in rows if row.right])}".strip()
    return Verdict(
        record.exercise,
        "partly correct" if share else "wrong",
        round(share * rules.points, 4),
        rules.points,
        message,
        tuple(rows),
        tuple(recognised),
    )


def _right(record: Record, reference: Record, rules: Exercise, rows: list[Row]) -> Verdict:
    """All points, but for a share where an argument is not as it was: that is one thing more which has to be right."""
    changes = changes_arguments(record, reference)
    if not changes:
        return Verdict(record.exercise, "correct", rules.points, rules.points, "", tuple(rows))
    points = round(rules.points * len(rows) / (len(rows) + 1), 4)
    return Verdict(record.exercise, "partly correct", points, rules.points, changes, (*rows, Row(AFTERWARDS, False, changes)))


def _leading(rows: list[Row], relations: Relations | None) -> Row | None:
    """The wrong value whose row says most: what stands first may only follow from it. A number alone may follow from everything."""
    wrong = [row for row in rows if not row.right]
    found = {row.name: relations.of(row.name) for row in wrong if relations and relations.many(row.name)}
    related = [row for row in wrong if (relation := found.get(row.name)) and not relation.beside and LOOSE not in relation.says]
    return next(iter(related or wrong), None)


def telling_names(reference: Record, tolerance: Tolerance) -> set[str]:
    """The values that differ between the reference's draws; of one draw nothing is known, and none does.

    What is the same for all inputs can be written down without solving anything: the public answers hold it.
    """
    first, *others = reference.draws
    return {
        name
        for name, value in first.values.items()
        if not all(close(value, other.values[name], tolerance) for other in others)
    }


def _values(count: int) -> str:
    return "1 value was" if count == 1 else f"{count} values were"


def _by_name(record: Record, names: list[str]) -> dict[str, list[Any]]:
    """The values of all draws under each name that every draw has."""
    return {
        name: [draw.values[name] for draw in record.draws]
        for name in names
        if all(name in draw.values for draw in record.draws)
    }


def _judge_value(
    name: str,
    record: Record,
    reference: Record,
    says: str | None,
    unexpected: list[str],
    tolerance: Tolerance,
    relations: Relations | None,
) -> Row:
    """One named value over all draws: right, a named mistake, or the first difference."""
    if any(name not in draw.values for draw in record.draws):
        named = reference.draws[0].named
        return Row(name, False, absent([name], unexpected) if named else "There is no such value.")
    pairs = [(draw.values[name], other.values[name]) for draw, other in zip(record.draws, reference.draws)]
    notes = [where(value, expected, tolerance) for value, expected in pairs]
    first = next((place for place, note in enumerate(notes) if note), None)
    if first is None:
        return Row(name, True)
    if says:
        return Row(name, False, says)
    note = notes[first] or ""
    if relations and (found := relations.of(name)):
        note = with_relation(note, *pairs[first], found, tolerance)
    elif first:
        note = f"Right for some inputs, wrong for others: {note}"
    return Row(name, False, note)


def _alone(names: list[str]) -> str:
    """Why some values are right and there are no points."""
    shown = [f"`{name}`" for name in names[:MOST_CONSTANT]] + (["others"] if len(names) > MOST_CONSTANT else [])
    earns = "earns no points: it is" if len(shown) == 1 else "earn no points: they are"
    return f"({listed(shown)} alone {earns} the same for every input.)"


def _failed(record: Record, failure: Failure, key: Key, rules: Exercise, tolerance: Tolerance) -> Verdict:
    """The probe stopped: not attempted, a mistake that is known to stop there, or an error of the student's own."""
    if is_of_the_stub(failure, record.exercise):
        return refuse(record.exercise, rules, NOT_ATTEMPTED, "not attempted")
    if says := stopped_by(record, key, tolerance):
        return Verdict(record.exercise, "error", 0.0, rules.points, says, (), (says,))
    return refuse(record.exercise, rules, describe(failure))
