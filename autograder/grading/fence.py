"""Exercises that forbid names: who uses them is told so, and the points are for a run in which nobody else's use could help.

The fence are the names.  Where they mean autograd, a wall stands behind it: in the run that counts, torch differentiates nothing.  Of a
notebook in which nothing asks for a gradient that is the only run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from autograder.course.schema import Exercise
from autograder.judge.answers import identical
from autograder.judge.forbidden import importable
from autograder.judge.verdict import Verdict, refuse
from autograder.runner.job import Cell, CellResult, Job, Result
from autograder.runner.limits import for_another_run
from autograder.runner.reading import Asked, Read
from autograder.runner.runs import Runs

ALONE = "(The points are for a run {how}, and there your answer gives something else.)"
WITHOUT = "without those statements of yours that use what this exercise forbids, such as {first}"
WALL = "in which torch differentiates nothing"
AUTOGRAD = {"backward", "autograd"}  # who forbids one of them means all ways to it
NOT_NEEDED = "Not needed in this run."
ASKS = re.compile(  # what asks for gradients, shows that there could be some, or makes what has them; as code, not as a word of a comment
    r"\.\s*(?:grad|backward|autograd|func|optim|is_leaf|\w*grad_fn|retains?_grad)\b|requires_grad|\b(?:autograd|functorch|func|optim|distributions)\b"
    r"|\bnn\b(?!\s*\.\s*functional\b)|\b(?:enable_grad|set_grad_enabled|inference_mode|grad_and_value|linearize|jacrev|jacfwd|vjp|jvp|hvp|vhp|jacobian|hessian)\b"
)
MOST_READ = 500_000  # characters of a student's own; with more, both runs are made
FINDS = re.compile(  # what could find any of these by another name
    r"attr|override|methodcaller|import(?:lib|_module)|torch\._|^[ \t]*(?:%(?!matplotlib\b|time\b)|!)"
    r"|\b(?:eval|exec|compile|globals|locals|vars|dir|inspect|gc|ctypes|pickle|load|Timer|runpy)\b"
    r"|__(?!init__|call__|name__|repr__|len__|iter__|getitem__|future__)\w+__",
    re.MULTILINE,
)


def has_use_for_autograd(cells: Iterable[Cell], beside: dict[str, str | None]) -> bool:
    """Whether a notebook could run otherwise where torch differentiates nothing.

    Where this says no by mistake, no point is won; what is lost is the student's own way round the fence, or a gradient that was asked for elsewhere.

    Args:
        cells: with the course's own ones, whose authors hide nothing.
        beside: files beside the notebook that Python could import, by module; the text of those in Python, else ``None``.
    """
    own = [*(cell.source for cell in cells if not cell.given), *beside.values()]
    if None in own or any(ASKS.search(cell.source) for cell in cells if cell.given):
        return True
    if sum(len(text or "") for text in own) > MOST_READ:
        return True
    texts = (_as_python_reads(text or "") for text in own)
    return any(ASKS.search(text) or FINDS.search(text) for text in texts)


def _as_python_reads(text: str) -> str:
    """Each letter as in a name; one by one, since the order of many accents takes the square of their number."""
    return text.translate({ord(letter): unicodedata.normalize("NFKC", letter) for letter in set(text) if letter > "\x7f"})


@dataclass(frozen=True)
class Place:
    """Where an exercise stands among a notebook's code cells."""

    exercise: str
    check: int
    answer: int | None
    fit: int | None
    as_released: bool | None = None  # whether nothing was changed in the answer; not known where its cell is not there

    @property
    def asking(self) -> list[int]:
        return [self.check] if self.fit is None else [self.fit, self.check]


class Fence:
    """Of one submission; its cells are read, and run once more, only if an exercise asks for it.

    Args:
        asked: where each exercise that forbids names stands, and its rules.
    """

    def __init__(self, job: Job, runner: Runs, asked: list[tuple[Place, Exercise]]) -> None:
        self.job, self.runner = job, runner
        self.found: dict[str, Read] = {}
        if asked:
            kept = {number for number, cell in enumerate(job.cells) if cell.locked}
            wanted = [Asked(rules.forbid, tuple(place.asking)) for place, rules in asked]
            found = runner.names.read([cell.source for cell in job.cells], importable(job.files), kept, wanted)
            self.found = {place.exercise: read for (place, _), read in zip(asked, found, strict=True)}
        self.runs: dict[str, Result] = {}

    def verdict(
        self, place: Place, rules: Exercise, result: Result, judge: Callable[..., Verdict], remarks: list[str]
    ) -> Verdict:
        """The verdict on one exercise.

        Args:
            result: of the notebook as it was handed in.
            judge: from a run to a verdict.
            remarks: takes what the instructor should know.
        """
        read = self.found[place.exercise]
        if read.refused:
            return refuse(place.exercise, rules, read.refused, "wrong")
        heard: list[str] = []
        first = judge(result, remarks=heard)
        alone = self._alone(read, rules, result) if first.points else None
        if alone is None:
            remarks += heard
            return first
        if _says_the_same(result, alone, place.exercise):
            remarks += heard
            return first
        verdict = judge(alone, remarks=remarks)
        if verdict.points < first.points:
            how = [] if AUTOGRAD.isdisjoint(rules.forbid) else [WALL]
            how += [WITHOUT.format(first=read.blame)] if read.aside else []
            return replace(verdict, message=f"{verdict.message} {ALONE.format(how=', and '.join(how))}".strip())
        return verdict

    def _alone(self, read: Read, rules: Exercise, result: Result) -> Result | None:
        """A run of what was read, without what the answer may not need; ``None`` if that is the notebook as it ran.

        A cell that ended the process in the first run is left out of this one too, and so are the checks that are not asked here.
        """
        texts = [read.changed.get(str(number), cell.source) for number, cell in enumerate(self.job.cells)]
        autograd = AUTOGRAD.isdisjoint(rules.forbid) and self.job.autograd
        if autograd is self.job.autograd and texts == [cell.source for cell in self.job.cells]:
            return None
        key = "\0".join([str(autograd), *texts])
        if key not in self.runs:
            cells = [
                replace(cell, source=text, known=ran.ended if ran.fatal else None, goes_on=text != cell.source or not (autograd or _stopped(ran)))
                for cell, text, ran in zip(self.job.cells, texts, result.cells)
            ]
            cells = [cell if (cell.exercise or cell.fits) in (None, *self.found) else replace(cell, known=NOT_NEEDED) for cell in cells]
            limits = for_another_run(self.job.limits, result.seconds, result.cpu_seconds)
            self.runs[key] = self.runner.run(replace(self.job, cells=cells, limits=limits, autograd=autograd, pictures=False))
        return self.runs[key]


def _says_the_same(one: Result, other: Result, exercise: str) -> bool:
    """Whether two runs handed over the same record, so that one verdict is the other's, too."""
    a, b = one.records.get(exercise), other.records.get(exercise)
    if a is None or b is None or exercise in one.refused or exercise in other.refused or a.facts != b.facts or len(a.draws) != len(b.draws):
        return False
    pairs = list(zip(a.draws, b.draws))
    if any(x.failure or y.failure or x.values.keys() != y.values.keys() for x, y in pairs):
        return False
    return all(identical(value, y.values[name]) for x, y in pairs for name, value in x.values.items())


def _stopped(ran: CellResult) -> bool:
    """Whether a cell ended in an error of its own: then it ends there in another run, too, and not behind what that run has made fail."""
    return any(output["output_type"] == "error" for output in ran.outputs)
