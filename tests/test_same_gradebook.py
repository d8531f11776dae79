"""One submission, one grade: graded twice, in another order, at the same time as others, alone, or after a crash at any moment."""

import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import TINY, copy_course
from converters import convert
from hostile import orphans, started_by
from nbgrader.api import Gradebook

from autograder.commands.demo import nbgrader, shown_cards
from autograder.commands.demo_class import hand_in, make_class
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts

HALF = ("reference", "stub", "mistake_double_1", "variant_pieces_1", "mixed_1", "mixed_2")
KILLS = 10  # of each of two courses that are graded at the same time


@pytest.fixture(scope="module")
def handed_in(request, tmp_path_factory, assigned, runner) -> Path:
    """A course with a class that has handed in and is not graded: half of it daily, since nobody is killed then who would be done too soon."""
    folder = tmp_path_factory.mktemp("crash") / "course"
    tiny = copy_course(assigned, folder)
    answers = answer_key(tiny, TINY, runner, hidden_facts(tiny, TINY))
    nightly = any(item.get_closest_marker("slow") for item in request.session.items if item.path == request.path)
    for submission in make_class(tiny, TINY, answers, mixed=2):
        if not nightly and submission.student not in HALF:
            continue
        hand_in(tiny, folder, TINY, submission)
    (folder / "submitted" / "stub" / TINY / f"{TINY}.ipynb").unlink()
    return folder


@pytest.fixture(scope="module")
def undisturbed(handed_in, runner) -> tuple[list, dict]:
    folder = handed_in.parent / "undisturbed"
    shutil.copytree(handed_in, folder)
    convert(folder, "autograde", TINY, runner)
    return gradebook_of(folder), cards_of(folder)


def gradebook_of(folder: Path) -> list:
    """All that the gradebook holds of each submission."""
    return rows_of(f"sqlite:///{folder}/gradebook.db")


def rows_of(url: str) -> list:
    rows = []
    with Gradebook(url, "tiny") as gradebook:
        for submission in gradebook.assignment_submissions(TINY):
            for notebook in submission.notebooks:
                rows += [(submission.student.id, g.name, g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades]
                rows += [(submission.student.id, c.name, c.comment) for c in notebook.comments]
            rows.append((submission.student.id, submission.score, submission.late_submission_penalty))
    return sorted(map(repr, rows))


def cards_of(folder: Path) -> dict[str, dict[str, str]]:
    return {path.parent.parent.name: shown_cards(path) for path in folder.glob(f"autograded/*/{TINY}/{TINY}.ipynb")}


def test_grading_again_changes_nothing(undisturbed, handed_in, tmp_path, runner):
    folder = tmp_path / "course"
    shutil.copytree(handed_in.parent / "undisturbed", folder)
    convert(folder, "autograde", TINY, runner, force=True)
    assert (gradebook_of(folder), cards_of(folder)) == undisturbed


def test_the_order_changes_nothing(undisturbed, handed_in, tmp_path, runner):
    """nbgrader goes by name; here who was first is last."""
    folder = tmp_path / "course"
    shutil.copytree(handed_in, folder)
    students = sorted(path.name for path in folder.glob("submitted/*"))
    names = {f"{position:03}": student for position, student in enumerate(reversed(students))}
    for name, student in names.items():
        (folder / "submitted" / student).rename(folder / "submitted" / name)
    convert(folder, "autograde", TINY, runner)
    rows = sorted(repr((names[row[0]], *row[1:])) for row in map(ast.literal_eval, gradebook_of(folder)))
    assert rows == undisturbed[0]
    assert {names[name]: shown for name, shown in cards_of(folder).items()} == undisturbed[1]


@pytest.mark.slow
def test_alone_and_at_the_same_time_is_the_same(undisturbed, handed_in, tmp_path, runner):
    folder = tmp_path / "course"
    shutil.copytree(handed_in, folder)
    chosen = ["m*", "[!m]*"]
    graders = [begin(folder, "autograde", f"--student={pattern}") for pattern in chosen]
    assert [grader.wait() for grader in graders] == [0, 0]
    assert (gradebook_of(folder), cards_of(folder)) == undisturbed


def begin(folder: Path, command: str, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "nbgrader", command, TINY, *more], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for_a_new(folder: Path, step: str, process: subprocess.Popen) -> None:
    """Until the process has begun with another submission, or has ended."""
    before = set(folder.glob(f"{step}/*/{TINY}"))
    while process.poll() is None and not set(folder.glob(f"{step}/*/{TINY}")) - before:
        time.sleep(0.01)


def kill_graders(folder: Path, times: int, chance: random.Random, start: Callable[[Path], subprocess.Popen]) -> None:
    """Begin to grade a course again and again, and kill it at random moments."""
    killed = 0
    while killed < times:
        grader = start(folder)
        wait_for_a_new(folder, "autograded", grader)
        time.sleep(chance.random() * 0.6)
        if grader.poll() is not None:  # it was done before
            shutil.rmtree(folder / "autograded")
            continue
        grader.kill()
        grader.wait()
        killed += 1


@pytest.mark.slow
def test_a_killed_grader_is_taken_up_again(handed_in, undisturbed, tmp_path):
    folders = [tmp_path / "one", tmp_path / "another"]
    with ThreadPoolExecutor() as pool:
        for folder in folders:
            shutil.copytree(handed_in, folder)
        list(pool.map(kill_graders, folders, [KILLS] * 2, map(random.Random, range(2)), [lambda folder: begin(folder, "autograde")] * 2))
        list(pool.map(lambda folder: nbgrader(folder, "autograde", TINY), folders))
    for folder in folders:
        assert gradebook_of(folder) == undisturbed[0]
        assert cards_of(folder) == undisturbed[1]
    assert orphans() == set()


@pytest.mark.slow
def test_a_killed_warm_process_costs_nobody_a_point(handed_in, undisturbed, tmp_path):
    folder, chance = tmp_path / "course", random.Random(0)
    shutil.copytree(handed_in, folder)
    grader, killed = begin(folder, "autograde"), 0
    while killed < 3:  # more would cost the submission that they hit
        wait_for_a_new(folder, "autograded", grader)
        time.sleep(chance.random() * 0.4)
        if (started := started_by(grader.pid)) and grader.poll() is None:
            os.kill(chance.choice(started), signal.SIGKILL)
            killed += 1
        assert grader.poll() is None, "it was done too soon for this test"
    assert grader.wait() == 0
    assert gradebook_of(folder) == undisturbed[0]
    assert cards_of(folder) == undisturbed[1]


@pytest.mark.slow
def test_half_a_feedback_page_is_written_again(handed_in, undisturbed, runner):
    folder = handed_in.parent / "undisturbed"
    for _ in range(2):
        writer = begin(folder, "generate_feedback")
        wait_for_a_new(folder, "feedback", writer)
        writer.kill()
        writer.wait()
    convert(folder, "generate_feedback", TINY, runner)
    pages = list(folder.glob(f"feedback/*/{TINY}/{TINY}.html"))
    assert len(pages) == len(undisturbed[1])
    assert all(page.read_text().rstrip().endswith("</html>") for page in pages)
