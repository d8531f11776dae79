"""The command ``autograder mutate``; what it does stands in ``mutate.py``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from autograder.commands.stages import Stages
from autograder.commands.terminal import Lectures, console, count, end, state, the_course

if TYPE_CHECKING:  # torch takes two seconds, which --help need not wait for
    from autograder.commands.mutate import LectureMutants
    from autograder.runner.host import Runner


def mutate(
    lectures: Lectures = None,
    survivors: Annotated[bool, typer.Option("--survivors", help="Print every change that no check notices, with its line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found as JSON, and nothing else.")] = False,
) -> None:
    """Change each reference a little, in every way that a hurried person might, and count what the checks notice and what they say.

    Another axis, a missing `keepdim`, a sign, n - 1 for n, a step left out, a slice one element off, ...: each such *mutant* is run on hidden
    draws like an answer. A mutant is **caught** if it loses points. Of those that are, *named* ones are told a mistake of the lecture file,
    *told* ones a relation or what is wrong with the form, an *error* its own message, and ones *by the catalogue* a general sentence; of the
    others is said where they *differ*. **Equivalent** ones equal the reference on 300 draws, on fewer where a probe is slow. What **survives** is
    the to-do list: a probe that tells it apart is missing. Trained exercises and figures are left out.
    Exit code 1 if fewer than 99 % are caught or fewer than 60 % told.
    """
    from autograder.commands.mutate import mutants_table, shortfalls, surviving
    from autograder.commands.mutate import mutate as mutate_one
    from autograder.runner.parallel import each_lecture

    course = the_course()
    wanted = course.lectures(lectures)
    with Stages(Console(stderr=True) if as_json else console) as stages:
        stage = stages.begin("changing the references", len(wanted))

        def work(lecture: str, runner: Runner) -> LectureMutants:
            report = mutate_one(course, lecture, runner, say=lambda text: stage.say(lecture, text))
            stage.advance(f"{lecture}: {report.count()} mutants, {100 * report.caught:.1f} % caught, {100 * report.told:.0f} % told")
            return report

        reports = each_lecture(wanted, work, state["unsafe"])
        stage.end("all mutants tried")
    if as_json:
        print(json.dumps({report.lecture: report.to_json() for report in reports}, indent=1))
    else:
        console.print(mutants_table(reports))
    for line in surviving(course, reports) if survivors and not as_json else ():
        console.print(escape(line), highlight=False, soft_wrap=True)
    if as_json and shortfalls(reports):
        raise typer.Exit(1)
    if not as_json:
        end(f"{count(sum(report.count() for report in reports), 'mutant')}", shortfalls(reports), "enough are caught, and told")
