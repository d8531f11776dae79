"""A resubmission that is worth less than what was graded before: it is told, and where ``course.yml`` says so the better one counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import rmtree

from autograder.course.directory import CourseDirectory
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.in_step import digest
from autograder.plugin.interrupted import COURSE, GRADED, WORK
from autograder.plugin.notes import add_note
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
        "penalty": notebook.late_submission_penalty,
        "timestamp": when.isoformat() if when else None,
    }


def _total(grades: dict[str, Any]) -> float:
    return float(sum(score or 0.0 for score in grades["points"].values()) - (grades["penalty"] or 0.0))


class KeepBetter(CoursePreprocessor):
    """Compares a resubmission with what was graded before it; runs when its points and its lateness are in the gradebook."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        info = resources["nbgrader"]
        lecture, student = info["assignment"], info["student"]
        aside = _aside(self.course, lecture, student)
        if not (aside / GRADES).is_file():
            return nb, resources
        before = json.loads((aside / GRADES).read_text())
        old = nbformat.read(aside / f"{lecture}.ipynb", as_version=4)
        with Gradebook(info["db_url"]) as gradebook:
            now = _grades(gradebook, lecture, student)
            if _total(now) < _total(before) - 1e-9:
                told = f"This resubmission has {_total(now):g} points, the one before it had {_total(before):g}."
                comparable = old.metadata.get("autograder", {}).get(COURSE) == digest(self.course, lecture)
                if self.course.course.resubmissions == "best" and comparable:
                    told += " The better one counts, and is shown here."
                    _write(gradebook, lecture, student, before)
                    old.metadata["autograder"] = {**nb.metadata["autograder"], GRADED: True, WORK: resources["autograder_work"]}
                    _give_back(aside, Path(resources["metadata"]["path"]), f"{lecture}.ipynb")
                    resources["autograder_cards"] |= set(_cards(old))
                    nb = old
                else:
                    told += " The newest one counts."
                self.log.warning("%s: %s", student, told)
                add_note(nb, told, False)
        rmtree(str(aside))
        return nb, resources


def _cards(nb: Any) -> Iterator[str]:
    """The verdicts that a graded notebook of ours shows."""
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            yield from (output.data["text/html"] for output in cell.outputs if output.output_type == "execute_result")


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
