"""The command ``autograder bench``."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.stages import Stages
from autograder.commands.terminal import Lectures, console, the_course
from autograder.errors import UserError

if TYPE_CHECKING:  # torch takes two seconds, which --help need not wait for
    from autograder.course.directory import CourseDirectory


def bench(
    lectures: Lectures = None,
    jail: Annotated[bool, typer.Option("--jail", help="What the jail costs: each lecture's reference with and without.")] = False,
    grading: Annotated[bool, typer.Option("--grade", help="A class graded by nbgrader alone, with this kit, and by `autograder grade`.")] = False,
    scale: Annotated[str | None, typer.Option(help="Classes of these sizes, such as 10,100,1000, graded by `autograder grade`.", metavar="SIZES")] = None,
    otter: Annotated[bool, typer.Option("--otter", help="With --grade: also by otter-grader, where it is installed.")] = False,
    students: Annotated[int, typer.Option(min=3, help="With --grade: submissions.")] = 8,
    rounds: Annotated[int | None, typer.Option(min=2, help="With --jail and --grade: times each side is measured; 15 and 2 unless told otherwise.")] = None,
) -> None:
    """Measure on this machine, by turns in one run, what a part of grading costs.

    Ratios travel from machine to machine, seconds do not. Nothing else should run meanwhile.
    """
    from autograder.commands.bench import cost_table, jail_cost

    if jail + grading + (scale is not None) != 1:
        raise UserError("Say what to measure: autograder bench --jail, autograder bench --grade LECTURE, or autograder bench --scale 10,100 LECTURE")
    course = the_course()
    wanted = course.lectures(lectures)
    if grading:
        return _bench_grading(course, wanted, students, rounds or 2, otter)
    if scale is not None:
        return _bench_scale(course, wanted, scale)
    with Stages(console) as stages:
        stage = stages.begin("measuring", len(wanted) * (rounds or 15))

        def advance(lecture: str) -> None:
            stage.say(lecture)
            stage.advance()

        cost = jail_cost(course, wanted, rounds or 15, advance)
    console.print(cost_table(cost))
    console.print(
        f"The jail costs {100 * (statistics.median(cost.pairs) - 1):.1f} % of the time of grading: the median of {len(cost.pairs)} pairs. "
        "The start is paid once a command."
    )


def _bench_grading(course: CourseDirectory, lectures: list[str], students: int, rounds: int, otter: bool) -> None:
    from autograder.commands.bench_ways import steps, ways_table, ways_to_grade

    with Stages(console) as stages:
        stage = stages.begin("measuring", steps(len(lectures), rounds, otter))
        for lecture in lectures:
            ways = ways_to_grade(course, lecture, students, rounds, course.build / "bench", stage.advance, otter)
            console.print(ways_table(ways, lecture, students))


def _bench_scale(course: CourseDirectory, lectures: list[str], asked: str) -> None:
    from autograder.commands.bench_scale import line_through, scale_table, scaled

    sizes = sorted({int(word) for word in asked.split(",") if word.strip().isdecimal()} - {0})
    if len(sizes) < 2 or len(sizes) != len(asked.split(",")):
        raise UserError(f"--scale {asked}: two sizes at least, whole numbers, each once, such as 10,100")
    with Stages(console) as stages:
        stage = stages.begin("measuring", len(lectures) * len(sizes))
        for lecture in lectures:
            found = scaled(course, lecture, sizes, course.build / "bench", stage.advance)
            start, more = line_through(found)
            console.print(scale_table(found, lecture))
            console.print(f"The straight line through them: {start:.1f} s, and {more:.3f} s for each submission.", highlight=False)
