"""``autograder demo``: a made-up class through the real nbgrader, and every point compared with what is expected."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from rich.progress import Progress

from autograder.commands.build import build
from autograder.commands.verify import lectures_of
from autograder.course.directory import CourseDirectory
from autograder.course.lecture import BEGIN, END
from autograder.course.notebook import ANSWER
from autograder.errors import UserError
from autograder.grading.cells import built_notebook
from autograder.grading.key import answer_key
from autograder.grading.secret import SECRET_FILE, hidden_facts, secret
from autograder.judge.answers import Answers
from autograder.judge.judging import verdict_of
from autograder.runner.host import Runner
from autograder.runner.parallel import each_lecture

MIXED = 6  # submissions a lecture with some exercises right, some wrong, some untouched
POLL_SECONDS = 0.5


@dataclass
class Submission:
    """One made-up student: what each answer is, and what it must earn."""

    student: str
    answers: dict[str, str | None]  # exercise -> text of the answer cell; None leaves the stub
    points: dict[str, float]
    says: dict[str, str] = field(default_factory=dict)  # exercise -> the mistake's own sentence


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
    course: CourseDirectory, lectures: list[str] | None, folder: Path, progress: Progress, unsafe: bool = False
) -> Outcome:
    """Make the class, grade it with plain nbgrader commands, and compare.

    Raises:
        UserError: a lecture cannot be built, or an nbgrader command fails.
    """
    begun = time.monotonic()
    wanted = lectures_of(course, lectures)
    task = progress.add_task("building", total=len(wanted))

    def work(lecture: str, runner: Runner) -> list[Submission]:
        build(course, lecture, runner, say=lambda text: progress.update(task, description=f"{lecture}: {text}"))
        answers = answer_key(course, lecture, runner, hidden_facts(course, lecture))
        progress.advance(task)
        return make_class(course, lecture, answers)

    classes = dict(zip(wanted, each_lecture(wanted, work, unsafe)))
    progress.update(task, description="built")
    make_course(course, folder, wanted)
    task = progress.add_task("nbgrader generate_assignment", total=len(wanted))
    for some in (wanted[:1], wanted[1:]):  # the first one makes the gradebook
        _at_once(folder, "generate_assignment", some, folder / "release", progress, task)
    for lecture in wanted:
        for submission in classes[lecture]:
            hand_in(course, folder, lecture, submission)
    work_of = {name: len(classes[name]) * len(built_notebook(course.source(name)).cells) for name in wanted}
    longest_first = sorted(wanted, key=lambda name: -work_of[name])  # so that no core waits for the last lecture alone
    options = ["--SubmissionRunner.unsafe=True"] if unsafe else []
    for command, results in (("autograde", "autograded"), ("generate_feedback", "feedback")):
        more = options if command == "autograde" else []
        task = progress.add_task(f"nbgrader {command}", total=sum(map(len, classes.values())))
        _at_once(folder, command, longest_first, folder / results, progress, task, more)
    nbgrader(folder, "export")
    rows = {lecture: compare(course, folder, lecture, classes[lecture]) for lecture in wanted}
    faults = [
        f"{lecture}: {row.student}: {fault}" for lecture, found in rows.items() for row in found for fault in row.faults
    ]
    first = classes[wanted[0]][2].student if len(classes[wanted[0]]) > 2 else classes[wanted[0]][0].student
    places = {
        "grades": folder / "grades.csv",
        "feedback, for example": folder / "feedback" / first / wanted[0] / f"{wanted[0]}.html",
        "gradebook": folder / "gradebook.db",
    }
    return Outcome(rows, faults, time.monotonic() - begun, places)


def make_class(course: CourseDirectory, lecture: str, answers: Answers, mixed: int = MIXED) -> list[Submission]:
    """The reference, the stub, each mistake, each variant, and a few mixed submissions, with the points they must earn.

    Who hands in a mistake or a variant has done that exercise only: so a gap anywhere else must not matter.
    """
    rules = {name: r for name, r in course.lecture(lecture).exercises.items() if not r.written}
    solutions = solution_texts(course, lecture)
    full, nothing = {name: r.points for name, r in rules.items()}, dict.fromkeys(rules, 0.0)
    extras = json.loads(course.extras(lecture).read_text())
    facts = hidden_facts(course, lecture)
    found = [Submission("reference", dict(solutions), dict(full)), Submission("stub", {}, dict(nothing))]
    wrong: list[tuple[str, str, float, str]] = []
    for name in rules:
        mistakes = iter(answers.keys[name].mistakes)
        counts = {"mistake": 0, "variant": 0}
        for extra in extras.get(name, []):
            if extra["kind"] == "oracle":
                continue
            counts[extra["kind"]] += 1
            text = f"{solutions[name]}\n\n{extra['source']}"
            student = f"{extra['kind']}_{name}_{counts[extra['kind']]}"
            if extra["kind"] == "variant":
                found.append(Submission(student, {name: text}, {**nothing, name: full[name]}))
                continue
            points = verdict_of(next(mistakes).record, facts, answers.keys[name], course.read_names).points
            found.append(Submission(student, {name: text}, {**nothing, name: points}, {name: extra["says"]}))
            wrong.append((name, text, points, extra["says"]))
    chance = random.Random(0)
    for number in range(1, mixed + 1):
        some = Submission(f"mixed_{number}", {}, {})
        for name in rules:
            kind = chance.choice(("right", "wrong", "stub"))
            choices = [w for w in wrong if w[0] == name]
            if kind == "wrong" and choices:
                _, some.answers[name], some.points[name], some.says[name] = chance.choice(choices)
            else:
                some.answers[name] = None if kind == "stub" else solutions[name]
                some.points[name] = 0.0 if kind == "stub" else full[name]
        found.append(some)
    return found


def solution_texts(course: CourseDirectory, lecture: str) -> dict[str, str]:
    """The reference's answer cells as a student would have written them: without the markers."""
    texts = {}
    for cell in built_notebook(course.source(lecture)).cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name.endswith(ANSWER):
            lines = [line for line in cell.source.split("\n") if BEGIN not in line and END not in line]
            texts[name.removesuffix(ANSWER)] = "\n".join(lines)
    return texts


def make_course(course: CourseDirectory, folder: Path, lectures: list[str]) -> None:
    """A course folder with only ``nbgrader_config.py``, ``course.yml``, the names and the built files."""
    if folder.exists():
        if not (folder / "course.yml").is_file() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty and no demonstration course: name another --folder.")
        _make_writable(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name in ("course.yml", "nbgrader_config.py", course.course.data.names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(course.root / name, folder / name)
    hidden = folder / SECRET_FILE  # the same hidden seeds, so that the expected points are those of the same draws
    hidden.touch(mode=0o600)
    hidden.write_bytes(secret(course))
    for lecture in lectures:
        shutil.copytree(course.source(lecture).parent, folder / "build" / "source" / lecture)
        (folder / "build" / "extras").mkdir(exist_ok=True)
        shutil.copyfile(course.extras(lecture), folder / "build" / "extras" / f"{lecture}.json")
        for path in course.weights(lecture).glob("*.safetensors"):
            target = folder / "build" / "weights" / lecture
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)
    for path in (course.build / "answers").glob("*.safetensors"):  # the same content has the same answers
        (folder / "build" / "answers").mkdir(exist_ok=True)
        shutil.copyfile(path, folder / "build" / "answers" / path.name)


def _make_writable(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def hand_in(course: CourseDirectory, folder: Path, lecture: str, submission: Submission) -> Path:
    """Fill the released stub as this student would, and put it where ``nbgrader collect`` would."""
    notebook = nbformat.read(folder / "release" / lecture / f"{lecture}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix(ANSWER)
        if (
            cell.metadata.get("nbgrader", {}).get("solution")
            and cell.cell_type == "code"
            and submission.answers.get(name)
        ):
            cell.source = submission.answers[name]
    target = folder / "submitted" / submission.student / lecture
    target.mkdir(parents=True)
    nbformat.write(notebook, target / f"{lecture}.ipynb")
    for path in course.weights(lecture).glob("*.safetensors"):
        if submission.answers.get(path.stem):
            shutil.copyfile(path, target / path.name)
    return target


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run a plain nbgrader command in a course folder and return what it said.

    Raises:
        UserError: it failed; with its last words.
    """
    process = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.returncode:
        last = "\n".join(process.stdout.splitlines()[-12:])
        raise UserError(f"`nbgrader {' '.join(arguments)}` failed in {folder}:\n{last}")
    return process.stdout


def _at_once(
    folder: Path, command: str, lectures: list[str], results: Path, progress: Progress, task: Any, options: Any = ()
) -> None:
    """One nbgrader command for several lectures, as many at a time as there are cores; shows what has been written."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        futures = [pool.submit(nbgrader, folder, command, lecture, *options) for lecture in lectures]
        while wait(futures, timeout=POLL_SECONDS).not_done:
            progress.update(task, completed=_written(results))
        progress.update(task, completed=_written(results))
        for future in futures:
            future.result()


def _written(folder: Path) -> int:
    return sum(path.suffix in (".ipynb", ".html") for path in folder.rglob("*"))


def compare(course: CourseDirectory, folder: Path, lecture: str, submissions: list[Submission]) -> list[Row]:
    """Expected and given points, cell by cell, and whether each mistake was called by its own sentence."""
    from nbgrader.api import Gradebook, MissingEntry

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
    import html

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
