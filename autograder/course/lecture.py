"""A lecture file: one jupytext ``py:percent`` text that holds prose, answers, checks and known mistakes in reading order."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jupytext

from autograder.course.schema import Lecture
from autograder.course.wording import worded
from autograder.errors import UserError

ROLES = (
    "exercise",
    "answer",
    "check",
    "fit",
    "oracle",
    "mistake",
    "variant",
    "written",
)  # each with the id of its exercise
SHIPPED = ("exercise", "answer", "check", "fit", "written", "prose", "provided")
EXTRA = ("oracle", "mistake", "variant")  # other answers: never in what students get
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class LectureCell:
    """One cell of a lecture file."""

    role: str  # one of ROLES, or "author", "prose", "provided"
    source: str
    line: int  # of its header in the file
    code: bool
    exercise: str = ""
    says: str = ""


def read_lecture(path: Path, lecture: Lecture, words: dict[str, Any] | None = None) -> list[LectureCell]:
    """The cells of a lecture file, checked against the lecture's entry in ``course.yml``.

    Args:
        words: of ``wording.words_of``, for the numbers in its texts, which else stay as they are written.

    Raises:
        UserError: what is wrong, with file and line, and what is allowed there.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; every lecture of course.yml needs its file in {path.parent}/.")
    text = path.read_text(encoding="utf-8")
    markers = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"# %%", line)]
    notebook = jupytext.reads(text, fmt="py:percent")
    if len(markers) != len(notebook.cells):
        raise UserError(
            f"{path}: {len(notebook.cells)} cells, but {len(markers)} lines begin with `# %%`: is there code before the first one?"
        )
    cells = [_cell(path, line, cell, lecture) for line, cell in zip(markers, notebook.cells)]
    _check_whole(path, cells, lecture)
    return cells if words is None else [_worded(path, cell, words) for cell in cells]


def _worded(path: Path, cell: LectureCell, words: dict[str, Any]) -> LectureCell:
    try:
        return replace(cell, source=cell.source if cell.code else worded(cell.source, words), says=worded(cell.says, words))
    except ValueError as error:
        raise UserError(f"{path}:{cell.line}: {error}") from None


def _cell(path: Path, line: int, cell: Any, lecture: Lecture) -> LectureCell:
    metadata = dict(cell.metadata)
    metadata.pop("lines_to_next_cell", None)
    code = cell.cell_type == "code"
    says = str(metadata.pop("says", ""))
    title = str(metadata.pop("title", ""))
    if title == "author":
        return LectureCell("author", cell.source, line, code)
    roles = [key for key in metadata if key in ROLES]
    unknown = [key for key in metadata if key not in ROLES] + ([title] if title else [])
    if unknown or len(roles) > 1:
        raise UserError(
            f"{path}:{line}: {', '.join(unknown or roles)}: a cell has one role at most, of: {', '.join(ROLES)} (a mistake also `says`)."
        )
    if "answer" not in roles and BEGIN in cell.source:
        raise UserError(f"{path}:{line}: `{BEGIN}` stands in a cell that is no answer; students would see it.")
    if not roles:
        return LectureCell("provided" if code else "prose", cell.source, line, code)
    role, exercise = roles[0], str(metadata[roles[0]])
    if exercise not in lecture.exercises:
        raise UserError(
            f"{path}:{line}: {role}={exercise!r} has no entry in course.yml; the entries are {', '.join(lecture.exercises)}."
        )
    if code == (role in ("exercise", "written")):
        raise UserError(f"{path}:{line}: {role}={exercise!r} must be a {'markdown' if code else 'code'} cell.")
    if (role == "mistake") != bool(says):
        raise UserError(
            f"{path}:{line}: {role}={exercise!r}: a mistake, and only a mistake, `says` what the misconception is."
        )
    if role == "answer" and (cell.source.count(BEGIN) != cell.source.count(END) or BEGIN not in cell.source):
        raise UserError(f"{path}:{line}: answer={exercise!r} needs `{BEGIN}` and `{END}` around what students write.")
    return LectureCell(role, cell.source, line, code, exercise, says)


def _check_whole(path: Path, cells: list[LectureCell], lecture: Lecture) -> None:
    """Every exercise has what it needs, once, in an order that can run."""
    places: dict[tuple[str, str], int] = {}
    for cell in cells:
        if cell.role in ("answer", "check", "fit", "written"):
            if (cell.role, cell.exercise) in places:
                raise UserError(
                    f"{path}:{cell.line}: a second {cell.role}={cell.exercise!r}; the first is in line {places[cell.role, cell.exercise]}."
                )
            places[cell.role, cell.exercise] = cell.line
    sentences: dict[str, int] = {}
    for cell in cells:
        if cell.says and sentences.setdefault(cell.says, cell.line) != cell.line:
            raise UserError(
                f"{path}:{cell.line}: this mistake says the same as the one in line {sentences[cell.says]}."
            )
    for name, rules in lecture.exercises.items():
        needed = ("written",) if rules.written else ("answer", "fit", "check") if rules.loss else ("answer", "check")
        for role in needed:
            if (role, name) not in places:
                raise UserError(
                    f'{path}: the exercise {name!r} of course.yml has no {role} cell: add `# %% {"[markdown] " if role == "written" else ""}{role}="{name}"`.'
                )
        if not rules.written:
            call = "check_loss(" if rules.loss else "check("
            source = next(c.source for c in cells if c.role == "check" and c.exercise == name)
            if f'{call}"{name}"' not in source:
                raise UserError(
                    f'{path}:{places["check", name]}: the check cell of {name!r} must call {call}"{name}", ...).'
                )
            if places["answer", name] > places["check", name]:
                raise UserError(f"{path}:{places['check', name]}: the check of {name!r} stands before its answer.")
        for cell in cells:
            if cell.exercise == name and cell.role in EXTRA and cell.line < places.get(("check", name), 0):
                raise UserError(f"{path}:{cell.line}: {cell.role}={name!r} must stand after the check.")
