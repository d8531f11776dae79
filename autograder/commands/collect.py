"""``autograder collect``: hand-ins that a learning platform hands out -> ``submitted/``, one folder a student, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError

from autograder.commands.collected import Collected, Platform
from autograder.commands.downloaded import opened
from autograder.commands.remembered import HandedIn, remember
from autograder.commands.roster import Person, Roster, introduce
from autograder.commands.stages import Stages
from autograder.course.dates import STAMP
from autograder.course.directory import CourseDirectory
from autograder.course.frame import HANDED_IN
from autograder.errors import UserError
from autograder.plugin import absolute_gradebook, gradebook_file, own_commands_first
from autograder.plugin.choosing import MAX_ZIPPED, NOTEBOOK, Found, is_meant
from autograder.plugin.folders import closed, harmless_name
from autograder.plugin.interrupted import digest_of
from autograder.plugin.platforms import Piece, canvas, composed, moodle

SPARE = 256 << 20  # bytes of the disk that stay free
PLAIN = {".ds_store", ".ipynb_checkpoints", ".git", ".localized", "thumbs.db", "desktop.ini"}  # beside the students' folders


@dataclass
class HandIn:
    """What one student, or one group, has handed in."""

    whole: str  # as the platform tells people apart
    piece: Piece  # one of them
    student: str = ""  # the id in the gradebook
    files: dict[str, Found] = field(default_factory=dict)  # by where it belongs in the submission
    uploads: dict[str, int] = field(default_factory=dict)
    late: bool = False
    only_text: bool = True
    person: Person | None = None  # of the roster

    def name_on(self, platform: Platform) -> str:
        """What begins the names of its files in the download; on Canvas with the number of the last upload, and nothing where there is none."""
        upload = max(self.uploads.values(), default=0)
        return self.whole if platform != Platform.canvas else f"{self.whole}_{upload}" if upload else ""


def collect(
    course: CourseDirectory, lecture: str, platform: Platform, source: Path, roster: Roster | None = None, stages: Stages | None = None
) -> Collected:
    """Put what a download holds into ``submitted/<student>/<lecture>/``.

    Students are called by name and number of the platform (``doejane_12345``, ``Jane Doe_12345``; with ``zip`` by their folder's
    name), or by their login of the roster.  No time of submission is written: a download holds none that can be trusted.  A folder
    that is there already with other content goes to ``build/replaced/``; one with the same content is not touched.

    Raises:
        UserError: the download or the lecture is not there or cannot be read, or the disk is too small.
    """
    course.lecture(lecture)
    if source.is_file() and platform == Platform.zip and f"{lecture}{HANDED_IN.removesuffix('.zip')}" in source.name:
        named = f"ada_{source.name}"
        raise UserError(f"{source.name} is what one student hands in. Put the student's name before its own ({named}), and collect the folder with it.")
    limits, made = course.course.limits, Collected()
    with opened(source, limits.largest_bytes, lambda name: platform != Platform.zip and _read_name(platform, name, lecture) is None) as download:
        made.left_out += [f"Not taken: {sentence}" for sentence in download.refused]
        hand_ins = _sorted_out(_without_wrapping(download.files, source, platform), platform, lecture, made)
        _name(hand_ins, platform, roster, made)
        hand_ins = [hand_in for hand_in in hand_ins if hand_in.student]
        _bound(hand_ins, limits.disk_mb << 20, course.root, made)
        hand_ins = [hand_in for hand_in in hand_ins if hand_in.files]
        stage = stages.begin("collecting", len(hand_ins)) if stages else None
        for hand_in in hand_ins:
            if stage:
                stage.advance()
            try:
                _put(course, lecture, hand_in, made)
            except OSError as error:
                made.left_out.append(f"Nothing of {hand_in.whole} was collected, and what was there stays: {error}.")
                continue
            if hand_in.late:
                made.late.append(hand_in.student)
            if hand_in.only_text:
                made.only_text.append(hand_in.student)
            if STAMP in hand_in.files:
                made.stamped.append(hand_in.student)
    collected = set(made.students)
    try:
        introduce(course, [hand_in.person for hand_in in hand_ins if hand_in.person and hand_in.student in collected])
    except SQLAlchemyError as error:  # what was collected is there all the same
        made.left_out.append(f"The gradebook did not take the names of the roster: {str(error).splitlines()[0]}")
    made.missing = _missing(course, lecture, roster)
    names = {one.student: HandedIn(name=one.name_on(platform), late=one.late) for one in hand_ins if one.student in collected}
    try:
        remember(course, lecture, platform.value, names, [person.student for person in roster.people] if roster else None)
    except OSError as error:
        made.left_out.append(f"What the platform says of being late could not be kept for later: {error}.")
    return made


def _read_name(platform: Platform, where: str, lecture: str) -> Piece | None:
    return {Platform.canvas: canvas, Platform.moodle: moodle, Platform.zip: loose}[platform](where, lecture)


def loose(where: str, lecture: str) -> Piece | None:
    """One folder, zip or notebook a student, called by the student's id; nothing if it is none of these.

    What the last cell of a notebook packs bears the lecture's name: whoever collects it puts the student's before or behind.
    """
    top, _, rest = where.partition("/")
    top = composed(top)
    if top.lower() in PLAIN or top.startswith("._") or top.lower() == "__macosx":
        return None
    if rest:
        return Piece(top, "", rest.removeprefix(f"{lecture}/"))
    if NOTEBOOK.search(top):
        return Piece(NOTEBOOK.sub("", top), "", f"{lecture}.ipynb")
    if not top.lower().endswith(".zip"):
        return None
    return Piece(_packed_by(top, lecture) if lecture in top else top[:-4], "", top)


def _packed_by(name: str, lecture: str) -> str:
    """Whose name stands on what the last cell of a notebook has packed, without the lecture's and what a browser has put behind it; the whole of any other."""
    packed = rf"{re.escape(lecture)}{re.escape(HANDED_IN.removesuffix('.zip'))}(?:[ _-]*(?:\(\d+\)|\d{{1,2}}$))*"
    return re.sub(packed, "", name[:-4]).strip(" _-.") if re.search(packed, name[:-4]) else name[:-4]


def _without_wrapping(files: list[Found], source: Path, platform: Platform) -> list[Found]:
    """``class.zip`` that holds everything in one folder ``class``."""
    wrapping = f"{source.stem}/"
    if platform != Platform.zip or not source.is_file() or not all(file.where.startswith(wrapping) for file in files):
        return files
    return [Found(file.where.removeprefix(wrapping), file.size, file.when, file.read) for file in files]


def _sorted_out(files: list[Found], platform: Platform, lecture: str, made: Collected) -> list[HandIn]:
    """Whose file is whose; of several with the same name the newest: on Canvas of the highest number, else of the latest time."""
    found: dict[str, HandIn] = {}
    for file in files:
        piece = _read_name(platform, file.where, lecture)
        if piece is None:
            if all(map(is_meant, file.where.split("/"))):
                made.left_out.append(f"Not recognised: {file.where}.")
            continue
        if not all(map(is_meant, piece.file.split("/"))):
            continue  # .DS_Store, checkpoints, environments
        hand_in = found.setdefault(piece.whole, HandIn(piece.whole, piece))
        before = hand_in.files.get(piece.file)
        made.older += before is not None
        if before is None or (hand_in.uploads[piece.file], before.when) < (piece.upload, file.when):
            hand_in.files[piece.file], hand_in.uploads[piece.file] = file, piece.upload
        hand_in.late |= piece.late
        hand_in.only_text &= piece.text
    return [found[whole] for whole in sorted(found)]


def _name(hand_ins: list[HandIn], platform: Platform, roster: Roster | None, made: Collected) -> None:
    """Give each its id in the gradebook; none to those for whom there is none that is theirs alone."""
    people = {hand_in.whole: roster.find(hand_in.piece, platform.value) if roster else None for hand_in in hand_ins}
    claimed = Counter(person.student for person in people.values() if person)
    taken: dict[str, str] = {}
    for hand_in in sorted(hand_ins, key=lambda hand_in: (people[hand_in.whole] is None, hand_in.piece.student != hand_in.whole, hand_in.whole)):
        person = people[hand_in.whole]
        if person and claimed[person.student] > 1:
            made.left_out.append(f"{hand_in.whole} and another one fit {person.student} of the roster; each keeps the platform's name.")
            person = None
        student = person.student if person else hand_in.piece.student
        if not student:
            made.left_out.append(
                f"{hand_in.whole} has no name under which it can be graded. Rename it in the download."
                if hand_in.whole
                else f"{next(iter(hand_in.files))} does not say whose it is. Put the student's name before it, as in ada_{next(iter(hand_in.files))}."
            )
        elif student in taken:
            made.left_out.append(f"{hand_in.whole} would get the id {student}, which is that of {taken[student]}. Rename it in the download.")
        else:
            hand_in.student, hand_in.person = student, person
            taken[student] = hand_in.whole
            if roster and person is None:
                made.strangers.append(student)
            if person and platform == Platform.moodle and hand_in.piece.number not in person.numbers.values() and not person.is_called(hand_in.piece.name):
                made.left_out.append(f"{hand_in.whole} was taken for {student}: what stands before a hyphen can be a group.")
            if person is None and student != hand_in.whole:
                made.renamed[hand_in.whole] = student


def _bound(hand_ins: list[HandIn], most: int, root: Path, made: Collected) -> None:
    """Of each no more than a submission may hold, notebooks and weights before all else; of all no more than the disk can.

    Raises:
        UserError: the disk cannot hold it.
    """
    total = 0
    for hand_in in hand_ins:
        kept: dict[str, Found] = {}
        held = 0
        for name in sorted(hand_in.files, key=lambda name: (not NOTEBOOK.search(name), not name.endswith(".safetensors"), name)):
            if len(kept) < MAX_ZIPPED and held + hand_in.files[name].size <= most:
                kept[name] = hand_in.files[name]
                held += kept[name].size
        if left := len(hand_in.files) - len(kept):
            above = f"together they are more than {most >> 20} MB (disk_mb) or {MAX_ZIPPED} files"
            made.left_out.append(f"Not taken: {left} of the files of {hand_in.student}; {above}.")
        hand_in.files = kept
        total += held
    if total > (free := shutil.disk_usage(root).free - SPARE):
        raise UserError(f"The hand-ins take {total >> 20} MB, of which the disk has {max(free, 0) >> 20} left. Nothing was collected.")


def _put(course: CourseDirectory, lecture: str, hand_in: HandIn, made: Collected) -> None:
    """One student's folder: written beside its place, and then put there at once.

    Raises:
        OSError: a file is damaged, or the folder cannot be written.
    """
    target = course.root / "submitted" / hand_in.student / lecture
    if os.path.lexists(target.parent) and (reason := closed(target.parent, course.root)):
        raise OSError(f"submitted/{hand_in.student}: {reason}")
    partial = target.with_name(f"{lecture}.partial")
    _remove(partial)
    try:
        for name, file in hand_in.files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read())
            os.utime(path, (file.when, file.when))  # of two notebooks the newer one is graded
        if os.path.lexists(target):
            if not target.is_symlink() and target.is_dir() and digest_of(target, time=False) == digest_of(partial, time=False):
                made.unchanged.append(hand_in.student)
                return
            kept = _set_aside(course, lecture, hand_in.student, target)
            partial.rename(target)
            made.replaced[hand_in.student] = kept
        else:
            partial.rename(target)
            made.new.append(hand_in.student)
    finally:
        _remove(partial)
        with contextlib.suppress(OSError):
            target.parent.rmdir()  # unless something is in it


def _set_aside(course: CourseDirectory, lecture: str, student: str, target: Path) -> Path:
    """Move what was there to a place of its own, which nobody else on the machine may read."""
    place = course.build / "replaced"
    for part in ("", lecture, student):
        place /= part
        place.mkdir(mode=0o700, exist_ok=True, parents=True)
    stamp, number = time.strftime("%Y-%m-%d-%H%M%S"), 1
    while os.path.lexists(kept := place / (stamp if number == 1 else f"{stamp}-{number}")):
        number += 1
    shutil.move(target, kept)
    if kept.is_dir() and not kept.is_symlink():
        kept.chmod(0o700)
    return kept


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _missing(course: CourseDirectory, lecture: str, roster: Roster | None) -> list[str] | None:
    """Who of the roster, or of those whom the gradebook knows, has no submission."""
    everybody: Iterable[str]
    if roster:
        everybody = [person.student for person in roster.people]
    else:
        url = absolute_gradebook(course)
        if (file := gradebook_file(course)) and not (file.is_file() and file.stat().st_size):
            return None
        own_commands_first()
        with Gradebook(url, course.course.course) as gradebook:
            everybody = [student.id for student in gradebook.students]
        if not everybody:
            return None
    return sorted(student for student in everybody if not (course.root / "submitted" / harmless_name(student) / lecture).is_dir())
