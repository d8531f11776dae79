"""A made-up class of known points: the reference, the stub, every mistake and variant, and a few mixed; and the course it hands in to."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.course.cells import BEGIN, END
from autograder.course.directory import CourseDirectory
from autograder.course.marking import marking_file
from autograder.course.notebook import ANSWER
from autograder.errors import UserError
from autograder.grading.cells import built_notebook
from autograder.grading.secret import SECRET_FILE, hidden_facts, secret
from autograder.judge.answers import Answers
from autograder.judge.judging import verdict_of

MIXED = 6  # submissions a lecture with some exercises right, some wrong, some untouched
FEW = {"mistake": 4, "mistakes": 5, "variant": 2, "variants": 2}  # of a lecture's submissions of each kind, for whoever wants to see the class soon


@dataclass
class Submission:
    """One made-up student: what each answer is, and what it must earn."""

    student: str
    answers: dict[str, str | None]  # exercise -> text of the answer cell; None leaves the stub
    points: dict[str, float]
    says: dict[str, str] = field(default_factory=dict)  # exercise -> the mistake's own sentence


def make_class(course: CourseDirectory, lecture: str, answers: Answers, mixed: int = MIXED) -> list[Submission]:
    """The reference, the stub, every mistake and every variant, and a few mixed submissions, with the points they must earn.

    Who hands in an exercise's first mistake or variant has done that exercise only: so a gap anywhere else must not matter. The second
    mistakes of all exercises are one student's, and so are the third ones, and so on: an exercise stands alone also among wrong ones.
    """
    rules = {name: r for name, r in course.lecture(lecture).exercises.items() if not r.written}
    solutions = solution_texts(course, lecture)
    full, nothing = {name: r.points for name, r in rules.items()}, dict.fromkeys(rules, 0.0)
    extras = json.loads(course.extras(lecture).read_text())
    facts = hidden_facts(course, lecture)
    found = {"reference": Submission("reference", dict(solutions), dict(full)), "stub": Submission("stub", {}, dict(nothing))}
    wrong: list[tuple[str, str, float, str]] = []
    for name in rules:
        mistakes = iter(answers.keys[name].mistakes)
        counts = {"mistake": 0, "variant": 0}
        for extra in extras.get(name, []):
            kind = extra["kind"]
            if kind == "oracle":
                continue
            counts[kind] += 1
            text = f"{solutions[name]}\n\n{extra['source']}"
            student = f"{kind}_{name}_1" if counts[kind] == 1 else f"{kind}s_{counts[kind]}"
            some = found.setdefault(student, Submission(student, {}, dict(nothing)))
            some.answers[name] = text
            if kind == "variant":
                some.points[name] = full[name]
                continue
            some.points[name] = verdict_of(next(mistakes).record, facts, answers.keys[name], course.read_names).points
            some.says[name] = extra["says"]
            wrong.append((name, text, some.points[name], extra["says"]))
    chance = random.Random(0)
    for number in range(1, mixed + 1):
        some = Submission(f"mixed_{number}", {}, {})  # of each exercise right, wrong or untouched
        for name in rules:
            kind = chance.choice(("right", "wrong", "stub"))
            choices = [w for w in wrong if w[0] == name]
            if kind == "wrong" and choices:
                _, some.answers[name], some.points[name], some.says[name] = chance.choice(choices)
            else:
                some.answers[name] = None if kind == "stub" else solutions[name]
                some.points[name] = 0.0 if kind == "stub" else full[name]
        found[some.student] = some
    return list(found.values())


def a_few_of(submissions: list[Submission]) -> list[Submission]:
    """Of a lecture's class about twenty: the reference, the stub, the mixed ones, and some of each other kind from its beginning to its end."""
    kinds: dict[str, list[Submission]] = {}
    for submission in submissions:
        kinds.setdefault(submission.student.split("_")[0], []).append(submission)
    chosen = set()
    for kind, found in kinds.items():
        count = min(FEW.get(kind, len(found)), len(found))
        chosen |= {found[number * len(found) // count].student for number in range(count)}
    return [submission for submission in submissions if submission.student in chosen]


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
        if (marked := marking_file(course, lecture)).is_file():
            (folder / "build" / "marking").mkdir(exist_ok=True)
            shutil.copyfile(marked, folder / "build" / "marking" / marked.name)
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
