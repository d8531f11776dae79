"""``autograder feedback``: the pages of a class, written by all cores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from autograder.commands.collected import Platform
from autograder.commands.handed_back import pack as pack_pages
from autograder.commands.stages import Stages
from autograder.commands.terminal import console, count, the_course
from autograder.course.directory import CourseDirectory
from autograder.errors import UserError


def feedback(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    students: Annotated[list[str] | None, typer.Argument(help="Whose page; everybody's if nobody is named.", metavar="[STUDENT]...")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes at a time.", show_default="one for each core")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write again what was written.")] = False,
    pack: Annotated[bool, typer.Option("--pack", help="Then pack all pages into feedback-LECTURE.zip, to be given out by the learning platform.")] = False,
    to: Annotated[
        Platform | None, typer.Option(help="For which platform --pack names them.", show_default="the one from which the work was collected")
    ] = None,
) -> None:
    """Write a page for everybody who was graded into `feedback/`, several at a time.

    The pages are those of `nbgrader generate_feedback`, and `nbgrader release_feedback` goes on from there. A page is written again when its
    notebook was graded again, or a person has changed its points or comments.

    With --pack, Canvas and Moodle give each student the own page: what `autograder collect` has taken from a download is named there as the platform knows
    it. With `--to zip` there is a folder for each student. Nothing but the pages is packed.

    Stop it with Ctrl-C, and run it again: nothing is lost. Exit code 1 if a page could not be written.
    """
    from autograder.plugin.pages_at_once import write_pages

    course = the_course()
    course.lecture(lecture)
    try:
        with Stages(console) as stages:
            stage = stages.begin(f"feedback on {lecture}", 0)
            written = write_pages(course, lecture, students or ["*"], jobs or os.cpu_count() or 1, force, stage.expect, lambda _: stage.advance(news=False))
            for line in written.said:
                place, _, sentence = line.partition(": ")
                if Path(place).is_absolute():
                    stages.tell_of(os.path.relpath(place, course.root), sentence)
                else:
                    stages.tell(line)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. To go on, type the same again.")
        raise typer.Exit(130) from None
    if written.pages:
        first = os.path.relpath(next(iter(written.pages.values())), course.root)
        console.print(f"{count(len(written.pages), 'page')} written, for example {escape(first)}", soft_wrap=True, highlight=False)
    if written.skipped:
        console.print(f"{count(written.skipped, 'page')} written before, and nothing was graded since. To write all again: --force")
    for name, reason in sorted(written.failed.items()):
        console.print(f"[red]no page[/red] {escape(name)}: {escape(reason)}", highlight=False, soft_wrap=True)
    if pack or to:
        _pack(course, lecture, to, {**written.before, **written.pages})
    if written.failed:
        raise typer.Exit(1)
    if not written.pages and not written.skipped:
        raise UserError(f"No page of {lecture} was written.")


def _pack(course: CourseDirectory, lecture: str, to: Platform | None, pages: dict[str, Path]) -> None:
    packed, platform = pack_pages(course, lecture, to, pages)
    console.print(f"{count(len(packed.students), 'page')} packed for {platform.value}: {escape(packed.target.name)}", highlight=False, soft_wrap=True)
    for sentence in packed.sentences(platform):
        console.print(escape(sentence), highlight=False, soft_wrap=True)
