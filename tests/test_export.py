"""``autograder export``: what Canvas and Moodle take, whose row is whose, and that nothing is run, lost or called final that is not."""

import csv
import io
import random
import time
from datetime import datetime
from pathlib import Path

import pytest
from conftest import TINY, copy_course
from nbgrader.api import Grade, Gradebook, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import insert

from autograder.commands.cli import main
from autograder.commands.exported import harmless, match
from autograder.commands.roster import read_roster
from autograder.course.directory import CourseDirectory

TITLE = "Small exercises of every kind"
FULL = {"double": 2.0, "pieces": 4.0, "slope": 3.0, "by_hand": 2.0, "train_tiny": 3.0}
CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section"
NAMES = f'''{CANVAS},Essay (77),{TITLE} (78),Current Score
    Points Possible,,,,,10,20,(read only)
"Müller, Jörg ""JM""",12345,,jm,A,3,1,9
"=cmd|' /C calc'!A0, X",2,,ada,A,4,2,9
"Roe, Richard",3,,roe,B,5,6.5,9
"Student, Test",9,,x,B,,,
'''


@pytest.fixture
def course(assigned, tmp_path) -> CourseDirectory:
    return copy_course(assigned, tmp_path / "course")


def graded(course: CourseDirectory, students: dict[str, dict[str, float]], late_hours: float = 0.0) -> None:
    """Put points into the gradebook as grading does; what is not named is 0, and the written answer waits."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        for student, points in students.items():
            gradebook.add_student(student)
            when = datetime(2027, 3, 1, 12) if not late_hours else datetime(2027, 3, 2, int(12 + late_hours))
            submission = gradebook.add_submission(TINY, student, timestamp=when)
            for grade in submission.notebooks[0].grades:
                if grade.name != "why":
                    grade.auto_score, grade.needs_manual_grade = points.get(grade.name, 0.0), False
                elif "why" in points:
                    grade.manual_score, grade.needs_manual_grade = points["why"], False
        gradebook.db.commit()


def add(course: CourseDirectory, text: str, before: str) -> None:
    path = course.root / "course.yml"
    path.write_text(path.read_text().replace(before, f"{text}{before}"))


def bonus(course: CourseDirectory) -> None:
    path = course.root / "course.yml"
    path.write_text(path.read_text().replace("slope: {", "slope: {bonus: true, "))


def run(course: CourseDirectory, *words: object) -> int:
    return main(["--course", str(course.root / "course.yml"), "export", *map(str, words)])


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def roster(course: CourseDirectory, text: str) -> Path:
    path = course.root / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("before", ["LECTURE 3: ", "Week 1 – ", "HW01 | ", "3. "])
def test_an_assignment_in_canvas_may_bear_a_number_before_its_title(before, course, capsys):
    graded(course, {"ada": FULL})
    title = f"{before}{TITLE} (78)"
    run(course, "--to", "canvas", "--roster", roster(course, NAMES.replace(f"{TITLE} (78)", title)))
    assert "new assignment" not in capsys.readouterr().out and title in table(course.root / "grades-canvas.csv")[0]


@pytest.mark.parametrize("titles", [f"Retry: {TITLE} (78),Week 1: {TITLE} (79)", f"Not{TITLE} (78)", f"Notes on {TITLE} (78)"])
def test_of_two_assignments_or_another_one_none_is_taken(titles, course, capsys):
    graded(course, {"ada": FULL})
    run(course, "--to", "canvas", "--roster", roster(course, NAMES.replace(f"{TITLE} (78)", titles)))
    assert "1 new assignment" in capsys.readouterr().out and TITLE in table(course.root / "grades-canvas.csv")[0]


def test_canvas_gets_its_own_columns_back_with_the_grades(course, capsys):
    bonus(course)
    graded(course, {"Jörg Müller_12345": FULL, "ada": {"double": 1.5, "slope": 3, "why": 1}})
    assert run(course, "--to", "canvas", "--roster", roster(course, NAMES)) == 0  # who is on the roster alone has handed in nothing: no fault
    said = capsys.readouterr().out
    assert "On the roster, and nothing graded: 1 (roe)" in said and "not to be found" not in said
    assert "not final for 1 student: 1 answer waits for a person (Jörg Müller_12345). Until then what one gave before counts, if anything." in said
    assert "Canvas has 20 points possible" in said and "1 new assignment" in said
    header, possible, *rows = table(course.root / "grades-canvas.csv")
    assert header == [*CANVAS.split(","), f"{TITLE} (78)", f"{TITLE} (bonus)"]
    assert [cell.strip() for cell in possible] == ["Points Possible", "", "", "", "", "13", "0"]
    assert rows == [
        ['Müller, Jörg "JM"', "12345", "", "jm", "A", "11", "3"],
        ["'=cmd|' /C calc'!A0, X", "2", "", "ada", "A", "2.5", "3"],
    ]


def test_what_canvas_has_stays_where_there_is_nothing_to_say(course):
    graded(course, {"ada": {"double": 1.5}, "jm": FULL, "roe": {}})
    assert run(course, "--to", "canvas", "--by-exercise", "--roster", roster(course, NAMES.replace(f"{TITLE} (78)", f"{TITLE}: Why (78)"))) == 0
    header, _, *rows = table(course.root / "grades-canvas.csv")
    assert f"{TITLE}: Why (78)" in header and f"{TITLE}: Double a tensor" in header
    why = header.index(f"{TITLE}: Why (78)")
    assert [row[why] for row in rows] == ["1", "2", "6.5"]


def test_lateness_is_taken_by_the_points_that_people_have_given_by_now(course, capsys):
    add(course, "    due: 2027-03-01 13:00\n", "    exercises:")
    add(course, "timezone: UTC\n", "late:")
    graded(course, {"ada": {**FULL, "why": 2}}, late_hours=3)
    assert run(course, "--to", "csv") == 0
    header, row = table(course.root / "grades-csv.csv")
    found = dict(zip(header, row))
    assert (found["points"], found["penalty"], found["total"], found["final"]) == ("16", "3.2", "12.8", "1")
    assert "lateness costs 1 of them 3.2 points" in capsys.readouterr().out
    assert run(course, "--to", "moodle", "--by-exercise") == 0
    header, row = table(course.root / "grades-moodle.csv")
    assert header[0] == "Username" and sum(map(float, row[1:-1])) == pytest.approx(12.8)
    assert run(course, "--to", "csv", "--by-exercise") == 0
    rows = table(course.root / "grades-csv.csv")[1:]
    assert [row[5] for row in rows] == ["2", "4", "3", "2", "3", "2"]


def test_moodle_finds_people_by_what_the_roster_has(course, capsys):
    graded(course, {"ada@x.org": FULL, "Jörg Müller": {}, "stranger": {}})
    people = roster(course, "Vorname,Nachname,E-Mail-Adresse,Gruppe\nAda,L,ada@x.org,=1\nJörg,Müller,jm@x.org,2\n")
    assert run(course, TINY, "--to", "moodle", "--roster", people) == 1
    assert "not to be found on the roster (no row): 1 (stranger)" in capsys.readouterr().out
    assert table(course.root / "grades-moodle.csv") == [
        ["Vorname", "Nachname", "E-Mail-Adresse", TITLE, "Not final"],
        ["Ada", "L", "ada@x.org", "14", f"{TITLE}: 1 answer without a grade"],
        ["Jörg", "Müller", "jm@x.org", "0", f"{TITLE}: 1 answer without a grade"],
    ]
    assert run(course, "--to", "moodle", "--roster", roster(course, "Name\nJörg Müller\n")) == 1
    assert "by name alone" in capsys.readouterr().err


def test_a_grading_worksheet_is_filled_in(course, capsys):
    graded(course, {"Jörg Müller_4711": FULL})
    head = "Identifier,Full name,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade),Feedback comments"
    sheet = roster(course, f"{head}\nParticipant 4711,Jörg Müller,Submitted,,100.00,Yes,-,\nParticipant 5,Ada L,No submission,7,100.00,Yes,-,=x\n")
    assert run(course, "--to", "moodle", "--roster", sheet) == 0
    assert "maximum grade in Moodle is 100, the lecture's is 16" in capsys.readouterr().out
    assert table(course.root / "grades-moodle.csv")[1:] == [
        ["Participant 4711", "Jörg Müller", "Submitted", "14", "100.00", "Yes", "-", ""],
        ["Participant 5", "Ada L", "No submission", "7", "100.00", "Yes", "-", "'=x"],
    ]
    assert run(course, "--to", "moodle", "--by-exercise", "--roster", sheet) == 1 and "without --by-exercise" in capsys.readouterr().err


def test_two_that_fit_one_person_are_nobody(course):
    known = read_roster(roster(course, NAMES))
    found = match({"jm", "Jörg Müller_12345", "roe"}, known, "canvas")
    assert list(found.person) == ["roe"] and found.strangers == ["Jörg Müller_12345", "jm"] and found.absent == ["ada", "jm"]


def test_a_file_of_somebody_else_is_kept_and_that_is_said(course, capsys):
    graded(course, {"ada": FULL})
    out = course.root / "mine.csv"
    out.write_text("a,b\n")
    assert run(course, "--out", out) == 0 and "was not written by this command" in " ".join(capsys.readouterr().out.split())
    kept = list((course.root / "build" / "replaced" / "exports").iterdir())
    assert [path.read_text() for path in kept] == ["a,b\n"] and out.stat().st_mode & 0o777 == 0o600
    graded(course, {"eve": FULL})
    assert run(course, "--out", out) == 0 and "not written" not in capsys.readouterr().out
    assert len(table(out)) == 3 and len(list((course.root / "build" / "replaced" / "exports").iterdir())) == 1
    people = roster(course, NAMES)
    assert run(course, "--out", people, "--roster", people) == 1 and people.read_text() == NAMES


def test_what_cannot_be_exported_is_told_in_a_sentence(course, capsys):
    assert run(course, "lecture_9") == 1 and "no lecture 'lecture_9'" in capsys.readouterr().err
    assert run(course, "--to", "canvas", "--out", "no/where.csv") == 1 and "no such folder" in capsys.readouterr().err
    assert run(course) == 0  # an empty class
    assert len(table(course.root / "grades-csv.csv")) == 1
    path = course.root / "course.yml"
    path.write_text(path.read_text().replace("Double a tensor, points: 2", "Double a tensor, points: 3"))
    assert run(course) == 1 and "autograder build lecture_t_tiny" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1 a", "'+1 a"), ("@x", "'@x"), (" =1", "' =1"), ("\t=1", "'\t=1"),
        ("-2,5", "-2,5"), ("-", "-"), ('="007"', "007"), ("a=1", "a=1"), ("-x", "'-x"),
    ],
)
def test_no_cell_is_a_formula(cell, shown):
    assert harmless(cell) == shown


def test_a_thousand_students_take_seconds(course):
    chance, students = random.Random(0), [f"s{number}" for number in range(1000)]
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:  # its own way takes a minute
        notebook = gradebook.find_notebook(TINY, TINY)
        db, work = gradebook.db, {"assignment_id": notebook.assignment.id}
        db.execute(insert(Student), [{"id": student} for student in students])
        db.execute(insert(SubmittedAssignment), [{"id": student, "student_id": student, **work} for student in students])
        made = [{"id": student, "assignment_id": student, "notebook_id": notebook.id} for student in students]
        db.execute(insert(SubmittedNotebook), made)
        of = [{"cell_id": cell.id, "auto_score": cell.max_score, "needs_manual_grade": False} for cell in notebook.grade_cells]
        db.execute(insert(Grade), [{**grade, "notebook_id": student} for student in students for grade in of if chance.random() < 0.8])
        db.commit()
    begun = time.monotonic()
    assert run(course, "--to", "canvas") == 0
    assert time.monotonic() - begun < 20 and len(table(course.root / "grades-canvas.csv")) == 1002
