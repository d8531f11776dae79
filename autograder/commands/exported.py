"""Grades as tables that learning platforms take: whose row is whose, and cells in which no spreadsheet sees a formula.

Canvas: ``lib/gradebook_importer.rb`` looks for ``Student``, ``ID`` and ``Section`` in the first row, for ``Points Possible`` in the next, finds people by
``ID``, then by SIS ids, then by name, and makes an assignment of every further column; its own columns end in their number, ``Title (123)``.
Moodle: *Import from CSV* asks which column says who somebody is (email address, ID number or username), and what each other one is; the importer of an
assignment's grading worksheet reads ``Identifier``, ``Grade`` and ``Last modified (grade)`` alone (``mod/assign/feedback/offline``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from autograder.commands.roster import COLUMNS, Person, Roster
from autograder.errors import UserError
from autograder.plugin.grades import LectureGrades, Work
from autograder.plugin.platforms import Piece
from autograder.plugin.spreadsheet import harmless, to_csv

OURS = re.compile(r"(?P<name>.+)_(?P<number>\d+)", re.DOTALL)  # a folder that `autograder collect` has named without a roster
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
NUMBERED = re.compile(r"(?P<title>.*\S)\s*\(\d+\)", re.DOTALL)  # Canvas' title of an assignment that is there
MOODLE_FINDS = {"email": "Email address", "register": "ID number", "login": "Username"}
WORKSHEET = ("identifier", "grade", "last modified (grade)")
MAXIMUM = "maximum grade"


@dataclass(frozen=True)
class Column:
    """One grade: how it is called, what can be had, and what a student has; nothing where there is nothing to say."""

    title: str
    most: float
    of: Callable[[str], float | None]


@dataclass
class Matched:
    """Who of the gradebook is who of the roster."""

    person: dict[str, Person] = field(default_factory=dict)  # by the id in the gradebook
    strangers: list[str] = field(default_factory=list)  # in the gradebook alone
    absent: list[str] = field(default_factory=list)  # on the roster alone


@dataclass
class Table:
    rows: list[list[str]]
    told: list[str] = field(default_factory=list)


def match(students: set[str], roster: Roster, platform: str) -> Matched:
    """Find everybody of the gradebook on the roster, by id, by the platform's number in a folder's name, or by name; two are nobody."""
    found: dict[str, Person] = {}
    for student in students:
        one = roster.find(Piece(student, "", ""), "zip")
        if one is None and (named := OURS.fullmatch(student)):
            one = roster.find(Piece(named["name"], named["number"], ""), platform)
        if one:
            found[student] = one
    times = Counter(person.student for person in found.values())
    person = {student: person for student, person in sorted(found.items()) if times[person.student] == 1}
    there = {known.student for known in person.values()}
    return Matched(person, sorted(students - set(person)), sorted(other.student for other in roster.people if other.student not in there))


def columns(grades: list[LectureGrades], by_exercise: bool) -> list[Column]:
    """A column for each lecture, or for each exercise, and one beside it for its bonus points."""
    made: list[Column] = []
    lectures = Counter(one.title for one in grades)
    for one in grades:
        title = one.title if lectures[one.title] == 1 else f"{one.title} [{one.lecture}]"
        if not by_exercise:
            made.append(Column(title, one.most, _reader(one, None, 0)))
            if one.has_bonus:
                made.append(Column(f"{title} (bonus)", 0.0, _reader(one, None, 1)))
            continue
        exercises = Counter(item.title for item in one.items)
        for item in one.items:
            name = f"{title}: {item.title if exercises[item.title] == 1 else f'{item.title} [{item.name}]'}"
            if item.most:
                made.append(Column(name, item.most, _reader(one, item.name, 0)))
            if item.bonus or any(one.of(work, item.name)[1] for work in one.work.values()):
                made.append(Column(f"{name} (bonus)", 0.0, _reader(one, item.name, 1)))
    return made


def _reader(grades: LectureGrades, exercise: str | None, part: int) -> Callable[[str], float | None]:
    def of(student: str) -> float | None:
        work = grades.work.get(student)
        if work is None or exercise is not None and exercise not in work.points:
            return None
        return grades.of(work, exercise)[part]

    return of


def for_canvas(grades: list[LectureGrades], roster: Roster | None, matched: Matched, by_exercise: bool) -> Table:
    """As Canvas' gradebook is exported, ready to be imported there."""
    wanted, table = columns(grades, by_exercise), Table([])
    header = [name.casefold() for name in roster.header] if roster else []
    exported = bool(header) and header[0] in ("student", "lastname") and "id" in header and "section" in header
    known: dict[str, int] = {}  # title -> where the roster has it
    about = list(CANVAS)
    if roster and exported:
        about = list(roster.header[: header.index("section") + 1])
        known = {_key(found["title"]): at for at, name in enumerate(roster.header) if at >= len(about) and (found := NUMBERED.fullmatch(name))}
    elif roster:
        table.told.append("The roster is no export of Canvas' gradebook: Canvas has to find people by SIS ids or names. Its own export serves better.")
    where = [next((at for key in (_key(column.title), _lecture_key(grades, column)) if (at := _place(key, known)) is not None), None) for column in wanted]
    titles = [column.title if at is None or roster is None else roster.header[at] for column, at in zip(wanted, where)]
    table.rows.append([*about, *titles])
    table.rows.append([f"    {'Points Possible'}", *[""] * (len(about) - 1), *(points(column.most) for column in wanted)])
    for student, person in _rows_of(grades, roster, matched):
        if person and exported:
            first = [person.row[at] if at < len(person.row) else "" for at in range(len(about))]
        elif person:
            first = [_name(person), *(person.of.get(what, "") for what in ("person", "register")), person.of.get("login", "") or person.of.get("email", ""), ""]
        else:
            first = [student, "", "", student, ""]
        cells = [points(column.of(student)) for column in wanted]
        for number, at in enumerate(where):  # what Canvas has stays where there is nothing to say: an empty cell would take it away
            if at is not None and person and not cells[number] and at < len(person.row):
                cells[number] = person.row[at]
        table.rows.append([*first, *cells])
    if roster:
        for column, at in zip(wanted, where):
            there = roster.possible[at].strip() if at is not None and at < len(roster.possible) else ""
            if there and _number(there) != column.most:
                table.told.append(f"Canvas has {there} points possible for {column.title!r}; with this file it will have {points(column.most)}.")
    if new := [column.title for column, at in zip(wanted, where) if at is None]:
        instead = " If there is one already, give it this title in Canvas and export its gradebook again." if exported else ""
        some = "; ".join(new[:4]) + ("; …" if len(new) > 4 else "")
        table.told.append(f"Canvas will ask whether to make {_count(len(new), 'new assignment')}: {some}.{instead}")
    return table


def _place(key: str, known: dict[str, int]) -> int | None:
    """Where Canvas has an assignment of this title, or the only one whose title ends with it, such as "Week 1: From bigrams to trigrams"."""
    if key in known or not key:
        return known.get(key)
    longer = [at for title, at in known.items() if re.search(rf"[:.|–—-]\s+{re.escape(key)}$", title)]
    return longer[0] if len(longer) == 1 else None


def _lecture_key(grades: list[LectureGrades], column: Column) -> str:
    """An assignment in Canvas may also be called as the lecture is in ``course.yml``."""
    return next((_key(one.lecture) for one in grades if one.title == column.title), "")


def for_moodle(grades: list[LectureGrades], roster: Roster | None, matched: Matched, by_exercise: bool) -> Table:
    """For *Import from CSV* of Moodle's gradebook; a grading worksheet, if that is what the roster is."""
    header = [name.casefold() for name in roster.header] if roster else []
    if roster and all(name in header for name in WORKSHEET):
        return _worksheet(grades, roster, matched, by_exercise)
    wanted, table = columns(grades, by_exercise), Table([])
    people = _rows_of(grades, roster, matched)
    if roster:
        shown = ("first", "last", "name", *MOODLE_FINDS)
        at = [number for number, name in enumerate(header) if any(name in COLUMNS[what] for what in shown)]
        finds = [what for what in MOODLE_FINDS if any(name in COLUMNS[what] for name in header)]
        if not finds:
            how = "email addresses, ID numbers or usernames, such as Moodle's export of grades"
            raise UserError(f"Moodle finds nobody by name alone. Take a roster with {how}.")
        about = [roster.header[number] for number in at]
        first = next(name for name in roster.header if name.casefold() in COLUMNS[finds[0]])
    else:
        by_mail = all("@" in student for student, _ in people)
        at, about = [], [first := MOODLE_FINDS["email" if by_mail else "login"]]
    table.rows.append([*about, *(column.title for column in wanted), "Not final"])
    for student, person in people:
        cells = [person.row[number] if number < len(person.row) else "" for number in at] if person else [student]
        table.rows.append([*cells, *(points(column.of(student)) for column in wanted), _waiting(grades, student)])
    table.told.append(
        f"In Moodle: Grades, Import, CSV file; map {first!r} to the same of a person, each other column to a grade item or a new one, and 'Not final' to "
        "nothing. An empty cell takes away a grade that is there."
    )
    return table


def _worksheet(grades: list[LectureGrades], roster: Roster, matched: Matched, by_exercise: bool) -> Table:
    if len(grades) != 1 or by_exercise:
        how = "name one lecture, without --by-exercise, or take Moodle's export of grades"
        raise UserError(f"A grading worksheet is of one assignment and has one grade: {how}.")
    one, table, header = grades[0], Table([list(roster.header)]), [name.casefold() for name in roster.header]
    grade, most = header.index("grade"), header.index(MAXIMUM) if MAXIMUM in header else None
    students = {person.student: student for student, person in matched.person.items()}
    others: set[float] = set()
    for person in roster.people:
        row = [*person.row, *[""] * (len(header) - len(person.row))]
        if student := students.get(person.student):
            row[grade] = points(one.of(one.work[student])[0])
            if most is not None and (maximum := _number(row[most])) is not None and maximum != one.most:
                others.add(maximum)
        table.rows.append(row)
    if others:
        there = ", ".join(map(points, sorted(others)))
        ours = points(one.most)
        table.told.append(f"The assignment's maximum grade in Moodle is {there}, the lecture's is {ours}: set it there. Moodle passes over what is above.")
    if one.has_bonus:
        how = "Import them into a grade item of their own, with Moodle's export of grades as --roster"
        table.told.append(f"Bonus points are not in it: a worksheet has one grade. {how}.")
    return table


def as_csv(grades: list[LectureGrades], matched: Matched, by_exercise: bool) -> Table:
    """For people and scripts: a row for each student and lecture, or for each student and exercise."""
    what = ["exercise", "title"] if by_exercise else []
    late = [] if by_exercise else ["penalty", "total", "possible"]
    table = Table([["student", "name", "lecture", *what, "points", "of", "bonus", "bonus_of", *late, "waiting", "final"]])
    for one in grades:
        for student, work in sorted(one.work.items()):
            person = matched.person.get(student)
            who = [student, _name(person) if person else work.name, one.lecture]
            if by_exercise:
                for item in one.items:
                    given = one.of(work, item.name, late=False) if item.name in work.points else (None, None)
                    waits = "1" if item.name in work.waiting else ""
                    cells = [item.name, item.title, points(given[0]), points(item.most), points(given[1]), points(item.bonus), waits, "" if waits else "1"]
                    table.rows.append([*who, *cells])
                continue
            ordinary, bonus = one.of(work, late=False)
            cells = [points(ordinary), points(one.most), points(bonus), points(one.bonus), points(work.penalty)]
            total = points(max(ordinary + bonus - work.penalty, 0.0))
            table.rows.append([*who, *cells, total, points(one.most + one.bonus), " ".join(work.waiting), "" if work.waiting else "1"])
    return table


def _rows_of(grades: list[LectureGrades], roster: Roster | None, matched: Matched) -> list[tuple[str, Person | None]]:
    """Who gets a row: with a roster those on it of whom there is something, in its order; else all of the gradebook."""
    if roster is None:
        return [(student, None) for student in sorted({student for one in grades for student in one.work})]
    students = {person.student: student for student, person in matched.person.items()}
    return [(students[person.student], person) for person in roster.people if person.student in students]


def written(table: Table, mark: bool) -> bytes:
    """A CSV file in which nothing is a formula.

    Args:
        mark: begin with UTF-8's mark, by which spreadsheets know it; platforms do without.
    """
    changed = sum(harmless(cell) != cell for row in table.rows for cell in row)
    if changed:
        table.told.append(f"{_count(changed, 'cell')} would have been a formula in a spreadsheet; a ' stands before each.")
    return to_csv(table.rows, mark)


def points(value: float | None) -> str:
    """At most four decimals, as nbgrader rounds a penalty; nothing for nothing."""
    return "" if value is None else f"{value + 0.0:.4f}".rstrip("0").rstrip(".")


def _waiting(grades: list[LectureGrades], student: str) -> str:
    waiting = {one.title: len(work.waiting) for one in grades if (work := one.work.get(student, Work())).waiting}
    return "; ".join(f"{title}: {_count(number, 'answer')} without a grade" for title, number in waiting.items())


def _name(person: Person) -> str:
    full = person.of.get("name", "")
    return full or ", ".join(filter(None, (person.of.get("last", ""), person.of.get("first", ""))))


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _key(title: str) -> str:
    return " ".join(title.casefold().split())


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
