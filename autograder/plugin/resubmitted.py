"""What a second grading does to the first: a worse resubmission is told, or gives way; what a person graded is looked at again if it changed.

Where the better submission counts it is the one that stands in ``submitted/`` afterwards, so that every later grading is of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import rmtree

from autograder.course.dates import STAMP
from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER
from autograder.judge.cards import number
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.choosing import walk
from autograder.plugin.folders import closed
from autograder.plugin.interrupted import CONTENT, COURSE, MAX_READ, WORK, Work, answers_of, digest_of
from autograder.plugin.notes import NOTE, add_note

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
        info, work = resources["nbgrader"], resources["autograder_work"]
        lecture, student = info["assignment"], info["student"]
        aside = _aside(self.course, lecture, student)
        kept = self.course.build / "handed_in" / lecture / student
        told, worse = "", False
        with Gradebook(info["db_url"]) as gradebook:
            if (aside / GRADES).is_file():
                before, now = json.loads((aside / GRADES).read_text()), _grades(gradebook, lecture, student)
                old = nbformat.read(aside / f"{lecture}.ipynb", as_version=4)
                if now["total"] < before["total"] - 1e-9:
                    told = f"This resubmission has {number(now['total'])} points, the one before it had {number(before['total'])}."
                    comparable = old.metadata.get("autograder", {}).get(COURSE) == work.rules[COURSE]
                    worse = self.course.course.resubmissions == "best" and comparable and kept.is_dir()
            if worse:
                told += " The better one counts, and is shown here."
                self.log.warning("%s: the worse one is kept in %s.", student, _swap(self.course, work.folder, kept))
                _write(gradebook, lecture, student, before)
                old.metadata["autograder"] = {**nb.metadata["autograder"], WORK: digest_of(work.folder), CONTENT: digest_of(work.folder, time=False)}
                old.cells = [cell for cell in old.cells if not _is_about_a_resubmission(cell)]
                _give_back(aside, Path(resources["metadata"]["path"]), f"{lecture}.ipynb")
                resources["autograder_cards"] |= set(_cards(old))
                nb = old
            elif told:
                told += " The newest one counts."
            _leave_what_a_person_has_graded(gradebook, nb, info, work, self.log)
        if told:
            self.log.warning("%s: %s", student, told)
            add_note(nb, told, False)
        if self.course.course.resubmissions == "best" and not worse:
            _keep(work.folder, kept, self.course.root)
        if aside.exists():
            rmtree(str(aside))
        return nb, resources


def _cards(nb: Any) -> Iterator[str]:
    """The verdicts that a graded notebook of ours shows."""
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            yield from (output.data["text/html"] for output in cell.outputs if output.output_type == "execute_result")


def _is_about_a_resubmission(cell: Any) -> bool:
    return bool(NOTE.fullmatch(cell.source)) and "This resubmission has" in cell.source


def _keep(folder: Path, kept: Path, root: Path) -> None:
    """A copy of what counts now, for the day when something worse takes its place; none of what is too large or closed, then the newest counts."""
    if kept.exists():
        rmtree(str(kept))
    left = MAX_READ
    with contextlib.suppress(OSError):
        for path in [] if closed(folder, root) else walk(folder):
            status = path.lstat()
            left -= status.st_size
            if not stat.S_ISREG(status.st_mode):
                continue
            if left < 0:
                return rmtree(str(kept))
            target = kept / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(path, target)
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))  # the newest of several is meant
    return None


def _swap(course: CourseDirectory, folder: Path, kept: Path) -> Path:
    """Put the better submission back in its place; where the worse one is now."""
    replaced = course.build / "replaced" / folder.name / folder.parent.name / time.strftime("%Y-%m-%d-%H%M%S")
    replaced.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(folder, replaced)
    shutil.copytree(kept, folder)
    return replaced


def _leave_what_a_person_has_graded(gradebook: Gradebook, nb: Any, info: dict[str, str], work: Work, log: Any) -> None:
    """nbgrader asks a person again about all that one has graded; that is needed only where the answer may be another one now."""
    answers = answers_of(nb)
    notebook = gradebook.find_submission_notebook(info["assignment"], info["assignment"], info["student"])
    for grade in notebook.grades:
        if grade.manual_score is None or grade.name in work.asked:
            continue
        if work.answers and work.answers.get(grade.name) == answers.get(grade.name):
            grade.needs_manual_grade = False
        else:
            why = "is another answer now" if work.answers else "there is no earlier notebook to compare it with"
            log.warning("%s: %s was graded by a person, and %s: look at it again.", info["student"], grade.name, why)
    for comment in notebook.comments:
        name = comment.name.removesuffix(ANSWER)
        if comment.manual_comment and work.answers and work.answers.get(name) != answers.get(name):
            log.warning("%s: the comment on %s was written on an earlier answer, and stays: look at it again.", info["student"], name)
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
