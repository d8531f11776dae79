"""``autograder demo``: the README's first command, on the small course, and what it says of a class that was graded wrongly."""

from pathlib import Path

import pytest
from conftest import TINY, copy_course
from converters import convert
from nbgrader.api import Gradebook
from test_dates import exported

from autograder.commands import demo
from autograder.commands.cli import main
from autograder.commands.demo import compare
from autograder.commands.demo_class import Submission, a_few_of, make_class
from autograder.course.directory import CourseDirectory
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts


@pytest.fixture(scope="module")
def shown(tiny, tmp_path_factory) -> CourseDirectory:
    return copy_course(tiny, tmp_path_factory.mktemp("demo"))


@pytest.fixture
def commands(request, monkeypatch, runner) -> None:
    """nbgrader's four commands as they are typed, or, daily, what each does: test_nbgrader.py types them all."""
    if request.param == "as typed":
        return

    def done_here(folder: Path, command: str, *lecture: str) -> None:
        exported(folder) if command == "export" else convert(folder, command, *lecture, runner)

    request.getfixturevalue("lent")
    monkeypatch.setattr(demo, "nbgrader", done_here)


def faults_of(course: CourseDirectory, runner) -> dict[str, list[str]]:
    submissions = make_class(course, TINY, answer_key(course, TINY, runner, hidden_facts(course, TINY)))
    rows = compare(course, course.build / "demo", TINY, submissions)
    return {row.student: row.faults for row in rows if row.faults}


@pytest.mark.parametrize("commands", ["done here"], indirect=True)
def test_some_of_the_class_in_minutes(shown, commands, capsys, tmp_path):
    assert main(["--course", str(shown.root / "course.yml"), "demo", "--folder", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr().out
    students = {path.name for path in (tmp_path / "demo" / "feedback").iterdir()}
    assert {"reference", "stub", "mixed_1"} < students and f"{len(students)} submissions graded" in said


@pytest.mark.parametrize("commands", [pytest.param("as typed", marks=pytest.mark.slow), "done here"], indirect=True)
def test_every_point_and_every_diagnosis_is_right(shown, commands, capsys):
    assert main(["--course", str(shown.root / "course.yml"), "demo", "--all"]) == 0
    said = capsys.readouterr().out
    pages = list((shown.build / "demo" / "feedback").glob(f"*/{TINY}/{TINY}.html"))
    assert len(pages) > 10
    assert f"{len(pages)} submissions graded" in said and "every point and every diagnosis is right" in said


def test_a_few_of_a_class_are_of_every_kind():
    """Whoever tries the command sees in minutes what it is about."""
    names = ["reference", "stub", *(f"mistake_e{n}_1" for n in range(15)), *(f"mistakes_{n}" for n in range(2, 30)), "variant_a_1", "mixed_1", "mixed_2"]
    few = [submission.student for submission in a_few_of([Submission(name, {}, {}) for name in names])]
    assert few == [
        "reference", "stub", "mistake_e0_1", "mistake_e3_1", "mistake_e7_1", "mistake_e11_1",
        "mistakes_2", "mistakes_7", "mistakes_13", "mistakes_18", "mistakes_24", "variant_a_1", "mixed_1", "mixed_2",
    ]  # fmt: skip


def test_what_is_wrong_is_told(shown, runner):
    """A grade that somebody changed, a page that is missing, a diagnosis that the feedback does not give."""
    folder: Path = shown.build / "demo"
    assert faults_of(shown, runner) == {}
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "tiny") as gradebook:
        gradebook.find_grade("double", TINY, TINY, "reference").auto_score = 1.0
        gradebook.db.commit()
    (folder / "feedback" / "stub" / TINY / f"{TINY}.html").unlink()
    notebook = folder / "autograded" / "mistake_double_1" / TINY / f"{TINY}.ipynb"
    notebook.chmod(0o644)
    notebook.write_text(notebook.read_text().replace("You squared", "You cubed"))
    faults = faults_of(shown, runner)
    assert faults["reference"] == ["double was given 1.0, expected 2"]
    assert faults["stub"] == ["there is no feedback page"]
    assert len(faults["mistake_double_1"]) == 1 and "the feedback does not say 'You squared" in faults["mistake_double_1"][0]
    assert len(faults) == 3
