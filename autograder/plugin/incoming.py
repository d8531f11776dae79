"""What ``nbgrader autograde`` takes of a submission's folder: plain files that no browser runs, and a time that is one.

A stranger made the folder.  Links, pipes, folders and pages stay in ``submitted/``, where nothing follows or shows them.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.converters import base

from autograder.course.dates import STAMP
from autograder.course.directory import EXPECTED
from autograder.course.schema import Limits
from autograder.plugin import KINDS, PICKLED
from autograder.plugin.choosing import MAX_ENTRIES, NOTEBOOK, Found, weights_in
from autograder.plugin.folders import alone, closed, folders
from autograder.plugin.lateness import InWords, course_of, date_submission, zone_of
from autograder.plugin.stamps import as_handed_in, is_stamp, settle, time_of

FEEDBACK_SECRET = "submission_secret.txt"  # nbgrader's: under its hash a student finds the page
MAX_FILES, MAX_FOLDERS = 20, 3  # besides the notebook; one inside the other


def settle_times(converter: Any) -> None:
    """Leave in each submission's folder a time that everybody reads alike, or none."""
    root, zone = Path(converter.coursedir.root), zone_of(course_of(converter))
    for folder in folders(converter):
        with alone(folder, converter.log):
            if not closed(folder, root):
                settle(folder, zone, converter.log)


def take_only_plain_files(converter: Any, files_of: Callable[[Path], dict[str, Found]]) -> None:
    """Make one of nbgrader's converters copy of a submission what is meant, and believe only times that are times.

    Args:
        converter: an ``Autograde``, which copies and dates whatever it finds.
        files_of: of a submission's folder what goes into the notebook's, by plain name.
    """
    copy = converter.init_assignment
    root, zone = Path(converter.coursedir.root), zone_of(course_of(converter))

    def init_assignment(assignment_id: str, student_id: str) -> None:
        source, target = (Path(made(assignment_id, student_id)) for made in (converter._format_source, converter._format_dest))
        if not closed(source, root):
            for name, file in files_of(source).items():
                converter.log.info("Copying %s -> %s", source / file.where, target / name)
                with contextlib.suppress(OSError):  # a damaged zip
                    data = file.read()
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    (target / name).unlink(missing_ok=True)
                    (target / name).write_bytes(data)
        with _instead_of_all(_master_versions(source)):
            copy(assignment_id, student_id)
        date_submission(converter, assignment_id, student_id, get_existing_timestamp(str(source)))
        as_handed_in(source, target, zone)

    def get_existing_timestamp(folder: str) -> datetime | None:
        return None if closed(Path(folder), root) else time_of(Path(folder), zone)

    converter.init_assignment, converter.coursedir.get_existing_timestamp = init_assignment, get_existing_timestamp
    for kind in (InWords, NoFalseAlarm, PrintableLog):
        if not any(isinstance(known, kind) for known in converter.log.filters):
            converter.log.addFilter(kind())


def _master_versions(source: Path) -> Callable[..., list[str]]:
    """nbgrader's list of a folder's files; of the submission itself none are left to copy."""
    every = base.find_all_files
    return lambda path, exclude=None: [] if Path(path) == source else every(path, exclude)


@contextlib.contextmanager
def _instead_of_all(find: Any) -> Iterator[None]:
    before, base.find_all_files = base.find_all_files, find
    try:
        yield
    finally:
        base.find_all_files = before


def plain_files(folder: Path, limits: Limits) -> list[Path]:
    """The files beside the notebook that count, by name: not more, not larger and not other than an exercise can need.

    Args:
        limits: of ``course.yml``; together the files fill at most half of the disk that a submission gets.
    """
    found: list[Path] = []
    held = 0
    paths = list(itertools.islice(folder.rglob("*"), MAX_ENTRIES))
    for path in sorted(paths, key=lambda path: (path.suffix != ".safetensors", path)):  # weights before all else
        with contextlib.suppress(OSError):
            status, inner = path.lstat(), path.relative_to(folder).as_posix()
            counts = _is_of_a_package(inner) if "/" in inner else _counts(path)
            if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK) or not counts:
                continue
            if status.st_size <= limits.file_mb << 20 and held + status.st_size <= limits.disk_mb << 19 and len(found) < MAX_FILES:
                found.append(path)
                held += status.st_size
    return found


def meant(folder: Path, files: list[Found], beside: str, trained: list[str], limits: Limits) -> tuple[dict[str, Found], list[str]]:
    """What of a submission goes beside its notebook, by plain name, and what is to be told about it.

    Args:
        files: all that count, of :func:`~autograder.plugin.choosing.files_in`.
        beside: the folder of the notebook that is meant, below the submission's.
        trained: the exercises whose weights are handed in.
    """
    chosen: dict[str, Found] = {}
    notes: list[str] = []
    for exercise in trained:
        if file := weights_in(files, exercise):
            chosen[f"{exercise}.safetensors"] = file
            if file.where.removeprefix(f"{beside}/") != f"{exercise}.safetensors":
                notes.append(f"{file.where} was taken for {exercise}.safetensors.")
    taken = {file.where for file in chosen.values()}
    lacking = [f"{exercise}.safetensors" for exercise in trained if f"{exercise}.safetensors" not in chosen]
    near = [file for file in files if file.folder in (beside, "") and file.where not in taken]
    for file in sorted(near, key=lambda file: (file.folder != beside, not file.name.endswith(".safetensors"), file.where)):
        if is_stamp(folder / STAMP) if file.where == STAMP else file.name != STAMP and _is_taken(file.name):
            chosen.setdefault(file.name, file)
            if Path(file.name).suffix.lower() in PICKLED and lacking:
                notes.append(f"{file.where} does not count as trained weights: those are in {' and '.join(lacking)}, which fit writes.")
    start = f"{beside}/" if beside else ""
    for file in files:
        if file.where.startswith(start) and _is_of_a_package(inner := file.where.removeprefix(start)):
            chosen.setdefault(inner, file)
    kept: dict[str, Found] = {}
    held = 0
    for name, file in chosen.items():
        if len(kept) < MAX_FILES and file.size <= limits.file_mb << 20 and held + file.size <= limits.disk_mb << 19:
            kept[name] = file
            held += file.size
    return kept, notes


def _counts(path: Path) -> bool:
    """Whether a file is for what runs: not those of whoever grades and of nbgrader's exchange."""
    return path.name not in (FEEDBACK_SECRET, STAMP) and _is_taken(path.name)


def _is_of_a_package(inner: str) -> bool:
    """Whether a file, by its path below the notebook's folder, is a module in a folder of its student's: ``helpers/layers.py``."""
    *folders, name = inner.split("/")
    return 1 <= len(folders) <= MAX_FOLDERS and name.endswith(".py") and all(map(str.isidentifier, [*folders, name.removesuffix(".py")]))


def _is_taken(name: str) -> bool:
    """By its name; not the course's own answers, nor notebooks, nor older weights of fit."""
    path = Path(name)
    if name == EXPECTED or NOTEBOOK.search(name) or path.suffix == ".safetensors" and path.stem.rpartition(".")[2].startswith("previous"):
        return False
    return path.suffix.lower() in KINDS and name.isprintable()


class NoFalseAlarm(logging.Filter):
    """nbgrader looks for a notebook on top of the folder alone; whether there is one at all is told by whoever reads it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("No submitted file: ")


class PrintableLog(logging.Filter):
    """Names that a student chose cannot move the cursor of the terminal that shows the log, nor begin a line of their own."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_on_one_line(value) for value in record.args)
        text = record.getMessage()
        if not text.replace("\n", "").isprintable():
            record.msg, record.args = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text), ()
        return True


def _on_one_line(value: Any) -> Any:
    """A name, a path or a note in a line of the log."""
    text = str(value) if isinstance(value, (str, os.PathLike)) else ""
    return " ".join(text.splitlines()) if len(text.splitlines()) > 1 else value
