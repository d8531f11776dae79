"""What a feedback page says of points, in words."""

from types import SimpleNamespace

import pytest
from conftest import TINY, copy_course
from converters import convert
from nbgrader.api import Gradebook

from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.judge.cards import of_points
from autograder.plugin.feedback import said


@pytest.mark.parametrize(
    ("auto", "manual", "most", "kind", "words"),
    [
        (2.0, None, 2.0, "code", "2 of 2 points"),
        (1 / 3, None, 1.0, "code", "0.33 of 1 point"),
        (0.0, 0.5, 1.0, "code", "0.5 of 1 point, given by a person; the check gave 0"),
        (1.0, 1.0, 1.0, "code", "1 of 1 point, given by a person"),
        (None, 1.5, 2.0, "markdown", "1.5 of 2 points, given by a person"),
        (None, None, 2.0, "markdown", "not graded yet, of 2 points"),
        (0.0, None, 2.0, "markdown", "0 of 2 points"),
    ],
)
def test_points_in_words(auto, manual, most, kind, words):
    score = manual if manual is not None else auto or 0.0
    assert said(SimpleNamespace(auto_score=auto, manual_score=manual, score=score, max_score=most, cell_type=kind)) == words


def test_a_number_without_its_part():
    assert (of_points(12.345, 20), of_points(None, 1)) == ("12.35 of 20 points", "of 1 point")


@pytest.fixture(scope="module")
def page(assigned, tmp_path_factory, runner) -> str:
    course = copy_course(assigned, tmp_path_factory.mktemp("words"))
    hand_in(course, course.root, TINY, Submission("ann", dict(solution_texts(course, TINY)), {}))
    path = course.root / "submitted" / "ann" / TINY / f"{TINY}.ipynb"
    path.write_text(path.read_text().replace("Because.", "Since nobody has said otherwise.").replace("YOUR ANSWER HERE", "Since nobody has said otherwise."))
    path.rename(path.with_name("mine.ipynb"))
    convert(course.root, "autograde", TINY, runner)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        grade = gradebook.find_grade("double", TINY, TINY, "ann")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.db.commit()
    convert(course.root, "generate_feedback", TINY, runner)
    return (course.root / "feedback" / "ann" / TINY / f"{TINY}.html").read_text()


def test_a_page_says_titles_and_who_gave_points(page):
    assert "<h4>Small exercises of every kind: 12.5 of 16 points so far</h4>" in page
    assert "One answer waits for a person." in page
    assert '<a href="#double">Double a tensor</a>: 0.5 of 2 points, given by a person; the check gave 2' in page
    assert '<a href="#why">Why</a>: not graded yet, of 2 points' in page
    assert "Test cell" not in page and page.count("<body") == 1
    assert "<b>About this submission.</b> Your notebook is called mine.ipynb" in page and "a person looks at it" not in page
