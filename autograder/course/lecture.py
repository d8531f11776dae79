"""A lecture file: one jupytext ``py:percent`` text that holds prose, answers, checks and known mistakes in reading order."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jupytext

from autograder.course.cells import BEGIN, END, EXTRA, ROLES, LectureCell
from autograder.course.schema import Lecture
from autograder.course.skipping import without_skipped
from autograder.course.text import did_you_mean, from_here, read_text
from autograder.course.wording import worded
from autograder.errors import UserError

ONCE = ("exercise", "answer", "fit", "check", "written", "marking")  # of each exercise; which of them it needs, its entry decides
TEXTS = ("exercise", "written", "marking")  # are Markdown
UNREADABLE = "incorrectly_encoded_metadata"  # jupytext's word
PERCENT = {"extension": ".py", "format_name": "percent"}  # jupytext's py:percent
AUTHOR = "from autograder.commands.script import run\n\nrun(__name__, globals())"


def read_lecture(path: Path, lecture: Lecture, words: dict[str, Any] | None = None) -> list[LectureCell]:
    """The cells of a lecture file, checked against the lecture's entry in ``course.yml``, without what is skipped there.

    Args:
        words: of ``wording.words_of``, for the numbers in its texts, which else stay as they are written.

    Raises:
        UserError: what is wrong, with file and line, and what is allowed there.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; every lecture of course.yml needs its file in {path.parent}/.")
    text = read_text(path)
    path = from_here(path)
    lines = text.splitlines()
    markers = [number for number, line in enumerate(lines, 1) if re.match(r"# %%", line)]
    for number in markers:
        if not re.match(r"# %%(\s|$)", line := lines[number - 1]):
            raise UserError(f"{path}:{number}: {line!r} is neither the header of a cell nor a comment: write a space behind `# %%`, or leave it out.")
    notebook, as_written = _parsed(text)
    if len(markers) != len(notebook.cells):
        raise UserError(
            f"{path}: {len(notebook.cells)} cells, but {len(markers)} lines begin with `# %%`: is there code before the first one?"
        )
    cells = [_cell(path, line, cell, lecture) for line, cell in zip(markers, notebook.cells)]
    for cell, written in zip(cells, as_written.cells):
        if cell.code:
            _check_code(path, cell, written.source)
    _check_author(path, cells)
    _check_whole(path, cells, lecture)
    cells = without_skipped(path, cells, lecture)
    return cells if words is None else [_worded(path, cell, words) for cell in cells]


@functools.lru_cache(maxsize=2)
def _parsed(text: str) -> tuple[Any, Any]:
    """The notebook of a lecture file, and the one in which no comment is a command for IPython; neither is changed by who gets it."""
    return jupytext.reads(text, fmt=PERCENT), jupytext.reads(text, fmt={**PERCENT, "comment_magics": False})


def _worded(path: Path, cell: LectureCell, words: dict[str, Any]) -> LectureCell:
    try:
        return replace(cell, source=cell.source if cell.code else worded(cell.source, words), says=worded(cell.says, words))
    except ValueError as error:
        raise UserError(f"{path}:{cell.line}: {error}") from None


def _check_code(path: Path, cell: LectureCell, written: str) -> None:
    """What stands in the notebook is what is written in the file, and it is Python.

    jupytext makes a command for IPython of a comment that looks like one; it alone knows which do.
    """
    for number, (shipped, line) in enumerate(zip(cell.source.splitlines(), written.splitlines()), cell.line + 1):
        if shipped != line:
            raise UserError(
                f"{path}:{number}: in the notebook the comment {line.strip()!r} would be the command {shipped.strip()!r}. Begin it with another word."
            )
    try:
        _tree(written)
    except SyntaxError as error:
        number = cell.line + (error.lineno or 1)
        raise UserError(
            f"{path}:{number}: this is not Python ({error.msg}). Mend it; commands for IPython, such as `%time` or `!ls`, cannot stand here."
        ) from None


def _check_author(path: Path, cells: list[LectureCell]) -> None:
    """``python solutions/<lecture>.py`` verifies before anything else runs."""
    first = next((cell for cell in cells if cell.code), None)
    if first is None or first.role != "author" or "run(__name__, globals())" not in first.source:
        raise UserError(
            f"{path}:{first.line if first else 1}: the first cell with code must be `# %% author`, with these lines in it, "
            f"so that the file can be run:\n{AUTHOR}"
        )


def _cell(path: Path, line: int, cell: Any, lecture: Lecture) -> LectureCell:
    metadata = dict(cell.metadata)
    metadata.pop("lines_to_next_cell", None)
    code = cell.cell_type == "code"
    says, raises = str(metadata.pop("says", "")), str(metadata.pop("raises", ""))
    title = str(metadata.pop("title", ""))
    if title == "author":
        return LectureCell("author", cell.source, line, code)
    if UNREADABLE in metadata:
        raise UserError(
            f"{path}:{line}: this header cannot be read. It has the form `# %% mistake=\"name\" says=\"a sentence\"`; "
            'a quote within a sentence is written \\".'
        )
    roles = [key for key in metadata if key in ROLES]
    unknown = [key for key in metadata if key not in ROLES] + ([title] if title else [])
    if unknown or len(roles) > 1:
        raise UserError(
            f"{path}:{line}: {', '.join(unknown or roles)}: a cell has one role at most, of: {', '.join(ROLES)} (a mistake also `says`, and may `raises`)."
            f"{did_you_mean(unknown[0], ('author', 'says', 'raises', *ROLES)) if unknown else ''}"
        )
    if "answer" not in roles and BEGIN in cell.source:
        raise UserError(f"{path}:{line}: `{BEGIN}` stands in a cell that is no answer; students would see it.")
    if not roles:
        return LectureCell("provided" if code else "prose", cell.source, line, code)
    role, exercise = roles[0], str(metadata[roles[0]])
    if exercise not in lecture.listed:
        entries = f"the entries are {', '.join(lecture.listed)}" if lecture.listed else "this lecture has none yet"
        raise UserError(f"{path}:{line}: {role}={exercise!r} has no entry in course.yml; {entries}.{did_you_mean(exercise, lecture.listed)}")
    if code == (role in TEXTS):
        raise UserError(f"{path}:{line}: {role}={exercise!r} must be a {'markdown' if code else 'code'} cell.")
    if (role == "mistake") != bool(says):
        raise UserError(
            f"{path}:{line}: {role}={exercise!r}: a mistake, and only a mistake, `says` what the misconception is."
        )
    if raises and role != "mistake":
        raise UserError(f"{path}:{line}: {role}={exercise!r}: only a mistake `raises`.")
    if role == "exercise" and not cell.source.strip():
        raise UserError(f"{path}:{line}: exercise={exercise!r} has no text: say below its header what is to be done.")
    if role == "answer" and (cell.source.count(BEGIN) != cell.source.count(END) or BEGIN not in cell.source):
        raise UserError(f"{path}:{line}: answer={exercise!r} needs `{BEGIN}` and `{END}` around what students write.")
    return LectureCell(role, cell.source, line, code, exercise, says, raises)


def _check_whole(path: Path, cells: list[LectureCell], lecture: Lecture) -> None:
    """Every exercise has what it needs, once, in an order that can run."""
    places: dict[tuple[str, str], int] = {}
    for cell in cells:
        if cell.role in ONCE:
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
    for name, rules in lecture.listed.items():
        needed = ("exercise", *(("written",) if rules.written else ("answer", "fit", "check") if rules.loss else ("answer", "check")))
        own = [cell for cell in cells if cell.exercise == name]
        for role in needed:
            if (role, name) not in places and role == "answer" and ("written", name) in places:
                raise UserError(f"{path}:{places['written', name]}: written={name!r} is an answer in words: put `written: true` into its entry in course.yml.")
            if (role, name) not in places:
                where = f"{path}:{own[0].line}" if own else f"{path}"
                header = f'# %% {"[markdown] " if role in TEXTS else ""}{role}="{name}"'
                raise UserError(f"{where}: the exercise {name!r} of course.yml has no {role} cell: add `{header}`.")
        allowed = (*needed, "marking") if rules.written else needed
        for cell in own:
            if cell.role in ONCE and cell.role not in allowed:
                raise UserError(
                    f"{path}:{cell.line}: {cell.role}={name!r}: by its entry in course.yml this exercise has only {', '.join(allowed)}."
                )
        present = [role for role in allowed if (role, name) in places]
        for first, then in zip(present, present[1:]):
            if places[then, name] < places[first, name]:
                before = "text" if first == "exercise" else first
                raise UserError(f"{path}:{places[then, name]}: {then}={name!r} stands before its {before}.")
        if not rules.written:
            call = "check_loss(" if rules.loss else "check("
            source = next(c.source for c in cells if c.role == "check" and c.exercise == name)
            if f'{call}"{name}"' not in source:
                raise UserError(
                    f'{path}:{places["check", name]}: the check cell of {name!r} must call {call}"{name}", ...).'
                )
        for cell in cells:
            if cell.exercise == name and cell.role in EXTRA and cell.line < places.get(("check", name), 0):
                raise UserError(f"{path}:{cell.line}: {cell.role}={name!r} must stand after the check.")
            if cell.exercise == name and cell.role in ("mistake", "variant") and not _answers(cell, cells):
                wanted = _defined(next(c.source for c in cells if c.role == "answer" and c.exercise == name))
                found = next(iter(_defined(cell.source)), "")
                meant = did_you_mean(found, wanted)
                raise UserError(f"{path}:{cell.line}: this {cell.role} does not define {' or '.join(wanted)}, so the reference would be tried.{meant}")


def _answers(cell: LectureCell, cells: list[LectureCell]) -> bool:
    """Whether a cell has to do with a name that the answer of its exercise defines."""
    wanted = {name for other in cells if other.role == "answer" and other.exercise == cell.exercise for name in _defined(other.source)}
    nodes = list(ast.walk(_tree(cell.source)))
    return not wanted or any(getattr(node, kind, None) in wanted for node in nodes for kind in ("id", "name", "asname"))


def _defined(source: str) -> list[str]:
    """The functions and classes of a cell."""
    return [node.name for node in _tree(source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def _tree(source: str) -> ast.Module:
    return compile(source, "a cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
