"""What the commands share: the terminal, the course that was named, and how a command ends that proves something."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from autograder.course.directory import CourseDirectory, load_course

console = Console() if sys.stdout.isatty() else Console(width=120)  # a log is wider than 80 columns
Lectures = Annotated[
    list[str] | None,
    typer.Argument(
        help="Lectures of course.yml, such as lecture_1_trigram; all of them if none is named.", metavar="[LECTURE]..."
    ),
]
SHOWN = 20  # names in a line
state: dict[str, Any] = {"course": Path("course.yml"), "unsafe": False}


def the_course() -> CourseDirectory:
    return load_course(state["course"])


def count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def first_of(names: list[str]) -> str:
    """Some names, and how many more there are."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def end(what: str, faults: list[str], good: str) -> None:
    """The last line of a command that proves something, and its exit code."""
    for fault in faults:
        console.print(f"[red]wrong[/red] {escape(fault)}", highlight=False, soft_wrap=True)
    console.print(f"{what}: {count(len(faults), 'fault') if faults else good}.")
    if faults:
        raise typer.Exit(1)
