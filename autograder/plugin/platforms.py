"""Whose file is whose in what Canvas and Moodle hand out, by its name; and ``nbgrader zip_collect`` told so.

Canvas zips flat files (instructure/canvas-lms, ``lib/content_zipper.rb``: ``get_filename``, ``add_upload_submission``,
``add_text_or_url``)::

    doejane_12345_678901_lecture.ipynb           sortable name in lower case, number of the person, number of the upload
    doejane_LATE_12345_678901_lecture-1.ipynb    handed in late; -1, -2 for a name that was uploaded before
    doejane_12345_text.html, …_link.html         a text or an address in place of a file
    anon_x3Zq7_678901_lecture.ipynb              where grading is anonymous
    teama_12345_678901_lecture.ipynb             of a group: its name, without what is no letter, and the number of one member

What is no letter, digit or underscore is gone from names.  A person's number stays the same in all assignments, and an upload's is
larger the later it came.  Instances of other years write ``late`` small, or behind ``--``.

Moodle gives a folder to each person, or flat files with the folder's name before theirs (moodle/moodle,
``public/mod/assign/classes/downloader.php``; before 4.1 ``mod/assign/locallib.php: download_submissions``)::

    Jane Doe_12345_assignsubmission_file/sub/lecture.ipynb     since 4.1; before, the folder's name ends in _
    Jane Doe_12345_assignsubmission_file_lecture.ipynb         flat
    Jane Doe_12345_assignsubmission_onlinetext/onlinetext.html
    Team A_77_assignsubmission_file/…                          of a group, once
    Team A-Jane Doe_12345_assignsubmission_file_/…             before 4.1: once for each member
    Default group_assignsubmission_file/…                      of those without a group: no number
    Participant_12345_assignsubmission_file/…                  where grading is anonymous

Names have lost ``_ & < > " ` | ' : / \\`` and line breaks.  The number is the participant's **in this assignment** (table
``assign_user_mapping``), another one in the next: only a list of participants tells that both are the same person.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nbgrader.plugins import FileNameCollectorPlugin

from autograder.plugin.choosing import is_meant
from autograder.plugin.folders import harmless_name

CANVAS = re.compile(
    r"(?:(?P<name>.+?)(?P<late>(?:_|--|-)late)?_(?P<number>\d+)|(?P<late_unnamed>late_)?(?P<unnamed>anon_[a-z0-9]+))"
    r"_(?:(?P<upload>\d+)_(?P<file>.+)|(?P<text>(?:text|link)(?:-\d+)?\.html))",
    re.IGNORECASE | re.DOTALL,
)
MOODLE = re.compile(r"(?P<name>[^_]+)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z0-9]+)(?:_(?P<file>.*))?", re.IGNORECASE | re.DOTALL)
COUNTED = re.compile(r"-\d{1,3}(?=\.[A-Za-z0-9]+$)")  # of a name that was uploaded before


@dataclass(frozen=True)
class Piece:
    """One file of a download, as its name tells it."""

    name: str  # of the person or group, as the platform writes it
    number: str  # of the person, or nothing
    file: str  # where it belongs in the submission, with slashes
    upload: int = 0  # the larger the later
    late: bool = False
    text: bool = False  # was typed into the platform, and is no file

    @property
    def whole(self) -> str:
        """Name and number: different for different people, and both can be read from it."""
        return f"{self.name}_{self.number}" if self.number else self.name

    @property
    def student(self) -> str:
        """The id in the gradebook that can be had without a list of the class; empty if the kit could grade nobody of that name."""
        return harmless_name(self.whole)


def canvas(where: str, lecture: str = "") -> Piece | None:
    """What the path of a file of Canvas' says, whatever folder it was unpacked into; nothing if it says nothing.

    Args:
        where: with slashes. What stands in a folder of the right form (a student's zip that was unpacked) belongs to the same piece.
        lecture: whose notebook gets its own name back.
    """
    parts = where.split("/")
    for at, part in enumerate(parts):
        if found := CANVAS.fullmatch(part):
            name = found["unnamed"] or found["name"]
            rest = "/".join([found["file"] or found["text"], *parts[at + 1 :]])
            late = bool(found["late"] or found["late_unnamed"])
            return Piece(composed(name), found["number"] or "", _as_uploaded(rest, lecture), int(found["upload"] or 0), late, bool(found["text"]))
    return None


def moodle(where: str, lecture: str = "") -> Piece | None:
    """The same of Moodle."""
    parts = where.split("/")
    for at, part in enumerate(parts):
        if found := MOODLE.fullmatch(part):
            rest = "/".join(filter(None, [found["file"], *parts[at + 1 :]]))
            if rest:
                return Piece(composed(found["name"].strip()), found["number"] or "", rest, text=found["kind"].lower() == "onlinetext")
    return None


def composed(name: str) -> str:
    """A letter and its dots are one character: macOS unpacks them as two, and would make two students of one."""
    return unicodedata.normalize("NFC", name)


def _as_uploaded(name: str, lecture: str) -> str:
    """Without Canvas' count where no student means one: in the lecture's notebook, weights and modules (``part-2.csv`` may be a second part)."""
    first = COUNTED.sub("", name)
    return first if first.endswith((".safetensors", ".py")) or first == f"{lecture}.ipynb" else name


class PlatformCollector(FileNameCollectorPlugin):
    """Tells ``nbgrader zip_collect`` whose the files of a Canvas or Moodle download are, without a regular expression.

    With ``c.FileNameCollectorPlugin.named_regexp`` it does what nbgrader's own does.  Of several uploads of one name it gives the newest,
    where nbgrader would end.  nbgrader has unpacked all archives by then, without bounds: ``autograder collect`` has some.
    """

    def collect(self, submitted_file: str) -> dict[str, Any] | None:
        if self.named_regexp:
            return super().collect(submitted_file)
        lecture = self.parent.coursedir.assignment_id
        root = self.parent._format_collect_path(self.parent.extracted_directory)
        where = os.path.relpath(submitted_file, root)
        piece = recognise(where, lecture)
        if os.path.splitext(where)[1].lower() not in self.valid_ext or piece is None or not piece.student:
            return None
        if not all(map(is_meant, piece.file.split("/"))):
            return None
        if _chosen(root, lecture).get((piece.student, piece.file)) != where:
            self.log.warning("Another upload of the same name, with a higher number, takes the place of %s", submitted_file)
            return None
        return {"student_id": piece.student, "file_id": piece.file}


def recognise(where: str, lecture: str) -> Piece | None:
    """A file of either platform."""
    return moodle(where, lecture) or canvas(where, lecture)


@lru_cache(maxsize=1)
def _chosen(root: str, lecture: str) -> dict[tuple[str, str], str]:
    """For each student and file the newest upload of it, of all that was extracted."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            where = os.path.relpath(os.path.join(folder, name), root)
            if piece := recognise(where, lecture):
                key = piece.student, piece.file
                found[key] = max(found.get(key, (-1, "")), (piece.upload, where))
    return {key: where for key, (_, where) in found.items()}
