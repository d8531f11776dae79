"""``autograder verify``: the checks prove themselves on the reference, the stub, and every known wrong and right answer."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.commands.build import build
from autograder.course.directory import CourseDirectory
from autograder.course.schema import Loss
from autograder.errors import UserError
from autograder.grading.cells import built_notebook
from autograder.grading.key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.judge.judging import verdict_of
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner
from autograder.wall.checkpoint import load
from autograder.wall.facts import EXPECTED, Facts
from autograder.wall.record import Record


@dataclass
class ExerciseReport:
    """What verify found out about one exercise; ``faults`` is empty if all is well."""

    exercise: str
    reference: Verdict
    stub: Verdict
    mistakes: int = 0
    named: int = 0
    variants: int = 0
    accepted: int = 0
    oracles: int = 0
    faults: list[str] = field(default_factory=list)


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


def verify(
    course: CourseDirectory,
    lecture: str,
    runner: Runner,
    train: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> LectureReport:
    """Verify one lecture against freshly drawn hidden seeds.

    Args:
        train: forget the trained weights and train every reference model from scratch.
        say: told what is being done.

    Raises:
        UserError: the lecture cannot be built, or its reference, an oracle, a mistake or a variant does not run.
    """
    if train:
        for path in course.weights(lecture).glob("*.safetensors"):
            path.unlink()
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        build(course, lecture, runner, Path(scratch), say)
        faults = out_of_date(course.released(lecture), Path(scratch) / lecture)
    facts = hidden_facts(course, lecture)
    say("answers for the hidden seeds")
    answers = answer_key(course, lecture, runner, facts, fresh=True)
    say("grading the reference and the stub")
    weights = {path.name: path.read_bytes() for path in course.weights(lecture).glob("*.safetensors")}
    reference = grade(built_notebook(course.source(lecture)), weights, course, lecture, answers, runner).verdicts
    stub = {}
    if (released := course.released(lecture) / f"{lecture}.ipynb").is_file():
        stub = grade(built_notebook(released), {}, course, lecture, answers, runner).verdicts
    extras = json.loads(course.extras(lecture).read_text())
    reports = []
    for name, key in answers.keys.items():
        if name not in reference or name not in stub:
            faults.append(
                f"{name}: its check is missing from the {'source' if name not in reference else 'stub'} notebook"
            )
            continue
        report = ExerciseReport(name, reference[name], stub[name])
        report.oracles = sum(extra["kind"] == "oracle" for extra in extras.get(name, []))
        if reference[name].status != "correct":
            report.faults.append(
                f"the reference gets {reference[name].points:g} of {reference[name].max_points:g} points: {reference[name].message}"
            )
        if stub[name].points or stub[name].status != "not attempted":
            report.faults.append(
                f"the stub is {stub[name].status} with {stub[name].points:g} points: {stub[name].message}"
            )
        for mistake in key.mistakes:
            verdict = _verdict(mistake.record, facts, answers, course)
            report.mistakes += 1
            if verdict.points >= verdict.max_points:
                report.faults.append(f"this mistake gets full marks: {mistake.says}")
            elif mistake.says not in verdict.recognised:
                report.faults.append(f"this mistake is not named but called {verdict.message!r}: {mistake.says}")
            else:
                report.named += 1
        for number, variant in enumerate(key.variants, 1):
            verdict = _verdict(variant, facts, answers, course)
            report.variants += 1
            if verdict.status == "correct":
                report.accepted += 1
            else:
                report.faults.append(
                    f"variant {number} gets {verdict.points:g} of {verdict.max_points:g} points: {verdict.message}"
                )
        reports.append(report)
    return LectureReport(
        lecture, reports, course.course.seeds.hidden_draws, trainings(course, lecture, reference), faults
    )


def trainings(course: CourseDirectory, lecture: str, reference: dict[str, Verdict]) -> list[Training]:
    """Loss and cost of the reference models, as their checkpoints tell."""
    found = []
    for name, rules in course.lecture(lecture).exercises.items():
        path = course.weights(lecture) / f"{name}.safetensors"
        if rules.loss and path.is_file() and reference[name].loss is not None:
            _, facts = load(path)
            found.append(
                Training(name, rules.loss, reference[name].loss, facts["steps"], facts.get("core_seconds", math.nan))
            )
    return found


def _verdict(record: Record, facts: Facts, answers: Any, course: CourseDirectory) -> Verdict:
    return verdict_of(record, facts, answers.keys[record.exercise], course.read_names)


def out_of_date(committed: Path, built: Path) -> list[str]:
    """What of a committed stub is not what the lecture file gives."""
    faults = []
    for path in sorted(built.iterdir()):
        other = committed / path.name
        if path.name == "names.txt":  # released with every assignment, but committed once, at the top
            continue
        if not other.is_file():
            faults.append(f"{other.parent.name}/{other.name} is missing: run `autograder build`")
        elif other.read_bytes() != path.read_bytes():
            said = "the public answers differ" if path.name == EXPECTED else "the stub differs from the lecture file"
            faults.append(f"{other.parent.name}/{other.name}: {said}: run `autograder build`")
    return faults


def lectures_of(course: CourseDirectory, wanted: list[str] | None) -> list[str]:
    """The lectures asked for, or all of them.

    Raises:
        UserError: one is not in ``course.yml``.
    """
    for name in wanted or ():
        course.lecture(name)
    found = list(wanted or course.course.lectures)
    if not found:
        raise UserError("course.yml has no lectures.")
    return found
