"""When a submission was handed in: ``timestamp.txt``, which a stranger may have written. Read in one way only, or set aside.

nbgrader takes CEST and IST for UTC, and the second of December of 12.02.2027.  Its formgrader reads the files in ``submitted/``
itself; so what it would read otherwise is written there again, in UTC, and the original is kept beside it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
from datetime import datetime, tzinfo
from pathlib import Path

from nbgrader.utils import parse_utc

from autograder.course.dates import DATE, STAMP, stamp
from autograder.files import write_whole

STAMP_BYTES = 100
REFUSED, ORIGINAL = f"{STAMP}.unreadable", f"{STAMP}.original"


def read_stamp(path: Path, zone: tzinfo | None) -> datetime | None:
    """The time of a submission in UTC, without a zone as in the gradebook; none if the file is empty.

    Args:
        zone: the course's, whose own abbreviations are believed.

    Raises:
        ValueError: it is no time, or could be read in two ways; with how to write it.
    """
    text = _text(path)
    return stamp(text, zone).replace(tzinfo=None) if text else None


def time_of(folder: Path, zone: tzinfo | None) -> datetime | None:
    """The time of a submission or a result, for nbgrader, which asks for it by its folder; none if there is none, or none that can be read."""
    try:
        return read_stamp(folder / STAMP, zone) if os.path.lexists(folder / STAMP) else None
    except ValueError:
        return None


def is_stamp(path: Path) -> bool:
    """Whether a file, once :func:`settle` has looked at it, is a time of submission."""
    try:
        read_stamp(path, None)
    except ValueError:
        return False
    return True


def settle(folder: Path, zone: tzinfo | None, log: logging.Logger) -> None:
    """Leave in a submission's folder a time that everybody reads alike, or none; and tell."""
    path = folder / STAMP
    if not os.path.lexists(path):
        return
    try:
        text = _text(path)
        when = read_stamp(path, zone)
    except ValueError as error:
        log.warning("%s is no time: %s. The submission counts as one without a date.", path, error)
        with contextlib.suppress(OSError):
            log.warning("It is kept as %s.", _rename(path, REFUSED).name)
        return
    if when is None:
        return
    if _by_nbgrader(text) != when or not is_stamp(path):
        log.warning("%s says %r: that is %s UTC, and is written so there, since nbgrader would read another time.", path, text, when)
        with contextlib.suppress(OSError):
            log.warning("What was handed in is kept as %s.", _rename(path, ORIGINAL).name)
            write_whole(path, f"{when} UTC".encode())
    elif (found := DATE.fullmatch(text)) and not found["zone"] and zone and when.replace(tzinfo=zone).utcoffset():
        log.warning("%s says %r without a time zone: it is read as UTC, as nbgrader writes it.", path, text)


def as_handed_in(source: Path, target: Path, zone: tzinfo | None) -> None:
    """Give a result the stamp as it was handed in: by its text the exchange finds whose feedback it is."""
    with contextlib.suppress(OSError, ValueError):
        when = read_stamp(source / STAMP, zone)
        for path in sorted(source.glob(f"{ORIGINAL}*")):
            if (target / STAMP).is_file() and read_stamp(path, zone) == when and _by_nbgrader(_text(path)):
                (target / STAMP).write_text(_text(path), encoding="utf-8")


def _text(path: Path) -> str:
    try:
        if path.is_symlink() or not path.is_file():
            raise ValueError("it is no plain file")
        if path.stat().st_size > STAMP_BYTES:
            raise ValueError(f"it has more than {STAMP_BYTES} bytes")
        return path.read_bytes().decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from None


def _by_nbgrader(text: str) -> datetime | None:
    try:
        return parse_utc(text)
    except Exception:  # noqa: BLE001  whatever a stranger's text leads the reader of dates to
        return None


def _rename(path: Path, name: str) -> Path:
    """Beside what has been set aside before; a student may have taken any name."""
    names = itertools.chain([name], (f"{name}.{number}" for number in range(2, 100)))
    aside = next(path.with_name(free) for free in names if not os.path.lexists(path.with_name(free)))
    return path.rename(aside)
