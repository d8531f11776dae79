"""``autograder report``: what an instructor wants to know about a graded lecture, on one page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.remembered import late_without_a_time, recall
from autograder.commands.stages import Stages
from autograder.commands.terminal import console, count, the_course
from autograder.errors import UserError


def class_report(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    folder: Annotated[
        Path | None, typer.Option(help="Where the page and its CSV files go; build/report/LECTURE unless told otherwise.", show_default=False)
    ] = None,
) -> None:
    """Write one page about a graded class: which exercises were hard, and which mistakes how many made.

    Points and their spread; for each exercise the share right, the mean, and how well it tells apart who knows the matter; recognised mistakes by
    number; wrong answers that nobody has named, grouped by what they returned, each with one answer and a button that copies a ready `mistake` cell
    for the lecture file; training curves and losses; who is late, missing or could not be graded; the same and similar work; remarks of grading.

    For example: `autograder report lecture_1_trigram`, after `autograder grade lecture_1_trigram`.

    It reads the gradebook, `submitted/`, `autograded/` and `build/runs/`, runs no cell and changes nothing there. The page needs no network and no other
    file. It holds names and answers: keep it to those who teach. An earlier report in the same folder is replaced.
    """
    course = the_course()
    course.lecture(lecture)
    target = (folder or course.build / "report" / lecture).absolute()
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file. Name a folder: --folder")
    from autograder.report.data import gather
    from autograder.report.made import make
    from autograder.report.page import write

    with Stages(console) as stages:
        stage = stages.begin(f"reading {lecture}", 0)
        known = recall(course, lecture)
        work = gather(course, lecture, stage.expect, lambda _: stage.advance(news=False), known.roster)
        work.notes += filter(None, [late_without_a_time(course, lecture)])
        made = make(course, work)
        try:
            page = write(made, target)
        except OSError as error:
            raise UserError(f"The report cannot be written to {target} ({error.strerror}). Name another folder: --folder") from None
    told = _told(len(made.mistakes), len(made.clusters.found))
    console.print(f"{count(len(work.graded), 'student')} of {len(work.works)} graded; {told}", highlight=False, soft_wrap=True)
    console.print(f"The page: {escape(os.path.relpath(page, course.root))}, and CSV files beside it.", highlight=False, soft_wrap=True)


def _told(mistakes: int, clusters: int) -> str:
    groups = f"{count(clusters, 'group')} of unnamed wrong answers"
    return f"{count(mistakes, 'different mistake')} recognised, {groups}." if mistakes else f"no mistake recognised, {groups}."
