"""What a feedback page says of points, in words."""

import base64
import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import TINY, asked_for, copy_course, daily
from converters import convert
from nbgrader.api import Gradebook
from PIL import Image

from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.course.schema import Exercise, Late
from autograder.judge.cards import number, of_points
from autograder.plugin.feedback import _late, _words, said


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
    assert said(SimpleNamespace(auto_score=auto, manual_score=manual, score=score, max_score=most, cell_type=kind, needs_manual_grade=False)) == words


def test_a_number_without_its_part():
    assert (of_points(12.345, 20), of_points(None, 1)) == ("12.35 of 20 points", "of 1 point")


@pytest.mark.parametrize(("points", "words"), [(2.625, "2.63"), (0.125, "0.13"), (1.0, "1"), (10.0, "10"), (0.0, "0"), (-0.001, "0"), (100.5, "100.5")])
def test_half_of_a_hundredth_counts_up(points, words):
    assert number(points) == words


TEN = "10 % of the points reached for each day begun"


@pytest.mark.parametrize(
    ("seconds", "penalty", "grace", "words"),
    [
        (0, 0, 0, []),
        (300, 0, 60, ["It came 5 minutes late, which costs nothing."]),
        (90_000, 1, 0, [f"It came 1 day 1 hour late, so 1 point was taken off: {TEN}."]),
        (5400, 3.25, 60, [f"It came 1 hour 30 minutes late, so 3.25 points were taken off: {TEN} after a grace of 1 hour."]),
    ],
)
def test_a_delay_is_told_with_what_it_costs_and_why(seconds, penalty, grace, words):
    assert _late(seconds, penalty, Late(percent_per_day=10, grace_minutes=grace)) == words


@pytest.mark.parametrize(("bonus", "words"), [(False, ""), (1, " (1 of these a bonus)"), (True, " (a bonus)")])
def test_a_bonus_is_called_one(bonus, words):
    rules = Exercise(title="x", points=2, bonus=bonus, minutes=1, difficulty=1)
    grade = SimpleNamespace(auto_score=2, manual_score=None, score=2, max_score=2, cell_type="code", needs_manual_grade=False)
    lecture = SimpleNamespace(exercises={"x": rules})
    assert _words({"grade_id": "x", "grade": True}, {"x": grade}, set(), lecture)["said"] == f"2 of 2 points{words}"


@pytest.fixture(scope="module")
def pages(assigned, tmp_path_factory, runner) -> dict[str, str]:
    """Of ann, who has all right, and of ben, whose card names his code."""
    course = copy_course(assigned, tmp_path_factory.mktemp("words"))
    wrong = {"pieces": 'def pieces(x):\n    mean = x.meen(1)\n    return {"sum": x.sum(1), "mean": mean}'}
    hand_in(course, course.root, TINY, Submission("ben", {**solution_texts(course, TINY), **wrong}, {}))
    hand_in(course, course.root, TINY, Submission("ann", dict(solution_texts(course, TINY)), {}))
    path = course.root / "submitted" / "ann" / TINY / f"{TINY}.ipynb"
    path.write_text(path.read_text().replace("Because.", "Since nobody has said otherwise.").replace("YOUR ANSWER HERE", "Since nobody has said otherwise."))
    path.rename(path.with_name("mine.ipynb"))
    convert(course.root, "autograde", TINY, runner)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        grade = gradebook.find_grade("double", TINY, TINY, "ann")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.find_comment("double_answer", TINY, TINY, "ann").manual_comment = "Say why."
        gradebook.db.commit()
    convert(course.root, "generate_feedback", TINY, runner)
    return {student: (course.root / "feedback" / student / TINY / f"{TINY}.html").read_text() for student in ("ann", "ben")}


@pytest.fixture
def page(pages) -> str:
    return pages["ann"]


def test_a_card_on_a_page_shows_code_as_code(pages):
    assert "<code>mean = x.meen(1)</code>" in pages["ben"] and "`mean = x.meen(1)`" not in pages["ben"]


def test_a_page_says_titles_and_who_gave_points(page):
    assert "<h4>Small exercises of every kind: 12.5 of 16 points so far</h4>" in page
    assert "One answer waits for a person." in page
    given = '<a href="#double">Double a tensor</a>: 0.5 of 2 points, given by a person; the check gave 2 (<a href="#comment-double_answer">comment</a>)</li>'
    assert given in page and page.count('<a name="comment-double_answer">') == page.count("Say why.") == 1
    assert '<a href="#why">Why</a>: not graded yet, of 2 points' in page
    assert "Test cell" not in page and page.count("<body") == 1
    assert "<b>About this submission.</b> Your notebook is called mine.ipynb" in page and "a person looks at it" not in page


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, kind)
    return buffer.getvalue()


PNG, JPEG = picture("PNG"), picture("JPEG")
DATA = base64.b64encode(PNG).decode()
WITH_PICTURES = {  # the source of the written answer, its attachments, files beside, and how many pictures are shown
    "attached": ("I drew it: ![plot.png](attachment:plot.png)", {"plot.png": {"image/png": DATA}}, {}, 1),
    "attached_alone": (None, {"plot.png": {"image/png": DATA}}, {}, 1),
    "as_jpeg": ("![x](attachment:x)", {"x": {"image/jpeg": base64.b64encode(JPEG).decode()}}, {}, 1),
    "in_the_text": (f"![x](data:image/png;base64,{DATA})", None, {}, 1),
    "beside": ("See ![my plot](plot.png) and ![another](./photo.jpg).", None, {"plot.png": PNG, "photo.jpg": JPEG}, 2),
    "no_picture": ("![x](attachment:x)", {"x": {"image/png": base64.b64encode(b"<script>").decode()}}, {}, 0),
    "svg": ("![x](attachment:x)", {"x": {"image/svg+xml": DATA}}, {}, 0),
    "elsewhere": ("![x](../../../gradebook.png) ![y](https://example.org/x.png)", None, {}, 0),
    "no_attachments": ("![x](attachment:x)", ["x"], {}, 0),
}


@pytest.fixture(scope="module")
def with_pictures(request, assigned, tmp_path_factory, runner) -> Path:
    course = copy_course(assigned, tmp_path_factory.mktemp("pictures"))
    (course.root / "gradebook.png").write_bytes(PNG)
    for student in asked_for(request, "student", WITH_PICTURES):
        text, attachments, files, _ = WITH_PICTURES[student]
        target = hand_in(course, course.root, TINY, Submission(student, dict(solution_texts(course, TINY)), {}))
        notebook = json.loads((target / f"{TINY}.ipynb").read_text())
        cell = next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "why")
        cell["source"] = text or cell["source"]
        if attachments is not None:
            cell["attachments"] = attachments
        (target / f"{TINY}.ipynb").write_text(json.dumps(notebook))
        for name, data in files.items():
            (target / name).write_bytes(data)
    convert(course.root, "autograde", TINY, runner)
    convert(course.root, "generate_feedback", TINY, runner)
    return course.root


@pytest.mark.parametrize("student", daily("attached in_the_text beside no_picture elsewhere", WITH_PICTURES))
def test_pictures_of_a_written_answer_reach_the_person_who_grades_it(student, with_pictures):
    shown = WITH_PICTURES[student][3]
    cells = json.loads((with_pictures / "autograded" / student / TINY / f"{TINY}.ipynb").read_text())["cells"]
    place = next(i for i, cell in enumerate(cells) if cell["metadata"].get("nbgrader", {}).get("grade_id") == "why")
    assert "attachments" not in cells[place]
    outputs = cells[place + 1]["outputs"] if shown else []
    assert len([o for o in outputs if {"image/png", "image/jpeg"} & o["data"].keys()]) == shown
    assert len(cells) - place - 1 == bool(shown) + 1  # and the cell that packs what is handed in
    assert cells[-1]["metadata"]["nbgrader"]["grade_id"] == "kit-hand-in"
    page = (with_pictures / "feedback" / student / TINY / f"{TINY}.html").read_text()
    assert page.count('src="data:image/') == shown
    with Gradebook(f"sqlite:///{with_pictures}/gradebook.db", "tiny") as gradebook:
        assert gradebook.find_grade("why", TINY, TINY, student).needs_manual_grade
