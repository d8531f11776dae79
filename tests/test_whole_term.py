"""A whole term on the small course, as it comes: ten kinds of hand-ins, and nothing that stays as it was planned."""

import csv
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import TINY, copy_tiny
from converters import convert
from nbgrader.api import Gradebook
from test_dates import exported
from test_term import CUBE, WRONG, edited, grade_by_hand, notes, points

from autograder.commands.build import build
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.commands.update import carry_out, change
from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER

DUE, IN_TIME, TWO_DAYS_LATE = "2027-03-01", "2027-03-01 21:00:00 UTC", "2027-03-03 12:00:00 UTC"
NOTEBOOK = f"{TINY}.ipynb"
STUDENTS = ("right", "late", "extended", "renamed", "zipped", "in_utf_16", "by_mail", "wrong", "empty", "no_notebook")
SUM = 14.0  # of what the machine grades at first
CUBED = {"cube": "def cube(x):\n    return x * x * x"}


@pytest.fixture(scope="module")
def term(tmp_path_factory, runner) -> CourseDirectory:
    """The term until its marks are out; the test below looks at what is there then."""
    root = tmp_path_factory.mktemp("term")
    copy_tiny(root)
    course = edited_once(root, "late:", "timezone: Europe/Berlin\nlate:")
    course = edited(course, "    title: Small", f"    due: {DUE}\n    extensions: {{extended: 2027-03-05}}\n    title: Small")
    build(course, TINY, runner)
    convert(root, "generate_assignment", TINY, runner)
    solutions = solution_texts(course, TINY)
    for student in STUDENTS:
        answers = {**solutions, "double": WRONG} if student == "wrong" else {} if student == "empty" else solutions
        folder = hand_in(course, root, TINY, Submission(student, dict(answers), {}))
        (folder / "timestamp.txt").write_text(TWO_DAYS_LATE if student in ("late", "extended") else IN_TIME)
        as_it_arrives(folder, student)
    convert(root, "autograde", TINY, runner)
    assert points(course, "right")["why"] == (None, None)  # it waits for a person
    for student, score in (("right", 1.5), ("extended", 2.0)):
        grade_by_hand(course, student, "why", score)

    course = edited(course, "title: Double a tensor, points: 2", "title: Double a tensor, points: 4")
    course = edited(course, "      why:", "      cube: {title: Cube a number, points: 5, minutes: 1, difficulty: 1}\n      why:")
    path = course.solution(TINY)
    path.write_text(path.read_text().replace('# %% [markdown] exercise="why"\n', CUBE))
    build(course, TINY, runner)
    carry_out(course, change(course, TINY))
    shutil.rmtree(root / "submitted" / "wrong")
    hand_in(course, root, TINY, Submission("wrong", {**solution_texts(course, TINY), **CUBED}, {}))
    convert(root, "autograde", TINY, runner)
    convert(root, "generate_feedback", TINY, runner)
    exported(root)
    return course


def edited_once(root: Path, what: str, by: str) -> CourseDirectory:
    from autograder.course.directory import load_course

    return edited(load_course(root / "course.yml"), what, by)


def as_it_arrives(folder: Path, student: str) -> None:
    notebook = folder / NOTEBOOK
    if student in ("right", "extended"):
        page = nbformat.read(notebook, as_version=4)
        next(cell for cell in page.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "why").source = "Since the sum of squares grows so."
        nbformat.write(page, notebook)
    elif student == "renamed":
        notebook.rename(folder / "Homework final (2).ipynb")
    elif student == "zipped":
        with zipfile.ZipFile(folder / "all.zip", "w") as archive:
            for path in (notebook, folder / "train_tiny.safetensors"):
                archive.write(path, path.name)
                path.unlink()
    elif student == "in_utf_16":
        notebook.write_bytes(notebook.read_text(encoding="utf-8").encode("utf-16"))
    elif student == "by_mail":
        (folder / "timestamp.txt").unlink()
    elif student == "no_notebook":
        notebook.unlink()


RIGHT = SUM + 2  # double counts two more since
TOTALS = {  # points, and what the delay takes
    "right": (RIGHT + 1.5, 0),
    "late": (RIGHT, 0.2 * RIGHT),
    "extended": (RIGHT + 2, 0),
    **dict.fromkeys(("renamed", "zipped", "in_utf_16", "by_mail"), (RIGHT, 0)),
    "wrong": (RIGHT + 5, 0),
    "empty": (0, 0),
    "no_notebook": (0, 0),
}


@pytest.mark.parametrize("student", STUDENTS)
def test_every_number_is_right_at_its_end(term, student):
    with Gradebook(f"sqlite:///{term.root}/gradebook.db", "tiny") as gradebook:
        submission = gradebook.find_submission(TINY, student)
        assert (submission.score, submission.late_submission_penalty or 0) == pytest.approx(TOTALS[student])
        assert submission.max_score == SUM + 2 + 2 + 5
    row = next(row for row in csv.DictReader((term.root / "grades.csv").open()) if row["student_id"] == student)
    assert (float(row["raw_score"]), float(row["late_submission_penalty"] or 0)) == pytest.approx(TOTALS[student])


def test_every_grade_of_a_person_is_there(term):
    assert (points(term, "right")["why"], points(term, "extended")["why"]) == ((None, 1.5), (None, 2.0))


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ("right", "17.5 of 23 points"),
        ("late", "late, so 3.2 points were taken off: 10 % of the points reached for each day begun."),
        ("renamed", "Your notebook is called Homework final (2).ipynb"),
        ("zipped", "all.zip/lecture_t_tiny.ipynb"),
        ("wrong", "21 of 23 points"),
        ("no_notebook", "There is no lecture_t_tiny.ipynb in this submission"),
        ("empty", "0 of 23 points"),
    ],
)
def test_every_sentence_is_right_at_its_end(term, student, said):
    page = (term.root / "feedback" / student / TINY / f"{TINY}.html").read_text()
    assert said in page
    assert "had been changed" not in page and "had been edited" not in notes(term, student)
    assert page.count(f'name="cube{ANSWER}"') <= 1
