"""Hostile submissions through the real ``nbgrader autograde``: none gets a point that it has not earned, or a byte of the host."""

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import ordinary_user
import pytest
from conftest import TINY, copy_course
from converters import convert
from hostile import ATTACKS, FULL, Attack, Listeners, answer_cells, hand_in_attack, orphans, submissions
from nbgrader.api import Gradebook

from autograder.commands.demo import nbgrader, shown_cards
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.course.directory import CourseDirectory
from autograder.plugin import harmless
from autograder.plugin.notes import NOTE
from autograder.plugin.source import course_prose
from autograder.runner.host import Runner

CANARY = "sings"


@dataclass
class Graded:
    grader: str
    folder: Path
    listeners: Listeners
    said: str  # by nbgrader
    processes_left: set[int]


GRADERS = ("root", "an ordinary user") if os.getuid() == 0 else ("an ordinary user",)
PARTS = 1  # classes: with more of them more workers share the attacks, and each pays for a start of nbgrader and of the jail
ORDER = list(submissions(ATTACKS))
SIZE = -(-len(ORDER) // PARTS)


def part_of(place: int, grader: str) -> Any:
    """The class that a submission is graded in; all attacks once more, by another user, in the slow run."""
    found = (grader, place // SIZE)
    return pytest.param(found, marks=[] if grader == GRADERS[0] else pytest.mark.slow, id=f"{grader} {found[1]}")


CLASSES = [part_of(number * SIZE, grader) for grader in GRADERS for number in range(PARTS)]
each_class = pytest.mark.parametrize("graded", CLASSES, indirect=True)


def each(attacks: bool) -> Any:
    """Every attack, or every right submission in between, in its class."""
    cases = []
    for grader in GRADERS:
        for place, (student, attack) in enumerate(ORDER):
            if (attack is not None) == attacks:
                part = part_of(place, grader)
                cases.append(pytest.param(*part.values, student, attack, marks=part.marks, id=f"{part.id}-{attack.name if attack else student}"))
    return pytest.mark.parametrize(("graded", "student", "attack"), cases, indirect=["graded"])


@pytest.fixture(scope="module")
def grade_once(tmp_path_factory, assigned, runner) -> Callable[[str, int], Graded]:
    """Grades a class when its first test asks for it."""
    return functools.cache(lambda grader, number: grade_class(grader, number, tmp_path_factory.mktemp("gauntlet"), assigned, runner))


@pytest.fixture
def graded(request, grade_once) -> Graded:
    return grade_once(*request.param)


def grade_class(grader: str, number: int, within: Path, assigned: CourseDirectory, runner: Runner) -> Graded:
    """A class of attacks, with right submissions in between, graded in one run."""
    folder = within / "course"
    tiny = copy_course(assigned, folder)
    canary = folder / "CANARY"
    canary.write_text(CANARY)
    canary.chmod(0o666)
    listeners = Listeners(folder)
    solutions = solution_texts(tiny, TINY)
    for student, attack in ORDER[number * SIZE : (number + 1) * SIZE]:
        if attack:
            hand_in_attack(tiny, folder, student, attack, solutions, listeners)
        else:
            hand_in(tiny, folder, TINY, Submission(student, dict(solutions), {}))
    os.environ["CANARY"] = CANARY
    try:
        if grader == "root" or os.getuid() != 0:
            said = nbgrader(folder, "autograde", TINY)
        else:
            ordinary_user.give(folder)
            ended = ordinary_user.run([sys.executable, "-m", "nbgrader", "autograde", TINY], folder)
            said = ended.stdout
            assert ended.returncode == 0, said
        left = orphans()
        if grader == GRADERS[0]:
            convert(folder, "generate_feedback", TINY, runner)
    finally:
        del os.environ["CANARY"]
        listeners.close()
    return Graded(grader, folder, listeners, said, left)


def points_of(folder: Path, student: str) -> dict[str, float]:
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "tiny") as gradebook:
        grades = gradebook.find_submission_notebook(TINY, TINY, student).grades
        return {grade.name: grade.auto_score for grade in grades if grade.name in FULL}


@each(attacks=True)
def test_an_attack_ends_as_its_line_says(student: str, attack: Attack, graded: Graded):
    if attack.called:
        assert f"Not graded: {ascii(f'submitted/{student}/{TINY}')}" in graded.said
        assert not (graded.folder / "autograded" / student).exists()
        return
    notebook = graded.folder / "autograded" / student / TINY / f"{TINY}.ipynb"
    cards, shown = shown_cards(notebook), answer_cells(notebook)
    assert points_of(graded.folder, student) == pytest.approx({**FULL, **attack.points}), cards
    assert "LOOT" not in shown
    assert not attack.ran or "TRIED" in shown, shown
    page = notebook.read_text() + " ".join(cards.values())
    assert attack.says in page


@each(attacks=False)
def test_a_right_submission_between_attacks_keeps_every_point(student: str, attack: None, graded: Graded):
    assert points_of(graded.folder, student) == FULL


@each_class
def test_nothing_got_out(graded: Graded):
    assert graded.listeners.heard == []
    assert (graded.folder / "CANARY").read_text() == CANARY
    assert [path.name for path in graded.folder.rglob("*planted*")] == []
    assert not (graded.folder / "CANARY.pickled").exists()
    assert graded.processes_left == set()


@each_class
def test_nbgrader_itself_never_stumbled(graded: Graded):
    assert "Traceback" not in graded.said
    assert "failed" not in graded.said


@each_class
def test_no_page_holds_a_script_of_a_student(graded: Graded):
    if graded.grader != GRADERS[0]:
        pytest.skip("pages are made of what is graded, whoever graded it: once is enough")
    pages = list(graded.folder.glob(f"feedback/*/{TINY}/{TINY}.html"))
    assert len(pages) == len(list(graded.folder.glob(f"autograded/*/{TINY}"))) > 0
    for page in pages:
        assert "<script" not in page.read_text(), page


@each_class
def test_no_autograded_notebook_holds_more_than_text(graded: Graded, course, tiny):
    """Whoever shows it: the formgrader and JupyterLab do not ask where a cell comes from."""
    prose = course_prose(tiny.source(TINY)).values()
    notebooks = list(graded.folder.glob(f"autograded/*/{TINY}/{TINY}.ipynb"))
    assert notebooks
    for path in notebooks:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                assert cell.source in prose or NOTE.fullmatch(cell.source) or harmless.markdown(cell.source) == cell.source, (path, cell.source)
                assert "attachments" not in cell
            else:
                assert cell.cell_type == "code"
                assert all("text/html" not in o.get("data", {}) or cell.metadata.nbgrader.grade for o in cell.outputs), path
