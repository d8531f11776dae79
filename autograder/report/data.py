"""All that a class report is made of: the gradebook's rows, the graded notebooks, and what is kept of the runs.  No cell runs for it.

What was judged is read where grading has written it (``told.py``), so the report says what the students were told and what the gradebook counts.
Only for wrong answers of which no cause is known, and for trained models, the kept records are read as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    SourceCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory as NbgraderDirectory

from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER
from autograder.course.schema import Exercise
from autograder.errors import UserError
from autograder.judge.verdict import Status
from autograder.plugin.converting import set_up
from autograder.plugin.feedback import waits
from autograder.plugin.notes import notes_of
from autograder.plugin.told import LONGEST, Outcome, Told, from_cards, from_metadata
from autograder.runner.kept import kept_records
from autograder.wall.record import Record

RIGHT, PARTLY, WRONG, ERROR, SKIPPED, NOT_RUN = get_args(Status)
WAITS = "not graded yet"
UNNAMED = (PARTLY, WRONG, ERROR)
MAX_NOTEBOOK = 64 << 20  # bytes of a graded one


@dataclass
class Answer:
    """One student's answer to one exercise."""

    exercise: str
    kind: str
    points: float | None  # none yet where a person is to give them
    most: float
    outcome: Outcome = Outcome("")
    source: str = ""
    record: Record | None = None  # what it returned, if it is wrong and nobody knows why
    facts: dict[str, Any] = field(default_factory=dict)  # of a trained model


@dataclass
class Work:
    """What one student handed in, or did not."""

    student: str
    person: str = ""
    handed_in: bool = False
    graded: bool = False
    refused: str = ""  # why it could not be graded
    answers: dict[str, Answer] = field(default_factory=dict)
    penalty: float = 0.0
    seconds_late: float = 0.0
    notes: list[str] = field(default_factory=list)  # on the submission as a whole, for whoever grades
    files: dict[str, str] = field(default_factory=dict)  # digests of the notebook as it was handed in, and of weights
    records_lost: bool = False  # what it returned is not kept any more, or was never

    @property
    def points(self) -> float:
        return sum(answer.points or 0.0 for answer in self.answers.values()) - self.penalty


@dataclass
class ClassWork:
    """A lecture of one class."""

    lecture: str
    title: str
    rules: dict[str, Exercise]
    works: list[Work]
    sentences: dict[str, list[str]]  # of each exercise's known mistakes
    stubs: dict[str, str]  # answer cells as they are given out
    notes: list[str] = field(default_factory=list)  # on the class, for whoever reads about late and missing work

    @property
    def graded(self) -> list[Work]:
        return [work for work in self.works if work.graded and not work.refused]


def gather(
    course: CourseDirectory, lecture: str, begin: Callable[[int], object], done: Callable[[str], object], roster: Iterable[str] = ()
) -> ClassWork:
    """Read all that there is of a lecture.

    Args:
        begin: told of how many students there are graded notebooks.
        done: told whose was read.
        roster: ids of students of whom the gradebook need not know.

    Raises:
        UserError: the gradebook does not know the lecture.
    """
    rules = course.lecture(lecture).exercises
    _, directory = set_up(course, lecture)
    works, stubs = _of_the_gradebook(directory, lecture, rules)
    for student in _folders(directory, directory.submitted_directory, lecture):
        works.setdefault(student, Work(student)).handed_in = True
    for student in roster:
        works.setdefault(student, Work(student))
    graded = [student for student in _folders(directory, directory.autograded_directory, lecture) if student in works and works[student].answers]
    sentences = _sentences(course, lecture, rules)
    begin(len(graded))
    for student in graded:
        _read_notebook(works[student], directory, course, lecture, sentences)
        done(student)
    for work in works.values():
        work.graded = work.graded or bool(work.answers)
    ordered = [works[student] for student in sorted(works, key=str.casefold)]
    return ClassWork(lecture, course.lecture(lecture).title, rules, ordered, sentences, stubs)


def _of_the_gradebook(directory: NbgraderDirectory, lecture: str, rules: dict[str, Exercise]) -> tuple[dict[str, Work], dict[str, str]]:
    """Everybody whom the gradebook knows, with the points that it counts; and the answer cells as they were released."""
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        try:
            due = gradebook.find_assignment(lecture).duedate
        except MissingEntry:
            raise UserError(f"The gradebook knows nothing of {lecture}. First: nbgrader generate_assignment {lecture}; autograder grade {lecture}") from None
        people = gradebook.db.query(Student.id, Student.first_name, Student.last_name)
        works = {name: Work(name, " ".join(filter(None, (first, last)))) for name, first, last in people}
        of_lecture = gradebook.db.query(SubmittedAssignment.student_id, SubmittedAssignment.timestamp, SubmittedAssignment.extension)
        for student, time, extension in of_lecture.join(SubmittedAssignment.assignment).filter(Assignment.name == lecture):
            works[student].handed_in = True
            works[student].seconds_late = _late(time, due, extension)
        penalties = gradebook.db.query(SubmittedAssignment.student_id, SubmittedNotebook.late_submission_penalty).join(SubmittedNotebook.assignment)
        for student, penalty in penalties.join(SubmittedAssignment.assignment).filter(Assignment.name == lecture):
            works[student].penalty += penalty or 0.0
        columns = (Grade.score, Grade.max_score, Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
        rows = gradebook.db.query(SubmittedAssignment.student_id, BaseCell.name, *columns).select_from(Grade).join(Grade.cell).join(Grade.notebook)
        for row in rows.join(SubmittedNotebook.assignment).join(SubmittedAssignment.assignment).filter(Assignment.name == lecture):
            if row.name in rules:
                kind = _kind_by_points(row, rules[row.name])
                works[row.student_id].answers[row.name] = Answer(row.name, kind, None if kind == WAITS else float(row.score), float(row.max_score))
        cells = gradebook.db.query(SourceCell.name, SourceCell.source).join(SourceCell.notebook).join(Notebook.assignment)
        texts = dict(cells.filter(Assignment.name == lecture).all())
        stubs = {name: texts[f"{name}{ANSWER}"] or "" for name in rules if f"{name}{ANSWER}" in texts}
    for work in works.values():  # in the lecture's order
        work.answers = {name: work.answers[name] for name in rules if name in work.answers}
    return works, stubs


def _late(time: datetime | None, due: datetime | None, extension: Any) -> float:
    if time is None or due is None:
        return 0.0
    return max(0.0, (time - (due + extension if extension else due)).total_seconds())


def _kind_by_points(grade: Any, rules: Exercise) -> str:
    """Of a written answer, or one that a person has given points for; what else is known of a check's is not in the gradebook."""
    if waits(grade):
        return WAITS
    if rules.written and grade.manual_score is None:
        return SKIPPED  # nbgrader has seen that nothing was written
    enough = rules.points if rules.bonus_points >= rules.points else rules.points - rules.bonus_points
    return RIGHT if grade.score >= enough else PARTLY if grade.score > 0 else WRONG


def _folders(directory: NbgraderDirectory, step: str, lecture: str) -> Iterable[str]:
    """Whose folders there are in a step's directory; a link is nobody's."""
    everybody = Path(directory.format_path(step, ".", "."))
    if everybody.is_dir():
        for entry in sorted(os.scandir(everybody), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False) and Path(directory.format_path(step, entry.name, lecture)).is_dir():
                yield entry.name


def _sentences(course: CourseDirectory, lecture: str, rules: dict[str, Exercise]) -> dict[str, list[str]]:
    extras: dict[str, list[dict[str, Any]]] = {}
    with contextlib.suppress(OSError, ValueError):
        extras = json.loads(course.extras(lecture).read_text())
    return {name: [extra["says"] for extra in extras.get(name, ()) if extra["kind"] == "mistake"] for name in rules}


def _read_notebook(work: Work, directory: NbgraderDirectory, course: CourseDirectory, lecture: str, sentences: dict[str, list[str]]) -> None:
    """Add to the points what is known of the answers beside them."""
    folder = Path(directory.format_path(directory.autograded_directory, work.student, lecture))
    try:
        path = folder / f"{lecture}.ipynb"
        if path.is_symlink() or path.stat().st_size > MAX_NOTEBOOK:
            raise ValueError("it is too large, or a link")
        notebook = json.loads(path.read_bytes())
        cells = [cell for cell in notebook["cells"] if isinstance(cell.get("metadata"), dict)]
        told = from_metadata(notebook["metadata"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        work.notes.append(f"The graded notebook cannot be read ({error}). Grade again: autograder grade {lecture} {work.student} --force")
        return
    work.graded, known = True, told or from_cards(cells, sentences)
    sources = {cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell.get("source", "")) for cell in cells}
    for name, answer in work.answers.items():
        answer.source = sources.get(f"{name}{ANSWER}", "")  # none of a written one
        if outcome := known.outcomes.get(name):
            answer.outcome = outcome
            answer.kind = answer.kind if answer.kind == WAITS else _kind(answer, outcome)
    if known.outcomes and all(outcome.status == "could not run" for outcome in known.outcomes.values()):
        work.refused = next(iter(known.outcomes.values())).message or "It could not be graded."
    work.notes += known.remarks + [note.removeprefix("About this submission.").strip()[:LONGEST] for note in notes_of(cells)]
    _read_files(work, folder, Path(directory.format_path(directory.submitted_directory, work.student, lecture)))
    _read_records(work, course, lecture, known)


def _kind(answer: Answer, outcome: Outcome) -> str:
    """As the check says; but for points that a person has given."""
    by_check = outcome.status if outcome.status in get_args(Status) else answer.kind
    by_points = answer.kind
    return by_points if (by_points == RIGHT) != (by_check == RIGHT) else by_check


def _read_files(work: Work, graded: Path, submitted: Path) -> None:
    """Digests of the weights that counted, and of the notebooks as they were handed in."""
    for path in [*sorted(graded.glob("*.safetensors")), *sorted(submitted.glob("*.ipynb"))]:
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink() and path.stem.removesuffix(".safetensors") != "expected":
                with path.open("rb") as file:
                    work.files[path.name] = hashlib.file_digest(file, "sha256").hexdigest()


def _read_records(work: Work, course: CourseDirectory, lecture: str, known: Told) -> None:
    rules = course.lecture(lecture).exercises
    unnamed = {name for name, answer in work.answers.items() if is_unnamed(answer) and not rules[name].written and not rules[name].loss}
    trained = {name for name, answer in work.answers.items() if rules[name].loss and answer.kind != SKIPPED}
    if not unnamed | trained:
        return
    limits = course.course.limits
    most = (limits.record_mb * len(rules) + limits.notebook_output_mb + 1) << 20
    records = kept_records(course.build / "runs" / lecture, known.run, most)
    work.records_lost = not records
    for name in unnamed & records.keys():
        work.answers[name].record = records[name]
    for name in trained & records.keys():
        work.answers[name].facts = records[name].facts


def is_unnamed(answer: Answer) -> bool:
    """Whether an answer is wrong and no mistake explains it."""
    return answer.kind in UNNAMED and bool(answer.outcome.status) and not answer.outcome.recognised
