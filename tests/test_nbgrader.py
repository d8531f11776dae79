"""Everything an instructor already knows keeps working: the plain nbgrader commands, in their order, against a real exchange."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, TINY, copy_tiny
from converters import convert
from nbgrader.api import Gradebook

from autograder.commands.build import build
from autograder.commands.demo import nbgrader, shown_cards
from autograder.commands.demo_class import make_course, solution_texts
from autograder.course.notebook import ANSWER

FULL = 14.0  # of the exercises that are not graded by a person


@pytest.fixture(scope="module")
def course_folder(tmp_path_factory, tiny) -> Path:
    """Only ``nbgrader_config.py``, ``course.yml``, the names and the built files."""
    folder = tmp_path_factory.mktemp("course")
    make_course(tiny, folder, [TINY])
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == [
        "build",
        "course.yml",
        "names.txt",
        "nbgrader_config.py",
    ]
    return folder


def test_the_plain_commands_in_their_order(course_folder, tiny, tmp_path):
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    there = [f"--Exchange.root={exchange}", "--course", "tiny"]
    home = tmp_path / "student"
    home.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
    }

    def student(*arguments: str) -> None:
        said = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments, *there],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert said.returncode == 0, said.stderr

    nbgrader(course_folder, "generate_assignment", TINY)
    nbgrader(course_folder, "release_assignment", TINY, *there)
    student("fetch_assignment", TINY)
    fetched = home / TINY
    assert sorted(p.name for p in fetched.iterdir()) == ["expected.safetensors", f"{TINY}.ipynb", "names.txt"]
    fill(fetched / f"{TINY}.ipynb", solution_texts(tiny, TINY))
    shutil.copyfile(tiny.weights(TINY) / "train_tiny.safetensors", fetched / "train_tiny.safetensors")
    student("submit", TINY)
    nbgrader(course_folder, "collect", TINY, *there)
    nbgrader(course_folder, "autograde", TINY)
    nbgrader(course_folder, "generate_feedback", TINY)
    nbgrader(course_folder, "export")
    with (course_folder / "grades.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["assignment"], float(row["raw_score"]), float(row["max_score"])) for row in rows] == [
        (TINY, FULL, FULL + 2)
    ]
    page = next((course_folder / "feedback").glob(f"*/{TINY}/{TINY}.html")).read_text()
    assert "Correct" in page and "2 / 2" in page


def fill(path: Path, texts: dict[str, str]) -> None:
    """Write answers into a notebook, as a student does."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name.endswith(ANSWER):
            cell.source = texts[name.removesuffix(ANSWER)]
    nbformat.write(notebook, path)


def test_grading_again_gives_the_same_and_keeps_a_manual_grade(course_folder, tiny, runner):
    with Gradebook(f"sqlite:///{course_folder}/gradebook.db", "tiny") as gradebook:
        student = gradebook.assignment_submissions(TINY)[0].student.id
        grade = gradebook.find_grade("why", TINY, TINY, student)
        grade.manual_score = 1.5
        gradebook.db.commit()
    convert(course_folder, "autograde", TINY, runner, force=True)
    with Gradebook(f"sqlite:///{course_folder}/gradebook.db", "tiny") as gradebook:
        submission = gradebook.find_submission(TINY, student)
        assert submission.score == FULL + 1.5
        assert {g.name: g.auto_score for g in submission.notebooks[0].grades if g.name != "why"}["pieces"] == 4


@pytest.mark.slow
def test_adding_an_exercise_touches_the_lecture_file_and_course_yml_only(tmp_path, runner):
    tiny = copy_tiny(tmp_path)
    entry = "      cube: {title: Cube a number, points: 5, minutes: 1, difficulty: 1}\n      why:"
    course_file, lecture_file = tmp_path / "course.yml", tiny.solution(TINY)
    course_file.write_text(course_file.read_text().replace("      why:", entry))
    text = """# %% [markdown] exercise="cube"
# Return the cube.
# %% answer="cube"
def cube(x):
    ### BEGIN SOLUTION
    return x**3
    ### END SOLUTION
# %% check="cube"
check("cube", lambda g: cube(torch.randn(5, generator=g)))
# %% mistake="cube" says="You squared: a cube has three factors."
def cube(x):
    return x**2
# %% [markdown] exercise="why"
"""
    lecture_file.write_text(lecture_file.read_text().replace('# %% [markdown] exercise="why"\n', text))
    from autograder.course.directory import load_course

    tiny = load_course(course_file)
    build(tiny, TINY, runner)
    convert(tmp_path, "generate_assignment", TINY, runner)
    for student, cube in (("right", "def cube(x): return x * x * x"), ("wrong", "def cube(x): return x * x")):
        target = tmp_path / "submitted" / student / TINY
        shutil.copytree(tmp_path / "release" / TINY, target)
        fill(target / f"{TINY}.ipynb", {**solution_texts(tiny, TINY), "cube": cube})
    convert(tmp_path, "autograde", TINY, runner)
    cards = {s: shown_cards(tmp_path / "autograded" / s / TINY / f"{TINY}.ipynb")["cube"] for s in ("right", "wrong")}
    assert "Correct · 5 / 5 points" in cards["right"]
    assert "0 / 5 points" in cards["wrong"] and "You squared: a cube has three factors." in cards["wrong"]


def test_the_package_knows_no_exercise(course):
    """No id of an exercise stands in the package's code."""
    ids = {name for lecture in course.course.lectures.values() for name in lecture.exercises} - {"vocabulary"}
    for path in (ROOT / "autograder").rglob("*.py"):
        text = path.read_text()
        assert not [name for name in ids if f'"{name}"' in text], path


def test_a_wrong_course_yml_ends_nbgrader_with_a_sentence(tmp_path):
    copy_tiny(tmp_path)
    path = tmp_path / "course.yml"
    path.write_text(path.read_text().replace("course: tiny", "corse: tiny"))
    said = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", TINY], cwd=tmp_path, capture_output=True, text=True
    )
    assert said.returncode != 0 and "corse: there is no such key" in said.stderr and "Traceback" not in said.stderr
