"""What a second grading does to the first: a worse resubmission is told, or gives way; what a person graded is looked at again if it changed.

Where the better submission counts it is the one that stands in ``submitted/`` afterwards, so that every later grading is of it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import rmtree

from autograder.course.directory import CourseDirectory
from autograder.judge.cards import number
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.in_step import digest
from autograder.plugin.interrupted import COURSE, GRADED, WORK, Work, answers_of, digest_of
from autograder.plugin.notes import NOTE, add_note
from autograder.plugin.stamps import STAMP

GRADES = "earlier_grades.json"


def put_aside(course: CourseDirectory, lecture: str, student: str, folder: Path, gradebook: str) -> None:
    """Keep a graded notebook and what the gradebook says of it, until the resubmission is graded, too.

    Args:
        folder: in ``autograded/``; it is gone afterwards.
        gradebook: its URL.
    """
    aside = _aside(course, lecture, student)
    if aside.exists():  # of a run that was interrupted meanwhile
        rmtree(str(aside))
    with Gradebook(gradebook) as open_gradebook:
        try:
            known = _grades(open_gradebook, lecture, student)
        except MissingEntry:
            rmtree(str(folder))
            return
    aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copytree(folder, aside)
    (aside / GRADES).write_text(json.dumps(known))
    rmtree(str(folder))


def _aside(course: CourseDirectory, lecture: str, student: str) -> Path:
    return course.build / "earlier_grades" / lecture / student


def _grades(gradebook: Gradebook, lecture: str, student: str) -> dict[str, Any]:
    """What the machine gave, what lateness took, and when it was handed in."""
    notebook = gradebook.find_submission_notebook(lecture, lecture, student)
    when = notebook.assignment.timestamp
    return {
        "points": {grade.name: grade.auto_score for grade in notebook.grades},
        "total": notebook.score - (notebook.late_submission_penalty or 0.0),  # as the page says it
        "penalty": notebook.late_submission_penalty,
        "timestamp": when.isoformat() if when else None,
    }


class KeepBetter(CoursePreprocessor):
    """Compares a resubmission with what was graded before it; runs when its points and its lateness are in the gradebook."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        info = resources["nbgrader"]
        lecture, student = info["assignment"], info["student"]
        aside = _aside(self.course, lecture, student)
        work: Work = resources["autograder_work"]
        best = self.course.course.resubmissions == "best"
        with Gradebook(info["db_url"]) as gradebook:
            _leave_what_a_person_has_graded(gradebook, nb, info, work, self.log)
            if not (aside / GRADES).is_file():
                if best:
                    _keep(work.folder, aside.parent / f"{student}.handed_in")
                return nb, resources
            before = json.loads((aside / GRADES).read_text())
            old = nbformat.read(aside / f"{lecture}.ipynb", as_version=4)
            now, kept = _grades(gradebook, lecture, student), aside.parent / f"{student}.handed_in"
            if now["total"] < before["total"] - 1e-9:
                told = f"This resubmission has {number(now['total'])} points, the one before it had {number(before['total'])}."
                comparable = old.metadata.get("autograder", {}).get(COURSE) == digest(self.course, lecture) and kept.is_dir()
                if best and comparable:
                    told += " The better one counts, and is shown here."
                    replaced = _swap(self.course, work.folder, kept)
                    self.log.warning("%s: the worse one is kept in %s.", student, replaced)
                    _write(gradebook, lecture, student, before)
                    old.metadata["autograder"] = {**nb.metadata["autograder"], GRADED: True, WORK: digest_of(work.folder)}
                    old.cells = [cell for cell in old.cells if not is_about_a_resubmission(cell)]
                    _give_back(aside, Path(resources["metadata"]["path"]), f"{lecture}.ipynb")
                    resources["autograder_cards"] |= set(_cards(old))
                    nb = old
                else:
                    told += " The newest one counts."
                self.log.warning("%s: %s", student, told)
                add_note(nb, told, False)
            elif best:
                _keep(work.folder, kept)
        rmtree(str(aside))
        return nb, resources


def _cards(nb: Any) -> Iterator[str]:
    """The verdicts that a graded notebook of ours shows."""
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            yield from (output.data["text/html"] for output in cell.outputs if output.output_type == "execute_result")


def is_about_a_resubmission(cell: Any) -> bool:
    return bool(NOTE.fullmatch(cell.source)) and "This resubmission has" in cell.source


def _keep(folder: Path, kept: Path) -> None:
    """A copy of what counts now, for the day when something worse takes its place."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(OSError, shutil.Error):  # a pipe, or a file that is closed: then the newest counts
        shutil.copytree(folder, kept, symlinks=True)


def _swap(course: CourseDirectory, folder: Path, kept: Path) -> Path:
    """Put the better submission back in its place; where the worse one is now."""
    replaced = course.build / "replaced" / folder.name / folder.parent.name / time.strftime("%Y-%m-%d-%H%M%S")
    replaced.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(folder, replaced)
    shutil.copytree(kept, folder, symlinks=True)
    return replaced


def _leave_what_a_person_has_graded(gradebook: Gradebook, nb: Any, info: dict[str, str], work: Work, log: Any) -> None:
    """nbgrader asks a person again about all that one has graded; that is needed only where the answer is another one now."""
    answers = answers_of(nb)
    for grade in gradebook.find_submission_notebook(info["assignment"], info["assignment"], info["student"]).grades:
        if grade.manual_score is None or grade.name in work.asked:
            continue
        if work.answers.get(grade.name) == answers.get(grade.name):
            grade.needs_manual_grade = False
        else:
            log.warning("%s: %s was graded by a person, and is another answer now: look at it again.", info["student"], grade.name)
    gradebook.db.commit()


def _write(gradebook: Gradebook, lecture: str, student: str, before: dict[str, Any]) -> None:
    notebook = gradebook.find_submission_notebook(lecture, lecture, student)
    for grade in notebook.grades:
        grade.auto_score = before["points"].get(grade.name)
    notebook.late_submission_penalty = before["penalty"]
    gradebook.db.commit()
    gradebook.update_or_create_submission(lecture, student, timestamp=before["timestamp"])


def _give_back(aside: Path, graded: Path, notebook: str) -> None:
    """The files that the better notebook was graded with; the time stays the newest one's, by which nbgrader knows what it has seen."""
    for path in aside.iterdir():
        if path.is_file() and path.name not in (notebook, STAMP, GRADES):
            (graded / path.name).unlink(missing_ok=True)
            shutil.copyfile(path, graded / path.name)
