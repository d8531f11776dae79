"""What a learning platform's download holds: a folder or a zip, made by strangers and read within bounds."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import UserError
from autograder.plugin.choosing import Found, damage_told, entry_bytes, entry_name, entry_time

MAX_FILES = 50_000  # of a download
MAX_DEPTH = 20
MAX_PART = 255  # bytes of one part of a path: what file systems take


@dataclass
class Download:
    """The plain files of a download, and what is not taken of it, in a sentence each."""

    files: list[Found] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@contextlib.contextmanager
def opened(source: Path, largest: int, is_outer: Callable[[str], bool]) -> Iterator[Download]:
    """Look through a folder or zip; its files can be read as long as the context lasts.

    Args:
        largest: bytes of a file that is read.
        is_outer: of a zip right in the folder, whether it is a download itself, and no student's.

    Raises:
        UserError: it is neither, cannot be read, or holds too much to be a download.
    """
    download = Download()
    with contextlib.ExitStack() as archives:
        try:
            if source.is_dir():
                for path in _walk(source, download):
                    if path.parent == source and path.suffix.lower() == ".zip" and is_outer(path.name):
                        _look_through(path, f"{path.stem}/", largest, download, archives)
                    else:
                        _take_file(path, path.relative_to(source).as_posix(), largest, download)
            elif source.is_file():
                _look_through(source, "", largest, download, archives)
            else:
                raise UserError(f"{source}: there is no such folder or zip.")
        except OSError as error:
            raise UserError(f"{source} cannot be read: {error}. Download it again.") from None
        yield download


def _walk(folder: Path, download: Download) -> Iterator[Path]:
    """All files of a folder by name; links and pipes are told, and not followed."""
    todo, seen = [(folder, 0)], 0
    while todo:
        current, depth = todo.pop(0)
        with os.scandir(current) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                seen += 1
                if seen > MAX_FILES:
                    raise UserError(f"{folder} holds more than {MAX_FILES} files and folders. Is it the download?")
                where = os.path.relpath(entry.path, folder)
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH:
                        todo.append((Path(entry.path), depth + 1))
                    else:
                        download.refused.append(f"{where} stands too deep.")
                elif not entry.is_file(follow_symlinks=False):
                    download.refused.append(f"{where} is a link or no plain file.")
                else:
                    yield Path(entry.path)


def _take_file(path: Path, where: str, largest: int, download: Download) -> None:
    status = path.lstat()
    if status.st_size > largest:
        download.refused.append(_too_large(where, largest))
    elif not os.access(path, os.R_OK):
        download.refused.append(f"{where} is closed to you.")
    else:
        download.files.append(Found(where, status.st_size, status.st_mtime, path.read_bytes))


def _look_through(path: Path, below: str, largest: int, download: Download, archives: contextlib.ExitStack) -> None:
    with damage_told(path.name):
        archive = archives.enter_context(zipfile.ZipFile(path))
        entries = [info for info in archive.infolist() if not info.is_dir()]
    if len(entries) + len(download.files) > MAX_FILES:
        raise UserError(f"{path} holds more than {MAX_FILES} files. Is it the download?")
    for info in entries:
        name = entry_name(info).replace("\\", "/")  # of a Windows tool
        if fault := _fault(info, name, largest):
            download.refused.append(fault)
            continue

        def read(info: zipfile.ZipInfo = info, name: str = name) -> bytes:
            with damage_told(name):
                return entry_bytes(archive, info, largest)

        download.files.append(Found(below + name, info.file_size, entry_time(info), read))


def _fault(info: zipfile.ZipInfo, name: str, largest: int) -> str:
    parts = name.split("/")
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:/", name):
        return f"{name} leads out of the zip."
    if "\0" in name or any(part in ("", ".") or len(os.fsencode(part)) > MAX_PART for part in parts) or len(parts) > MAX_DEPTH:
        return f"{name} is no name that can be kept."
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"{name} is a link."
    if info.flag_bits & 1:
        return f"{name} is encrypted."
    return _too_large(name, largest) if info.file_size > largest else ""


def _too_large(where: str, largest: int) -> str:
    return f"{where} is larger than {largest >> 20} MB (the limits file_mb and notebook_mb of course.yml)."
