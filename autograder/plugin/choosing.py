"""Which files of a submission are meant, whatever browsers, editors and learning platforms have made of their names.

The content decides: of the notebooks that hold cells of the lecture the one under its own name, else the newest.  What was taken
under another name is told.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.course.frame import HANDED_IN
from autograder.plugin.bounded import read_notebook

MAX_ENTRIES = 10_000  # of a folder, that are looked at
MAX_DEPTH = 5
MAX_ZIPPED = 1_000  # files in a zip
NOT_MEANT = {"__macosx", "__pycache__", "node_modules", "venv"}
NOTEBOOK = re.compile(r"\.ipynb(\.json|\.txt)?$", re.I)
COPY = re.compile(rf"{re.escape(HANDED_IN.removesuffix('.zip'))}([ _-]*(\(\d+\)|copy|kopie|\d+))*\.zip/", re.I)
MAX_NOTEBOOKS, MAX_READ = 20, 120 << 20  # that are read to find the one that is meant, and their bytes together


@dataclass(frozen=True)
class Found:
    """One file of a submission, in a folder or in a zip."""

    where: str  # below the submission's folder, with slashes
    size: int
    when: float  # seconds since 1970
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        return self.where.rpartition("/")[2]

    @property
    def folder(self) -> str:
        return self.where.rpartition("/")[0]


def files_in(folder: Path, largest: int) -> list[Found]:
    """The plain files of a submission that count, also those in folders and zips: no links, no pipes, nothing hidden, none that is larger."""
    found: list[Found] = []
    for entry in walk(folder):
        with contextlib.suppress(OSError):
            status = entry.lstat()
            if stat.S_ISREG(status.st_mode) and os.access(entry, os.R_OK):
                where = entry.relative_to(folder).as_posix()
                if entry.suffix.lower() == ".zip" and zipfile.is_zipfile(entry):
                    found += _zipped(entry, where, largest)
                elif status.st_size <= largest:
                    found.append(Found(where, status.st_size, status.st_mtime, entry.read_bytes))
    return found


def walk(folder: Path) -> Iterator[Path]:
    left = MAX_ENTRIES
    todo = [(folder, 0)]
    while todo:
        current, depth = todo.pop(0)
        with contextlib.suppress(OSError), os.scandir(current) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                left -= 1
                if left < 0:
                    return
                if not is_meant(entry.name):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)
                elif depth < MAX_DEPTH:
                    todo.append((Path(entry.path), depth + 1))


def is_meant(name: str) -> bool:
    """Whether a file or folder of that name can be a part of a submission: nothing hidden, nothing that tools leave behind."""
    return not name.startswith((".", "~")) and name.lower() not in NOT_MEANT


def _zipped(path: Path, where: str, largest: int) -> Iterator[Found]:
    with contextlib.suppress(zipfile.BadZipFile, OSError, ValueError, NotImplementedError), zipfile.ZipFile(path) as archive:
        for info in archive.infolist()[:MAX_ZIPPED]:
            parts = [part for part in re.split(r"[/\\]", entry_name(info)) if part not in ("", ".", "..")]
            if info.is_dir() or info.flag_bits & 1 or info.file_size > largest or not parts or not all(map(is_meant, parts)):
                continue
            yield Found(f"{where}/{'/'.join(parts)}", info.file_size, entry_time(info), lambda info=info: _unzip(path, info, largest))  # type: ignore[misc]


def entry_name(info: zipfile.ZipInfo) -> str:
    """The name of a zip's entry; UTF-8 that is not marked as such, which Canvas and old macOS write, is no cp437."""
    with contextlib.suppress(UnicodeError):
        if not info.flag_bits & 0x800:
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def entry_time(info: zipfile.ZipInfo) -> float:
    """Seconds since 1970, of a zip's local time; 0 if it is none."""
    with contextlib.suppress(ValueError, OverflowError):
        return max(datetime(*info.date_time).timestamp(), 0.0)
    return 0.0


def _unzip(path: Path, info: zipfile.ZipInfo, largest: int) -> bytes:
    with damage_told(path.name), zipfile.ZipFile(path) as archive:
        return entry_bytes(archive, info, largest)


def entry_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, largest: int) -> bytes:
    """One file of an archive, and never more of it than its entry promises."""
    with archive.open(info) as file:
        return file.read(min(info.file_size, largest))


@contextlib.contextmanager
def damage_told(name: str) -> Iterator[None]:
    """Whatever a damaged zip leads its readers to is an :class:`OSError` that names it."""
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise OSError(f"{name} is damaged: {error}") from None
    except Exception as error:  # noqa: BLE001  zlib, lzma and bz2 each have errors of their own
        raise OSError(f"{name} is damaged: {type(error).__name__}: {error}") from None


def is_copy(where: str) -> bool:
    """Whether a file stands in the zip that a notebook's last cell makes, whatever a browser or platform has put behind its name."""
    return bool(COPY.search(where))


def without_copies(files: list[Found], chosen: Found | None) -> list[Found]:
    """The files of a submission, without those of that zip where the notebook itself was handed in beside it."""
    return files if chosen is None or is_copy(chosen.where) else [file for file in files if not is_copy(file.where)]


@dataclass
class Choice:
    """The notebook that is meant, as it was read, and what to tell about it."""

    found: Found | None = None
    notebook: Any = None
    note: str = ""
    fault: str = ""  # why none could be read


def notebook_in(files: list[Found], expected: str, cells: Callable[[Any], int]) -> Choice:
    """The notebook that is meant.

    Args:
        expected: its own name.
        cells: how many cells of the lecture a notebook holds.
    """
    candidates = [file for file in files if NOTEBOOK.search(file.name)]
    candidates.sort(key=lambda file: (file.where != expected, file.name != expected, "checkpoint" in file.name.lower(), -file.when, file.where))
    read: list[tuple[int, Found, Any]] = []
    faults: dict[str, str] = {}
    left = MAX_READ
    for file in candidates[:MAX_NOTEBOOKS]:
        left -= file.size
        if left < 0:
            break
        try:
            notebook = read_notebook(file.read())
        except (ValueError, OSError) as error:
            faults[file.where] = f"{type(error).__name__}: {str(error)[:200]}"
            continue
        read.append((cells(notebook), file, notebook))
    if not read:
        first = next(iter(faults), None)
        return Choice(fault=f"{first} cannot be read as a notebook ({faults[first]})." if first else "")
    ours = [entry for entry in read if entry[0]]
    ours = [entry for entry in ours if not is_copy(entry[1].where)] or ours  # the zip holds what stands beside it
    _, file, notebook = (ours or read)[0]
    note = ""
    if file.where != expected and not (is_copy(file.where) and file.name == expected):
        note = f"Your notebook is called {file.where}, not {expected}; it was graded all the same."
    if len(ours) > 1:
        others = ", ".join(other.where for _, other, _ in ours[1:4])
        note = f"{note} There is more than one notebook of this lecture ({others}, too); {file.where} was graded.".strip()
    return Choice(file, notebook, note)


def weights_in(files: list[Found], exercise: str) -> Found | None:
    """The trained weights of an exercise: under their own name, else the newest whose name a browser or platform has made of it."""
    named = re.compile(rf"{re.escape(exercise)}([ _-]*(\(\d+\)|copy|kopie|\d+))*\.safetensors(\.txt|\.bin|\.json)?", re.I)
    matching = [file for file in files if named.fullmatch(file.name)]
    own = f"{exercise}.safetensors"
    return min(matching, key=lambda file: (file.name != own, -file.when, file.where.count("/"), file.where), default=None)
