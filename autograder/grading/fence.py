"""Exercises that forbid names: who uses them is told so, and the points are for a run in which nobody else's use could help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from autograder.course.schema import Exercise
from autograder.judge.forbidden import Notebook, importable
from autograder.judge.verdict import Verdict, refuse
from autograder.runner.host import Runner
from autograder.runner.job import Job, Result

ALONE = (
    "(The points are for a run without those statements of yours that use what this exercise forbids, such as {first}.)"
)


@dataclass(frozen=True)
class Place:
    """Where an exercise stands among a notebook's code cells."""

    exercise: str
    check: int
    answer: int | None
    fit: int | None

    @property
    def asking(self) -> list[int]:
        return [self.check] if self.fit is None else [self.fit, self.check]


class Fence:
    """Of one submission; its cells are read, and run once more, only if an exercise asks for it."""

    def __init__(self, job: Job, runner: Runner) -> None:
        self.job, self.runner = job, runner
        self.read: Notebook | None = None
        self.runs: dict[tuple[str, ...], tuple[Result | None, list[int]]] = {}

    def verdict(
        self, place: Place, rules: Exercise, result: Result, judge: Callable[..., Verdict], remarks: list[str]
    ) -> Verdict:
        """The verdict on one exercise.

        Args:
            result: of the notebook as it was handed in.
            judge: from a run to a verdict.
            remarks: takes what the instructor should know.
        """
        if self.read is None:
            self.read = Notebook([cell.source for cell in self.job.cells], importable(self.job.files))
        if rules.forbid not in self.runs:
            self.runs[rules.forbid] = self._alone(self.read, rules.forbid, result)
        alone, aside = self.runs[rules.forbid]
        if used := self.read.refusal(rules.forbid, place.asking):
            return refuse(place.exercise, rules, used, "wrong")
        if alone is None:
            return judge(result, remarks=remarks)
        verdict = judge(alone, remarks=remarks)
        if aside and verdict.points < judge(result).points:
            first = self.read.blamed(rules.forbid, place.asking, aside)
            return replace(verdict, message=f"{verdict.message} {ALONE.format(first=first)}".strip())
        return verdict

    def _alone(self, notebook: Notebook, forbid: tuple[str, ...], result: Result) -> tuple[Result | None, list[int]]:
        """A run of what was read, without what the answer may not need; ``None`` if that is the notebook as it is.

        A cell that ended the process in the first run is left out of this one too.
        """
        kept = {number for number, cell in enumerate(self.job.cells) if cell.locked}
        texts, aside = notebook.without(forbid, kept)
        cells = [
            cell if text == cell.source else replace(cell, source=text, goes_on=True)
            for cell, text in zip(self.job.cells, texts)
        ]
        if cells == self.job.cells:
            return None, []
        cells = [replace(cell, known=ran.ended) if ran.fatal else cell for cell, ran in zip(cells, result.cells)]
        return self.runner.run(replace(self.job, cells=cells)), aside
