"""Which files outside ``build/`` a command has written itself: what somebody else has put there, or changed, is not to be lost."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from autograder.course.directory import CourseDirectory
from autograder.files import write_whole

NOTED = "written.json"  # below build/: digests by path


def is_own(course: CourseDirectory, target: Path) -> bool:
    """Whether a file stands as a command has left it."""
    return target.is_file() and _noted(course).get(str(target.resolve())) == _digest(target.read_bytes())


def write_own(course: CourseDirectory, target: Path, data: bytes) -> None:
    """Write a file for its owner alone, and note that it is a command's own.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(target, data)
    target.chmod(0o600)
    course.make_private()
    write_whole(course.build / NOTED, json.dumps({**_noted(course), str(target.resolve()): _digest(data)}).encode())


def _noted(course: CourseDirectory) -> dict[str, str]:
    try:
        found = json.loads((course.build / NOTED).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
