"""Whose submissions there are: the folders of a lecture, one a student, whatever stands in the place of one and however it is called.

A stranger's zip or tar made them.  Whatever is wrong with one is told by its name, and is no other's.
"""

from __future__ import annotations

import contextlib
import glob
import itertools
import logging
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autograder.plugin.choosing import MAX_ENTRIES
from autograder.plugin.spreadsheet import FORMULA

MARKUP = set('<>&"\\')
MAX_NAME = 200  # bytes: most file systems take 255, and some names get an ending


def names_of(converter: Any) -> list[str]:
    """Whose work the converter is asked for: names, or ``*`` for everybody. nbgrader knows one; ``students`` on a converter are several."""
    return getattr(converter, "students", None) or [converter.coursedir.student_id]


def folders(converter: Any, format_path: Callable[[str, str], str] | None = None) -> list[Path]:
    """What the converter is asked to work on: a folder for each student, or whatever stands in its place.

    Args:
        format_path: makes a path out of assignment and student; where work was handed in unless another is given.
    """
    made = format_path or converter._format_source
    found = {name for student in names_of(converter) for name in glob.glob(made(converter.coursedir.assignment_id, student))}
    return [Path(name) for name in sorted(found)]


@contextlib.contextmanager
def alone(folder: Path, log: logging.Logger) -> Iterator[None]:
    """Whatever goes wrong with one submission is told by its name, and is no other's."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  a stranger made the folder, and no list of errors is long enough
        log.error("%s: %s: %s. The others are graded all the same.", folder, type(error).__name__, error)


def closed(folder: Path, root: Path) -> str:
    """Why nothing of a submission's folder is read, in a sentence; empty if it can be.

    Args:
        root: the course's folder. What stands right below it, such as ``submitted``, may be a link; that is the instructor's to say.
    """
    parts = Path(os.path.relpath(folder, root)).parts
    for number in range(2, len(parts) + 1):
        if root.joinpath(*parts[:number]).is_symlink():
            return "The submitted folder is a link to another one, which nobody follows. Submit the files themselves."
    if not os.path.isdir(folder):
        return "What was submitted is a file, not a folder with a notebook in it."
    if not os.access(folder, os.R_OK | os.X_OK):
        return "The submitted folder belongs to another account, which has closed it to the one that grades."
    return ""


def open_up(converter: Any) -> None:
    """Let the grader read what is the grader's: a zip or a tar keeps modes, and a student's may close a folder to its new owner."""
    for folder in folders(converter, lambda *of: os.path.dirname(converter._format_source(*of))):
        with alone(folder, converter.log):
            _open(folder, 0o700, converter.log)
    for folder in folders(converter):
        with alone(folder, converter.log):
            if not os.path.isdir(folder) or folder.is_symlink():
                continue
            _open(folder, 0o700, converter.log)
            if os.access(folder, os.R_OK | os.X_OK):
                for entry in itertools.islice(os.scandir(folder), MAX_ENTRIES):
                    if entry.is_file(follow_symlinks=False):
                        _open(Path(entry.path), 0o400, converter.log)


def _open(path: Path, needed: int, log: logging.Logger) -> None:
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISLNK(found.st_mode) and found.st_uid == os.geteuid() and mode & needed != needed:
        path.chmod(mode | needed)
        log.warning("%s had the mode %03o; you may read it now.", path, mode)


def add_overlooked(converter: Any) -> None:
    """nbgrader takes brackets in a student's name for a pattern, and finds no notebook there."""
    for folder in folders(converter):
        notebook = folder / f"{converter.coursedir.assignment_id}.ipynb"
        if str(folder) not in converter.assignments and os.path.lexists(notebook):
            converter.assignments[str(folder)] = [str(notebook)]


def add_without_notebook(converter: Any) -> None:
    """A submission whose notebook stands elsewhere, in a zip say, or nowhere, or that cannot be read, is graded: its student is told what is wrong."""
    for folder in folders(converter):
        notebook = folder / f"{converter.coursedir.assignment_id}.ipynb"
        if closed(folder, Path(converter.coursedir.root)) or not os.path.lexists(notebook):
            converter.assignments[str(folder)] = [str(notebook)]


def leave_out_markup(converter: Any) -> None:
    """Grade nobody whose folder has a name that would be more than a name on the formgrader's pages, which show it as it is, or in a spreadsheet."""
    for folder in list(converter.assignments):
        name = os.path.relpath(folder, converter.coursedir.root)
        if MARKUP & set(name) or not all(map(_is_of_a_name, name)):
            del converter.assignments[folder]
            converter.log.error(
                "Not graded: %s. A student's name may hold no line break and none of %s, which the formgrader would obey. Rename the "
                "folder before you open it there.",
                ascii(name),
                " ".join(sorted(MARKUP)),
            )
        elif any(part.startswith(FORMULA) for part in Path(name).parts[1:]):
            del converter.assignments[folder]
            converter.log.error(
                "Not graded: %s. A student's name may not begin with one of %s: a spreadsheet takes it for a formula when it opens the grades. "
                "Rename the folder.",
                ascii(name),
                " ".join(FORMULA),
            )


def tell_hidden(converter: Any) -> None:
    """nbgrader passes over a folder whose name begins with a dot, without a word."""
    pattern = Path(converter._format_source(converter.coursedir.assignment_id, "*"))
    root = next((parent for parent in pattern.parents if "*" not in str(parent)), pattern)
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        if name.startswith(".") and os.path.lexists(str(pattern).replace("*", name)):
            converter.log.error("Not graded: %s. A student's name may not begin with a dot, which hides the folder. Rename it.", ascii(f"{root.name}/{name}"))


def harmless_name(name: str) -> str:
    """A name under which all of the above is graded, as near to a given one as can be; empty if there is none."""
    kept = "".join(character for character in unicodedata.normalize("NFC", name) if _is_of_a_name(character) and character not in MARKUP | {"/"})
    kept = kept.strip().lstrip("".join((*FORMULA, ". "))).strip()
    return kept if len(os.fsencode(kept)) <= MAX_NAME else ""


def _is_of_a_name(character: str) -> bool:
    """Spaces of any width and marks of direction are; what moves a cursor or ends a line is not."""
    return unicodedata.category(character) not in ("Cc", "Cs", "Cn", "Zl", "Zp")
