"""``autograder demo``: a made-up class through nbgrader, several submissions at a time, and every point compared with what is expected."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from rich.table import Table

from autograder.commands.build import build
from autograder.commands.demo_class import Submission, a_few_of, hand_in, make_class, make_course
from autograder.commands.stages import Stage, Stages
from autograder.course.directory import CourseDirectory, load_course
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.plugin.at_once import grade_class
from autograder.plugin.pages_at_once import write_pages
from autograder.runner import crew as crews
from autograder.runner.host import Runner
from autograder.runner.parallel import each_lecture


@dataclass
class Row:
    student: str
    expected: float
    given: float | None
    recognised: str
    faults: list[str]


@dataclass
class Outcome:
    rows: dict[str, list[Row]]
    faults: list[str]
    seconds: float
    places: dict[str, Path]


def run_demo(
    course: CourseDirectory, lectures: list[str] | None, folder: Path, stages: Stages, unsafe: bool = False, everyone: bool = False
) -> Outcome:
    """Make the class, grade it as ``autograder grade`` does, and compare.

    Args:
        everyone: each known mistake and each variant is handed in; else some of them.

    Raises:
        UserError: a lecture cannot be built, or an nbgrader command fails.
    """
    begun = time.monotonic()
    wanted = course.lectures(lectures)
    stage = stages.begin("building", len(wanted))

    def work(lecture: str, runner: Runner) -> list[Submission]:
        build(course, lecture, runner, say=lambda text: stage.say(lecture, text))
        stage.say(lecture, "answers for the hidden seeds")
        answers = answer_key(course, lecture, runner, hidden_facts(course, lecture))
        stage.advance(f"{lecture}: built")
        submissions = make_class(course, lecture, answers)
        return submissions if everyone else a_few_of(submissions)

    classes = dict(zip(wanted, each_lecture(wanted, work, unsafe)))
    stage.end("built")
    make_course(course, folder, wanted)
    stage = stages.begin("nbgrader generate_assignment", len(wanted))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for some in (wanted[:1], wanted[1:]):  # the first one makes the gradebook
            for _ in pool.map(lambda lecture: nbgrader(folder, "generate_assignment", lecture), some):
                stage.advance()
    for lecture in wanted:
        for submission in classes[lecture]:
            hand_in(course, folder, lecture, submission)
    failed = _grade(folder, wanted, sum(map(len, classes.values())), stages, unsafe)
    nbgrader(folder, "export")
    rows = {lecture: compare(course, folder, lecture, classes[lecture]) for lecture in wanted}
    faults = failed + [
        f"{lecture}: {row.student}: {fault}" for lecture, found in rows.items() for row in found for fault in row.faults
    ]
    first = classes[wanted[0]][2].student if len(classes[wanted[0]]) > 2 else classes[wanted[0]][0].student
    places = {
        "grades": folder / "grades.csv",
        "feedback, for example": folder / "feedback" / first / wanted[0] / f"{wanted[0]}.html",
        "gradebook": folder / "gradebook.db",
    }
    return Outcome(rows, faults, time.monotonic() - begun, places)


def _grade(folder: Path, lectures: list[str], total: int, stages: Stages, unsafe: bool) -> list[str]:
    """What ``autograder grade`` and ``autograder feedback`` do, with jails that are started once for all lectures; who failed, and why."""
    failed: list[str] = []
    course, jobs, before = load_course(folder / "course.yml"), os.cpu_count() or 1, os.getcwd()
    try:
        stage = stages.begin("grading", total)
        with crews.Crew(jobs, unsafe) as crew:
            for lecture in lectures:
                graded = grade_class(course, lecture, ["*"], crew, False, _nothing, partial(_done, stage, f"grading {lecture}"))
                failed += [f"{lecture}: {student}: {why}" for student, why in graded.failed.items()]
        stage = stages.begin("feedback", total)
        for lecture in lectures:
            written = write_pages(course, lecture, ["*"], jobs, False, _nothing, partial(_done, stage, f"feedback on {lecture}"))
            failed += [f"{lecture}: {student}: {why}" for student, why in written.failed.items()]
    finally:
        os.chdir(before)
    return failed


def _nothing(total: int) -> None:
    """How many there are of one lecture is known already."""


def _done(stage: Stage, text: str, what: object) -> None:
    stage.advance(text, news=False)


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run a plain nbgrader command in a course folder and return what it said.

    Raises:
        UserError: it failed; with its last words, and the file that holds them all.
    """
    process = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.returncode:
        said = folder / f"{'-'.join(('nbgrader', *arguments))}.log"
        said.write_text(process.stdout)
        last = "\n".join(process.stdout.splitlines()[-12:])
        raise UserError(f"`nbgrader {' '.join(arguments)}` failed in {folder}; all that it said stands in {said.name}:\n{last}")
    return process.stdout


def tables(outcome: Outcome) -> Iterator[Table]:
    """One for each lecture: what every submission was to be given, and was."""
    for lecture, rows in outcome.rows.items():
        table = Table("submission", "expected", "given", "recognised", title=lecture, title_justify="left")
        for row in rows:
            given = "none" if row.given is None else f"{row.given:g}"
            table.add_row(row.student, f"{row.expected:g}", given, row.recognised, style="red" if row.faults else "")
        yield table


def compare(course: CourseDirectory, folder: Path, lecture: str, submissions: list[Submission]) -> list[Row]:
    """Expected and given points, cell by cell, and whether each mistake was called by its own sentence."""
    rows = []
    with Gradebook(f"sqlite:///{folder}/gradebook.db", course.course.course) as gradebook:
        for submission in submissions:
            faults, given = [], None
            try:
                grades = {
                    g.name: g for g in gradebook.find_submission_notebook(lecture, lecture, submission.student).grades
                }
                given = sum(g.auto_score or 0.0 for g in grades.values())
                for name, points in submission.points.items():
                    got = grades[name].auto_score
                    if got is None or abs(got - points) > 1e-3:
                        faults.append(f"{name} was given {got}, expected {points:g}")
            except MissingEntry:
                faults.append("it is not in the gradebook")
            shown = shown_cards(folder / "autograded" / submission.student / lecture / f"{lecture}.ipynb")
            named = 0
            for name, sentence in submission.says.items():
                if _words(sentence) in shown.get(name, ""):
                    named += 1
                else:
                    faults.append(f"{name}: the feedback does not say {sentence!r} but {shown.get(name, 'nothing')!r}")
            feedback = folder / "feedback" / submission.student / lecture / f"{lecture}.html"
            if not feedback.is_file():
                faults.append("there is no feedback page")
            recognised = f"{named} of {len(submission.says)}" if submission.says else ""
            rows.append(Row(submission.student, sum(submission.points.values()), given, recognised, faults))
    return rows


def shown_cards(path: Path) -> dict[str, str]:
    """The words of every verdict in an autograded notebook, by exercise."""
    if not path.is_file():
        return {}
    shown = {}
    for cell in nbformat.read(path, as_version=4).cells:
        metadata = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and metadata.get("grade"):
            markup = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
            shown[metadata["grade_id"]] = _words(html.unescape(re.sub(r"<[^>]+>", " ", markup)))
    return shown


def _words(text: str) -> str:
    return " ".join(text.split())
