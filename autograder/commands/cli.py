"""The command ``autograder``."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Annotated, Any

from autograder.errors import UserError

try:
    import typer
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Table
except ImportError:  # a student's install
    sys.exit(
        "The command autograder is the instructor's. Install what it needs with: pip install -c constraints.txt '.[instructor]'"
    )

from autograder.course.directory import CourseDirectory, load_course

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Builds, proves and grades the exercises of **Neural Networks: Zero to Hero**. "
    "`course.yml` describes the course; grading itself is plain `nbgrader autograde`.",
)
console = Console() if sys.stdout.isatty() else Console(width=120)  # a log is wider than 80 columns
Lectures = Annotated[
    list[str] | None,
    typer.Argument(
        help="Lectures of course.yml, such as lecture_1_trigram; all of them if none is named.", metavar="[LECTURE]..."
    ),
]
state: dict[str, Any] = {"course": Path("course.yml"), "unsafe": False}


@app.callback()
def options(
    course: Annotated[Path, typer.Option(help="The course.yml of the course.")] = Path("course.yml"),
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            help="Run notebooks without the jail, with all files and the network open to them. Only for your own.",
        ),
    ] = False,
) -> None:
    state.update(course=course, unsafe=unsafe)
    if unsafe:
        Console(stderr=True).print("[yellow]warning[/yellow] --unsafe: notebooks run without the jail.")


def _course() -> CourseDirectory:
    return load_course(state["course"])


def _progress() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=not console.is_terminal)


@app.command()
def build(lectures: Lectures = None) -> None:
    """Make the stub notebooks in `assignments/` from the lecture files in `solutions/`.

    Needed after every change of a lecture file or of `course.yml`. Reference models are trained the first time and kept in
    `build/weights/`. A second run changes nothing.
    """
    from autograder.commands.build import build as build_one
    from autograder.commands.verify import lectures_of
    from autograder.runner.parallel import each_lecture

    course = _course()
    wanted = lectures_of(course, lectures)
    with _progress() as progress:
        task = progress.add_task("building", total=len(wanted))

        def work(lecture: str, runner) -> None:
            build_one(course, lecture, runner, say=lambda text: progress.update(task, description=f"{lecture}: {text}"))
            progress.advance(task)

        each_lecture(wanted, work, state["unsafe"])
        progress.update(task, description="built")
    console.print(
        f"{len(wanted)} lecture{'s' if len(wanted) > 1 else ''} built. The stub notebooks are in assignments/."
    )


@app.command()
def verify(
    lectures: Lectures = None,
    train: Annotated[
        bool,
        typer.Option("--train", help="Train every reference model from scratch, whatever has been trained before."),
    ] = False,
) -> None:
    """Prove the checks: the reference gets every point, the stub none, every mistake is caught and named, every variant accepted.

    Also checks that the committed stubs are those of the lecture files. Exit code 1 if anything is wrong.
    """
    from autograder.commands.verify import lectures_of
    from autograder.commands.verify import verify as verify_one
    from autograder.runner.parallel import each_lecture

    course = _course()
    wanted = lectures_of(course, lectures)
    with _progress() as progress:
        task = progress.add_task("verifying", total=len(wanted))

        def work(lecture: str, runner):
            report = verify_one(
                course,
                lecture,
                runner,
                train,
                say=lambda text: progress.update(task, description=f"{lecture}: {text}"),
            )
            progress.advance(task)
            return report

        reports = each_lecture(wanted, work, state["unsafe"])
    for report in reports:
        table = Table(
            "exercise",
            "reference",
            "stub",
            "mistakes named",
            "variants accepted",
            "oracles",
            title=report.lecture,
            title_justify="left",
        )
        for e in report.exercises:
            share = 100 * e.reference.points / e.reference.max_points
            style = "red" if e.faults else ""
            row = (
                e.exercise,
                f"{share:.0f} %",
                f"{e.stub.points:g}, {e.stub.status}",
                f"{e.named} of {e.mistakes}",
                f"{e.accepted} of {e.variants}",
                str(e.oracles),
            )
            table.add_row(*row, style=style)
        console.print(table)
    if found := [training for report in reports for training in report.trainings]:
        console.print(training_table(found))
    every = [e for report in reports for e in report.exercises]
    counts = (
        f"{len(every)} exercises, {sum(e.mistakes for e in every)} mistakes, {sum(e.variants for e in every)} variants"
    )
    counts += f", {reports[0].draws} hidden draws each"
    faults = [f"{report.lecture}: {fault}" for report in reports for fault in report.all_faults]
    for fault in faults:
        console.print(f"[red]wrong[/red] {escape(fault)}", highlight=False, soft_wrap=True)
    console.print(f"{counts}: " + (f"{len(faults)} faults." if faults else "all is well."))
    if faults:
        raise typer.Exit(1)


def training_table(trainings: list) -> Table:
    """What the reference models reached and cost, beside what the notes of the course reached."""
    table = Table(
        "model", "loss", "of the notes", "steps", "core seconds", "of the notes' recipe", title_justify="left"
    )
    table.title = "Reference models, trained from scratch"
    for t in trainings:
        notes = t.rules.notes
        table.add_row(
            t.exercise,
            f"{t.rules.split} {t.loss:.4f}",
            f"{notes.loss:.4f}" if notes else "",
            f"{t.steps:,}",
            f"{t.core_seconds:.1f}",
            f"{notes.seconds:g} s, {notes.steps:,} steps" if notes and notes.seconds and notes.steps else "",
        )
    table.add_row("all", "", "", "", f"{sum(t.core_seconds for t in trainings):.1f}", "", style="bold")
    return table


@app.command()
def demo(
    lectures: Lectures = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the demonstration course goes; build/demo unless told otherwise.")
    ] = None,
) -> None:
    """Grade a made-up class with the real nbgrader and compare every point and diagnosis with what is expected.

    The class: the reference, the untouched stub, one submission for each known mistake and each variant, and a few mixed
    ones. Runs `nbgrader generate_assignment`, `autograde`, `generate_feedback` and `export`. Exit code 1 if anything differs.
    """
    from autograder.commands.demo import run_demo

    course = _course()
    with _progress() as progress:
        outcome = run_demo(course, lectures, folder or course.build / "demo", progress, state["unsafe"])
    for lecture, rows in outcome.rows.items():
        table = Table("submission", "expected", "given", "recognised", title=lecture, title_justify="left")
        for row in rows:
            style = "red" if row.faults else ""
            table.add_row(
                row.student,
                f"{row.expected:g}",
                "none" if row.given is None else f"{row.given:g}",
                row.recognised,
                style=style,
            )
        console.print(table)
    for fault in outcome.faults:
        console.print(f"[red]wrong[/red] {escape(fault)}", highlight=False, soft_wrap=True)
    total = sum(len(rows) for rows in outcome.rows.values())
    console.print(
        f"{total} submissions graded in {outcome.seconds:.0f} s: "
        + (f"{len(outcome.faults)} faults." if outcome.faults else "every point and every diagnosis is right.")
    )
    for label, path in outcome.places.items():
        console.print(f"  {label}: {path}", soft_wrap=True, highlight=False)
    if outcome.faults:
        raise typer.Exit(1)


@app.command()
def bench(
    lectures: Lectures = None,
    jail: Annotated[bool, typer.Option("--jail", help="What the jail costs: each lecture's reference with and without.")] = False,
    rounds: Annotated[int, typer.Option(min=2, help="How many times each side is measured.")] = 15,
) -> None:
    """Measure on this machine, by turns in one run, what a part of grading costs.

    Ratios travel from machine to machine, seconds do not. Nothing else should run meanwhile.
    """
    from autograder.commands.bench import jail_cost
    from autograder.commands.verify import lectures_of

    if not jail:
        raise UserError("Say what to measure: autograder bench --jail")
    course = _course()
    wanted = lectures_of(course, lectures)
    with _progress() as progress:
        task = progress.add_task("measuring", total=len(wanted) * rounds)

        def advance(lecture: str) -> None:
            progress.update(task, description=lecture, advance=1)

        cost = jail_cost(course, wanted, rounds, advance)
    table = Table("grading one submission", "in the jail", "without", "ratio", "middle half of the rounds")
    for paired in (*cost.lectures, cost.starts):
        low, high = paired.middle_half
        times = [f"{1000 * statistics.median(side):.0f} ms" for side in (paired.having, paired.lacking)]
        table.add_row(paired.lecture, *times, f"{paired.ratio:.3f}", f"{low:.3f} to {high:.3f}")
    console.print(table)
    ratios = [ratio for paired in cost.lectures for ratio in paired.ratios]
    console.print(
        f"The jail costs {100 * (statistics.median(ratios) - 1):.1f} % of the time of grading: the median of {len(ratios)} pairs. "
        "The start is paid once a command."
    )


@app.command()
def doctor() -> None:
    """Say whether this machine can grade, and what to do where it cannot."""
    from autograder.commands.doctor import examine

    findings = examine(state["course"])
    for finding in findings:
        mark = "[green]good[/green]" if finding.good else "[red]bad [/red]"
        console.print(f"{mark} {escape(finding.what)}", highlight=False, soft_wrap=True)
        if not finding.good:
            console.print(f"     {escape(finding.remedy)}", highlight=False, soft_wrap=True)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; a user's mistake is one sentence and exit code 1, never a traceback."""
    try:
        app(arguments, standalone_mode=True)
    except UserError as error:
        Console(stderr=True).print(f"[red]error[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted.")
        return 130
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
