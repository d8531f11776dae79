"""What the zip of ``autograder gradescope`` runs on Gradescope's machine: the answers when the image is made, and then one submission.

``/autograder`` (``AUTOGRADER_BASE``) holds ``source`` (the zip), ``submission`` (what was handed in) and ``results`` (where ``results.json`` goes).
Grading is that of ``autograder grade``, in a course of one student.  A fault of the grader's is never a student's failure: then no results are
written, which Gradescope shows as a fault of the autograder, and what is wrong stands in its output for the instructor.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook

from autograder.commands.build import generate_assignment
from autograder.commands.gradescope import OPTIONS
from autograder.course.dates import STAMP
from autograder.course.directory import CourseDirectory, load_course
from autograder.course.schema import Exercise
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.judge.cards import as_text
from autograder.judge.verdict import Verdict
from autograder.plugin import own_commands_first
from autograder.plugin.at_once import grade_class
from autograder.plugin.feedback import waits
from autograder.plugin.notes import notes_of
from autograder.runner.crew import Crew
from autograder.runner.weaker import NOT_PROMISED, WeakerRunner

STUDENT = "submission"
WEAKER = (
    "If that is not enough to make a jail here, make the zip again with: autograder gradescope LECTURE --weaker-separation. Submissions then run as another "
    "user, and results say what is not promised."
)
MAX_FILES = 10_000  # that are taken of what was handed in


class Place:
    """``/autograder``, and what the zip says."""

    def __init__(self, base: Path) -> None:
        self.base, self.source = base, base / "source"
        self.options = json.loads((self.source / OPTIONS).read_text())
        self.lecture: str = self.options["lecture"]
        if os.getuid() == 0:
            self.source.chmod(0o700)  # the answers

    @contextlib.contextmanager
    def crew(self, course: CourseDirectory) -> Iterator[tuple[Crew, bool]]:
        """A runner that has started, and whether it is only the weaker separation.

        Raises:
            UserError: there is no jail here, and nothing else was allowed.
        """
        disk = course.course.limits.disk_mb
        with Crew(1) as crew:
            try:
                crew.ready(disk)
            except UserError as error:
                if not self.options["weaker_separation"]:
                    raise UserError(f"{error}\n{WEAKER}") from None
            else:
                yield crew, False
                return
        with Crew(1, make=WeakerRunner) as crew:
            crew.ready(disk)
            yield crew, True


def prepare(place: Place) -> None:
    """When the image is made: the lecture into an empty gradebook, and the answers for the hidden inputs."""
    course = load_course(place.source / "course" / "course.yml")
    own_commands_first()
    if not (course.root / "gradebook.db").is_file() or not (course.root / "release").is_dir():
        generate_assignment(course, place.lecture, force=True)
    with place.crew(course) as (crew, weaker):
        answer_key(course, place.lecture, crew, hidden_facts(course, place.lecture))
    print(f"{place.lecture} can be graded here{', by the weaker separation' if weaker else ', in a jail'}.")


def grade(place: Place) -> None:
    """One submission: from ``submission/`` to ``results/results.json``."""
    begun = time.monotonic()
    results = place.base / "results" / "results.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    if os.getuid() == 0:
        results.parent.chmod(0o755)  # nobody's but root's to write
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:  # closed to other users
        folder = Path(scratch, "course")
        shutil.copytree(place.source / "course", folder)
        if not (folder / "release").is_dir():
            generate_assignment(load_course(folder / "course.yml"), place.lecture, force=True)
        course = load_course(folder / "course.yml")
        _hand_in(place.base / "submission", folder / "submitted" / STUDENT / place.lecture)
        found: dict[str, Verdict] = {}
        with contextlib.chdir(folder), place.crew(course) as (crew, weaker):  # nbgrader goes there, too
            outcome = grade_class(course, place.lecture, [STUDENT], crew, True, _nothing, _nothing, lambda _, verdicts: found.update(verdicts))
        if outcome.failed or not outcome.graded:
            raise UserError(f"Not graded: {'; '.join(outcome.failed.values()) or 'nothing was found to grade'}")
        for line in [*outcome.said, *outcome.graded[0].said]:
            print(line)
        made = _results(course, place, found, weaker)
    made["execution_time"] = round(time.monotonic() - begun, 1)
    results.write_text(json.dumps(made, indent=1))
    print(f"{made['score']:g} points.")


def _nothing(what: object) -> None:
    """Nobody watches."""


def _hand_in(submission: Path, target: Path) -> None:
    """The plain files of what was handed in; no links, and no time of submission that the student has written."""
    target.mkdir(parents=True)
    seen = 0
    for folder, folders, names in os.walk(submission):
        folders[:] = sorted(name for name in folders if not Path(folder, name).is_symlink())
        for name in sorted(names):
            path, seen = Path(folder, name), seen + 1
            where = path.relative_to(submission)
            if seen <= MAX_FILES and stat.S_ISREG(path.lstat().st_mode) and where.as_posix() != STAMP:
                (target / where).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target / where)


def _results(course: CourseDirectory, place: Place, verdicts: dict[str, Verdict], weaker: bool) -> dict[str, Any]:
    rules, tests, board = course.lecture(place.lecture).exercises, [], []
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", course.course.course) as gradebook:
        grades = {grade.name: grade for grade in gradebook.find_submission_notebook(place.lecture, place.lecture, STUDENT).grades}
        score = 0.0
        for number, (name, exercise) in enumerate(rules.items(), 1):
            if exercise.written:
                tests.append(_test(place, number, name, exercise, _written(exercise, waits(grades[name]))))
                continue
            points = float(grades[name].auto_score or 0.0)
            score += points
            verdict = verdicts.get(name)
            told = as_text(replace(verdict, shown=None)) if verdict else f"{name}: not attempted"
            test = _test(place, number, name, exercise, told)
            tests.append({**test, "score": points, "max_score": exercise.points, "status": "passed" if points == exercise.points else "failed"})
            if verdict and exercise.loss and verdict.loss is not None and points > 0 and place.options["leaderboard"]:
                board.append({"name": f"{exercise.title} ({exercise.loss.split} loss)", "value": round(verdict.loss, 4), "order": "asc"})
    notebook = course.root / "autograded" / STUDENT / place.lecture / f"{place.lecture}.ipynb"
    said = notes_of(nbformat.read(notebook, as_version=4).cells)
    if waiting := sum(exercise.written for exercise in rules.values()):
        said.append("One answer is graded by a person." if waiting == 1 else f"{waiting} answers are graded by a person.")
    if weaker:
        said.append(NOT_PROMISED)
    made: dict[str, Any] = {"score": round(score, 4), "output": "\n\n".join(said), "stdout_visibility": "hidden", "tests": tests}
    return {**made, "leaderboard": board} if board else made


def _test(place: Place, number: int, name: str, exercise: Exercise, told: str) -> dict[str, Any]:
    bonus = "" if not exercise.bonus else " (bonus)" if exercise.bonus is True else f" ({exercise.bonus_points:g} of them as a bonus)"
    shown = {"name": f"{exercise.title}{bonus}", "output": told, "visibility": place.options["visibility"]}
    return {"number": str(number), **shown, "extra_data": {"exercise": name}}


def _written(exercise: Exercise, waiting: bool) -> str:
    points = f"{exercise.points:g} {'point' if exercise.points == 1 else 'points'}"
    return f"Waits for a person, who can give {points}." if waiting else f"Nothing was written; a person could give {points}."


def main(arguments: list[str]) -> int:
    """``prepare`` or ``grade``; a fault is one sentence and exit code 1."""
    try:
        place = Place(Path(os.environ.get("AUTOGRADER_BASE", "/autograder")))
        {"prepare": prepare, "grade": grade}[arguments[0]](place)
    except UserError as error:
        print(f"error: {error}")
        return 1
    except SystemExit as end:  # of nbgrader's, with a sentence
        print(f"error: {end.code}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
