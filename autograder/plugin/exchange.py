"""What ``nbgrader release_feedback`` needs of every submission, also of one that did not come through nbgrader's exchange."""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.course.dates import STAMP
from autograder.plugin.incoming import FEEDBACK_SECRET

MAX_SECRET = 1000  # bytes


def complete_all(converter: Any, key: bytes) -> None:
    """Make one of nbgrader's converters do so for each submission that it takes."""
    take = converter.init_assignment

    def init_assignment(assignment_id: str, student_id: str) -> None:
        take(assignment_id, student_id)
        complete(Path(converter._format_dest(assignment_id, student_id)), student_id, key, converter.log)

    converter.init_assignment = init_assignment


def complete(graded: Path, student: str, key: bytes, log: logging.Logger) -> None:
    """Put what is missing beside a graded notebook: without it the feedback of the whole class is not released.

    Args:
        graded: the folder in ``autograded/``, from which the feedback takes its files.
        key: that nobody outside knows; of it and the name comes the secret of one who has none.
    """
    graded.mkdir(parents=True, exist_ok=True)
    stamp, secret = graded / STAMP, graded / FEEDBACK_SECRET
    if not stamp.exists():  # only for the log of the release: whether a submission is late says what was handed in
        newest = max((path.stat().st_mtime for path in graded.iterdir() if path.is_file()), default=0.0)
        stamp.write_text(datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC"))
    if not _is_text(secret):
        if secret.exists():
            log.warning("%s: %s is no text; nbgrader's fetch_feedback will not find the page.", student, FEEDBACK_SECRET)
        secret.unlink(missing_ok=True)
        secret.write_text(hmac.new(key, f"{graded.name}\0{student}".encode(errors="surrogateescape"), hashlib.sha256).hexdigest())


def _is_text(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_SECRET and bool(path.read_text().strip())
    except (OSError, ValueError):
        return False
