"""What a feedback page says of points: by the exercises' titles, in words, and whether a person is still to look."""

from __future__ import annotations

from typing import Any

from nbgrader.api import Grade, Gradebook
from nbgrader.preprocessors import GetGrades

from autograder.course.dates import duration
from autograder.course.inline import in_code
from autograder.course.notebook import ANSWER
from autograder.course.schema import Late, Lecture
from autograder.judge.cards import number, of_points
from autograder.plugin.base import CoursePreprocessor


class SayGrades(GetGrades, CoursePreprocessor):
    """nbgrader's grades and comments, and beside them the words that the page shows (``templates/…/exercises``)."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        nb, resources = super().preprocess(nb, resources)
        info = resources["nbgrader"]
        lecture = self.course.lecture(info["assignment"])
        with Gradebook(info["db_url"]) as gradebook:
            notebook = gradebook.find_submission_notebook(info["notebook"], info["assignment"], info["student"])
            grades = {grade.name: grade for grade in notebook.grades}
            comments = {comment.name for comment in notebook.comments if comment.manual_comment}
            for cell in nb.cells:
                if cell.metadata.get("nbgrader", {}).get("grade_id") not in comments and "nbgrader" in cell.metadata:
                    cell.metadata.nbgrader["comment"] = None  # "No response." is nobody's
                for output in cell.outputs if _is_check(cell) else ():
                    if "text/html" in output.get("data", {}):
                        output.data["text/html"] = in_code(output.data["text/html"])
                cell.metadata["autograder"] = _words(cell.metadata.get("nbgrader", {}), grades, comments, lecture)
            seconds = max(notebook.assignment.total_seconds_late, 0.0)
            late = _late(seconds, info["late_penalty"] or 0.0, self.course.course.late)
            resources["autograder"] = {"title": lecture.title, **_whole(grades, lecture, info["late_penalty"], late)}
        return nb, resources


def _is_check(cell: Any) -> bool:
    """Whether its outputs are a card, and a figure."""
    about = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and about.get("grade") and not about.get("solution"))


def _words(about: Any, grades: dict[str, Grade], comments: set[str], lecture: Lecture) -> dict[str, Any]:
    """Of one cell: the title of its exercise, what stands above it, what it got, and the cells of its answer that have a comment."""
    name = about.get("grade_id", "")
    exercise = lecture.exercises.get(name.removesuffix(ANSWER))
    title = exercise.title if exercise else name
    if about.get("grade"):
        label = f"Your answer: {title}" if about.get("solution") else f"Check: {title}"
        got = said(grades[name]) + (exercise.of_bonus if exercise else "") if name in grades else ""
        return {"title": title, "label": label, "said": got, "comments": [answer for answer in (name, name + ANSWER) if answer in comments]}
    return {"title": title, "label": f"Your answer: {title}", "said": "", "comments": []} if about.get("solution") else {}


def said(grade: Grade) -> str:
    """What one exercise got, in words."""
    if waits(grade) and grade.manual_score is None:
        return f"not graded yet, {of_points(None, grade.max_score)}"
    words = of_points(grade.score, grade.max_score)
    if grade.manual_score is not None and grade.needs_manual_grade:
        return f"{words}, given by a person, who is to look at it again"
    if grade.manual_score is not None:
        checked = grade.cell_type == "code" and grade.auto_score is not None and grade.auto_score != grade.manual_score
        words += f", given by a person; the check gave {number(grade.auto_score)}" if checked else ", given by a person"
    return words


def waits(grade: Grade) -> bool:
    """Whether a person is still to give the points."""
    return bool(grade.auto_score is None if grade.manual_score is None else grade.needs_manual_grade)


def _late(seconds: float, penalty: float, rule: Late | None) -> list[str]:
    """How late it came, what that costs, and by which rule; nothing of work that came in time."""
    if not seconds:
        return []
    if not penalty or rule is None:
        return [f"It came {duration(seconds)} late, which costs nothing."]
    lost = f"{number(penalty)} {'point was' if number(penalty) == '1' else 'points were'} taken off"
    free = f" after a grace of {duration(60 * rule.grace_minutes)}" if rule.grace_minutes else ""
    return [f"It came {duration(seconds)} late, so {lost}: {rule.percent_per_day:g} % of the points reached for each day begun{free}."]


def _whole(grades: dict[str, Grade], lecture: Lecture, penalty: float, late: list[str]) -> dict[str, Any]:
    """Of the notebook: its points among those that are no bonus, and what is to be said of them."""
    bonus = sum(exercise.bonus_points for exercise in lecture.exercises.values())
    most = sum(grade.max_score for grade in grades.values()) - bonus
    waiting = sum(map(waits, grades.values()))
    sentences = []
    if waiting:
        sentences.append("One answer waits for a person." if waiting == 1 else f"{waiting} answers wait for a person.")
    if bonus:
        sentences.append(f"{of_points(None, bonus).removeprefix('of ')} more can be had as a bonus.")
    sentences += late
    total = sum(grade.score or 0.0 for grade in grades.values()) - penalty
    return {"total": of_points(total, most) + (" so far" if waiting else ""), "sentences": sentences}
