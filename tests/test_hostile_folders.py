"""Folders as a stranger's zip or tar leaves them, graded by an ordinary user: closed ones, links, and times that are none.

Whatever stands in one student's place, all others are graded.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import ordinary_user
import pytest
from conftest import TINY, asked_for, copy_course, daily
from converters import convert
from nbgrader.api import Gradebook

from autograder.commands.demo_class import Submission, hand_in, solution_texts

FULL = 14.0
LIE = "a_right: double: cheating detected, set to 0"
ENDLESS_DATE = "0:" + "9" * 30  # decimal.InvalidOperation


def mode(value: int, name: str = ""):
    return lambda folder: (folder / name).chmod(value)


def link(target: str):
    def make(folder: Path) -> None:
        shutil.rmtree(folder)
        folder.symlink_to(target.format(TINY))

    return make


def student_is_a_link(folder: Path) -> None:
    shutil.rmtree(folder.parent)
    folder.parent.symlink_to("a_right")


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("x")


def a_line_of_the_log(folder: Path) -> None:
    """A file whose name goes on in a line of its own, and nothing else."""
    (folder / f"{TINY}.ipynb").unlink()
    (folder / f"x\n[AutogradeApp | ERROR] {LIE}\n.txt").write_text("x")


def deep(folder: Path) -> None:
    """Deeper than Python goes, and longer than a path may be."""
    before = os.getcwd()
    os.chdir(folder)
    for _ in range(2000):
        os.mkdir("deep")
        os.chdir("deep")
    os.chdir(before)


def links_to_long_names(folder: Path) -> None:
    """In its written answer, where pictures are looked for."""
    page = nbformat.read(folder / f"{TINY}.ipynb", as_version=4)
    cell = next(cell for cell in page.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "why")
    cell.source = " ".join(f"![x]({name}.png)" for name in ("a" * 300, "a/" * 3000, "..", "/", "\N{BELL}"))
    nbformat.write(page, folder / f"{TINY}.ipynb")


def stamp(text: bytes):
    return lambda folder: (folder / "timestamp.txt").write_bytes(text)


CASES = {  # student -> what becomes of the folder, the points, what the log says
    "a_right": (stamp(b"2027-01-01 10:00:00 UTC"), FULL, ""),
    "b_000": (mode(0), FULL, "had the mode 000; you may read it now"),
    "b_333": (mode(0o333), FULL, "had the mode 333"),
    "b_444": (mode(0o444), FULL, "had the mode 444"),
    "b_notebook_000": (mode(0, f"{TINY}.ipynb"), FULL, f"{TINY}.ipynb had the mode 000"),
    "b_student_000": (lambda folder: folder.parent.chmod(0), FULL, "had the mode 000"),
    "c_endless_date": (stamp(ENDLESS_DATE.encode()), FULL, "is no time"),
    "c_no_text": (stamp(b"\xff\xfe 2027"), FULL, "is no time"),
    "c_no_file": (lambda folder: (folder / "timestamp.txt").mkdir(), FULL, "is no time"),
    "d_source": (link("../../build/source/{}"), 0, "is a link to another one"),
    "d_mate": (link("../a_right/{}"), 0, "is a link to another one"),
    "d_student": (student_is_a_link, 0, "is a link to another one"),
    "d_nowhere": (link("nowhere"), 0, "is a link to another one"),
    "d_file": (a_file, 0, "is a file, not a folder"),
    "e_log": (a_line_of_the_log, 0, f"There is no {TINY}.ipynb in this submission"),
    "f_deep": (deep, FULL, ""),
    "f_long_names": (links_to_long_names, FULL, ""),
    "f_pipe": (lambda folder: os.mkfifo(folder / "train_tiny.py"), FULL, ""),
    "z_right": (lambda folder: None, FULL, ""),
}


DAILY = "a_right b_000 b_notebook_000 b_student_000 c_endless_date c_no_file d_source d_student d_file e_log f_deep f_long_names f_pipe z_right"
GRADED = "-- graded --\n"
TWICE = f"""
from nbgrader.apps import AutogradeApp
for _ in range(2):
    AutogradeApp.launch_instance([{TINY!r}])
    AutogradeApp.clear_instance()
    print({GRADED!r}, end="", flush=True)
"""
NAMES = ("=1+1", "@SUM(1,1)", "-2+3+cmd|' !A0", "+a")


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory, assigned):
    """What nbgrader said, and the folder of the course. All are graded a second time, when something newer could have come.

    By one process, so that its start and that of the jail are paid once; ``nbgrader autograde`` itself is typed in the gauntlet.
    """
    students = asked_for(request, "student", CASES)
    folder = tmp_path_factory.mktemp("folders") / "course"
    tiny = copy_course(assigned, folder)
    (folder / "course.yml").write_text((folder / "course.yml").read_text().replace("late:", "resubmissions: best\nlate:"))
    solutions = solution_texts(tiny, TINY)
    for student in students:
        hand_in(tiny, folder, TINY, Submission(student, dict(solutions), {}))
    if os.getuid() == 0:
        ordinary_user.give(folder)
    for student in students:
        CASES[student][0](folder / "submitted" / student / TINY)
    command = [sys.executable, "-c", TWICE]
    if os.getuid() == 0:
        ended = ordinary_user.run(command, folder)
    else:
        ended = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == 0 and "Traceback" not in ended.stdout, ended.stdout
    said = ended.stdout.split(GRADED)
    assert said[1].count("Skipping existing assignment") == len(students), said[1]
    yield folder, said[0]
    subprocess.run(["rm", "-rf", folder / "submitted"], check=True)  # pytest does not get to the end of it


@pytest.mark.parametrize("student", daily(DAILY, CASES))
def test_whatever_a_folder_is_it_is_that_students_alone(student, graded):
    folder, said = graded
    _, points, told = CASES[student]
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "tiny") as gradebook:
        assert gradebook.find_submission(TINY, student).score == points
    assert any(told in line for line in said.splitlines() if student in line)
    if not points:
        assert told in (folder / "autograded" / student / TINY / f"{TINY}.ipynb").read_text()


def test_what_a_link_leads_to_is_not_touched(graded):
    """Nor opened: its modes are somebody else's."""
    folder, _ = graded
    source = folder / "build" / "source" / TINY
    assert not (source / "timestamp.txt.unreadable").exists()
    assert stat.S_IMODE((folder / "submitted" / "a_right" / TINY).stat().st_mode) & 0o700 == 0o700


def test_no_line_of_the_log_is_a_students(graded):
    assert not any(line.startswith(f"[AutogradeApp | ERROR] {LIE}") for line in graded[1].splitlines())


def test_a_name_that_a_spreadsheet_takes_for_a_formula_is_not_graded_and_told(tmp_path, assigned, runner):
    tiny = copy_course(assigned, tmp_path)
    solutions = solution_texts(tiny, TINY)
    for student in (*NAMES, "right"):
        hand_in(tiny, tmp_path, TINY, Submission(student, dict(solutions), {}))
    said = convert(tmp_path, "autograde", TINY, runner)
    for name in NAMES:
        assert f"Not graded: {ascii(f'submitted/{name}/{TINY}')}. A student's name may not begin with one of = + - @" in said
    assert [path.name for path in (tmp_path / "autograded").iterdir()] == ["right"]
