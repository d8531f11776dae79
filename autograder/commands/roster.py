"""Who is in the class: a CSV that a learning platform exports, or that somebody has made."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.plugin import absolute_gradebook, gradebook_file, own_commands_first
from autograder.plugin.folders import harmless_name
from autograder.plugin.platforms import Piece

MAX_BYTES, MAX_ROWS = 20 << 20, 50_000
COLUMNS = {  # what a column is called, in small letters
    "login": ("sis login id", "login id", "login", "username", "user name", "benutzername", "anmeldename"),
    "email": ("email address", "email", "e-mail", "mail", "e-mail-adresse"),
    "register": ("sis user id", "id number", "idnumber", "student id", "student number", "matrikelnummer"),
    "person": ("id", "user id", "canvas user id"),
    "participant": ("identifier",),
    "name": ("student", "full name", "name", "vollständiger name"),
    "first": ("first name", "firstname", "vorname"),
    "last": ("last name", "lastname", "surname", "nachname"),
}
POSSIBLE = "Points Possible"  # in Canvas' first column, of a row that is nobody
IDS = ("login", "email", "register", "person")  # the first of these that is filled in is the student's id in the gradebook


@dataclass(frozen=True)
class Person:
    student: str  # the id in the gradebook
    names: frozenset[str]  # as _key makes them: given name first, and family name first
    numbers: dict[str, str]  # by platform, that its file names hold
    ids: frozenset[str]
    anonymous: str = ""  # "Participant", in Moodle's language
    of: dict[str, str] = field(default_factory=dict, compare=False)  # what the roster says, by the keys of COLUMNS
    row: tuple[str, ...] = field(default=(), compare=False)  # as it stands in the roster

    def is_called(self, name: str) -> bool:
        return _key(name) in self.names

    @property
    def given_and_family(self) -> tuple[str, str]:
        """As nbgrader has them, for its pages to show: nothing in them that these would obey."""
        family, comma, given = self.of.get("name", "").partition(",")
        if not comma:
            given, _, family = family.strip().rpartition(" ")
        return harmless_name(self.of.get("first") or given), harmless_name(self.of.get("last") or family)


class Roster:
    """A class, and whose a hand-in is."""

    def __init__(self, people: list[Person], header: tuple[str, ...] = (), possible: tuple[str, ...] = ()) -> None:
        self.people = people
        self.header = header  # as it stands in the file
        self.possible = possible  # Canvas' row of points possible

    def find(self, piece: Piece, platform: str) -> Person | None:
        """Whose a hand-in is; nobody if none or more than one could be meant.

        A number decides alone where the roster has numbers: somebody else may have the same name.
        """
        if platform == "zip" and (found := [person for person in self.people if piece.name.casefold() in person.ids]):
            return found[0] if len(found) == 1 else None
        if piece.number and any(platform in person.numbers for person in self.people):
            found = [person for person in self.people if person.numbers.get(platform) == piece.number]
            if platform == "moodle":  # a group's number may be somebody's, too
                found = [person for person in found if person in self._called(piece.name) or _key(piece.name) == person.anonymous]
        else:
            found = self._called(piece.name)
        return found[0] if len(found) == 1 else None

    def _called(self, name: str) -> list[Person]:
        found: list[Person] = []
        while not found and name:  # "Team A-Jane Doe": what stands before a hyphen may be a group
            found = [person for person in self.people if person.is_called(name)]
            name = name.partition("-")[2]
        return found


def read_roster(path: Path) -> Roster:
    """Read Canvas' gradebook export, Moodle's grading worksheet, grades or participants, or any table with such columns.

    Canvas' export has ``Student, ID, SIS User ID, SIS Login ID`` (``lib/gradebook_exporter.rb``), and a row of points possible and a
    test student, who are nobody.  Moodle's grading worksheet of an assignment has ``Identifier`` (``Participant 12345``: the number of
    its file names), its grades and participants only names and email addresses.

    Raises:
        UserError: it cannot be read, holds no column that says who somebody is, or the same one twice.
    """
    written, rows = _rows(path)
    header = [name.lower() for name in written]
    at = {what: header.index(name) for what, names in COLUMNS.items() for name in reversed(names) if name in header}
    if not any(what in at for what in (*IDS, "name", "last")):
        known = ", ".join(names[0] for names in COLUMNS.values())
        raise UserError(f"{path}: none of its columns ({', '.join(header)[:200]}) says who somebody is. One must be called, for example: {known}.")
    people: dict[str, Person] = {}
    for row in rows:
        of = {what: re.sub(r'^="(.*)"$', r"\1", row[column].strip()) for what, column in at.items() if column < len(row)}
        person = _person(of, not any(what in at for what in IDS), row)
        if person is None:
            continue
        if people.setdefault(person.student, person) != person:
            raise UserError(f"{path}: two people have the id {person.student}.")
    if not people:
        raise UserError(f"{path}: there is nobody in it.")
    possible = next((row for row in rows if row[0].strip().startswith(POSSIBLE)), [])
    return Roster(list(people.values()), tuple(written), tuple(possible))


def introduce(course: CourseDirectory, people: Collection[Person]) -> None:
    """Tell the gradebook, if there is one, how these people are called, for the formgrader to show; a name that it knows stays."""
    url = absolute_gradebook(course)
    if (file := gradebook_file(course)) and not (file.is_file() and file.stat().st_size):
        return
    own_commands_first()
    with Gradebook(url, course.course.course) as gradebook:
        known = {student.id: student for student in gradebook.students}
        for person in people:
            named = dict(zip(("first_name", "last_name"), person.given_and_family)) | {"email": person.of.get("email", "")}
            student = known.get(person.student)
            new = {what: name for what, name in named.items() if name and not (student and getattr(student, what))}
            if new or student is None:
                gradebook.update_or_create_student(person.student, **new)


def _person(of: dict[str, str], by_name: bool, row: list[str]) -> Person | None:
    first, last, name = (of.get(what, "") for what in ("first", "last", "name"))
    if name == "Student, Test" or name.startswith(POSSIBLE):  # Canvas'
        return None
    student = next((of[what] for what in IDS if of.get(what)), "") or (name or f"{first} {last}".strip() if by_name else "")
    if not (student := harmless_name(student)):
        return None
    family, comma, given = name.partition(",")
    names = {_key(full) for full in (name, given + family if comma else "", first + last, last + first)} - {""}
    participant = re.search(r"\d+$", identifier := of.get("participant", ""))
    person = of.get("person", "")
    numbers = {"canvas": person if person.isdecimal() else "", "moodle": participant[0] if participant else ""}
    ids = frozenset(of[what].casefold() for what in IDS if of.get(what)) | {student.casefold()}
    known = {platform: number for platform, number in numbers.items() if number}
    return Person(student, frozenset(names), known, ids, _key(identifier.rstrip("0123456789")), of, tuple(row))


def _key(name: str) -> str:
    """A name without what platforms take out of it or write in two ways: case, spaces, commas, apostrophes."""
    return "".join(character for character in unicodedata.normalize("NFKC", name).casefold() if character.isalnum())


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UserError(f"{path} is larger than {MAX_BYTES >> 20} MB. Is it the list of the class?")
        text = _text(data).lstrip("\ufeff")
        line = text.lstrip("\r\n").partition("\n")[0]
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=line.count)))
    except (OSError, csv.Error, UnicodeError) as error:
        raise UserError(f"{path} cannot be read as a CSV file: {error}.") from None
    rows = [row for row in rows if any(row)]
    if not rows or len(rows) > MAX_ROWS:
        raise UserError(f"{path} has no rows, or more than {MAX_ROWS}. Is it the list of the class?")
    return [name.strip() for name in rows[0]], rows[1:]


def _text(data: bytes) -> str:
    """Spreadsheets write UTF-8 with and without a mark, UTF-16, and what Windows used before."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
