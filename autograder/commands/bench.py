"""``autograder bench``: what something costs, measured on this machine, in one run, with and without it by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rich.table import Table

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.runner.host import Runner


@dataclass(frozen=True)
class Paired:
    """Seconds of the same work with and without something, round by round."""

    lecture: str
    having: list[float]
    lacking: list[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.having, self.lacking)]

    @property
    def ratio(self) -> float:
        """The median of the rounds: neighbours in time, so that a busy machine weighs on both."""
        return statistics.median(self.ratios)

    @property
    def middle_half(self) -> tuple[float, float]:
        """Between which two ratios the middle half of the rounds lies."""
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True)
class JailCost:
    lectures: list[Paired]
    starts: Paired  # of the warm process, once a command

    @property
    def pairs(self) -> list[float]:
        """The ratios of all rounds of all lectures."""
        return [ratio for paired in self.lectures for ratio in paired.ratios]


def jail_cost(
    course: CourseDirectory, lectures: list[str], rounds: int, advance: Callable[[str], None] = lambda _: None
) -> JailCost:
    """The time to grade each lecture's reference in the jail and without it.

    Args:
        rounds: how many times each is graded, at least two; every other round begins with the jail.
        advance: told what is measured, before each round.

    Raises:
        UserError: a lecture is not built, its reference does not get all points, or there is no jail here.
    """
    starts: list[tuple[float, float]] = []
    with Runner() as jailed, Runner(unsafe=True) as bare:
        for runner in (jailed, bare):
            starts.append((_start(runner, course), _start(runner, course)))
        found = [_one_lecture(course, lecture, rounds, jailed, bare, advance) for lecture in lectures]
    return JailCost(found, Paired("start", list(starts[0]), list(starts[1])))


def _start(runner: Runner, course: CourseDirectory) -> float:
    runner.close()
    return _seconds(lambda: runner.ready(course.course.limits.disk_mb))


def _one_lecture(
    course: CourseDirectory, lecture: str, rounds: int, jailed: Runner, bare: Runner, advance: Callable[[str], None]
) -> Paired:
    answers = answer_key(course, lecture, jailed, hidden_facts(course, lecture))
    notebook = built_notebook(course.source(lecture))
    files = {path.name: path.read_bytes() for path in course.weights(lecture).glob("*.safetensors")}

    def once(runner: Runner) -> None:
        verdicts = grade(notebook, files, course, lecture, answers, runner).verdicts
        if wrong := [v.exercise for v in verdicts.values() if v.status != "correct"]:
            raise UserError(f"{lecture}: the reference does not get all points for {', '.join(wrong)}: autograder verify {lecture}")

    for runner in (jailed, bare):
        once(runner)  # caches fill up
    having: list[float] = []
    lacking: list[float] = []
    for number in range(rounds):
        advance(lecture)
        for runner in (jailed, bare) if number % 2 == 0 else (bare, jailed):
            (having if runner is jailed else lacking).append(_seconds(partial(once, runner)))
    return Paired(lecture, having, lacking)


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def cost_table(cost: JailCost) -> Table:
    """Medians, ratios, and how far the rounds lie apart."""
    table = Table("grading one submission", "in the jail", "without", "ratio", "middle half of the rounds")
    for paired in (*cost.lectures, cost.starts):
        low, high = paired.middle_half
        times = [f"{1000 * statistics.median(side):.0f} ms" for side in (paired.having, paired.lacking)]
        table.add_row(paired.lecture, *times, f"{paired.ratio:.3f}", f"{low:.3f} to {high:.3f}")
    return table
