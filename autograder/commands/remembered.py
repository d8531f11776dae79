"""What ``autograder collect`` remembers of a download for what comes later: who was late, who is missing, and by which name the platform knows a hand-in."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ValidationError

from autograder.course.dates import STAMP
from autograder.course.directory import CourseDirectory
from autograder.files import write_whole


class HandedIn(BaseModel):
    """One student's hand-in as the platform has it."""

    name: str  # begins the names of its files in the download: a person's, and numbers of the platform's
    late: bool = False  # as the platform marks it


class Remembered(BaseModel):
    """Of one lecture, by the students' ids in the gradebook."""

    platform: str = ""
    hand_ins: dict[str, HandedIn] = {}
    roster: list[str] = []

    @property
    def late(self) -> list[str]:
        return sorted(student for student, one in self.hand_ins.items() if one.late)

    def say_late(self, timed: Collection[str] = ()) -> str:
        """A sentence about those whom the platform marks as late and of whom no time is known; nothing if there are none.

        Args:
            timed: the students with a time of handing in.
        """
        late = [student for student in self.late if student not in timed]
        if not late:
            return ""
        who = f"{len(late)} ({', '.join(late)})"
        return f"Marked as late by {self.platform.capitalize()} when they were collected: {who}. Without a timestamp.txt nothing is taken off here."


def late_without_a_time(course: CourseDirectory, lecture: str) -> str:
    """:meth:`Remembered.say_late` of a lecture, by the times that stand in ``submitted/``."""
    return recall(course, lecture).say_late({path.parts[-3] for path in (course.root / "submitted").glob(f"*/{lecture}/{STAMP}")})


def recall(course: CourseDirectory, lecture: str) -> Remembered:
    """What is known of a lecture's hand-ins; nothing where none were collected, or the file is damaged."""
    try:
        return Remembered.model_validate_json(_file(course, lecture).read_bytes())
    except (OSError, ValidationError):
        return Remembered()


def remember(course: CourseDirectory, lecture: str, platform: str, hand_ins: dict[str, HandedIn], roster: list[str] | None) -> None:
    """Add to what is known; a student who comes again is known by the newest hand-in.

    Args:
        roster: everybody's ids, if there was one.

    Raises:
        OSError: it cannot be written.
    """
    known = recall(course, lecture)
    if known.platform != platform:
        known = Remembered(platform=platform, roster=known.roster)
    known.hand_ins |= hand_ins
    known.roster = known.roster if roster is None else sorted(roster)
    course.make_private()
    _file(course, lecture).parent.mkdir(exist_ok=True, mode=0o700)
    write_whole(_file(course, lecture), known.model_dump_json(indent=1).encode())


def _file(course: CourseDirectory, lecture: str) -> Path:
    return course.build / "collected" / f"{lecture}.json"
