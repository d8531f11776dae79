"""``autograder feedback``: the pages of a class, written by all cores."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from autograder.commands.stages import Stages
from autograder.commands.terminal import console, count, the_course
from autograder.errors import UserError


def feedback(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    students: Annotated[list[str] | None, typer.Argument(help="Whose page; everybody's if nobody is named.", metavar="[STUDENT]...")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes at a time.", show_default="one for each core")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write again what was written.")] = False,
) -> None:
    """Write a page for everybody who was graded into `feedback/`, several at a time.

    The pages are those of `nbgrader generate_feedback`, and `nbgrader release_feedback` goes on from there. A page is written again when its
    notebook was graded again, or a person has changed its points or comments.

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
    if written.failed:
        raise typer.Exit(1)
    if not written.pages and not written.skipped:
        raise UserError(f"No page of {lecture} was written.")
