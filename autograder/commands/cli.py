"""The command ``autograder``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from autograder import __version__
from autograder.commands.benching import bench
from autograder.commands.collected import Platform
from autograder.commands.export import export
from autograder.commands.feedback import feedback
from autograder.commands.grade import grade
from autograder.commands.gradescope import gradescope
from autograder.commands.handout import handout
from autograder.commands.interrupt import heard
from autograder.commands.mutating import mutate
from autograder.commands.report import class_report
from autograder.commands.stages import Stages
from autograder.commands.starting import progress, start
from autograder.commands.terminal import Lectures, console, state
from autograder.commands.terminal import count as _count
from autograder.commands.terminal import end as _end
from autograder.commands.terminal import the_course as _course
from autograder.commands.trying import try_
from autograder.errors import CheckFailed, UserError

if TYPE_CHECKING:  # torch takes two seconds, which --help need not wait for
    from autograder.runner.host import Runner

INSTRUCTORS_OWN = ("nbgrader", "jupytext", "pyseccomp", "greenlet", "sqlalchemy", "distributed", "psycopg")  # packages that a student's install lacks

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="The exercises of **Neural Networks: Zero to Hero**. Students begin with `autograder start`. "
    "An instructor builds, proves and grades: `course.yml` describes the course; `autograder grade`, or plain `nbgrader autograde`, grades.",
)


def _version(asked: bool) -> None:
    if asked:
        console.print(f"zero-to-hero-autograder {__version__}", highlight=False)
        raise typer.Exit


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
    version: Annotated[bool, typer.Option("--version", help="Say which version this is, and end.", callback=_version, is_eager=True)] = False,
) -> None:
    state.update(course=course, unsafe=unsafe)
    if unsafe:
        Console(stderr=True).print("[yellow]warning[/yellow] --unsafe: notebooks run without the jail.")


def build(
    lectures: Lectures = None,
    yes: Annotated[bool, typer.Option("--yes", help="Change the gradebook of a running course without asking.")] = False,
) -> None:
    """Make the stub notebooks in `assignments/` from the lecture files in `solutions/`.

    Needed after every change of a lecture file or of `course.yml`. Reference models are trained the first time and kept in
    `build/weights/`. A second run changes nothing. Prints the losses that earn points with the course's own list of names.
    Where the gradebook knows a lecture that has changed, it says what, asks, and brings the gradebook up to date: grades
    given by hand are kept, and the next `nbgrader autograde` grades again by itself.
    """
    from autograder.commands.bands import bands_table
    from autograder.commands.build import build as build_one
    from autograder.commands.dropping import drop_skipped
    from autograder.commands.syllabus import warnings
    from autograder.commands.update import offer
    from autograder.runner.parallel import each_lecture

    course = _course()
    wanted = course.lectures(lectures)
    with Stages(console) as stages:
        stage = stages.begin("building", len(wanted))

        def work(lecture: str, runner: Runner) -> None:
            build_one(course, lecture, runner, say=lambda text: stage.say(lecture, text))
            stage.advance(f"{lecture}: built")

        each_lecture(wanted, work, state["unsafe"])
        stage.end("built")
    for line in drop_skipped(course):
        console.print(line, highlight=False, soft_wrap=True)
    if (table := bands_table(course, wanted)).row_count:
        console.print(table)
    for warning in warnings(course):
        console.print(f"[yellow]warning[/yellow] {escape(warning)}", highlight=False, soft_wrap=True)
    console.print(f"{_count(len(wanted), 'lecture')} built. The stub notebooks are in assignments/.")
    for lecture in wanted:
        offer(course, lecture, yes, console)


def verify(
    lectures: Lectures = None,
    train: Annotated[
        bool,
        typer.Option("--train", help="Train every reference model from scratch, whatever has been trained before."),
    ] = False,
    exercise: Annotated[
        str | None, typer.Option(help="Of one lecture this exercise alone, while you write it: its check, mistakes, variants and oracles.", metavar="NAME")
    ] = None,
) -> None:
    """Prove the checks: the reference gets every point, the stub none, every mistake is caught and named, every variant accepted.

    A student's own check says the same as grading, in a real kernel.
    Also checks that the committed stubs are those of the lecture files. Exit code 1 if anything is wrong.
    """
    from autograder.commands.verify import LectureReport, prove_one, report_table, training_table
    from autograder.commands.verify import verify as verify_one
    from autograder.runner.parallel import each_lecture

    course = _course()
    wanted = course.lectures(lectures)
    if exercise and (len(wanted) != 1 or train):
        raise UserError("--exercise is for one lecture, and trains nothing: autograder verify LECTURE --exercise NAME")
    with Stages(console) as stages:
        stage = stages.begin("verifying", len(wanted))

        def work(lecture: str, runner: Runner) -> LectureReport:
            if exercise:
                return prove_one(course, lecture, exercise, runner, lambda text: stage.say(lecture, text))
            report = verify_one(course, lecture, runner, train, say=lambda text: stage.say(lecture, text))
            stage.advance(f"{lecture}: verified")
            return report

        reports = each_lecture(wanted, work, state["unsafe"])
        stage.end("verified")
    for report in reports:
        console.print(report_table(report))
    if trainings := [training for report in reports for training in report.trainings]:
        console.print(training_table(trainings))
    every = [e for report in reports for e in report.exercises]
    counted = {"mistake": sum(e.mistakes for e in every), "variant": sum(e.variants for e in every)}
    counts = ", ".join([_count(len(every), "exercise"), *(_count(number, word) for word, number in counted.items())])
    counts += f", {_count(reports[0].draws, 'hidden draw')} each"
    counts += "" if exercise else f", {_count(sum(e.compared for e in every), 'own check')}"
    if exercise:
        console.print("The stub and a student's own check were not looked at; autograder verify LECTURE does.", highlight=False, soft_wrap=True)
    for note in (f"{report.lecture}: {note}" for report in reports for note in report.notes):
        console.print(f"[yellow]note[/yellow] {escape(note)}", highlight=False, soft_wrap=True)
    _end(counts, [f"{report.lecture}: {fault}" for report in reports for fault in report.all_faults], "all is well")


def demo(
    lectures: Lectures = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the demonstration course goes; build/demo unless told otherwise.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every known mistake and every other right answer: three to four times as many submissions.")] = False,
) -> None:
    """Grade a made-up class through nbgrader and compare every point and diagnosis with what is expected.

    The class of each lecture: the reference, the untouched stub, some with known mistakes, some with other right answers, and a few mixed
    ones; with `--all` somebody has made each known mistake. What runs: `nbgrader generate_assignment`, `autograder grade`, `autograder feedback`,
    `nbgrader export`. Exit code 1 if anything differs.
    """
    from autograder.commands.demo import run_demo, tables

    course = _course()
    with Stages(console) as stages:
        outcome = run_demo(course, lectures, folder or course.build / "demo", stages, state["unsafe"], everyone)
    for table in tables(outcome):
        console.print(table)
    for label, path in outcome.places.items():
        console.print(f"  {label}: {path}", soft_wrap=True, highlight=False)
    total = sum(len(rows) for rows in outcome.rows.values())
    _end(f"{total} submissions graded in {outcome.seconds:.0f} s", outcome.faults, "every point and every diagnosis is right")


def collect(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    download: Annotated[Path, typer.Argument(help="The zip as it was downloaded, or the folder into which it was unpacked.", metavar="FOLDER_OR_ZIP")],
    platform: Annotated[
        Platform, typer.Option("--from", help="Where it comes from. zip: one folder, zip or notebook a student, called by the student's id.")
    ],
    roster: Annotated[
        Path | None,
        typer.Option(
            help="A CSV of the class: Canvas' gradebook export, Moodle's grading worksheet of this assignment, its grades or participants, "
            "or any with columns such as login, email, name."
        ),
    ] = None,
) -> None:
    """Put hand-ins that Canvas or Moodle hands out into `submitted/`, where `nbgrader autograde` looks for them.

    For example, after *Download Submissions* in Canvas and *Export* in its gradebook:

    `autograder collect lecture_1_trigram submissions.zip --from canvas --roster grades.csv`

    Students are called by their login of the roster; without one by name and number of the platform, `doejane_12345` and `Jane Doe_12345`. Canvas' numbers
    stay the same in all assignments. Moodle's do not: **with Moodle use a roster from the first lecture on**, or a student has another id in each.
    A group's work counts for whoever is named in the download.

    Run it again whenever there are new hand-ins: what has not changed is not touched, and what is replaced is kept in `build/replaced/`.
    No time of submission is written, since a download holds none that can be trusted. Exit code 1 if nothing was recognised.
    """
    from autograder.commands.collect import collect as collect_one
    from autograder.commands.roster import read_roster

    course = _course()
    known = read_roster(roster) if roster else None
    with Stages(console) as stages:
        made = collect_one(course, lecture, platform, download, known, stages)
    console.print(made.table(lecture))
    for sentence in made.sentences(lecture, course.root, bool(course.lecture(lecture).due)):
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    if not made.students:
        raise UserError(f"Nothing of {download} was collected as a hand-in from {platform}. Is --from right?")


def doctor() -> None:
    """Say whether this machine can grade, and what to do where it cannot.

    In a student's install, where no course is: whether all is here to work on a lecture.
    """
    from autograder.commands import doctor as doctors

    of_a_student = doctors.students_own(state["course"])
    findings = doctors.examine_students() if of_a_student else doctors.examine(state["course"])
    for finding in findings:
        mark = "[green]good[/green]" if finding.good else "[red]bad [/red]"
        console.print(f"{mark} {escape(finding.what)}", highlight=False, soft_wrap=True)
        if not finding.good:
            console.print(f"     {escape(finding.remedy)}", highlight=False, soft_wrap=True)
    console.print(doctors.conclusion(findings, of_a_student), highlight=False, soft_wrap=True)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


PANELS: dict[str, dict[str, Callable[..., None]]] = {  # of --help, each in the order in which one needs its commands
    "For students": {"start": start, "try": try_, "progress": progress},
    "A course: build, prove, improve": {"build": build, "verify": verify, "mutate": mutate, "demo": demo},
    "A class: hand out, collect, grade, report": {
        "handout": handout,
        "collect": collect,
        "grade": grade,
        "feedback": feedback,
        "report": class_report,
        "export": export,
        "gradescope": gradescope,
    },
    "This machine": {"doctor": doctor, "bench": bench},
}
for panel, commands in PANELS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; a user's mistake is one sentence and exit code 1, never a traceback."""
    try:
        with heard():
            app(arguments, standalone_mode=True)
    except (UserError, CheckFailed) as error:
        return _said(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in INSTRUCTORS_OWN:
            raise
        return _said(f"This command is the instructor's and needs {error.name}. Install it in a clone with: pip install -c constraints.txt -e '.[instructor]'")
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted.")
        return 130
    except SystemExit as end:
        if isinstance(end.code, str):  # a command of nbgrader's would end with this sentence
            return _said(end.code)
        return int(end.code or 0)
    return 0


def _said(error: str) -> int:
    Console(stderr=True).print(f"[red]error[/red] {escape(error)}", highlight=False, soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
