"""Hostile submissions through the real ``nbgrader autograde``: none gets a point that it has not earned, or a byte of the host."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import ordinary_user
import pytest
from conftest import TINY, copy_course
from hostile import ATTACKS, FULL, Attack, Listeners, answer_cells, hand_in_attack, orphans, submissions
from nbgrader.api import Gradebook

from autograder.commands.demo import nbgrader, shown_cards
from autograder.commands.sample_class import Submission, hand_in, solution_texts

CANARY = "sings"


@dataclass
class Graded:
    grader: str
    folder: Path
    listeners: Listeners
    said: str  # by nbgrader
    processes_left: set[int]


GRADERS = ("root", "an ordinary user") if os.getuid() == 0 else ("an ordinary user",)


@pytest.fixture(scope="module", params=GRADERS)
def graded(request, tmp_path_factory, assigned) -> Graded:
    """A class of all attacks, with right submissions in between, graded in one run."""
    folder = tmp_path_factory.mktemp("gauntlet") / "course"
    tiny = copy_course(assigned, folder)
    canary = folder / "CANARY"
    canary.write_text(CANARY)
    canary.chmod(0o666)
    listeners = Listeners(folder)
    solutions = solution_texts(tiny, TINY)
    for student, attack in submissions(ATTACKS):
        if attack:
            hand_in_attack(tiny, folder, student, attack, solutions, listeners)
        else:
            hand_in(tiny, folder, TINY, Submission(student, dict(solutions), {}))
    os.environ["CANARY"] = CANARY
    try:
        if request.param == "root" or os.getuid() != 0:
            said = nbgrader(folder, "autograde", TINY)
        else:
            ordinary_user.give(folder)
            ended = ordinary_user.run([sys.executable, "-m", "nbgrader", "autograde", TINY], folder)
            said = ended.stdout
            assert ended.returncode == 0, said
        left = orphans()
        if request.param == GRADERS[0]:
            nbgrader(folder, "generate_feedback", TINY)
    finally:
        del os.environ["CANARY"]
        listeners.close()
    return Graded(request.param, folder, listeners, said, left)


def points_of(folder: Path, student: str) -> dict[str, float]:
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "tiny") as gradebook:
        grades = gradebook.find_submission_notebook(TINY, TINY, student).grades
        return {grade.name: grade.auto_score for grade in grades if grade.name in FULL}


@pytest.mark.parametrize(
    ("student", "attack"), [(s, a) for s, a in submissions(ATTACKS) if a], ids=[attack.name for attack in ATTACKS]
)
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


@pytest.mark.parametrize("student", [s for s, a in submissions(ATTACKS) if a is None])
def test_a_right_submission_between_attacks_keeps_every_point(student: str, graded: Graded):
    assert points_of(graded.folder, student) == FULL


def test_nothing_got_out(graded: Graded):
    assert graded.listeners.heard == []
    assert (graded.folder / "CANARY").read_text() == CANARY
    assert [path.name for path in graded.folder.rglob("*planted*")] == []
    assert not (graded.folder / "CANARY.pickled").exists()
    assert graded.processes_left == set()


def test_nbgrader_itself_never_stumbled(graded: Graded):
    assert "Traceback" not in graded.said
    assert "failed" not in graded.said


def test_no_page_holds_a_script_of_a_student(graded: Graded):
    if graded.grader != GRADERS[0]:
        pytest.skip("pages are made of what is graded, whoever graded it: once is enough")
    pages = list(graded.folder.glob(f"feedback/*/{TINY}/{TINY}.html"))
    assert len(pages) == len(list(graded.folder.glob(f"autograded/*/{TINY}"))) > 0
    for page in pages:
        assert "<script>window.pwned" not in page.read_text(), page
