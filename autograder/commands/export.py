"""``autograder export``: grades in the formats in which Canvas and Moodle take them, and as a plain table."""

from __future__ import annotations

import os
import shutil
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from autograder.commands.own_files import is_own, write_own
from autograder.commands.remembered import late_without_a_time
from autograder.commands.stages import Stages
from autograder.commands.terminal import Lectures, console, count, first_of, the_course
from autograder.course.directory import CourseDirectory
from autograder.errors import UserError

if TYPE_CHECKING:  # nbgrader takes seconds, which --help need not wait for
    from autograder.plugin.grades import LectureGrades


class Target(StrEnum):
    canvas = "canvas"
    moodle = "moodle"
    csv = "csv"


def export(
    lectures: Lectures = None,
    to: Annotated[Target, typer.Option("--to", help="Whose format. csv is for people and scripts.")] = Target.csv,
    roster: Annotated[
        Path | None,
        typer.Option(help="A CSV of the class, as for `autograder collect`: Canvas' gradebook export, Moodle's export of grades, or a grading worksheet."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the file goes.", show_default="grades-TO.csv in the course's folder")] = None,
    by_exercise: Annotated[bool, typer.Option("--by-exercise", help="A column for each exercise in place of one for each lecture.")] = False,
) -> None:
    """Write the grades of some lectures, or all, into a file that a learning platform takes.

    Canvas: export its gradebook, run `autograder export --to canvas --roster THAT_FILE`, and import what was written. People are found by Canvas' own
    ids; an assignment of Canvas' that has a lecture's title or name gets its grades, and what has none becomes a new one.

    Moodle: export its grades as plain text, run `--to moodle --roster THAT_FILE`, and import what was written as a CSV file. With a *grading worksheet* as
    the roster it is filled in, for one lecture.

    Bonus points have columns of their own, with 0 points possible. What lateness costs is taken off in proportion, by the points that people have given
    by now. An answer that waits for a person counts nothing yet, and is told. Who has handed in nothing has no row, or an empty cell.

    With --roster it says who is in the gradebook or on the roster alone. Exit code 1 if a grade found no place in the file, which is written all the same;
    somebody who has handed in nothing is told, and no fault.
    """
    from autograder.commands import exported
    from autograder.commands.roster import read_roster
    from autograder.plugin.grades import read_grades

    course, home = the_course(), Path.cwd()
    target = (home / out if out else course.root.resolve() / f"grades-{to.value}.csv").resolve()
    known = read_roster(roster) if roster else None
    if roster and target == (home / roster).resolve():
        raise UserError(f"{roster} is the roster itself; name another file with --out.")
    if not target.parent.is_dir():
        raise UserError(f"{target.parent}: there is no such folder for --out.")
    course = CourseDirectory(course.root.resolve(), course.course)  # nbgrader changes the folder
    try:
        with Stages(console) as stages:
            stage = stages.begin("reading the gradebook", 1)
            grades, told = read_grades(course, lectures)
            stage.end("read")
    finally:
        os.chdir(home)
    students = {student for one in grades for student in one.work}
    matched = exported.match(students, known, to.value) if known else exported.Matched()
    if to is Target.canvas:
        table = exported.for_canvas(grades, known, matched, by_exercise)
    elif to is Target.moodle:
        table = exported.for_moodle(grades, known, matched, by_exercise)
    else:
        table = exported.as_csv(grades, matched, by_exercise)
    data = exported.written(table, mark=to is Target.csv)
    if replaced := _put(course, target, data):
        told.append(replaced)
    told += [*table.told, *(f"{one.lecture}: {late}" for one in grades if (late := late_without_a_time(course, one.lecture)))]
    _say(grades, told, to)
    alone = {"In the gradebook, and not to be found on the roster (no row)": matched.strangers, "On the roster, and nothing graded": matched.absent}
    for what, names in alone.items():
        if known and names:
            _tell(f"{what}: {len(names)} ({first_of(names)}).")
    console.print(f"Written: {escape(os.path.relpath(target))}", highlight=False, soft_wrap=True)
    if matched.strangers:
        raise typer.Exit(1)


def _put(course: CourseDirectory, target: Path, data: bytes) -> str:
    """Write the file; what stood there and is not as this command left it is kept, and that is said."""
    said = ""
    try:
        if target.is_file() and target.read_bytes() != data and not is_own(course, target):
            course.make_private()
            kept = course.build / "replaced" / "exports" / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{target.name}"
            kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(target, kept)
            said = f"What stood in {target.name} was not written by this command; it is kept in {os.path.relpath(kept, course.root)}."
        write_own(course, target, data)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}. Name another file with --out.") from None
    return said


def _say(grades: list[LectureGrades], told: list[str], to: Target) -> None:
    from autograder.commands.exported import points

    for one in grades:
        waiting = sum(len(work.waiting) for work in one.work.values())
        people = [student for student, work in sorted(one.work.items()) if work.waiting]
        late = [work.penalty for work in one.work.values() if work.penalty]
        line = f"{one.lecture}: {count(len(one.work), 'student')}, {points(one.most)} points"
        line += f" and {points(one.bonus)} as a bonus" if one.bonus else ""
        line += f"; lateness costs {len(late)} of them {points(sum(late))} points together" if late else ""
        console.print(escape(line + "."), highlight=False, soft_wrap=True)
        if waiting:
            how = {Target.canvas: "", Target.moodle: " (the column 'Not final')", Target.csv: " (the column final)"}[to]
            asked = f"{count(waiting, 'answer')} {'waits' if waiting == 1 else 'wait'} for a person ({_printable(first_of(people))})"
            line = f"{one.lecture}: not final for {count(len(people), 'student')}{how}: {asked}. Until then what one gave before counts, if anything."
            console.print(f"[yellow]note[/yellow] {escape(line)} In JupyterLab: menu Nbgrader, Formgrader. Then export again.", highlight=False, soft_wrap=True)
    for line in told:
        _tell(line)


def _tell(text: str) -> None:
    """A line in which names are that a stranger chose."""
    console.print(escape(_printable(text)), highlight=False, soft_wrap=True)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
