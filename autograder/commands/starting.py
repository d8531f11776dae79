"""``autograder start`` and ``autograder progress``: for those who learn from the installed package, with or without a course."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.commands.terminal import console
from autograder.course.directory import EXPECTED
from autograder.course.packaged import Packaged, lecture_named, lectures
from autograder.errors import CheckFailed, UserError

if TYPE_CHECKING:  # it loads torch
    from autograder.student.own_notebook import Saved
    from autograder.student.standing import Standing

NEW = "new"  # in the name of what is put beside a student's own file


def start(
    lecture: Annotated[
        str | None, typer.Argument(help="A lecture, such as lecture_1_trigram, or a part of its name: 1, trigram.", metavar="[LECTURE]")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Only put the files there.")] = False,
) -> None:
    """Put a lecture into the current folder, and open it in JupyterLab.

    Makes a folder of the lecture's name with its notebook, the answers that its checks compare with, and the names. Whatever is there already stays as it
    is: to go on with a lecture, type the same again. Without a name it is the lecture that you have begun, or the first in which something is left to do.

    `autograder start 1` · `autograder start trigram` · `autograder start`
    """
    here, inside = Path.cwd(), Path(EXPECTED).is_file()  # of a lecture's folder
    found = lecture_named(lecture) if lecture else _first_to_do(here.parent if inside else here)
    folder = here if here.name == found.name and Path(found.notebook.name).is_file() else here / found.name
    if inside and folder != here:
        raise UserError(f"This is the folder of a lecture. {found.name} belongs beside it: cd .., then type the same again.")
    made, kept = put(found, folder)
    where = os.path.relpath(folder / found.notebook.name)
    if made:
        console.print(f"{escape(found.title)}: {', '.join(made)} put into {escape(os.path.relpath(folder))}/", highlight=False, soft_wrap=True)
    if kept:
        console.print(f"Yours, left as it is: {', '.join(kept)}", highlight=False, soft_wrap=True)
    if folder_differs(found, folder):
        console.print(
            f"[yellow]note[/yellow] The {EXPECTED} there is of another release than this package. It fits the notebook that came with it: keep both, or put "
            "the folder aside and start afresh.",
            highlight=False,
            soft_wrap=True,
        )
    if no_open:
        console.print(f"Open it with: {escape(_jupyter())} lab {escape(where)}", highlight=False, soft_wrap=True)
        return
    console.print(f"Opening {escape(where)} in JupyterLab. Ctrl-C here ends it.", highlight=False, soft_wrap=True)
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # as in a container; it is their own notebook
    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", *root, where]))


def _jupyter() -> str:
    """What to type for this environment's ``jupyter``: its name alone only where a shell finds this one by it."""
    own, found = Path(sys.executable).parent / "jupyter", shutil.which("jupyter")
    if found and Path(found).parent == own.parent:
        return "jupyter"
    return os.path.relpath(own) if own.is_relative_to(Path.cwd()) else str(own)


def put(lecture: Packaged, folder: Path) -> tuple[list[str], list[str]]:
    """Copy what is missing of a lecture; the names of what was copied, and of what was there.

    Raises:
        UserError: the folder cannot be written.
    """
    made, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in lecture.files.items():
            if os.path.lexists(folder / name):
                kept.append(name)
                continue
            partial = folder / f"{name}.partial"
            shutil.copyfile(source, partial)
            os.replace(partial, folder / name)
            made.append(name)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error}. Type this in a folder of your own.") from None
    return made, kept


def folder_differs(lecture: Packaged, folder: Path) -> bool:
    """Whether the answers in a student's folder are others than the package's."""
    here = folder / EXPECTED
    return not here.is_file() or here.read_bytes() != (lecture.folder / EXPECTED).read_bytes()


def _first_to_do(folder: Path) -> Packaged:
    known = lectures()
    if not known:
        lecture_named("")
    begun = [found for found in known if (folder / found.name / found.notebook.name).is_file()]
    for found in begun:
        try:
            rows = list(standings(folder / found.name))
        except CheckFailed:
            return found
        if not rows or any(row.left for row in rows):
            return found
    return next((found for found in known if found not in begun), known[-1])


@dataclass(frozen=True)
class Row:
    """How far one notebook is."""

    lecture: str
    saved: Saved
    standing: Standing
    unwritten: list[str]  # exercises
    missing: list[str]  # weights of exercises whose code is there

    @property
    def left(self) -> bool:
        return bool(self.standing.next() or self.unwritten)


def standings(folder: Path) -> Iterator[Row]:
    """The notebooks of a lecture's folder, with what the cards in them say.

    Raises:
        CheckFailed: the answers beside them cannot be read.
    """
    from autograder.judge.public import public_answers
    from autograder.student.own_notebook import notebooks_in
    from autograder.student.standing import Standing

    facts = public_answers(folder / EXPECTED)[1]
    for saved in notebooks_in(folder, facts.exercises):
        exercises = saved.in_order(facts.exercises)
        standing = Standing(exercises, saved.cards(), saved.changed())
        unwritten = [name for name, rules in exercises.items() if name not in standing.right and saved.is_unwritten(name, rules)]
        trained = [name for name, rules in exercises.items() if rules.loss and name not in unwritten]
        missing = [name for name in trained if not (folder / f"{name}.safetensors").is_file()]
        yield Row(facts.lecture, saved, standing, unwritten, missing)


def _shown(row: Row) -> str:
    """A notebook by its lecture's name, if it has that."""
    path = row.saved.path
    return row.lecture if path.name == f"{row.lecture}.ipynb" else os.path.relpath(path)


def _counted(row: Row) -> tuple[str, str, str, str, str]:
    """Exercises that are right, begun and unwritten, which are all that a check decides, and points."""
    (got, most), (extra, bonus) = row.standing.ordinary, row.standing.bonus
    (right, exercises), (more, others) = row.standing.count(), row.standing.count(bonus=True)
    questions = [name for name, rules in row.standing.rules.items() if rules.written]
    unwritten, words = len(set(row.unwritten) - set(questions)), len(set(row.unwritten) & set(questions))
    return (
        escape(_shown(row)),
        f"{right} of {exercises}" + (f"\n+ {more} of {others}" if others else ""),
        str(exercises + others - right - more - unwritten),
        str(unwritten) + (f"\n+ {words} in words" if words else ""),
        f"{got:g} of {most:g}" + (f"\n+ {extra:g} of {bonus:g}" if bonus else ""),
    )


def progress() -> None:
    """Show how far you are in each lecture of the current folder.

    Reads the notebooks as they were saved, and counts what the cards in them say; nothing is run. `autograder try NOTEBOOK` runs one from top to bottom.
    """
    folders = [Path.cwd(), *sorted(path for path in Path.cwd().iterdir() if path.is_dir() and not path.name.startswith("."))]
    rows: list[Row] = []
    for folder in (folder for folder in folders if (folder / EXPECTED).is_file()):
        try:
            rows += standings(folder)
        except CheckFailed as error:
            console.print(f"[yellow]left out[/yellow] {escape(str(error))}", highlight=False, soft_wrap=True)
    if not rows:
        raise UserError("There is no lecture in this folder. Put one there with: autograder start")
    table = Table("notebook", "correct", "begun", "not attempted", "points", title_justify="left")
    for row in rows:
        table.add_row(*_counted(row))
    console.print(table)
    if any(row.standing.count(bonus=True)[1] for row in rows):
        console.print("Behind + what is for a bonus alone. Answers in words are read by a person.", highlight=False)
    for row in rows:
        following = row.standing.next() or (f"write {row.unwritten[0]}" if row.unwritten else "hand in")
        console.print(f"{escape(_shown(row))}: next is {following}", highlight=False, soft_wrap=True)
    for row in rows:
        if newer := sorted(row.standing.changed & set(row.standing.known)):
            note = f"changed since its check, so not counted: {', '.join(newer)}. Run the cell, then its check."
            console.print(f"{escape(_shown(row))}: {note}", highlight=False, soft_wrap=True)
        for name in row.missing:
            console.print(f"{escape(_shown(row))}: {name}.safetensors is missing; run the cell with fit.", highlight=False, soft_wrap=True)
    if (Path.cwd() / EXPECTED).is_file():
        console.print("This is one lecture's folder. All lectures are told in the folder above it.", highlight=False, soft_wrap=True)
    elif here := {row.lecture for row in rows}:
        others = [found.name for found in lectures() if found.name not in here]
        console.print(f"Not begun: {', '.join(others)}" if others else "All lectures are here.", highlight=False, soft_wrap=True)
