"""Is a value right? A record and the reference's record, side by side: points, a message, and a row for each name.

The same code runs in the trusted process that grades and, with the public seeds, on a student's machine; only the
former's points count.
"""

from __future__ import annotations

import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Key
from autograder.judge.diagnose import close, difference
from autograder.judge.verdict import NOT_ATTEMPTED, Row, Verdict, describe, refuse
from autograder.wall.record import WHOLE, Draw, Failure, Record


def judge(record: Record, key: Key, rules: Exercise, tolerance: Tolerance) -> Verdict:
    """Compare a student's record with the reference's.

    Points: all of them if every draw is right; of an answer that is a dict, the share of the names that are right in
    every draw.
    """
    reference = key.reference
    if len(record.draws) != len(reference.draws):
        return refuse(
            record.exercise, rules, f"The check handed over {len(record.draws)} draws, expected {len(reference.draws)}."
        )
    failures = [draw.failure for draw in record.draws if draw.failure]
    if failures:
        return _failed(record, failures[0], key, rules, tolerance)

    names = list(reference.draws[0].values)
    if reference.draws[0].named and not record.draws[0].named and record.draws[0].values:
        return refuse(record.exercise, rules, f"A dict with the keys {', '.join(names)} is expected.", "wrong")
    wrong_names = [name for name in names if not _agree(name, record, reference, tolerance)]
    says = _recognised(record, key, names, tolerance) if wrong_names else {}
    rows = [_judge_value(name, record, reference, says.get(name), tolerance) for name in names]
    recognised = list(dict.fromkeys(says.values()))
    unexpected = [name for name in record.draws[0].values if name not in names]
    right = sum(row.right for row in rows)
    share = right / len(rows) if reference.draws[0].named else float(right == len(rows))
    if unexpected and not reference.draws[0].named:
        share = 0.0
    if share == 1.0:
        return Verdict(record.exercise, "correct", rules.points, rules.points, "", tuple(rows))
    message = recognised[0] if recognised else next((row.note for row in rows if not row.right), "")
    wrong = next((row for row in rows if not row.right), None)
    if wrong and wrong.name != WHOLE and not recognised:
        message = f"{wrong.name}: {message}"
    if unexpected and not wrong:
        message = f"{len(record.draws[0].values)} values were returned, expected {len(names)}."
    return Verdict(
        record.exercise,
        "partly correct" if share else "wrong",
        round(share * rules.points, 4),
        rules.points,
        message,
        tuple(rows),
        tuple(recognised),
    )


def _judge_value(name: str, record: Record, reference: Record, says: str | None, tolerance: Tolerance) -> Row:
    """One named value over all draws: right, a named mistake, or the first difference."""
    if any(name not in draw.values for draw in record.draws):
        return Row(name, False, "This value is missing.")
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
    a, b = draw.values[name], mistake.values[name]
    if not all(isinstance(v, (torch.Tensor, float)) for v in (a, b)):
        return False
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    if a.shape != b.shape or a.dtype != b.dtype or not a.is_floating_point():
        return False
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
