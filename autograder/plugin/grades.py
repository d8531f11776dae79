"""What everybody has reached by now, out of the gradebook: by exercise, bonus apart, lateness as it stands, and what still waits for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nbgrader.api import BaseCell, Grade, Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.plugin.converting import Lines, listening, set_up
from autograder.plugin.export import CourseExport
from autograder.plugin.feedback import waits
from autograder.plugin.lateness import agree

SHOWN = 4  # differences in one sentence


@dataclass(frozen=True)
class Item:
    """One exercise: what can be had for it, and beyond that as a bonus."""

    name: str
    title: str
    most: float
    bonus: float

    def parts(self, points: float) -> tuple[float, float]:
        """Of points reached those that are ordinary ones, and those that are a bonus: what a person gave beyond the maximum is one, too."""
        return min(points, self.most), max(points - self.most, 0.0)


@dataclass
class Work:
    """One student's points in one lecture."""

    points: dict[str, float] = field(default_factory=dict)  # by exercise, before what lateness takes; only those that have been given
    waiting: list[str] = field(default_factory=list)  # exercises in which a person is still to look
    penalty: float = 0.0
    name: str = ""  # of the student, as far as the gradebook knows it

    @property
    def kept(self) -> float:
        """The share that lateness leaves: it takes the same share of each exercise."""
        reached = sum(self.points.values())
        return max(1 - self.penalty / reached, 0.0) if reached > 0 else 1.0


@dataclass
class LectureGrades:
    lecture: str
    title: str
    items: list[Item]
    work: dict[str, Work]

    @property
    def most(self) -> float:
        return sum(item.most for item in self.items)

    @property
    def bonus(self) -> float:
        return sum(item.bonus for item in self.items)

    @property
    def has_bonus(self) -> bool:
        return bool(self.bonus) or any(self.of(work)[1] for work in self.work.values())

    def of(self, work: Work, name: str | None = None, late: bool = True) -> tuple[float, float]:
        """Ordinary and bonus points of an exercise, or of all of them.

        Args:
            late: less what lateness takes.
        """
        found = [item.parts(work.points[item.name]) for item in self.items if item.name in work.points and name in (None, item.name)]
        share = work.kept if late else 1.0
        return sum(ordinary for ordinary, _ in found) * share, sum(bonus for _, bonus in found) * share


def read_grades(course: CourseDirectory, lectures: list[str] | None) -> tuple[list[LectureGrades], list[str]]:
    """The grades of lectures, penalties by the points that people have given by now, and sentences to be told.

    Args:
        lectures: those that are asked for; all that the gradebook knows if none is.

    Raises:
        UserError: a lecture is not in the gradebook, or the gradebook has other points than ``course.yml``.
    """
    config, directory = set_up(course, "")
    asking = CourseExport(config=config)
    lines = Lines()
    grades, told = [], []
    with listening(asking.log, lines), Gradebook(directory.db_url, directory.course_id) as gradebook:
        known = {assignment.name for assignment in gradebook.assignments}
        if left_out := [name for name in course.skipped if name in known and not lectures]:
            told.append(f"Left out, since course.yml skips it: {', '.join(left_out)}.")
        for lecture in course.lectures(lectures):
            if lecture not in known:
                if lectures:
                    raise UserError(f"{lecture} is not in the gradebook. First: nbgrader generate_assignment {lecture}, then autograder grade {lecture}")
                continue
            agree(asking, gradebook, lecture)
            grades.append(_of(course, lecture, gradebook))
        told += lines.take()
    if not grades:
        raise UserError("The gradebook knows no lecture of course.yml yet. First: nbgrader generate_assignment LECTURE, then autograder grade LECTURE")
    return grades, told


def _of(course: CourseDirectory, lecture: str, gradebook: Gradebook) -> LectureGrades:
    entry = course.lecture(lecture)
    items = {name: Item(name, rules.title, rules.points - rules.bonus_points, rules.bonus_points) for name, rules in entry.exercises.items()}
    try:
        cells = {cell.name: float(cell.max_score) for cell in gradebook.find_notebook(lecture, lecture).grade_cells}
    except MissingEntry:
        cells = {}
    ours = {name: rules.points for name, rules in entry.exercises.items()}
    if other := [name for name in {**ours, **cells} if ours.get(name) != cells.get(name)]:
        raise UserError(
            f"{lecture}: course.yml and the gradebook say otherwise of {_some(other)}. Bring them together, then grade again: "
            f"autograder build {lecture}, autograder grade {lecture}"
        )
    work: dict[str, Work] = {}
    assignment = gradebook.find_assignment(lecture)
    late = (
        gradebook.db.query(SubmittedAssignment.student_id, SubmittedNotebook.late_submission_penalty)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .filter(SubmittedAssignment.assignment_id == assignment.id)
    )
    rows = (
        gradebook.db.query(Grade, BaseCell.name, SubmittedAssignment.student_id)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .filter(SubmittedAssignment.assignment_id == assignment.id)
    )
    for grade, name, student in rows:
        mine = work.setdefault(student, Work())
        if waits(grade):
            mine.waiting.append(name)
        if grade.auto_score is not None or grade.manual_score is not None:
            mine.points[name] = max(float(grade.score), 0.0)
    for who, penalty in late:
        if who in work:
            work[who].penalty += penalty or 0.0
    for student in gradebook.students:
        if student.id in work:
            work[student.id].name = ", ".join(filter(None, (student.last_name, student.first_name)))
    for mine in work.values():
        mine.waiting.sort(key=list(items).index)
    return LectureGrades(lecture, entry.title, list(items.values()), work)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
