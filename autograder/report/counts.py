"""Numbers about a class: of all points, of each exercise, and which mistakes how many made."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

from autograder.report.data import (
    ERROR,
    NOT_RUN,
    PARTLY,
    RIGHT,
    SKIPPED,
    WAITS,
    WRONG,
    Answer,
    ClassWork,
    Work,
    is_unnamed,
)

FEWEST = 5  # students with points, below which a correlation says nothing at all
KINDS = (RIGHT, PARTLY, WRONG, ERROR, SKIPPED, WAITS, NOT_RUN)


@dataclass(frozen=True)
class Item:
    """One exercise."""

    exercise: str
    title: str
    most: float
    bonus: bool
    written: bool
    counts: dict[str, int]  # of each kind, how many answers
    right: float | None  # share of those who wrote something that is graded
    mean: float | None  # share of the points, of all whose answer is graded; who did not attempt it has none
    discrimination: float | None  # correlation of this share with the share of all other points

    @property
    def answered(self) -> int:
        """Answers that are written and graded."""
        return sum(self.counts[kind] for kind in (RIGHT, PARTLY, WRONG, ERROR))


@dataclass(frozen=True)
class Spread:
    """Of the points that students have."""

    students: int
    mean: float
    median: float
    quartiles: tuple[float, float]
    deviation: float
    least: float
    most: float


@dataclass(frozen=True)
class Mistake:
    """A cause that was told, and to whom."""

    exercise: str
    title: str
    says: str
    students: tuple[str, ...]
    share: float  # of those who wrote something
    listed: bool  # a mistake of the lecture file; else one that nobody wrote down, and the kit knows of its own


def items(work: ClassWork) -> list[Item]:
    """Each exercise, in the lecture's order."""
    return [_item(work, name) for name in work.rules]


def _item(work: ClassWork, name: str) -> Item:
    answers = [(one, one.answers[name]) for one in work.graded if name in one.answers]
    counts = Counter(answer.kind for _, answer in answers)
    graded = [(one, answer) for one, answer in answers if answer.points is not None and answer.kind != NOT_RUN]
    answered = sum(counts[kind] for kind in (RIGHT, PARTLY, WRONG, ERROR))
    rules = work.rules[name]
    return Item(
        name,
        rules.title,
        rules.points,
        rules.bonus_points > 0,
        rules.written,
        {kind: counts[kind] for kind in KINDS},
        counts[RIGHT] / answered if answered else None,
        statistics.fmean(_share(answer) for _, answer in graded) if graded else None,
        _discrimination(graded),
    )


def _share(answer: Answer) -> float:
    return (answer.points or 0.0) / answer.most if answer.most else 0.0


def _discrimination(graded: list[tuple[Work, Answer]]) -> float | None:
    """The corrected item-total correlation: an exercise against the rest of the lecture, as far as it is graded."""
    pairs = []
    for one, answer in graded:
        rest = [other for other in one.answers.values() if other.exercise != answer.exercise and other.points is not None]
        if most := sum(other.most for other in rest):
            pairs.append((_share(answer), sum(other.points or 0.0 for other in rest) / most))
    if len(pairs) < FEWEST:
        return None
    try:
        return statistics.correlation(*zip(*pairs))
    except statistics.StatisticsError:  # all have the same
        return None


def spread(work: ClassWork) -> Spread | None:
    """Of the points of all who are graded; ``None`` where nobody is."""
    points = [one.points for one in work.graded]
    if not points:
        return None
    quarters = statistics.quantiles(points, n=4, method="inclusive") if len(points) > 1 else [points[0]] * 3
    return Spread(len(points), statistics.fmean(points), quarters[1], (quarters[0], quarters[2]), statistics.pstdev(points), min(points), max(points))


def mistakes(work: ClassWork) -> list[Mistake]:
    """What was recognised, the most frequent first."""
    who: dict[tuple[str, str], list[str]] = {}
    answered: Counter[str] = Counter()
    for one in work.graded:
        for name, answer in one.answers.items():
            answered[name] += answer.kind in (RIGHT, PARTLY, WRONG, ERROR)
            if answer.kind != RIGHT:
                for says in dict.fromkeys(answer.outcome.recognised):
                    who.setdefault((name, says), []).append(one.student)
    found = [
        Mistake(name, work.rules[name].title, says, tuple(students), len(students) / max(answered[name], 1), says in work.sentences.get(name, ()))
        for (name, says), students in who.items()
    ]
    order = list(work.rules)
    return sorted(found, key=lambda mistake: (-len(mistake.students), order.index(mistake.exercise), mistake.says))


def unnamed(work: ClassWork) -> dict[str, list[tuple[Work, Answer]]]:
    """The wrong answers that no mistake explains, by exercise; without trained models and written ones."""
    found: dict[str, list[tuple[Work, Answer]]] = {}
    for name, rules in work.rules.items():
        if not rules.written and not rules.loss:
            found[name] = [(one, one.answers[name]) for one in work.graded if name in one.answers and is_unnamed(one.answers[name])]
    return {name: answers for name, answers in found.items() if answers}
