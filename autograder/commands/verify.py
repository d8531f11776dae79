"""``autograder verify``: the checks prove themselves on the reference, the stub, and every known wrong and right answer."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from autograder.commands.build import another_machine, build, write_sources
from autograder.commands.faults import Prover, answers_elsewhere
from autograder.commands.parity import differences
from autograder.course.cells import LectureCell
from autograder.course.directory import EXPECTED, CourseDirectory
from autograder.course.lecture import read_lecture
from autograder.course.schema import Loss
from autograder.course.text import did_you_mean
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key, compute_answers
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts, public_facts
from autograder.grading.submission import grade
from autograder.judge.answers import Key
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner
from autograder.wall.checkpoint import load

NO_MISTAKE = "nothing shows that its check catches a wrong answer: add a mistake"
NO_OTHER = "nothing but the reference itself says that the reference is right: add a variant or an oracle"
HINT = "<summary>Hint"
NO_HINT = "it has no hint"


@dataclass
class ExerciseReport:
    """What verify found out about one exercise; ``faults`` is empty if all is well."""

    exercise: str
    reference: Verdict
    stub: Verdict | None  # nothing where only the answers of the lecture file were looked at
    compared: int = 0
    same: int = 0  # verdicts that a student's own check gives as grading does
    mistakes: int = 0
    named: int = 0
    variants: int = 0
    accepted: int = 0
    oracles: int = 0
    faults: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)  # what nothing shows, for an author to add


@dataclass(frozen=True)
class Training:
    """What the training of one reference model reached, and at what cost."""

    exercise: str
    rules: Loss
    loss: float
    steps: int
    core_seconds: float


@dataclass
class LectureReport:
    lecture: str
    exercises: list[ExerciseReport]
    draws: int
    trainings: list[Training]
    faults: list[str] = field(default_factory=list)

    @property
    def all_faults(self) -> list[str]:
        return self.faults + [f"{e.exercise}: {fault}" for e in self.exercises for fault in e.faults]

    @property
    def notes(self) -> list[str]:
        return [f"{e.exercise}: {note}" for e in self.exercises for note in e.unproved]


def verify(
    course: CourseDirectory,
    lecture: str,
    runner: Runner,
    train: bool = False,
    own_check: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> LectureReport:
    """Verify one lecture against freshly drawn hidden seeds.

    Args:
        train: forget the trained weights and train every reference model from scratch.
        own_check: also compare with what a student's own check says, in a Jupyter kernel.
        say: told what is being done.

    Raises:
        UserError: the lecture cannot be built, or its reference, an oracle, a mistake or a variant does not run.
    """
    if train:
        for path in course.weights(lecture).glob("*.safetensors"):
            path.unlink()
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        build(course, lecture, runner, Path(scratch), say)
        return prove(course, lecture, runner, Path(scratch), own_check, say)


def prove(
    course: CourseDirectory,
    lecture: str,
    runner: Runner,
    built: Path,
    own_check: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> LectureReport:
    """``verify`` for a lecture that has just been built into a folder."""
    faults = out_of_date(course.released(lecture), built / lecture)
    cells = read_lecture(course.solution(lecture), course.lecture(lecture))
    lines, hinted = lines_of(cells), with_hints(cells)
    facts, public = hidden_facts(course, lecture), answer_key(course, lecture, runner, public_facts(course, lecture))
    say("answers for the hidden seeds")
    answers = answer_key(course, lecture, runner, facts, fresh=True)
    say("grading the reference and the stub")
    weights = {path.name: path.read_bytes() for path in course.weights(lecture).glob("*.safetensors")}
    reference = grade(built_notebook(course.source(lecture)), weights, course, lecture, answers, runner).verdicts
    released = course.released(lecture) / f"{lecture}.ipynb"
    if not released.is_file():  # that it is missing has been said; a new lecture has none yet
        released = built / lecture / released.name
    stub = grade(built_notebook(released), {}, course, lecture, answers, runner).verdicts
    say("the probes with other random numbers around them")
    with another_machine(course, runner) as other:
        elsewhere = answers_elsewhere(course, lecture, facts, other)
    prover = Prover(course, lecture, facts, answers, public, lines)
    own: dict[str, tuple[int, list[str]]] = {}
    if own_check:
        say("a student's own check beside grading")
        own = differences(course, lecture, runner, built)
    extras = json.loads(course.extras(lecture).read_text())
    reports = []
    for name, key in answers.keys.items():
        if name not in reference or name not in stub:
            faults.append(
                f"{name}: its check is missing from the {'source' if name not in reference else 'stub'} notebook"
            )
            continue
        compared, different = own.get(name, (0, []))
        report = ExerciseReport(name, reference[name], stub[name], compared=compared, same=compared - len(different), faults=different)
        report.unproved += [] if name in hinted else [NO_HINT]
        if own_check and not compared:
            report.faults.append("a student's own check of it was not tried: its check is missing from the source notebook")
        report.faults += prover.of_the_probe(name, elsewhere)
        if reference[name].status != "correct":
            report.faults.append(
                f"the reference gets {reference[name].points:g} of {reference[name].max_points:g} points: {reference[name].message}"
            )
        if stub[name].points or stub[name].status != "not attempted":
            why = stub[name].message or "what stands outside of BEGIN and END answers it already, or the probe does not return what the answer returns"
            report.faults.append(f"the stub is {stub[name].status} with {stub[name].points:g} points: {why}")
        _extras(report, prover, key, extras.get(name, []))
        reports.append(report)
    return LectureReport(
        lecture, reports, course.course.seeds.hidden_draws, trainings(course, lecture, reference), faults
    )


def prove_one(
    course: CourseDirectory,
    lecture: str,
    exercise: str,
    runner: Runner,
    say: Callable[[str], None] = lambda text: None,
    other: Runner | None = None,
) -> LectureReport:
    """What ``verify`` says of one exercise's check, mistakes, variants and oracles: in a few runs of the lecture, and without its stub.

    Args:
        other: that rounds another way; one is made for it unless there is one.

    Raises:
        UserError: the lecture has no such exercise, or what stands in its file does not run.
    """
    known = [name for name, rules in course.lecture(lecture).exercises.items() if not rules.written]
    if exercise not in known:
        read_lecture(course.solution(lecture), course.lecture(lecture))  # it names what has no entry in course.yml, with its line
        raise UserError(f"{lecture} has no exercise {exercise!r} with a check.{did_you_mean(exercise, known)}")
    write_sources(course, lecture)
    cells = read_lecture(course.solution(lecture), course.lecture(lecture))
    extras = json.loads(course.extras(lecture).read_text()).get(exercise, [])
    hidden, notebook = hidden_facts(course, lecture), built_notebook(course.source(lecture))
    say("answers for the public seeds")
    public = compute_answers(course, lecture, notebook, {exercise: extras}, public_facts(course, lecture), runner)
    say("answers for the hidden seeds")
    asked = [extra for extra in extras if extra["kind"] != "oracle"]
    answers = compute_answers(course, lecture, notebook, {exercise: asked}, hidden, runner)
    key = answers.keys[exercise]
    prover = Prover(course, lecture, hidden, answers, public, lines_of(cells))
    report = ExerciseReport(exercise, prover.verdict(key.reference), None, unproved=[] if exercise in with_hints(cells) else [NO_HINT])
    if not hidden.rules(exercise).loss:
        say("the probe with other random numbers around it")
        with contextlib.nullcontext(other) if other else another_machine(course, runner) as other:
            report.faults += prover.of_the_probe(exercise, answers_elsewhere(course, lecture, hidden, other, exercise))
    _extras(report, prover, key, extras)
    return LectureReport(lecture, [report], course.course.seeds.hidden_draws, [])


def lines_of(cells: list[LectureCell]) -> dict[tuple[str, str], int]:
    """Where a cell of an exercise stands in the lecture file, by its role and the exercise."""
    return {(cell.role, cell.exercise): cell.line for cell in cells}


def with_hints(cells: list[LectureCell]) -> set[str]:
    """The exercises whose task has a hint to unfold."""
    return {cell.exercise for cell in cells if cell.role == "exercise" and HINT in cell.source}


def _extras(report: ExerciseReport, prover: Prover, key: Key, extras: list[dict[str, Any]]) -> None:
    """Count an exercise's mistakes, variants and oracles, and say which of them are not as they should be."""
    mistakes, variants, oracles = ([extra for extra in extras if extra["kind"] == kind] for kind in ("mistake", "variant", "oracle"))
    report.oracles = len(oracles)
    report.unproved += [] if mistakes or prover.facts.rules(report.exercise).loss else [NO_MISTAKE]
    report.unproved += [] if variants or oracles else [NO_OTHER]
    for extra, mistake, seen in zip(mistakes, key.mistakes, prover.public.keys[report.exercise].mistakes, strict=True):
        found = prover.of_a_mistake(extra, mistake, seen)
        report.mistakes += 1
        report.named += not found
        report.faults += found
    for number, (extra, variant) in enumerate(zip(variants, key.variants, strict=True), 1):
        found = prover.of_a_variant(number, extra, variant)
        report.variants += 1
        report.accepted += not found
        report.faults += found


def trainings(course: CourseDirectory, lecture: str, reference: dict[str, Verdict]) -> list[Training]:
    """Loss and cost of the reference models, as their checkpoints tell."""
    found = []
    for name, rules in course.lecture(lecture).exercises.items():
        path = course.weights(lecture) / f"{name}.safetensors"
        if rules.loss and path.is_file() and (reached := reference[name].loss) is not None:
            facts = load(path).facts
            found.append(Training(name, rules.loss, reached, facts["steps"], facts.get("core_seconds", math.nan)))
    return found


def out_of_date(committed: Path, built: Path) -> list[str]:
    """What of a committed stub is not what the lecture file gives."""
    faults, again = [], f"run `autograder build {built.name}`"
    for path in sorted(built.iterdir()):
        other = committed / path.name
        where = f"{committed.parent.name}/{committed.name}/{path.name}"
        if path.name == "names.txt":  # released with every assignment, but committed once, at the top
            continue
        if not other.is_file():
            faults.append(f"{where} is missing: {again}")
        elif other.read_bytes() != path.read_bytes():
            said = "the public answers differ" if path.name == EXPECTED else "the stub differs from the lecture file"
            faults.append(f"{where}: {said}: {again}")
    return faults


def report_table(report: LectureReport) -> Table:
    """What was found out about each exercise of a lecture."""
    columns = ("exercise", "reference", "stub", "mistakes named", "variants accepted", "own check = grade", "oracles")
    table = Table(*columns, title=report.lecture, title_justify="left")
    for e in report.exercises:
        table.add_row(
            e.exercise,
            f"{100 * e.reference.points / e.reference.max_points:.0f} %",
            f"{e.stub.points:g}, {e.stub.status}" if e.stub else "",
            f"{e.named} of {e.mistakes}",
            f"{e.accepted} of {e.variants}",
            f"{e.same} of {e.compared}" if e.stub else "",
            str(e.oracles),
            style="red" if e.faults else "",
        )
    return table


def training_table(trainings: list[Training]) -> Table:
    """What the reference models reached and cost, beside what the notes of the course reached."""
    table = Table(
        "model", "loss", "of the notes", "steps", "core seconds", "of the notes' recipe", title_justify="left"
    )
    table.title = "Reference models, trained from scratch"
    for t in trainings:
        notes = t.rules.notes
        table.add_row(
            t.exercise,
            f"{t.rules.split} {t.loss:.4f}",
            f"{notes.loss:.4f}" if notes else "",
            f"{t.steps:,}",
            f"{t.core_seconds:.1f}",
            f"{notes.seconds:g} s, {notes.steps:,} steps" if notes and notes.seconds and notes.steps else "",
        )
    table.add_row("all", "", "", "", f"{sum(t.core_seconds for t in trainings):.1f}", "", style="bold")
    return table
