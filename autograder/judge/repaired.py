"""A wrong answer, told by the one change of it that makes it right: true of it whatever its author had in mind.

The changes were tried beside the student's code. What came out of them is compared here as an answer is; of what is said of them nothing
is believed but a line's number, and a sentence that is one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from autograder.changes.repairs import LONGEST, Repair
from autograder.course.schema import Tolerance
from autograder.judge.answers import Key
from autograder.judge.arrange import arranged, other_container
from autograder.judge.errors import STOPPED, WITH_PLACES
from autograder.judge.evidence import MANY, agree
from autograder.judge.verdict import Verdict, listed
from autograder.wall.record import WHOLE, Record

CLOSER = 0.1  # times the tolerance: what a change mends is right but for rounding
MOST_NAMES = 4  # that are listed
ENDED = re.compile(r"[.!?:]$|[.!?]\)$|\((?:It|If) [^()]*\)$")  # a sentence that ends; a line of code may end in a parenthesis, too
WORDS = re.compile(r"[a-zA-Z0-9 ,()<=.+'_-]{1,120}")  # of what is wrong: no markup, no link
UNSURE = re.compile("missing there|something else|one off there|fixed number")  # what much becomes right with: said if nothing is left that is wrong
# of errors that tell better what to do than a change that is tried
OF_A_KIND = "can't be cast to the desired output type|dtype.* Got: Bool"
SAYS_ALL = re.compile(rf"Did you mean|is missing, or has not run|torch\.return_types\.(?:{WITH_PLACES})\b|{OF_A_KIND}")


@dataclass(frozen=True)
class Best:
    """The change that makes most of an answer right."""

    repair: Repair
    right: frozenset[str]  # names of its values
    whole: bool


def wants_a_repair(verdict: Verdict, record: Record) -> bool:
    """Whether an answer is wrong for a reason that nobody has written down, or ends in an error at a line of the student's own."""
    if verdict.recognised or verdict.points == verdict.max_points:
        return False
    failure = record.draws[0].failure if record.draws else None
    if failure and SAYS_ALL.search(failure.message):
        return False
    return bool(failure.line) and failure.name not in ("NotImplementedError", STOPPED) if failure else bool(verdict.rows)


def best(record: Record, key: Key, tolerance: Tolerance, tried: Iterable[tuple[Repair, Record]]) -> Best | None:
    """The first change that makes all right, else the one that makes most of it right and nothing wrong that was right."""
    return max(better_and_better(record, key, tolerance, tried), key=lambda found: len(found.right), default=None)


def better_and_better(record: Record, key: Key, tolerance: Tolerance, tried: Iterable[tuple[Repair, Record]]) -> Iterator[Best]:
    """Changes that make more and more of an answer right, until one makes all of it right."""
    names = list(key.reference.draws[0].values)
    before = _right(record, key, tolerance)
    wrong = [name for name in names if name not in before]
    proving = {name for name in wrong if _proves(key.reference.draws[0].values[name])}
    closely, most = tolerance.model_copy(update={"rtol": CLOSER * tolerance.rtol, "atol": CLOSER * tolerance.atol}), len(before)
    for repair, other in tried if proving else ():
        now = _right(other, key, closely) | before
        if len(now) > most and wrong[0] in now and not proving.isdisjoint(now):
            if not (whole := len(now) == len(names)) and UNSURE.search(repair.says):
                continue
            most = len(now)
            yield Best(repair, now, whole)
            if whole:
                return


def _proves(expected: object) -> bool:
    """Whether a value that a change makes right is no chance: a word, or a few truth values, may be."""
    if isinstance(expected, Tensor):
        return expected.is_floating_point() or expected.numel() >= MANY
    if isinstance(expected, list):
        return len(expected) >= MANY or any(map(_proves, expected))
    return isinstance(expected, (int, float)) and not isinstance(expected, bool)


def _right(record: Record, key: Key, tolerance: Tolerance) -> frozenset[str]:
    reference = key.reference
    if any(draw.failure for draw in record.draws) or len(record.draws) != len(reference.draws) or other_container(record.draws[0], reference.draws[0]):
        return frozenset()
    record, names = arranged(record, reference), list(reference.draws[0].values)
    if not reference.draws[0].named and record.draws[0].values.keys() != reference.draws[0].values.keys():
        return frozenset()
    return frozenset(name for name in names if agree(name, record, reference, tolerance))


def with_repair(verdict: Verdict, found: Best | None) -> Verdict:
    """The verdict, with the place where a small change makes it right, or more of it."""
    if found is None or not WORDS.fullmatch(found.repair.says) or not 0 < found.repair.line < 10_000:
        return verdict
    where = f"line {found.repair.line} of your cell, at `{found.repair.before[:LONGEST].replace('`', '')}`: {found.repair.says}"
    if found.whole:
        said = f"One small change makes it right, in {where}."
    else:
        mended = [f"`{row.name}`" for row in verdict.rows if not row.right and row.name in found.right and row.name != WHOLE][:MOST_NAMES]
        if not mended:
            return verdict
        said = f"One small change makes {listed(mended)} right, in {where}."
    before = verdict.message if not verdict.message or ENDED.search(verdict.message) else f"{verdict.message}."
    return replace(verdict, message=f"{before} {said}".strip())
