"""Is a value right? A record and the reference's record, side by side: points, a message, and a row for each name.

The same code runs in the trusted process that grades and, with the public seeds, on a student's machine; only the
former's points count.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Key
from autograder.judge.arrange import absent, arranged, other_container
from autograder.judge.catalogue import recognised as in_catalogue
from autograder.judge.diagnose import close, difference
from autograder.judge.forms import kind_of
from autograder.judge.verdict import NOT_ATTEMPTED, Row, Verdict, describe, refuse
from autograder.wall.plain import tensor_of
from autograder.wall.record import WHOLE, Draw, Failure, Record

ALONE = "What is right here is the same for all inputs; it counts as soon as something that depends on them is right, too."


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
    wrong_names = [name for name in names if not _agree(name, record, reference, tolerance)]
    says = _recognised(record, key, names, tolerance) if wrong_names else {}
    unexpected = [name for name in record.draws[0].values if name not in names]
    rows = [_judge_value(name, record, reference, says.get(name), unexpected, tolerance) for name in names]
    recognised = list(dict.fromkeys(says.values()))
    if wrong_names and not recognised and (found := in_catalogue(record, key, tolerance)):  # behind what somebody wrote down
        recognised = [found]
    right = sum(row.right for row in rows)
    share = right / len(rows) if named else float(right == len(rows))
    telling = telling_names(reference, tolerance)
    alone = bool(telling) and 0 < share < 1 and not any(row.right for row in rows if row.name in telling)
    if alone:
        share = 0.0
    if unexpected and not named:
        share = 0.0
    if share == 1.0:
        return Verdict(record.exercise, "correct", rules.points, rules.points, "", tuple(rows))
    wrong = next((row for row in rows if not row.right), None)
    message = recognised[0] if recognised else wrong.note if wrong else ""
    if wrong and wrong.name != WHOLE and not recognised:
        message = f"{wrong.name}: {message}"
    missing = [name for name in names if name not in record.draws[0].values]
    if missing and not recognised and named:
        message = absent(missing, unexpected)
    if not named and (unexpected and not wrong or missing and not recognised):
        message = f"{_values(len(record.draws[0].values))} returned, expected {len(names)}."
    if alone:
        message = f"{message} {ALONE}".strip()
    return Verdict(
        record.exercise,
        "partly correct" if share else "wrong",
        round(share * rules.points, 4),
        rules.points,
        message,
        tuple(rows),
        tuple(recognised),
    )


def telling_names(reference: Record, tolerance: Tolerance) -> set[str]:
    """The values that differ between the reference's draws; of one draw nothing is known, and none does.

    What is the same for all inputs can be written down without solving anything: the public answers hold it.
    """
    first, *others = reference.draws
    return {name for name, value in first.values.items() if not all(close(value, other.values[name], tolerance) for other in others)}


def _values(count: int) -> str:
    return "1 value was" if count == 1 else f"{count} values were"


def _judge_value(
    name: str, record: Record, reference: Record, says: str | None, unexpected: list[str], tolerance: Tolerance
) -> Row:
    """One named value over all draws: right, a named mistake, or the first difference."""
    if any(name not in draw.values for draw in record.draws):
        named = reference.draws[0].named
        return Row(name, False, absent([name], unexpected) if named else "There is no such value.")
    pairs = zip(record.draws, reference.draws)
    notes = [difference(draw.values[name], other.values[name], tolerance) for draw, other in pairs]
    note = next((n for n in notes if n), None)
    if note is None:
        return Row(name, True)
    if says:
        return Row(name, False, says)
    if not notes[0]:
        note = f"Right for some inputs, wrong for others: {note}"
    return Row(name, False, note)


def _recognised(record: Record, key: Key, names: list[str], tolerance: Tolerance) -> dict[str, str]:
    """For each wrong value the sentence of the mistake that it comes from, the one that explains most of the answer first.

    Two mistakes can agree in one value and differ in another; so a mistake counts by how many values of the answer it
    explains, and then by how few it would have got wrong that the answer has not.
    """
    found: list[tuple[int, int, dict[str, str]]] = []
    for mistake in key.mistakes:
        same = [n for n in names if _equals_mistake(n, record, mistake.record, key.reference, tolerance)]
        others = [n for n in names if n not in same and not _agree(n, record, mistake.record, tolerance)]
        if same:
            found.append((-len(same), len(others), dict.fromkeys(same, mistake.says)))
    says: dict[str, str] = {}
    for _, _, explained in sorted(found, key=lambda entry: entry[:2]):
        for name, sentence in explained.items():
            says.setdefault(name, sentence)
    return says


def _agree(name: str, record: Record, other: Record, tolerance: Tolerance) -> bool:
    return all(
        name in a.values and name in b.values and close(a.values[name], b.values[name], tolerance)
        for a, b in zip(record.draws, other.draws)
    )


def _equals_mistake(name: str, record: Record, mistake: Record, reference: Record, tolerance: Tolerance) -> bool:
    """The value is this mistake's in every draw, and the mistake's is not the reference's in all of them."""
    if any(draw.failure or name not in draw.values for draw in (*record.draws, *mistake.draws)):
        return False
    same = all(
        close(d.values[name], m.values[name], tolerance) or _both_not_finite(d, m, name)
        for d, m in zip(record.draws, mistake.draws)
    )
    return same and not all(
        close(m.values[name], r.values[name], tolerance) for m, r in zip(mistake.draws, reference.draws)
    )


def _both_not_finite(draw: Draw, mistake: Draw, name: str) -> bool:
    """NaN equals NaN when a mistake is to be recognised, never when points are given."""
    a, b = tensor_of(draw.values[name]), tensor_of(mistake.values[name])
    if a is None or b is None or a.shape != b.shape or not kind_of(a.dtype) == kind_of(b.dtype) == "float":
        return False
    a, b = a.double(), b.double()
    return bool(
        torch.equal(a.isfinite(), b.isfinite())
        and not a.isfinite().all()
        and torch.allclose(a, b, rtol=1e-4, equal_nan=True)
    )


def _failed(record: Record, failure: Failure, key: Key, rules: Exercise, tolerance: Tolerance) -> Verdict:
    """The probe stopped: not attempted, a mistake that is known to stop there, or an error of the student's own."""
    if failure.name == "NotImplementedError" and failure.message in ("", record.exercise):
        return refuse(record.exercise, rules, NOT_ATTEMPTED, "not attempted")
    for mistake in key.mistakes:
        other = next((draw.failure for draw in mistake.record.draws if draw.failure), None)
        if other and (other.name, other.message) == (failure.name, failure.message):
            return Verdict(record.exercise, "error", 0.0, rules.points, mistake.says, (), (mistake.says,))
    return refuse(record.exercise, rules, describe(failure))
