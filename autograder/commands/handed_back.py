"""One zip of a lecture's feedback pages, named so that the platform from which the work was collected gives each student theirs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.commands.collected import Platform
from autograder.commands.own_files import is_own, write_own
from autograder.commands.remembered import Remembered, recall
from autograder.course.directory import CourseDirectory
from autograder.errors import UserError

SHOWN = 20  # names in a sentence
WHERE = {
    Platform.canvas: "In Canvas: Grades, the menu of the assignment, Re-Upload Submissions. Each page comes to its student as a comment.",
    Platform.moodle: "In Moodle: the assignment, Submissions, Upload multiple feedback files in a zip. Its setting Feedback files must be on.",
    Platform.zip: "It holds a folder for each student, with the page.",
}
FRESH = (1980, 1, 1, 0, 0, 0)  # the time of every entry: the same pages make the same zip


@dataclass
class Packed:
    """What was written, and for whom there is nothing in it."""

    target: Path
    students: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # the platform's name of their hand-in is not known

    def sentences(self, platform: Platform) -> Iterator[str]:
        yield WHERE[platform]
        if self.unknown:
            more = f" and {len(self.unknown) - SHOWN} more" if len(self.unknown) > SHOWN else ""
            who = f"{len(self.unknown)} ({', '.join(self.unknown[:SHOWN])}{more})"
            yield f"Not in it, because no file of theirs was collected from {platform.value.capitalize()} (autograder collect): {who}."


def pack(course: CourseDirectory, lecture: str, platform: Platform | None, pages: dict[str, Path]) -> tuple[Packed, Platform]:
    """Write ``feedback-LECTURE.zip`` into the course's folder.

    Args:
        platform: for which one; the one from which the work was collected if not told.
        pages: by student.

    Raises:
        UserError: there is no page for it, or another file stands in its place.
    """
    known = recall(course, lecture)
    wanted = platform or Platform(known.platform if known.platform in list(Platform) else Platform.zip)
    packed, target = Packed(course.root / f"feedback-{lecture}.zip"), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, page in sorted(pages.items()):
            name = _name(wanted, known, student, lecture)
            if name is None:
                packed.unknown.append(student)
                continue
            archive.writestr(zipfile.ZipInfo(name, FRESH), page.read_bytes(), zipfile.ZIP_DEFLATED)
            packed.students.append(student)
    if not packed.students:
        raise UserError(f"There is no page of {lecture} to pack for {wanted.value}. {' '.join(packed.sentences(wanted)) if packed.unknown else ''}".strip())
    if packed.target.exists() and not is_own(course, packed.target):
        raise UserError(f"{packed.target.name} was not written by this command. Move it away, and type the same again.")
    try:
        write_own(course, packed.target, target.getvalue())
    except OSError as error:
        raise UserError(f"{packed.target} cannot be written: {error.strerror}.") from None
    return packed, wanted


def _name(platform: Platform, known: Remembered, student: str, lecture: str) -> str | None:
    if platform == Platform.zip:
        return f"{student}/{lecture}.html"
    name = known.hand_ins[student].name if known.platform == platform and student in known.hand_ins else ""
    if not name:
        return None
    return f"{name}_{lecture}-feedback.html" if platform == Platform.canvas else f"{name}_assignfeedback_file_{lecture}-feedback.html"
