"""``autograder report``: what it says of a class, that it finds mistakes nobody has named, and that a stranger's text stays text."""

import csv
import hashlib
import json
import random
import re
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
import torch
from conftest import TINY, copy_course
from nbgrader.api import Grade, Gradebook, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import insert

from autograder.commands.cli import main
from autograder.commands.remembered import HandedIn, remember
from autograder.course.directory import CourseDirectory, load_course
from autograder.course.lecture import read_lecture
from autograder.course.schema import Tolerance
from autograder.grading.submission import Graded
from autograder.judge.cards import as_html
from autograder.judge.clusters import clusters
from autograder.judge.verdict import NOT_ATTEMPTED, Status, Verdict, refuse
from autograder.plugin import absolute_gradebook, told
from autograder.report.clusters import mistake_cell
from autograder.runner.carried import result_to_bytes
from autograder.runner.job import CellResult, Result
from autograder.wall.record import Draw, Failure, Record

TOLERANCE = Tolerance()
DRAWS = 3
MOST = {"double": 2.0, "pieces": 4.0, "slope": 3.0, "by_hand": 2.0, "train_tiny": 3.0}
Made = dict[str, tuple[Status, float, str, Record | None]]


@pytest.fixture
def course(assigned, tmp_path, monkeypatch) -> CourseDirectory:
    monkeypatch.chdir(tmp_path)
    return copy_course(assigned, tmp_path / "course")


def record(values: Callable[[torch.Generator], object], exercise: str = "double", noise: float = 0.0, chance: random.Random | None = None) -> Record:
    """What an answer returns for each draw, as another processor might round it."""
    draws = []
    for seed in range(DRAWS):
        value = values(torch.Generator().manual_seed(seed))
        if isinstance(value, torch.Tensor) and noise and chance:
            value = value * (1 + noise * torch.randn(value.shape, generator=torch.Generator().manual_seed(chance.randrange(2**31))))
        draws.append(Draw({"": value}))
    return Record(exercise, tuple(draws))


def stops(name: str, message: str, exercise: str = "double") -> Record:
    return Record(exercise, (Draw(failure=Failure(name, message)),) * DRAWS)


class Class:
    """Makes graded students of the small course, as grading leaves them; their rows reach the gradebook with the next report."""

    def __init__(self, course: CourseDirectory) -> None:
        self.course, self.stub = course, json.loads((course.root / "release" / TINY / f"{TINY}.ipynb").read_text())
        self.gradebook = Gradebook(absolute_gradebook(course), course.course.course)
        self.notebook = self.gradebook.find_notebook(TINY, TINY)
        self.cells = {cell.name: cell.id for cell in self.notebook.grade_cells}
        self.rules = course.lecture(TINY).exercises
        self.runs = course.build / "runs" / TINY
        self.runs.mkdir(parents=True)

    def add(self, student: str, answers: Made, sources: dict[str, str] | None = None, remarks: tuple[str, ...] = (), keep: bool = True, **person: str) -> None:
        """One student's work: points in the gradebook, a notebook in ``autograded/``, the run in the store."""
        verdicts = {name: refuse(name, self.rules[name], NOT_ATTEMPTED, "not attempted") for name in MOST}
        for name, (status, points, says, _) in answers.items():
            verdicts[name] = Verdict(name, status, points, MOST[name], says, recognised=(says,) if says else ())
        records = {name: found for name, (*_, found) in answers.items() if found is not None}
        run = f"{len(list(self.runs.iterdir())):040x}" if records and keep else ""
        if run:
            data = result_to_bytes(Result([CellResult()], records))
            (self.runs / run).write_bytes(hashlib.sha256(data).digest() + data)
        cells = [dict(cell) for cell in self.stub["cells"]]
        for cell in cells:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "").removesuffix("_answer")
            if cell["metadata"].get("nbgrader", {}).get("solution") and name in (sources or {}):
                cell["source"] = (sources or {})[name]
        about = {"autograder": {told.KEY: told.to_metadata(Graded(verdicts, [], list(remarks), run=run))}}
        for step in ("submitted", "autograded"):
            folder = self.course.root / step / student / TINY
            folder.mkdir(parents=True)
            (folder / f"{TINY}.ipynb").write_text(json.dumps({**self.stub, "cells": cells, "metadata": about}))
        grades = [
            {"id": f"{student} {name}", "cell_id": cell, "notebook_id": f"n {student}", "needs_manual_grade": False, "auto_score": points_of(answers, name)}
            for name, cell in self.cells.items()
        ]
        for table, rows in (
            (Student, [{"id": student, **person}]),
            (SubmittedAssignment, [{"id": f"a {student}", "assignment_id": self.notebook.assignment_id, "student_id": student}]),
            (SubmittedNotebook, [{"id": f"n {student}", "assignment_id": f"a {student}", "notebook_id": self.notebook.id}]),
            (Grade, grades),
        ):
            self.gradebook.db.execute(insert(table.__table__), rows)


def points_of(answers: Made, name: str) -> float:
    return answers[name][1] if name in answers else 0.0


@pytest.fixture
def made(course):
    made = Class(course)
    yield made
    made.gradebook.close()


def report(made: Class) -> str:
    made.gradebook.db.commit()
    course = made.course
    assert main(["--course", str(course.root / "course.yml"), "report", TINY]) == 0
    return (course.build / "report" / TINY / "report.html").read_text()


def rows(course: CourseDirectory, name: str) -> list[dict[str, str]]:
    with (course.build / "report" / TINY / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_twenty_mistakes_that_nobody_named_are_found_among_500_students(course, made):
    """Each is made by 5 to 14 students whose machines round differently; one-off answers lie between them."""
    chance = random.Random(7)
    planted: dict[str, int] = {}  # student -> the mistake that was made
    wrong: dict[int, Callable[[torch.Generator], object]] = {
        **{number: lambda g, by=number: torch.randn(4, 5, generator=g) * (1.9 + by / 100) for number in range(8)},  # near each other, and not the same
        **{number: lambda g, by=number: torch.randn(4, 5, generator=g).roll(by - 7, 1) for number in range(8, 12)},
        12: lambda g: torch.randn(4, 5, generator=g).sum(0),
        13: lambda g: torch.randn(4, 5, generator=g).sum(1, keepdim=True),
        14: lambda g: torch.full((4, 5), float("nan")),
        15: lambda g: torch.randn(4, 5, generator=g).tolist(),
        16: lambda g: None,
        17: lambda g: (torch.randn(4, 5, generator=g) * 10).long(),
    }
    errors = {18: ("TypeError", "unsupported operand"), 19: ("IndexError", "index 5 is out of bounds")}
    students = [f"s{number:03d}" for number in range(500)]
    places = iter(chance.sample(students, 500))
    for number in range(20):
        for _ in range(5 + number % 10):
            planted[next(places)] = number
    for student in students:
        number = planted.get(student)
        if number is None and chance.random() < 0.3:  # an answer of one's own
            by = chance.random()
            answer: tuple = ("wrong", 0.0, "", record(lambda g, by=by: torch.randn(4, 5, generator=g) * (3 + by)))
        elif number is None:
            answer = ("correct", 2.0, "", None)
        elif number in errors:
            answer = ("error", 0.0, "", stops(*errors[number]))
        else:
            answer = ("wrong", 0.0, "", record(wrong[number], noise=2e-6, chance=chance))
        made.add(student, {"double": answer}, {"double": f"def double(x):\n    return x * {number}"})
    page = report(made)
    pure = set()
    for row in rows(course, "clusters"):
        who = [planted.get(student, -1) for student in row["who"].split("; ")]
        most = max(set(who), key=who.count)
        if most >= 0 and who.count(most) >= 0.95 * len(who) and who.count(most) >= 0.95 * sum(number == most for number in planted.values()):
            pure.add(most)
    assert len(pure) >= 18, sorted(set(range(20)) - pure)
    assert page.count("Copy as a mistake cell") == len(rows(course, "clusters"))


def test_what_is_near_but_not_equal_is_another_answer():
    base = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    answers = [record(lambda g, by=by: base * by) for by in (1.0, 1.00001, 1.01, 1.0)]
    assert clusters(answers, TOLERANCE) == [[0, 1, 3], [2]]
    assert clusters([], TOLERANCE) == []
    another_draw = Record("double", (*answers[0].draws[:2], Draw({"": base + 1})))
    assert clusters([answers[0], another_draw], TOLERANCE) == [[0], [1]]
    assert clusters([stops("KeyError", "at 0x7f0012345678"), stops("KeyError", "at 0x7f00ffffffff"), stops("KeyError", "'a'")], TOLERANCE) == [[0, 1], [2]]


def test_a_copied_cell_is_a_mistake_of_the_lecture_file(course):
    cell = mistake_cell("double", 1, 'def double(x):\n    """Say "so"."""\n    return x[99]', "IndexError")
    path = course.solution(TINY)
    path.write_text(f"{path.read_text()}\n\n{cell}\n{mistake_cell('double', 2, 'double = abs', None)}")
    added = [cell for cell in read_lecture(path, course.course.lectures[TINY]) if cell.says.startswith("TO WRITE")]
    assert [(cell.exercise, cell.raises) for cell in added] == [("double", "IndexError"), ("double", "")]
    assert "return x[99]" in added[0].source
    assert mistake_cell("double", 1, "!rm -rf x", None) == "" and mistake_cell("double", 1, "x = 1\n# %% author", None) == ""


def test_shares_means_and_the_three_ways_of_having_no_points(course, made):
    known = "You halved it."
    for number in range(8):
        good = number >= 4
        made.add(
            f"s{number}",
            {
                "double": ("correct", 2.0, "", None) if good else ("wrong", 0.0, known, None),
                "pieces": ("partly correct", 2.0, "", None) if good else ("not attempted", 0.0, "", None),
                "slope": ("correct", 3.0, "", None) if not good else ("not attempted", 0.0, "", None),
            },
        )
    grade = made.gradebook.find_grade("why", TINY, TINY, "s0")
    grade.auto_score, grade.needs_manual_grade = None, True  # written, and nobody has looked
    grade = made.gradebook.find_grade("why", TINY, TINY, "s1")
    grade.auto_score, grade.needs_manual_grade = 0.0, False  # nothing written
    grade = made.gradebook.find_grade("why", TINY, TINY, "s2")
    grade.auto_score, grade.manual_score, grade.needs_manual_grade = None, 2.0, False
    made.gradebook.update_or_create_student("missing", first_name="Jörg", last_name="=cmd, \"x\"")
    page = report(made)
    found = {row["exercise"]: row for row in rows(course, "exercises")}
    assert (found["double"]["share_right"], found["double"]["mean_share"], found["double"]["wrong"]) == ("0.5", "0.5", "4")
    assert (found["pieces"]["share_right"], found["pieces"]["mean_share"]) == ("0.0", "0.25")
    assert (found["pieces"]["not attempted"], found["pieces"]["partly correct"]) == ("4", "4")
    assert (found["why"]["not graded yet"], found["why"]["share_right"]) == ("1", "1.0") and found["why"]["not attempted"] == "6"
    assert float(found["slope"]["discrimination"]) < -0.9 < 0.5  # who has the rest has not this
    assert [(row["says"], row["students"]) for row in rows(course, "mistakes")] == [(known, "4")]
    assert "Jörg =cmd" in page and "1 handed in nothing" in page
    assert next(row for row in rows(course, "students") if row["student"] == "missing")["handed_in"] == "False"


def test_what_collect_remembers_of_lateness_and_of_the_roster_is_told(made):
    made.add("ada", {"double": ("correct", 2.0, "", None)})
    remember(made.course, TINY, "canvas", {"ada": HandedIn(name="lovelace_1_2", late=True)}, ["ada", "never_seen"])
    page = report(made)
    assert "1 handed in nothing" in page and "never_seen" in page and "Marked as late by Canvas when they were collected: 1 (ada)." in page


class Scripts(HTMLParser):
    """What of a page runs, or asks another machine."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.found += [tag] if tag in ("script", "img", "iframe", "link", "object") else []
        self.found += [f"{tag} {name}" for name, value in attributes if name.startswith("on") or str(value).startswith(("http", "javascript:", "//"))]


def test_what_a_student_wrote_is_text_in_the_page_and_no_formula_in_a_table(course, made):
    evil = '</pre><script>alert(1)</script><img src=x onerror="alert(1)">\n'
    for number in range(2):
        answer = ("wrong", 0.0, "", record(lambda g: torch.ones(2)))
        made.add(f"s{number}", {"double": answer}, {"double": f"x = '''{evil}'''"}, remarks=(f"=cmd {evil}",), first_name="=cmd()", last_name="<b>")
    page = report(made)
    assert [what for what in Scripts(page).found if not what.startswith("svg xmlns")] == ["script"]  # the button's own
    assert "&lt;script&gt;alert(1)" in page and all(row["name"].startswith("'=") for row in rows(course, "students"))


def test_an_empty_class_one_student_and_a_second_run(course, made):
    assert "Nobody is graded yet" in report(made)
    made.add("ada", {"double": ("correct", 2.0, "", None)})
    (course.root / "submitted" / "bob" / TINY).mkdir(parents=True)  # handed in, not graded
    assert "Nobody is graded yet" not in (page := report(made)) and "handed in, not graded" in page and report(made)
    (course.root / "autograded" / "ada" / TINY / f"{TINY}.ipynb").write_text("{")
    assert "cannot be read" in report(made)


def test_a_notebook_of_an_older_kit_is_read_from_its_cards(course, made):
    made.add("ada", {"double": ("wrong", 0.0, "", None)})
    path = course.root / "autograded" / "ada" / TINY / f"{TINY}.ipynb"
    notebook = json.loads(path.read_text())
    extras = json.loads(course.extras(TINY).read_text())
    says = next(extra["says"] for extra in extras["double"] if extra["kind"] == "mistake")
    del notebook["metadata"]["autograder"]
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "double":
            data = {"text/html": as_html(Verdict("double", "wrong", 0.0, 2.0, says, recognised=(says,))), "text/plain": "0.0"}
            cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}]
    path.write_text(json.dumps(notebook))
    report(made)
    assert [row["says"] for row in rows(course, "mistakes")] == [says]


def test_what_is_not_kept_is_told(course, made):
    for number in range(3):
        made.add(f"s{number}", {"double": ("wrong", 0.0, "", record(lambda g: torch.ones(2)))}, keep=number > 0)
    (course.build / "runs" / TINY / f"{1:040x}").write_bytes(b"damaged")
    assert "Of 2 wrong answers nothing is kept" in re.sub(r"\s+", " ", report(made))


def test_equal_and_similar_work_is_shown_side_by_side(course, made, monkeypatch):
    pytest.importorskip("copydetect")
    chance = random.Random(3)

    def program(seed: int) -> str:
        chance.seed(seed)
        some = ["if a{0} > {1}:\n        b = a{0}[{1}]", "for i in range({1}):\n        a{0}.append(i)", "while a{0}: a{0}.pop({1})"]
        lines = [chance.choice(some) for _ in range(12)]
        return "def double(x):\n    " + "\n    ".join(line.format(number, seed % 90 + number) for number, line in enumerate(lines))

    for number in range(8):
        made.add(f"s{number}", {"double": ("correct", 2.0, "", None)}, {"double": program(number)})
    copied = re.sub(r"\ba(\d)", r"value_\1", program(0)) + "\n    # mine"
    made.add("copy", {"double": ("correct", 2.0, "", None)}, {"double": copied})
    made.add("twin", {"double": ("correct", 2.0, "", None)}, {"double": program(5)})
    page = report(made)
    pairs = [set(re.findall(r"copy|twin|s\d", pair)) for pair in re.findall(r"<summary>(\w+ \(.*? and .*?)</summary>", page)]
    assert len(pairs) == 2 and {"s5", "twin"} in pairs and {"copy", "s0"} in pairs
    assert "<mark>" in page and "the notebook" in page and "s5, twin" in page
    monkeypatch.setitem(sys.modules, "copydetect", None)
    assert "Not looked for: that needs the package copydetect" in report(made)


def test_a_trained_model_has_its_place_and_its_curve(course, made):
    for number, loss in enumerate((2.5, 2.4, 2.6)):
        facts = {"parameters": 700 + number, "steps": 900, "curve": [3.0, 2.8, loss]}
        answer = ("correct", 3.0, "", Record("train_tiny", (Draw({"logits": torch.zeros(2, 27)}),), facts))
        made.add(f"s{number}", {"train_tiny": answer})
        path = course.root / "autograded" / f"s{number}" / TINY / f"{TINY}.ipynb"
        notebook = json.loads(path.read_text())
        notebook["metadata"]["autograder"][told.KEY]["outcomes"]["train_tiny"] |= {"loss": loss, "unseen": loss + 0.1}
        path.write_text(json.dumps(notebook))
        (path.parent / "train_tiny.safetensors").write_bytes(b"the same")
    page = report(made)
    assert [(row["student"], row["parameters"], row["loss_on_unseen_names"]) for row in rows(course, "models")] == [
        ("s1", "701", "2.5"), ("s0", "700", "2.6"), ("s2", "702", "2.7"),
    ]
    assert 'aria-label="Training curves of train_tiny"' in page and "train_tiny.safetensors" in page


def test_grading_writes_down_what_the_report_reads(course, runner):
    """The whole way: graded by nbgrader's converters, and then read; no cell runs for the report."""
    from converters import convert

    from autograder.commands.demo_class import Submission, hand_in, solution_texts

    texts = solution_texts(course, TINY)
    extras = json.loads(course.extras(TINY).read_text())["double"]
    mistake = next(extra for extra in extras if extra["kind"] == "mistake")
    unknown = "def double(x):\n    return x * 2.345"
    for student, answer in {"right": texts["double"], "known": mistake["source"], "a": unknown, "b": f"{unknown}\n"}.items():
        hand_in(course, course.root, TINY, Submission(student, {"double": answer}, {}))
    convert(course.root, "autograde", TINY, runner)
    shutil.rmtree(course.build / "answers")
    assert main(["--course", str(course.root / "course.yml"), "report", TINY]) == 0
    assert [(row["says"], row["who"]) for row in rows(course, "mistakes")] == [(mistake["says"], "known")]
    assert [(row["exercise"], row["who"]) for row in rows(course, "clusters")] == [("double", "a; b")]
    assert load_course(course.root / "course.yml").course.course == "tiny"


def test_a_lecture_that_is_not_there_and_a_file_in_the_way(course, capsys):
    path = str(course.root / "course.yml")
    assert main(["--course", path, "report", "lecture_9"]) == 1
    (course.root / "taken").write_text("")
    assert main(["--course", path, "report", TINY, "--folder", str(course.root / "taken")]) == 1
    assert "is a file" in re.sub(r"\s+", " ", capsys.readouterr().err)
