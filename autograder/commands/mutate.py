"""``autograder mutate``: would the checks notice small changes of the reference that nobody has thought of, and say what is wrong?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.table import Column, Table

from autograder.changes.mutants import Mutant, draws_figures, mutants
from autograder.course.directory import CourseDirectory
from autograder.course.lecture import read_lecture
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import answer_key, author_job
from autograder.grading.cells import built_notebook, cells_of, code_of
from autograder.grading.secret import facts_for
from autograder.judge.answers import Catalogue, Key
from autograder.judge.judging import verdict_of
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner
from autograder.wall.facts import Facts
from autograder.wall.record import Record

SECRET = b"mutants"  # the same draws in every run: the numbers may be compared
EQUAL_DRAWS = 300  # on which an equivalent mutant equals the reference
ROUNDS = (10, 40, 60, 60, 60, 60, 10)  # draws of one run: most of what is wrong somewhere is so among the first ones
SECONDS, ROUND_SECONDS = 60.0, 5.0  # of the processor for the mutants of one exercise: of all, and in a round of those that are left
CAUGHT, TOLD = 0.99, 0.60  # of those that are not equivalent: what a course must reach
MORE = ("named", "told", "error")  # fates of which more is said than that something differs, without the catalogue
DIFFERS = re.compile(r"\bdiffer\b|is not the expected|only element differs|^This is (True|False);")  # said where nothing more is known


@dataclass(frozen=True)
class Found:
    """What became of one mutant."""

    mutant: Mutant
    line: int  # of the lecture file
    fate: str  # "named", "told", "catalogue", "error", "differs", "equivalent", "survived", "not run" (its time was up)
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        m = self.mutant
        return {"line": self.line, "change": m.kind, "before": m.before, "after": m.after, "fate": self.fate, "message": self.message}


@dataclass
class ExerciseMutants:
    """All mutants of one exercise."""

    exercise: str
    found: list[Found] = field(default_factory=list)

    def count(self, *fates: str) -> int:
        counted = Counter(found.fate for found in self.found)
        return sum(counted[fate] for fate in fates) if fates else len(self.found)


@dataclass
class LectureMutants:
    lecture: str
    exercises: list[ExerciseMutants]

    def count(self, *fates: str) -> int:
        return sum(exercise.count(*fates) for exercise in self.exercises)

    @property
    def changed(self) -> int:
        """Those that were run and are not equivalent."""
        return self.count() - self.count("equivalent", "not run")

    @property
    def caught(self) -> float:
        """The share of those that lose points."""
        return 1 - self.count("survived") / max(1, self.changed)

    @property
    def told(self) -> float:
        """The share of those of which more is said than that something differs."""
        return self.count(*MORE, "catalogue") / max(1, self.changed)

    @property
    def told_without(self) -> float:
        """The same without the catalogue, which is made of such mutants and knows them."""
        return self.count(*MORE) / max(1, self.changed)

    def to_json(self) -> dict[str, Any]:
        return {exercise.exercise: [found.to_json() for found in exercise.found] for exercise in self.exercises}


def mutate(course: CourseDirectory, lecture: str, runner: Runner, say: Callable[[str], None] = lambda text: None) -> LectureMutants:
    """Try the mutants of every answer of a lecture that is not trained and draws no figures: those take too long.

    Raises:
        UserError: the lecture is not built, or its reference does not run.
    """
    facts = facts_for(course, lecture, SECRET, course.course.seeds.hidden_draws)
    say("answers")
    keys = answer_key(course, lecture, runner, facts).keys
    notebook = built_notebook(course.source(lecture))
    sources = {cell.metadata.nbgrader.grade_id: cell.source for cell in code_of(notebook)}
    lines = {cell.exercise: cell.line for cell in read_lecture(course.solution(lecture), course.lecture(lecture)) if cell.role == "answer"}
    wanted = {name: mutants(sources[name + ANSWER]) for name in keys if name + ANSWER in sources and not facts.rules(name).loss}
    wanted = {name: found for name, found in wanted.items() if not draws_figures(sources[name + ANSWER])}
    say(f"{sum(map(len, wanted.values()))} mutants")
    records = _run(course, lecture, runner, facts, wanted, SECONDS)
    judged = {name: [_fate(record, facts, keys[name], course) for record in found] for name, found in records.items()}
    left = {name: [m for m, (fate, _) in zip(wanted[name], found) if fate == "survived"] for name, found in judged.items()}
    say(f"{sum(map(len, left.values()))} of them on {EQUAL_DRAWS} draws")
    wrong = _on_many_draws(course, lecture, runner, left)
    exercises = []
    for name, found in judged.items():
        report = ExerciseMutants(name)
        for mutant, (fate, message) in zip(wanted[name], found):
            fate = "equivalent" if fate == "survived" and mutant.source not in wrong else fate
            report.found.append(Found(mutant, lines[name] + mutant.line, fate, message))
        exercises.append(report)
    return LectureMutants(lecture, exercises)


def _run(
    course: CourseDirectory, lecture: str, runner: Runner, facts: Facts, wanted: Mapping[str, Sequence[Mutant]], seconds: float
) -> dict[str, list[Record | str]]:
    """What each mutant returns, or why it returns nothing."""
    notebook = built_notebook(course.source(lecture))
    cells = cells_of(notebook, course, lecture)
    for cell in cells:
        cell.locked = True
        trained = cell.fits or cell.exercise and facts.rules(cell.exercise).loss
        cell.known = "Not needed in this run." if trained else None
        if cell.exercise and wanted.get(cell.exercise):
            cell.many = {"sources": [mutant.source for mutant in wanted[cell.exercise]], "seconds": seconds, "sketch": False}
    job = author_job(course, lecture, notebook, cells, facts)
    more = 3 * len(wanted) * seconds
    job.limits |= {name: job.limits[name] + more for name in ("cell_seconds", "cell_cpu_seconds", "notebook_seconds", "notebook_cpu_seconds")}
    for cell in cells:
        cell.seconds = job.limits["cell_seconds"]
    result = runner.run(job)
    return {
        name: [result.forks.get((name, number), "not run") for number in range(len(found))] for name, found in wanted.items()
    }


def _fate(record: Record | str, facts: Facts, key: Key, course: CourseDirectory) -> tuple[str, str]:
    """What is said of what a mutant returned, in a word and as students read it."""
    if isinstance(record, str):
        return ("not run" if record == "not run" else "error"), record
    without = _verdict(record, facts, replace(key, catalogue=Catalogue()), course)
    if without.points >= without.max_points:
        return "survived", ""
    if without.recognised:
        return "named", without.message
    if without.status == "error":
        return "error", without.message
    if not all(DIFFERS.search(row.note) for row in without.rows if not row.right) or not DIFFERS.search(without.message):
        return "told", without.message
    verdict = _verdict(record, facts, key, course)
    return ("catalogue" if verdict.recognised else "differs"), verdict.message


def _verdict(record: Record, facts: Facts, key: Key, course: CourseDirectory) -> Verdict:
    return verdict_of(record, facts, key, course.read_names)


def _on_many_draws(course: CourseDirectory, lecture: str, runner: Runner, left: dict[str, list[Mutant]]) -> set[str]:
    """The sources of those that are not equal to the reference on all of many draws."""
    wrong: set[str] = set()
    left = {name: list(found) for name, found in left.items() if found}
    drawn = facts_for(course, lecture, SECRET + b" once more", EQUAL_DRAWS)
    reference = Mutant(0, "", "", "", "pass", "")
    for number, count in enumerate(ROUNDS):
        start = sum(ROUNDS[:number])
        seeds = {name: some[start : start + count] if name in left else some[:1] for name, some in drawn.seeds.items()}
        facts = replace(drawn, seeds=seeds)
        records = _run(course, lecture, runner, facts, {name: [reference, *found] for name, found in left.items()}, ROUND_SECONDS)
        for name, (expected, *found) in records.items():
            if not isinstance(expected, Record):
                continue
            for mutant, record in zip(left[name], found):
                if record == "not run":
                    continue  # the time is up: equal on those that were run
                if not isinstance(record, Record) or _verdict(record, facts, Key(expected), course).points < facts.rules(name).points:
                    wrong.add(mutant.source)
            left[name] = [mutant for mutant in left[name] if mutant.source not in wrong]
        left = {name: found for name, found in left.items() if found}
        if not left:
            break
    return wrong


def shortfalls(reports: list[LectureMutants]) -> list[str]:
    """What is not reached, over all lectures together."""
    every = LectureMutants("all", [exercise for report in reports for exercise in report.exercises])
    found = []
    for share, least, what in ((every.caught, CAUGHT, "lose points"), (every.told, TOLD, "are told more than that something differs")):
        if share < least:
            found.append(f"{100 * share:.1f} % of the mutants that are not equivalent {what}, {100 * least:.0f} % are asked for")
    return found


def surviving(course: CourseDirectory, reports: list[LectureMutants]) -> list[str]:
    """Where what no check notices stands, and what it is."""
    return [
        f"solutions/{course.solution(report.lecture).name}:{found.line}: {exercise.exercise}: {found.mutant.before} -> {found.mutant.after}"
        for report in reports
        for exercise in report.exercises
        for found in exercise.found
        if found.fate == "survived"
    ]


def mutants_table(reports: list[LectureMutants]) -> Table:
    """What became of the mutants of each exercise."""
    table = Table(Column("exercise", min_width=25, overflow="fold"), *COLUMNS, title="Small changes of the references", title_justify="left")
    for report in reports:
        for exercise in report.exercises:
            table.add_row(exercise.exercise, *_row(exercise))
        table.add_row(report.lecture, *_row(report), style="bold", end_section=True)
    if len(reports) > 1:
        every = LectureMutants("all", [exercise for report in reports for exercise in report.exercises])
        table.add_row("all", *_row(every), style="bold")
    return table


COLUMNS = ("mutants", "not run", "equivalent", "caught", "named", "told", "error", "catalogue", "differs", "survive")


def _row(counted: ExerciseMutants | LectureMutants) -> list[str]:
    told = [counted.count(fate) for fate in ("named", "told", "error", "catalogue", "differs")]
    return [str(number) for number in (counted.count(), counted.count("not run"), counted.count("equivalent"), sum(told), *told, counted.count("survived"))]


