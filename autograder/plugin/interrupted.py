"""What a killed ``nbgrader`` command left half done is found and done again.

nbgrader skips a submission whose folder in ``autograded/`` or ``feedback/`` exists, whatever is in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbgrader.utils import rmtree

from autograder.plugin.stamps import STAMP, is_stamp

GRADED = "graded"  # notebook metadata: written with the last version of the notebook, when its points are in the gradebook
_claimed: dict[str, int] = {}


def claim_for(converter: Any, resources: dict[str, Any] | None) -> None:
    """Say that this process works on the folder of a result, until it claims another one or ends, however it ends."""
    info = (resources or {}).get("nbgrader")
    if converter is None or not info:  # not one of nbgrader's conversions
        return
    folder = Path(converter._format_dest(info["assignment"], info["student"]))
    for fd in _claimed.values():
        os.close(fd)
    _claimed.clear()
    folder.mkdir(parents=True, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    _claimed[str(folder)] = fd
    with contextlib.suppress(OSError):  # a file system without locks, or another grader has it
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def drop_interrupted(converter: Any, finished: Callable[[Path, Path], bool]) -> Iterator[str]:
    """Take away the folders that an earlier run began and did not finish, so that nbgrader makes them anew.

    Args:
        converter: of nbgrader, which knows where it writes and for whom.
        finished: whether a result is whole; gets its folder and the one that it was made from.
    """
    assignment, students = converter.coursedir.assignment_id, converter.coursedir.student_id
    pattern = converter._format_dest(re.escape(assignment), "(.*)", escape=True)
    for folder in sorted(glob.glob(converter._format_dest(assignment, students))):
        student = re.fullmatch(pattern, folder, re.DOTALL)
        if student is None:
            continue
        source = Path(converter._format_source(assignment, student[1]))
        if os.path.isdir(folder) and not finished(Path(folder), source) and not _in_work(folder):
            rmtree(folder)
            yield folder


def _in_work(folder: str) -> bool:
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def is_graded(folder: Path, source: Path) -> bool:
    """Whether a folder of ``autograded/`` holds a notebook whose points are in the gradebook."""
    notebook = folder / f"{folder.name}.ipynb"
    try:
        metadata = json.loads(notebook.read_bytes())["metadata"]
        return bool(metadata.get("autograder", {}).get(GRADED)) and _same_stamp(folder, source)
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def is_written(folder: Path, source: Path) -> bool:
    """Whether a folder of ``feedback/`` holds a whole page."""
    page = folder / f"{folder.name}.html"
    return page.is_file() and page.read_bytes()[-64:].rstrip().endswith(b"</html>") and _same_stamp(folder, source)


def _same_stamp(folder: Path, source: Path) -> bool:
    """By this file nbgrader sees that a newer submission has come."""
    return not is_stamp(source / STAMP) or (folder / STAMP).is_file()
