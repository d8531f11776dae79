"""Due dates, extensions and delays: what course.yml says is what nbgrader's gradebook holds, whoever wrote the time of a submission."""

from __future__ import annotations

import csv
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import TINY, copy_course, daily
from converters import convert
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc
from traitlets.config import Config

from autograder.course.dates import stamp
from autograder.plugin import configure
from autograder.plugin.export import CourseExport
from autograder.plugin.stamps import read_stamp

BERLIN = ZoneInfo("Europe/Berlin")
FULL = 14.0  # of the exercises that are not graded by a person
DUE = "due: 2027-03-01"
WRITTEN = "timezone: Europe/Berlin\nlectures:\n  lecture_t_tiny:\n    {}\n"

READ = {
    "2027-03-01 22:00:00.123456 UTC": datetime(2027, 3, 1, 22, 0, 0, 123456),  # as nbgrader submit writes it
    "2027-03-01 23:00:00.123456 CET": datetime(2027, 3, 1, 22, 0, 0, 123456),  # with Exchange.timezone
    "2027-07-01 23:00:00 CEST": datetime(2027, 7, 1, 21),
    "2027-07-01 23:00:00 EDT": datetime(2027, 7, 2, 3),
    "2027-10-31 02:30:00 CEST": datetime(2027, 10, 31, 0, 30),
    "2027-03-01 23:00:00 +0100": datetime(2027, 3, 1, 22),
    "2027-03-01 23:00:00 +01:00": datetime(2027, 3, 1, 22),
    "2027-03-01T23:00:00+05:30": datetime(2027, 3, 1, 17, 30),
    "2027-03-01 23:00:00 -03": datetime(2027, 3, 2, 2),
    "2027-03-01T22:00Z": datetime(2027, 3, 1, 22),
    "2027-03-01 23:00:00 Europe/Berlin": datetime(2027, 3, 1, 22),
    "2027-03-01 22:00:00": datetime(2027, 3, 1, 22),  # as nbgrader zip_collect writes it
}


@pytest.mark.parametrize("text, meant", READ.items(), ids=READ)
def test_a_time_of_submission_is_read_right(text, meant):
    assert stamp(text, BERLIN).replace(tzinfo=None) == meant


REFUSED = {
    "2027-03-01 23:00:00 IST": "IST is the name of 3 different times",
    "2027-03-01 23:00:00 CST": "CST is the name of",
    "2027-07-01 23:00:00 BST": "BST is the name of",
    "2027-02-12 23:00:00 CEST": "no clock shows CEST on 2027-02-12",
    "2027-03-01 23:00:00 XYZ": "'XYZ' is no time zone",
    "2027-03-01 23:00:00 Europe/Berln": "'Europe/Berln' is no time zone",
    "2027-03-01 23:00:00 ../../etc/passwd": "is no time zone",
    "2027-03-01 23:00:00 +99": "is no time zone",
    "2027-03-28 02:30:00 Europe/Berlin": "does not exist in Europe/Berlin",
    "2027-10-31 02:30:00 Europe/Berlin": "comes twice in Europe/Berlin",
    "12.02.2027": "could be read in several ways, or in none",
    "12.02.2027 10:00:00 UTC": "could be read in several ways, or in none",
    "02/12/2027 10:00:00 UTC": "could be read in several ways, or in none",
    "27-02-12 10:00:00 UTC": "could be read in several ways, or in none",
    "2027-02-12": "could be read in several ways, or in none",
    "10:00": "could be read in several ways, or in none",
    "1803859200": "could be read in several ways, or in none",
    "2027-02-30 10:00:00 UTC": "does not exist",
    "2027-02-12 24:00:00 UTC": "does not exist",
}


@pytest.mark.parametrize("text, reason", REFUSED.items(), ids=REFUSED)
def test_a_time_of_submission_that_could_be_another_is_refused_with_how_to_write_it(text, reason):
    with pytest.raises(ValueError, match=f"{reason}.*Write it as 2027-03-01 18:00:00 UTC, or with an offset"):
        stamp(text, BERLIN)


def test_the_courses_own_abbreviation_is_believed():
    assert stamp("2027-03-01 23:00:00 IST", ZoneInfo("Asia/Kolkata")).hour == 17
    assert stamp("2027-03-01 23:00:00 CST", ZoneInfo("America/Chicago")).hour == 5


@pytest.fixture
def dated(assigned, tmp_path):
    return copy_course(assigned, tmp_path)


def say(folder: Path, lines: str) -> None:
    """Let course.yml say this of the lecture."""
    path = folder / "course.yml"
    kept = [line for line in path.read_text().splitlines(keepends=True) if not line.lstrip().startswith(("due:", "extensions:", "timezone:"))]
    path.write_text("".join(kept).replace("lectures:\n  lecture_t_tiny:\n", WRITTEN.format(lines.replace("\n", "\n    ")), 1))


def hand_in(folder: Path, student: str, text: bytes | str) -> Path:
    """The reference as a student's work, with this time."""
    target = folder / "submitted" / student / TINY
    shutil.copytree(folder / "build" / "source" / TINY, target)
    shutil.copyfile(folder / "build" / "weights" / TINY / "train_tiny.safetensors", target / "train_tiny.safetensors")
    (target / "timestamp.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return target


def penalties(folder: Path) -> dict[str, float]:
    with gradebook(folder) as book:
        return {s.student.id: s.late_submission_penalty for s in book.assignment_submissions(TINY)}


def gradebook(folder: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{folder}/gradebook.db", "tiny")


def exported(folder: Path) -> dict[str, dict[str, str]]:
    config = Config()
    configure(config, str(folder / "nbgrader_config.py"))
    config.CourseExport.to = str(folder / "grades.csv")
    with gradebook(folder) as book:
        CourseExport(config=config).export(book)
    with (folder / "grades.csv").open() as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


LATE = {  # student -> when, and by how many days that is late
    "ada": ("2027-03-03 23:59:59.9 CET", 0),  # her own last second
    "bob": ("2027-03-01 22:59:59.9 UTC", 0),
    "cyd": ("2027-03-01 23:00:00 UTC", 1),
    "dan": ("2027-03-02 01:00:00 EET", 1),  # nbgrader alone: the time is right, of another zone
    "eve": ("2027-03-01 20:00:00 AKST", 1),  # nbgrader alone: in time
    "fay": ("2027-03-02 00:30:00 CET", 1),
    "gus": ("2027-04-05 23:00:00 IST", 0),  # refused
    "hal": ("12.02.2027", 0),  # refused; nbgrader alone: in December
    "ida": (b"\xff\xfe2\x000\x00", 0),
    "jon": ("2027-03-03 22:59:00 UTC", 2),
    "kim": ("2027-03-01 19:00:00 -05", 1),
}
NO_TIMES = {"gus", "hal", "ida"}


@pytest.mark.parametrize("students", [pytest.param(" ".join(LATE), marks=pytest.mark.slow), "ada cyd eve gus ida"])
def test_a_class_with_times_of_every_kind(students, dated, runner):
    folder = dated.root
    say(folder, f"{DUE}\nextensions: {{ada: 2027-03-03, adda: 2027-03-03}}")
    late = {student: LATE[student] for student in students.split()}
    for student, (text, _) in late.items():
        hand_in(folder, student, text)
    said = convert(folder, "autograde", TINY, runner)
    assert penalties(folder) == {student: pytest.approx(0.1 * days * FULL) for student, (_, days) in late.items()}
    assert "course.yml:11: the extension is for 'adda', of whom nothing is known so far. Did you mean 'ada'?" in said
    assert "eve: handed in 6 hours late" in said and "seconds late" not in said
    assert "gus/lecture_t_tiny/timestamp.txt is no time: IST is the name of 3 different times" in said
    for student in NO_TIMES & late.keys():
        here = folder / "submitted" / student / TINY
        assert not (here / "timestamp.txt").exists() and (here / "timestamp.txt.unreadable").exists()
    with gradebook(folder) as book:
        for submission in book.assignment_submissions(TINY):
            student, here = submission.student.id, folder / "submitted" / submission.student.id / TINY
            if (here / "timestamp.txt").exists():  # what the formgrader reads, and what the exchange asks for
                assert parse_utc((here / "timestamp.txt").read_text().strip()) == submission.timestamp == read_stamp(here / "timestamp.txt", None)
                assert (folder / "autograded" / student / TINY / "timestamp.txt").read_text() == late[student][0]
            else:
                assert submission.timestamp is None
    again = convert(folder, "autograde", TINY, runner)
    assert "Updating existing assignment" not in again and "is no time" not in again


def test_points_that_a_person_gives_later_are_late_as_well(dated, runner):
    folder = dated.root
    say(folder, DUE)
    hand_in(folder, "ada", "2027-03-02 12:00:00 UTC")
    convert(folder, "autograde", TINY, runner)
    assert penalties(folder) == {"ada": pytest.approx(1.4)}
    with gradebook(folder) as book:  # as the formgrader does it
        book.find_grade("why", TINY, TINY, "ada").manual_score = 2
        book.db.commit()
    convert(folder, "generate_feedback", TINY, runner)
    assert penalties(folder) == {"ada": pytest.approx(1.6)}
    assert "1.6" in (folder / "feedback" / "ada" / TINY / f"{TINY}.html").read_text()
    with gradebook(folder) as book:
        book.find_grade("why", TINY, TINY, "ada").manual_score = 1
        book.db.commit()
    row = exported(folder)["ada"]
    assert (float(row["raw_score"]), float(row["late_submission_penalty"]), float(row["score"])) == (15, 1.5, 13.5)
    convert(folder, "autograde", TINY, runner, force=True)
    assert penalties(folder) == {"ada": pytest.approx(1.5)}


@pytest.mark.parametrize(
    "command", daily("autograde", ("generate_assignment", "autograde", "generate_feedback", "export"))
)
def test_what_course_yml_does_not_say_any_more_leaves_the_gradebook(command, dated, runner):
    folder = dated.root
    say(folder, f"{DUE}\nextensions: {{ada: 2027-03-02}}")
    hand_in(folder, "ada", "2027-03-04 12:00:00 UTC")
    convert(folder, "autograde", TINY, runner)
    with gradebook(folder) as book:
        assert book.find_assignment(TINY).duedate == datetime(2027, 3, 1, 22, 59, 59)
        assert book.find_submission(TINY, "ada").extension == timedelta(days=1)
        assert book.find_submission(TINY, "ada").late_submission_penalty == pytest.approx(0.2 * FULL)
    say(folder, "video: none")
    exported(folder) if command == "export" else convert(folder, command, TINY, runner)
    with gradebook(folder) as book:
        assert book.find_assignment(TINY).duedate is None
        assert book.find_submission(TINY, "ada").extension is None
        assert book.find_submission(TINY, "ada").late_submission_penalty == 0


def test_a_time_that_is_gone_is_not_the_time_of_what_came_after(dated, runner):
    folder = dated.root
    say(folder, DUE)
    here = hand_in(folder, "ada", "2027-03-04 12:00:00 UTC")
    convert(folder, "autograde", TINY, runner)
    (here / "timestamp.txt").write_text("12.02.2027")
    convert(folder, "autograde", TINY, runner, force=True)
    assert penalties(folder) == {"ada": 0}
