"""What is half done, or done of something else than what is there now, is found and done again.

nbgrader skips a submission whose folder in ``autograded/`` or ``feedback/`` exists, whatever is in it, unless a newer time is
handed in.  A killed command leaves halves; a resubmission may come without a time; a term changes points.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.utils import rmtree

from autograder.course.dates import STAMP
from autograder.course.notebook import ANSWER
from autograder.plugin.choosing import walk
from autograder.plugin.folders import folders
from autograder.plugin.shown_grades import mark_of
from autograder.plugin.stamps import is_stamp

GRADED = "graded"  # notebook metadata: written with the last version of the notebook, when its points are in the gradebook
WORK, COURSE, SECRET = "work", "course", "secret"  # beside it: digests of what was handed in, of what decides about its points, of the secret
CONTENT = "content"  # and of what was handed in without its time
HANDED_IN_AGAIN = "something else was handed in since; it is graded again"
ANOTHER_TIME = "its time of handing in is another one now; it is graded again, and what was graded by hand is kept"
MAX_READ = 256 << 20  # bytes of one submission whose content is looked at; of more, sizes and times
_claimed: dict[int, int] = {}  # converter -> the folder it works on, open and locked


def claim_for(converter: Any, resources: dict[str, Any] | None) -> None:
    """Say that a converter works on the folder of a result, until it claims another one or its process ends, however it ends."""
    info = (resources or {}).get("nbgrader")
    if converter is None or not info:  # not one of nbgrader's conversions
        return
    folder = Path(converter._format_dest(info["assignment"], info["student"]))
    let_go(converter)
    folder.mkdir(parents=True, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    _claimed[id(converter)] = fd
    with contextlib.suppress(OSError):  # a file system without locks, or another grader has it
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def let_go(converter: Any) -> None:
    """What a converter worked on is done."""
    if (fd := _claimed.pop(id(converter), None)) is not None:
        os.close(fd)


def drop_outdated(
    converter: Any, why: Callable[[Path, Path], str], put_aside: Callable[[str, Path], object] | None = None
) -> Iterator[str]:
    """Take away the folders that are not what an earlier run would make now, so that nbgrader makes them anew; says which, and why.

    Args:
        converter: of nbgrader, which knows where it writes and for whom.
        why: the reason why a result is not, or nothing; gets its folder and the one that it was made from.
        put_aside: takes the result of a student whose resubmission is still to be graded.
    """
    for fd in _claimed.values():  # what earlier conversions of this process worked on is done
        os.close(fd)
    _claimed.clear()
    assignment = converter.coursedir.assignment_id
    pattern = converter._format_dest(re.escape(assignment), "(.*)", escape=True)
    for folder in map(str, folders(converter, converter._format_dest)):
        student = re.fullmatch(pattern, folder, re.DOTALL)
        if student is None:
            continue
        source = Path(converter._format_source(assignment, student[1]))
        if os.path.isdir(folder) and (reason := why(Path(folder), source)) and not _in_work(folder):
            if put_aside and reason == HANDED_IN_AGAIN:
                put_aside(student[1], Path(folder))
            else:
                rmtree(folder)
            yield f"{folder}: {reason}"


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


@dataclass(frozen=True)
class Work:
    """What is graded of one student, and what is known of the grading before."""

    folder: Path  # as it was handed in
    digest: str
    content: str  # the digest without the time
    answers: dict[str, str]  # that a person may grade, as they stood when they were graded last, by cell
    asked: set[str]  # the cells that waited for a person even before this grading
    rules: dict[str, str]  # digests of what decides about its points now, and of the secret


def answers_of(notebook: Any) -> dict[str, str]:
    """The text of each cell that a person may grade."""
    cells = [(cell["metadata"].get("nbgrader", {}), cell["source"]) for cell in notebook["cells"]]
    return {about["grade_id"]: "".join(source) for about, source in cells if about.get("grade") and about.get("solution")} | {
        about["grade_id"].removesuffix(ANSWER): "".join(source) for about, source in cells if about.get("solution") and not about.get("grade")
    }


def graded_answers(folder: Path) -> dict[str, str]:
    """The same of a folder in ``autograded/``; none where there is no such notebook."""
    with contextlib.suppress(OSError, ValueError, KeyError, AttributeError, TypeError):
        return answers_of(json.loads((folder / f"{folder.name}.ipynb").read_bytes()))
    return {}


def why_graded_again(folder: Path, source: Path, rules: dict[str, str]) -> str:
    """Why a folder of ``autograded/`` is not the grade of what was handed in, by the rules that hold now; empty if it is.

    Args:
        rules: as in :class:`Work`.
    """
    notebook = folder / f"{folder.name}.ipynb"
    try:
        known = json.loads(notebook.read_bytes())["metadata"].get("autograder", {})
        whole = bool(known.get(GRADED)) and _same_stamp(folder, source)
    except (OSError, ValueError, KeyError, AttributeError):
        whole = False
    if not whole:
        return "its grading was interrupted; it is graded again"
    if source.is_dir() and not source.is_symlink() and known.get(WORK, now := digest_of(source)) != now:
        return ANOTHER_TIME if known.get(CONTENT) == digest_of(source, time=False) and not _put_again(source, notebook) else HANDED_IN_AGAIN
    if known.get(COURSE, rules[COURSE]) != rules[COURSE]:
        return "the course has changed since; it is graded again, and what was graded by hand is kept"
    if known.get(SECRET, rules[SECRET]) != rules[SECRET]:
        return "the secret is another one now, and with it the hidden inputs; it is graded again. Was .autograder_secret lost, or AUTOGRADER_SECRET not set?"
    return ""


def _put_again(source: Path, graded: Path) -> bool:
    """Whether the files of a submission have been put there since it was graded: the same, handed in a second time."""
    with contextlib.suppress(OSError):
        since = graded.stat().st_mtime_ns
        return any(path.lstat().st_ctime_ns > since for path in walk(source) if not _tells_the_time(path))
    return True


def _tells_the_time(path: Path) -> bool:
    """A ``timestamp.txt``, or what it was before it was written in UTC."""
    return path.name.startswith(STAMP)


def digest_of(folder: Path, time: bool = True) -> str:
    """Of all that was handed in and counts: names, and what is in the files.

    Args:
        time: also of the time that the folder tells.
    """
    found, left = hashlib.sha256(), MAX_READ
    for path in walk(folder):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or not time and _tells_the_time(path):
                continue
            found.update(f"{path.relative_to(folder)}\0{status.st_size}\0".encode(errors="surrogateescape"))
            left -= status.st_size
            if left < 0:
                found.update(str(status.st_mtime_ns).encode())
            elif os.access(path, os.R_OK):
                with path.open("rb") as file:
                    found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


def why_written_again(folder: Path, source: Path, grades: str = "") -> str:
    """Why a folder of ``feedback/`` holds no page, or an old one; empty if there is nothing to write.

    Args:
        grades: the digest of what the gradebook holds now (:mod:`autograder.plugin.shown_grades`).
    """
    page = folder / f"{folder.name}.html"
    whole = page.is_file() and page.read_bytes()[-64:].rstrip().endswith(b"</html>") and _same_stamp(folder, source)
    if not whole:
        return "its writing was interrupted; it is written again"
    newest = max((path.stat().st_mtime_ns for path in source.glob("*.ipynb")), default=0)
    if newest > page.stat().st_mtime_ns:
        return "it was graded again since; it is written again"
    return "its points, its comments or what lateness takes have changed since; it is written again" if grades and mark_of(page) not in ("", grades) else ""


def _same_stamp(folder: Path, source: Path) -> bool:
    """By this file nbgrader sees that a newer submission has come."""
    return not is_stamp(source / STAMP) or (folder / STAMP).is_file()
