"""``autograder grade``: a class graded by several jails at once, with a bar, a summary, and an exit code that says whether somebody is missing."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.commands.remembered import late_without_a_time
from autograder.commands.stages import Stages
from autograder.commands.terminal import console, count, first_of, state, the_course
from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.runner import jail
from autograder.runner.launch import Launched, launch

if TYPE_CHECKING:  # torch and nbgrader take seconds, which --help need not wait for
    from autograder.plugin.at_once import Graded, Outcome
    from autograder.runner.crew import Crew

MOST_SAID = 3  # lines about one submission; the rest stands in its feedback


def grade(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    students: Annotated[list[str] | None, typer.Argument(help="Whose work; everybody's if nobody is named.", metavar="[STUDENT]...")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Jails at a time.", show_default="one for each core")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Run submissions on the workers of this Dask scheduler, such as tls://grader.example.org:8786.", metavar="ADDRESS")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what was graded, and run all of it anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came out as JSON, and nothing else.")] = False,
) -> None:
    """Grade what is in `submitted/`, several submissions at a time.

    It leaves what `nbgrader autograde` leaves, the same files and the same rows in the gradebook: formgrader, `autograder feedback` and
    `nbgrader export` go on from there. What was graded before is passed over, unless something else was handed in or the course has changed.
    After a change of tolerances, sentences or points (but of a trained model's) no cell runs again: what left the jails is kept in `build/runs/`,
    which you may delete at any time.

    With --scheduler the submissions run on other machines, each in a jail there; all else happens here. Workers need this package and bubblewrap,
    and neither the course nor a shared folder: docs/scale.md.

    Stop it with Ctrl-C, and run it again: nothing is lost. Exit code 1 if a submission could not be graded; who it is stands below the table.
    """
    course = the_course()
    course.lecture(lecture)
    begun = time.monotonic()
    try:
        with Stages(console, quiet=as_json) as stages, _runners(course, jobs, scheduler, stages) as crew:
            outcome = _graded(course, lecture, students or ["*"], crew, force, stages)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped: what was graded is in the gradebook. To go on, type the same again.")
        raise typer.Exit(130) from None
    seconds = time.monotonic() - begun
    if as_json:
        print(json.dumps(_told(lecture, outcome, seconds)))
    else:
        _show(lecture, outcome, seconds)
    if outcome.failed:
        raise typer.Exit(1)


@contextlib.contextmanager
def _runners(course: CourseDirectory, jobs: int | None, scheduler: str | None, stages: Stages) -> Iterator[Crew]:
    """So many jails on this machine, or as many as a cluster has room for."""
    if scheduler is None:
        with _first_jail(course) as early:
            from autograder.runner.crew import Crew

            with Crew(jobs or os.cpu_count() or 1, state["unsafe"], early=early) as crew:
                yield crew
        return
    from autograder.runner.cluster import Cluster
    from autograder.runner.crew import Crew

    if state["unsafe"]:
        raise UserError("--unsafe is for this machine alone: workers always run submissions in a jail.")
    with Cluster(scheduler) as cluster:
        cluster.ready(course.course.limits.disk_mb)
        if cluster.open_to_all:
            stages.tell(f"{scheduler} is not encrypted: whoever is on that network can read submissions, and run code on the workers. Use tls://")
        with Crew(jobs or cluster.threads(), make=cluster.runner) as crew:
            yield crew


@contextlib.contextmanager
def _first_jail(course: CourseDirectory) -> Iterator[Launched | None]:
    """A process that imports what it needs while this one does; nothing where there is no jail: whoever grades tells why."""
    early = None
    with contextlib.suppress(UserError):
        if not state["unsafe"]:
            jail.keep_out(course.root)
        early = launch(course.course.limits.disk_mb, state["unsafe"])
    try:
        yield early
    finally:
        if early is not None:
            early.end()


def _graded(course: CourseDirectory, lecture: str, students: list[str], crew: Crew, force: bool, stages: Stages) -> Outcome:
    from autograder.plugin.at_once import grade_class

    stage = stages.begin(f"grading {lecture}", 0)
    counts = {"graded": 0, "without a run": 0, "late": 0, "failed": 0}

    def done(what: Graded | str) -> None:
        if not isinstance(what, str):
            counts["graded"] += 1
            counts["without a run"] += what.kept
            counts["late"] += what.seconds_late > 0
            for line in what.said[:MOST_SAID]:
                stages.tell_of(what.student, line.removeprefix(f"{what.student}: "))
        else:
            counts["failed"] += 1
        stage.advance(", ".join(f"{number} {name}" for name, number in counts.items() if number), news=False)

    outcome = grade_class(course, lecture, students, crew, force, stage.expect, done)
    for line in [*outcome.said, late_without_a_time(course, lecture)]:
        if line:
            stages.tell(line)
    return outcome


def _told(lecture: str, outcome: Outcome, seconds: float) -> dict[str, Any]:
    graded = [asdict(one) for one in sorted(outcome.graded, key=lambda one: one.student)]
    return {"lecture": lecture, "graded": graded, "failed": outcome.failed, "passed_over": outcome.skipped, "said": outcome.said, "seconds": round(seconds, 2)}


def _show(lecture: str, outcome: Outcome, seconds: float) -> None:
    graded = outcome.graded
    if graded:
        points = [one.points - one.penalty for one in graded]
        table = Table(title=lecture, title_justify="left", show_header=False)
        table.add_row("graded", f"{count(len(graded), 'submission')} in {seconds:.1f} s, {60 * len(graded) / seconds:,.0f} a minute")
        table.add_row("without a run", f"{sum(one.kept for one in graded)}: what left their jails was kept")
        table.add_row("points", f"median {statistics.median(points):g} of {graded[0].most:g}, from {min(points):g} to {max(points):g}")
        if late := [one for one in graded if one.seconds_late]:
            table.add_row("late", f"{len(late)}, which cost {sum(one.penalty for one in late):g} points together")
        if asks := [one for one in graded if one.asks]:
            answers = count(sum(one.asks for one in asks), "answer")
            table.add_row("for a person", f"{answers} of {count(len(asks), 'student')}: JupyterLab, menu Nbgrader, Formgrader")
            table.add_row("whose", escape(first_of(sorted(one.student for one in asks))))
        console.print(table)
    if outcome.skipped:
        console.print(f"{count(outcome.skipped, 'submission')} graded before, and nothing has changed. To grade all again: --force")
    for student, why in sorted(outcome.failed.items()):
        console.print(f"[red]not graded[/red] {escape(student)}: {escape(why)}", highlight=False, soft_wrap=True)
    if not graded and not outcome.skipped and not outcome.failed:
        raise UserError(f"Nothing of {lecture} was graded.")
