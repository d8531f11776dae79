"""Whether the syllabus in a course's README says what ``course.yml`` adds up to."""

from __future__ import annotations

import re

from autograder.course.directory import CourseDirectory
from autograder.course.schema import Exercise

ROW = re.compile(r"^\| \[`(?P<lecture>\w+)`\]\((?P<folder>\S+)\) \|[^|]*\| (?P<hours>[\d.]+) hours \| (?P<points>[\d. +]+) \|", re.MULTILINE)


def points_of(exercises: dict[str, Exercise]) -> str:
    """Such as ``20 + 2``: the ordinary points, and the bonus behind the plus."""
    ordinary = sum(exercise.points - exercise.bonus_points for exercise in exercises.values())
    bonus = sum(exercise.bonus_points for exercise in exercises.values())
    return f"{ordinary:g} + {bonus:g}" if bonus else f"{ordinary:g}"


def warnings(course: CourseDirectory) -> list[str]:
    """What skipping has changed in the sums, and where the README says otherwise: for a person to mend, nothing is refused."""
    found = []
    for name, lecture in course.course.lectures.items():
        if skipped := [exercise for exercise in lecture.listed if exercise not in lecture.exercises]:
            now, before = points_of(lecture.exercises), points_of(lecture.listed)
            found.append(f"{name}: {now} points without {', '.join(skipped)}; with all exercises it is {before}")
    readme = course.root / "README.md"
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    for row in ROW.finditer(text):
        where = f"README.md:{text.count(chr(10), 0, row.start()) + 1}"
        name = row["lecture"]
        if name in course.skipped:
            found.append(f"{where}: the syllabus lists {name}, which course.yml skips")
        elif name in course.course.lectures:
            exercises = course.course.lectures[name].exercises
            minutes = sum(exercise.minutes for exercise in exercises.values())
            if row["points"] != points_of(exercises):
                found.append(f"{where}: the syllabus says {row['points']} points for {name}, course.yml adds up to {points_of(exercises)}")
            if abs(60 * float(row["hours"]) - minutes) > 30:
                found.append(f"{where}: the syllabus says {row['hours']} hours for {name}, course.yml adds up to {minutes / 60:.1f}")
    return found
