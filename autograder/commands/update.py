"""Brings the gradebook of a running course up to date with ``course.yml`` and the lecture files; what people graded by hand stays.

nbgrader's ``generate_assignment`` changes points and texts, and neither adds nor removes a cell once somebody has handed in.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import typer
from nbgrader.api import Comment, Grade, Gradebook
from rich.console import Console
from rich.markup import escape

from autograder.commands.build import generate_assignment
from autograder.course.directory import CourseDirectory
from autograder.plugin import absolute_gradebook, gradebook_file, own_commands_first
from autograder.plugin.in_step import Differences, differences


@dataclass
class Change:
    """What would change in the gradebook, and what of people's work it concerns."""

    lecture: str
    found: Differences
    submissions: int
    lost: dict[str, int] = field(default_factory=dict)  # exercise whose cells go, if only for others to come -> how many graded it by hand
    back: dict[str, int] = field(default_factory=dict)  # exercise that comes back -> how many had graded it by hand
    above: list[str] = field(default_factory=list)  # points given by hand that are more than the exercise will have

    def sentences(self) -> list[str]:
        """One a line."""
        said = [f"{sentence}." for sentence in self.found.sentences()]
        said += [f"{name} comes back, and with it {count} grade{'s' * (count > 1)} that people gave before." for name, count in self.back.items()]
        for name, count in self.lost.items():
            what = "goes, and with it" if name in self.found.removed else "is of another kind from now on, and keeps"
            kept = "; they are kept in a file" if name in self.found.removed else ""
            said.append(f"{name} {what} {count} grade{'s' * (count > 1)} that people gave{kept}.")
        return said + self.above


def offer(course: CourseDirectory, lecture: str, yes: bool, console: Console) -> None:
    """Say what would change, and do it if somebody wants it so.

    Args:
        yes: without asking.
    """
    found = change(course, lecture)
    if found is None:
        return
    with_ = f"with {found.submissions} submission{'' if found.submissions == 1 else 's'}"
    console.print(f"\nThe gradebook differs for {lecture}, {with_}:", highlight=False)
    for sentence in found.sentences():
        console.print(f"  - {escape(sentence)}", highlight=False, soft_wrap=True)
    if gradebook_file(course) is None:
        console.print("  No copy of it is made here: use the database's own command first, such as pg_dump.", highlight=False)
    if not yes and not (sys.stdin.isatty() and typer.confirm("Bring the gradebook up to date?")):
        stays = f"The gradebook stays as it is, and {lecture} is not graded meanwhile."
        console.print(f"{stays} To change it: autograder build {lecture} --yes", highlight=False, soft_wrap=True)
        return
    for kept in carry_out(course, found):
        what = "what people gave for what goes, until it comes back," if kept.suffix == ".csv" else "the gradebook as it was"
        console.print(f"  {what} is in {kept}", soft_wrap=True, highlight=False)
    done = "The gradebook is up to date. What is graded is graded again, and the other grades given by hand stay, with the next:"
    console.print(f"{done} nbgrader autograde {lecture}", highlight=False, soft_wrap=True)


def change(course: CourseDirectory, lecture: str) -> Change | None:
    """What the gradebook says otherwise than ``course.yml``; nothing if it does not, or knows nothing of the lecture."""
    url = absolute_gradebook(course)
    if (file := gradebook_file(course)) and not (file.is_file() and file.stat().st_size):
        return None
    own_commands_first()
    with Gradebook(url, course.course.course) as gradebook:
        found = differences(course, lecture, gradebook)
        if not found:
            return None
        notebook = gradebook.find_notebook(lecture, lecture)
        made = Change(lecture, found, len(notebook.submissions))
        here = {submitted.student.id for submitted in notebook.submissions}
        made.back = dict(Counter(name for student, name in _given_before(course, lecture, set(found.added)) if student in here))
        for cell in notebook.grade_cells:
            given = [grade for grade in cell.grades if grade.manual_score is not None]
            if cell.name in {*found.removed, *found.kinds} and given:
                made.lost[cell.name] = len(given)
            for grade in given:
                most = found.points.get(cell.name, (0.0, float("inf")))[1]
                if grade.manual_score > most:
                    who = f"{grade.student.id} has {grade.manual_score:g} points by hand for {cell.name}"
                    made.above.append(f"{who}, which will have {most:g}. Look at it afterwards.")
        return made


def carry_out(course: CourseDirectory, wanted: Change) -> list[Path]:
    """Change the gradebook; returns the files in which what it said before is kept.

    Raises:
        UserError: nbgrader cannot do its part.
    """
    url, stamp = absolute_gradebook(course), time.strftime("%Y-%m-%d-%H%M%S")
    kept = []
    if file := gradebook_file(course):
        kept.append(_copy(file, course.build / "gradebooks" / f"{file.stem}-{stamp}{file.suffix}"))
    with Gradebook(url, course.course.course) as gradebook:
        gone = [*wanted.found.removed, *wanted.found.kinds]
        if wanted.lost:
            kept.append(_write_lost(gradebook, wanted, course.build / "gradebooks" / f"{wanted.lecture}-{stamp}.csv"))
        _remove(gradebook, wanted.lecture, gone)
        cells = nbformat.read(course.source(wanted.lecture), as_version=4).cells
        new = {*wanted.found.added, *wanted.found.kinds}
        _add(gradebook, wanted.lecture, [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") in new])
        _give_back(gradebook, course, wanted.lecture, new)
    generate_assignment(course, wanted.lecture, force=True)
    return kept


def _copy(file: Path, target: Path) -> Path:
    """A copy of an SQLite file, whole also while others write to it."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def _write_lost(gradebook: Gradebook, wanted: Change, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["student", "exercise", "points", "extra_credit"])
        for cell in gradebook.find_notebook(wanted.lecture, wanted.lecture).grade_cells:
            for grade in cell.grades:
                if cell.name in wanted.lost and grade.manual_score is not None:
                    rows.writerow([grade.student.id, cell.name, grade.manual_score, grade.extra_credit])
    return target


def _given_before(course: CourseDirectory, lecture: str, names: set[str]) -> dict[tuple[str, str], tuple[float, float | None]]:
    """What people gave for exercises that went earlier and come back, by student and exercise; of several files the newest counts."""
    found: dict[tuple[str, str], tuple[float, float | None]] = {}
    for path in sorted((course.build / "gradebooks").glob(f"{lecture}-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["exercise"] in names:
                    extra = float(row["extra_credit"]) if row["extra_credit"] else None
                    found[row["student"], row["exercise"]] = float(row["points"]), extra
    return found


def _give_back(gradebook: Gradebook, course: CourseDirectory, lecture: str, names: set[str]) -> None:
    given = _given_before(course, lecture, names)
    for submitted in gradebook.find_notebook(lecture, lecture).submissions:
        for grade in submitted.grades:
            if (key := (submitted.student.id, grade.name)) in given:
                grade.manual_score, grade.extra_credit = given[key]
    gradebook.db.commit()


def _remove(gradebook: Gradebook, lecture: str, names: list[str]) -> None:
    notebook = gradebook.find_notebook(lecture, lecture)
    for cell in [*notebook.grade_cells, *notebook.solution_cells, *notebook.source_cells]:
        if cell.name in names:
            for row in [*(getattr(cell, "grades", None) or ()), *(getattr(cell, "comments", None) or ())]:
                gradebook.db.delete(row)
            gradebook.db.delete(cell)
    gradebook.db.commit()


def _add(gradebook: Gradebook, lecture: str, cells: list[Any]) -> None:
    """Cells, and for each submission that is there a place for their grades and comments; texts come from ``generate_assignment``."""
    for cell in cells:
        about = cell.metadata.nbgrader
        if about.grade:
            gradebook.update_or_create_grade_cell(about.grade_id, lecture, lecture, max_score=float(about.points), cell_type=cell.cell_type)
        if about.solution:
            gradebook.update_or_create_solution_cell(about.grade_id, lecture, lecture)
        gradebook.update_or_create_source_cell(about.grade_id, lecture, lecture, cell_type=cell.cell_type, locked=about.locked, source=cell.source)
    notebook = gradebook.find_notebook(lecture, lecture)
    names = {cell.metadata.nbgrader.grade_id for cell in cells}
    for submitted in notebook.submissions:
        for graded in notebook.grade_cells:
            if graded.name in names:
                gradebook.db.add(Grade(cell_id=graded.id, notebook=submitted))
        for solved in notebook.solution_cells:
            if solved.name in names:
                gradebook.db.add(Comment(cell_id=solved.id, notebook=submitted))
    gradebook.db.commit()
