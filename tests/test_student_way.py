"""A student's way through a notebook: what the first and the last cell say, what stands below each card, and one file that is handed in."""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, TINY, copy_course
from converters import convert
from nbclient import NotebookClient
from nbconvert.filters import strip_ansi
from nbgrader.api import Gradebook
from nbgrader.utils import compute_checksum

from autograder.commands.demo_class import solution_texts
from autograder.course.cells import is_as_released
from autograder.course.frame import HAND_IN, INSTALLED, IS_IT_INSTALLED
from autograder.judge.judging import not_finished
from autograder.student import hand_in as last_cell
from autograder.student.own_notebook import Saved, read_saved
from autograder.student.standing import Standing
from autograder.wall.record import Draw, Failure, Record

NOTEBOOK, WEIGHTS, PACKED = f"{TINY}.ipynb", "train_tiny.safetensors", f"{TINY}-handin.zip"


def named(notebook, name: str):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def said(cell) -> str:
    """All that a cell shows, without the cards' own HTML."""
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") or o.get("evalue", "") for o in cell.outputs)


def card(cell) -> str:
    """A cell's cards as HTML, with what is code between backticks, as the sentence has it."""
    return re.sub("</?code>", "`", "".join(o.get("data", {}).get("text/html", "") for o in cell.outputs))


def trace(cell) -> str:
    """What stands where a cell ended in an error, without colours."""
    return strip_ansi("\n".join(next(o.traceback for o in cell.outputs if o.output_type == "error")))


class Evening:
    """A student's kernel, and what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notebook = folder, nbformat.read(folder / NOTEBOOK, as_version=4)
        place = {"metadata": {"path": str(folder)}}
        self.client = NotebookClient(self.notebook, timeout=120, kernel_name="python3", allow_errors=True, resources=place)

    def run(self, name: str, text: str | None = None):
        """Run a cell, with another text in it if there is one."""
        cell = named(self.notebook, name)
        cell.source = cell.source if text is None else text
        self.client.execute_cell(cell, self.notebook.cells.index(cell))
        return cell

    def save(self) -> None:
        nbformat.write(self.notebook, self.folder / NOTEBOOK)


@pytest.fixture(scope="module")
def texts(tiny) -> dict[str, str]:
    return solution_texts(tiny, TINY)


@pytest.fixture(scope="module")
def evening(tiny, texts, tmp_path_factory) -> dict[str, object]:
    """One evening's work, and what the cells showed on the way."""
    folder = tmp_path_factory.mktemp("evening")
    shutil.copytree(tiny.released(TINY), folder, dirs_exist_ok=True)
    shutil.copyfile(folder / NOTEBOOK, folder / "as it was fetched.ipynb")
    work, found = Evening(folder), {}
    environment = {**os.environ, "JPY_SESSION_NAME": str(folder / NOTEBOOK)}
    with work.client.setup_kernel(env=environment):
        for name in (INSTALLED, "provided_1"):
            work.run(name)
        found["first"] = said(work.run(INSTALLED))
        for name in ("double", "pieces"):
            work.run(f"{name}_answer", texts[name])
        found["double"] = said(work.run("double"))
        found["slope"] = said(work.run("slope"))
        found["unsaved"], found["nothing packed"] = said(work.run(HAND_IN)), not (folder / PACKED).exists()
        work.save()
        found["saved"] = said(work.run(HAND_IN))
        found["train"] = said(work.run("train_tiny_answer", texts["train_tiny"]))
        work.run("train_tiny_fit")
        found["trained"] = card(work.run("train_tiny"))
        work.save()
        found["packed"] = said(work.run(HAND_IN))
        found["zip"] = {name: zipfile.ZipFile(folder / PACKED).read(name) for name in zipfile.ZipFile(folder / PACKED).namelist()}
        found["disk"] = {name: (folder / name).read_bytes() for name in (NOTEBOOK, WEIGHTS)}
        work.run("double_answer", "def double(x:\n    return 2 * x")
        found["broken"] = card(work.run("double"))
        work.run("double_answer", "undefined_thing\n" + texts["double"])
        work.run("double_answer", "# Your code: double\nundefined_thing\n" + texts["double"])
        found["stopped"] = card(work.run("double"))
        work.run("double_answer", texts["double"])
        found["mended"] = card(work.run("double"))
        work.run("train_tiny_answer", texts["train_tiny"] + "\nreturn return")
        found["training broken"] = card(work.run("train_tiny"))
        work.run("train_tiny_answer", texts["train_tiny"].replace("[batch, -1]", "[batch, 1]"))
        found["training fails"] = trace(work.run("train_tiny_fit"))
        work.run("train_tiny_answer", texts["train_tiny"].replace("X, Y = names", 'raise NotImplementedError("train_tiny")\n    X, Y = names'))
        found["training is missing"] = trace(work.run("train_tiny_fit"))
        work.run("train_tiny_answer", texts["train_tiny"])
        found |= edited(work, texts)
        found["own cell fails"] = trace(work.run(INSTALLED, "1 / 0"))
        found["scratch"] = said(work.run(HAND_IN, "kept = 3\nclass Helper: pass"))
        work.run(HAND_IN, "kept = (4")
        found["kept"] = said(work.run(HAND_IN, "kept"))
    return found


def edited(work: Evening, texts: dict[str, str]) -> dict[str, object]:
    """What is said of an answer that is written anew and saved, but not run."""
    named(work.notebook, "double_answer").source = "# Your code: double\ndef double(x):\n    return x"
    work.save()
    found: dict[str, object] = {"progress": read_saved(work.folder / NOTEBOOK).changed(), "edited": card(cell := work.run("double"))}
    found["edited line"], found["edited, handed in"] = said(cell), said(work.run(HAND_IN))
    work.run("double_answer")
    found["run then"] = card(work.run("double"))
    work.run(HAND_IN, "def twice(x):\n    return 2 * x")
    work.run("double_answer", "# Your code: double\ndef double(x):\n    rows = twice(x)\n    return rows")
    found["helper as it ran"] = card(work.run("double"))
    named(work.notebook, HAND_IN).source = "def twice(x):\n    return 3 * x"
    work.save()
    found["helper"] = card(work.run("double"))
    work.run(HAND_IN, "rows = 1")
    named(work.notebook, HAND_IN).source = "rows = 2"
    work.save()
    found["helper without a cell"] = card(work.run("double"))
    work.run("double_answer", texts["double"])
    work.run("double")
    work.save()
    return found | {"progress then": read_saved(work.folder / NOTEBOOK).changed()}


@pytest.fixture(scope="module")
def restarted(tiny, texts, tmp_path_factory) -> dict[str, str]:
    """A kernel in which the given cells have not run, and answers that need each other, or whose names are misspelt."""
    folder = tmp_path_factory.mktemp("restarted")
    shutil.copytree(tiny.released(TINY), folder, dirs_exist_ok=True)
    work, found = Evening(folder), {}
    with work.client.setup_kernel():
        work.run(INSTALLED)
        found["imports"] = said(work.run("double_answer", "# Your code: double\n" + texts["double"]))
        found["imports, check"] = card(work.run("double"))
        work.run("provided_1")
        found["not run"] = card(work.run("slope"))
        work.run("double_answer", "# Your code: double\ndef double(x):\n    return 2 * x\nhalf = 1 / 0\ndef helper(x): return x")
        found["follows"] = said(work.run("pieces_answer", "# Your code: pieces\nrows = helper(3)\n" + texts["pieces"]))
        found["follows, check"] = card(work.run("pieces"))
        found["typo"] = card([work.run("slope_answer", "def slope(values):\n    return 2 * vlaues"), work.run("slope")][1])
        found["typo of torch's"] = card([work.run("slope_answer", "def slope(x):\n    return torch.clon(x)"), work.run("slope")][1])
        work.run("double_answer", "# Your code: double")
        work.run(HAND_IN, "globals().pop('double', None); globals().pop('slope', None)")
        work.save()
        found["empty"] = card(work.run("double"))
        work.run("slope_answer", "# Your code: slope\ndef slop(x):\n    return x")
        work.save()
        found["misspelt function"] = card(work.run("slope"))
        work.run("slope_answer", "# Your code: slope\nclass Slop:\n    def __call__(self, x): return x")
        work.run(HAND_IN, "globals().pop('slop', None)")
        work.save()
        found["misspelt class"] = card(work.run("slope"))
        found["further down"] = said(work.run("double_answer", "# Your code: double\nmodel"))
        found["typo, raw"] = said(work.run(HAND_IN, "nmaes"))
    return found


def test_an_answer_that_is_changed_and_not_run_is_not_called_right(evening):
    assert "Correct" not in evening["edited"] and "changed and saved after its cell ran" in evening["edited"]
    assert "0 of 5 exercises, 0 of 14 points" in evening["edited line"]
    assert "older than what runs here" not in evening["edited, handed in"]
    assert "Correct" not in evening["run then"] and "changed and saved" not in evening["run then"]
    assert "double" in evening["progress"] and "double" not in evening["progress then"]


def test_a_helper_that_is_changed_and_not_run_is_told_by_its_name(evening):
    assert "Correct" in evening["helper as it ran"] and "Correct" not in evening["helper"]
    assert "`twice`, which this answer uses, was changed and saved" in evening["helper"]
    assert "was changed and saved" not in evening["helper without a cell"]


def test_a_name_whose_cell_has_not_run_is_told_with_the_cell(restarted):
    assert "`Float` comes from a given cell further up" in restarted["imports"] and "Run All Above" in restarted["imports"]
    assert "`Float` comes from a given cell" in restarted["imports, check"]
    assert "The cell of `slope` has not run to its end since the kernel started" in restarted["not run"]


def test_a_name_that_a_cell_further_down_defines_is_no_reason_to_run_those_above(restarted):
    assert "name 'model' is not defined" in restarted["further down"] and "has not run" not in restarted["further down"]


def test_a_name_that_is_missing_for_another_cells_sake_is_told_by_that_cell(restarted):
    assert "The cell that defines `helper` did not run to its end: it stops with ZeroDivisionError" in restarted["follows"]
    assert "ZeroDivisionError" in restarted["follows, check"] and "helper" in restarted["follows, check"]


def test_a_misspelt_name_is_answered_by_the_nearest(restarted):
    assert "Did you mean &#x27;values&#x27;?" in restarted["typo"] and "Did you mean &#x27;clone&#x27;?" in restarted["typo of torch's"]
    assert "Did you mean 'names'?" in restarted["typo, raw"]


def test_an_empty_answer_is_no_error_and_a_checks_own_names_are_not_meant(restarted):
    assert "The cell of your answer is empty" in restarted["empty"] and "Not attempted" in restarted["empty"]
    assert "Did you mean &#x27;slop&#x27;?" in restarted["misspelt function"]
    assert "Did you mean &#x27;Slop&#x27;?" in restarted["misspelt class"]


def test_a_line_below_each_card_says_how_far_one_is(evening):
    assert evening["first"] == "" and "1 of 5 exercises, 2 of 14 points; next: `pieces`" in evening["double"]
    assert "1 of 5 exercises, 2 of 14 points; next: `slope`" in evening["slope"]


def test_a_wrong_answer_that_is_not_saved_is_called_so(tiny):
    stub = nbformat.read(tiny.released(TINY) / f"{TINY}.ipynb", as_version=4)
    cells = [{"source": cell.source, "metadata": cell.metadata, "outputs": []} for cell in stub.cells]
    rules = tiny.lecture(TINY).exercises
    standing = Standing(rules, {"double": ("wrong", 0.0), "slope": ("error", 0.0)})
    states = {name: last_cell._state(name, Saved(Path("x.ipynb"), cells, 0.0), standing, Path()) for name in ("double", "slope", "pieces")}
    assert states["double"] == ("wrong; the answer is not saved yet", "0 of 2")
    assert states["slope"][0] == states["pieces"][0] == "not attempted"  # an error may be that nothing has run


def test_what_is_not_saved_is_not_packed(evening):
    assert "older than what runs here: the answer to double that you ran last is not in it" in evening["unsaved"] and evening["nothing packed"]


def test_the_last_cell_says_what_is_right_missing_and_unwritten(evening):
    rows = {line.split()[0]: line for line in evening["saved"].splitlines() if line}
    assert rows["double"].endswith("2 of 2  correct") and "not checked yet" in rows["pieces"] and rows["slope"].endswith("not attempted")
    assert rows["why"].endswith(", from a person  unwritten") and "Questions without an answer in what was saved last: why." in evening["saved"]
    assert f"{PACKED} (" in evening["saved"] and f"It holds {NOTEBOOK}; the notebook is as you saved it at" in evening["saved"]
    assert "type in a terminal: " in evening["saved"] and "-m autograder try /" in evening["saved"] and f"/{NOTEBOOK}\n" in evening["saved"]


def test_one_file_holds_the_notebook_and_its_weights(evening):
    assert "Correct" in evening["trained"] and f"It holds {NOTEBOOK}, {WEIGHTS}" in evening["packed"]
    assert evening["zip"] == evening["disk"]


def test_an_answer_that_did_not_run_leaves_no_correct_standing(evening):
    assert "Correct" not in evening["broken"] and "The cell that defines `double` did not run to its end: it stops with SyntaxError" in evening["broken"]
    assert "did not run to its end: it stops with NameError: name &#x27;undefined_thing&#x27; is not defined" in evening["stopped"]
    assert "Correct" in evening["mended"]
    assert "Correct" not in evening["training broken"] and "did not run to its end: it stops with SyntaxError" in evening["training broken"]
    assert evening["kept"] == "3"  # a value of a student's own cell


def test_a_given_cell_that_fails_tells_the_answers_own_line_and_no_traceback(evening):
    assert evening["training fails"].startswith("IndexError: Dimension 1 has 1 places, and place 1 was asked for.")
    assert "x, y = X[batch, 1], Y[batch]" in evening["training fails"] and "\n" not in evening["training fails"]
    assert evening["training is missing"] == "NotImplementedError: this comes when train_tiny is written."
    assert "Traceback" in evening["own cell fails"] and "----> 1 1 / 0" in evening["own cell fails"]


@pytest.fixture(scope="module")
def graded(tiny, assigned, texts, tmp_path_factory, runner) -> Path:
    """A right notebook handed in as its last cell packs it, and in other ways."""
    folder = tmp_path_factory.mktemp("graded") / "course"
    copy_course(assigned, folder)
    notebook = nbformat.read(folder / "release" / TINY / NOTEBOOK, as_version=4)
    for name in ("double", "pieces", "slope", "by_hand", "train_tiny"):
        named(notebook, f"{name}_answer").source = texts[name]
    named(notebook, "why").source = "Because."
    weights = (tiny.weights(TINY) / WEIGHTS).read_bytes()

    def put(student: str, name: str, data: bytes) -> None:
        path = folder / "submitted" / student / TINY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def packed(nb) -> bytes:
        place = folder / "packed.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr(NOTEBOOK, nbformat.writes(nb))
            archive.writestr(WEIGHTS, weights)
        return place.read_bytes()

    whole = nbformat.writes(notebook).encode()
    put("zip_alone", PACKED, packed(notebook))
    put("zip_twice", f"{TINY}-handin (1).zip", packed(notebook))
    stale = nbformat.from_dict(notebook)
    for student in ("zip_beside", "as_it_is"):
        put(student, NOTEBOOK, whole)
        put(student, WEIGHTS, weights)
    old = nbformat.reads(nbformat.writes(stale), as_version=4)
    named(old, "double_answer").source = "def double(x):\n    return x"
    put("zip_beside", PACKED, packed(old))
    os.utime(folder / "submitted" / "zip_beside" / TINY / NOTEBOOK, (time.time() - 9e4,) * 2)
    for student, change in {"no_last_cell": None, "renamed": "other-name", "called": 'hand_in("x.ipynb")'}.items():
        nb = nbformat.reads(nbformat.writes(notebook), as_version=4)
        cell = named(nb, HAND_IN)
        if change is None:
            nb.cells = [other for other in nb.cells if other.metadata.get("nbgrader", {}).get("grade_id") not in (HAND_IN, INSTALLED)]
        elif change == "other-name":
            cell.metadata["nbgrader"]["grade_id"] = change
        else:
            cell.source = change
        put(student, NOTEBOOK, nbformat.writes(nb).encode())
        put(student, WEIGHTS, weights)
    convert(folder, "autograde", TINY, runner)
    return folder


@pytest.mark.parametrize("student", ["as_it_is", "zip_alone", "zip_twice", "zip_beside", "no_last_cell", "renamed", "called"])
def test_the_kits_own_cells_and_the_zip_cost_nobody_anything(student, graded):
    notebook = nbformat.read(graded / "autograded" / student / TINY / NOTEBOOK, as_version=4)
    with Gradebook(f"sqlite:///{graded}/gradebook.db", "tiny") as gradebook:
        grades = gradebook.find_submission_notebook(TINY, TINY, student).grades
        assert sum(grade.auto_score or 0 for grade in grades if grade.name != "why") == 14.0
        assert HAND_IN not in [grade.name for grade in grades]
    notes = [cell.source for cell in notebook.cells if "About this submission" in cell.source]
    assert notes == [] or student == "zip_twice" and "handin (1)" in notes[0]
    assert said(named(notebook, HAND_IN)) == "" and not list((graded / "autograded" / student).rglob("*.zip"))


@pytest.mark.parametrize("lecture", sorted(path.name for path in (ROOT / "assignments").iterdir()))
def test_every_notebook_begins_and_ends_with_the_kits_own_cells(lecture):
    cells = nbformat.read(ROOT / "assignments" / lecture / f"{lecture}.ipynb", as_version=4).cells
    lines = [line for line in cells[0].source.splitlines() if line]
    assert lines[0] == "**How this works**" and len(lines) <= 11
    assert all(word in cells[0].source for word in ("card", "Hints", "(locked)", "probe", "`g`", "Shapes", "Hand in", f"{lecture}-handin.zip"))
    last = cells[-1].metadata.nbgrader
    assert cells[-1].source.endswith("hand_in()") and (last.grade, last.solution, last.locked, "points" in last) == (False, False, True, False)
    labels = {"solution": "# Your code: ", "grade": "# Check (locked)"}
    for cell in (cell for cell in cells[1:-1] if cell.cell_type == "code"):
        kind = next((kind for kind in labels if cell.metadata.nbgrader[kind]), "")
        assert cell.source.startswith(labels.get(kind, ("# Given (locked)", "# Training (locked)")))
        if cell.metadata.nbgrader.grade_id != INSTALLED:  # what is broken, or missing, does not stop Run All
            assert cell.metadata.tags == ["raises-exception"]


def test_the_line_counts_bonus_points_apart(course):
    rules = course.lecture("lecture_1_trigram").exercises
    standing = Standing(rules, {name: ("correct", entry.points) for name, entry in rules.items() if not entry.written})
    assert standing.line() == "14 of 14 exercises, 18 of 18 points + 3 bonus; all is right: the last cell makes what you hand in"
    standing.known = {"vocabulary": ("correct", 99.0), "mean_nll": ("partly correct", 0.5)}
    assert standing.line("mean_nll") == "1 of 14 exercises, 1.5 of 18 points; next: `mean_nll`"


@pytest.mark.parametrize("beside", ["zero_to_hero_autograder-0.1.0-py3-none-any.whl", ""])
def test_another_project_of_the_same_name_is_told_with_what_to_type(beside, tmp_path):
    (tmp_path / "autograder").mkdir()
    (tmp_path / "autograder" / "__init__.py").write_text("")  # of the package index
    if beside:
        (tmp_path / beside).touch()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", IS_IT_INSTALLED], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "another project, which is called autograder as well" in ended.stderr and "During handling" not in ended.stderr
    assert f"%pip uninstall -y autograder zero-to-hero-autograder\n%pip install {beside or 'THE_WHL_FILE_OF_YOUR_COURSE'}\n" in ended.stderr


def test_a_notebook_that_cannot_be_read_is_none(tmp_path):
    for name, text in {"a.ipynb": "", "b.ipynb": "[]", "c.ipynb": '{"cells": [1]}', "d.ipynb": '{"cells": [{"source": 3}]}'}.items():
        (tmp_path / name).write_text(text)
        assert read_saved(tmp_path / name) is None
    assert read_saved(tmp_path / "none.ipynb") is None


def test_a_cell_is_as_it_was_released_by_nbgraders_own_sum(tiny):
    cells = nbformat.read(tiny.released(TINY) / f"{TINY}.ipynb", as_version=4).cells
    known = [cell for cell in cells if "checksum" in cell.metadata.get("nbgrader", {})]
    assert len(known) > 10 and all(is_as_released(cell) for cell in known)
    assert {is_as_released(cell) for cell in cells} == {True, None}
    for cell in known:
        cell.source += " "
        assert is_as_released(cell) is False and cell.metadata.nbgrader.checksum != compute_checksum(cell)


def test_of_an_answer_that_is_begun_the_line_that_is_not_written_is_named(tiny):
    stub = nbformat.read(tiny.released(TINY) / f"{TINY}.ipynb", as_version=4)
    cells = [{"source": cell.source, "metadata": cell.metadata, "outputs": []} for cell in stub.cells]
    saved, rules = Saved(Path("x.ipynb"), cells, 0.0), tiny.lecture(TINY).exercises["double"]
    begun = 'def double(x):\n    y = 2 * x\n    raise NotImplementedError("double")'
    ended = Record("double", (Draw(failure=Failure("NotImplementedError", "double", 'raise NotImplementedError("double")', 3)),))
    assert saved.is_unwritten("double", rules) and not_finished(ended, rules, saved.named("double_answer"), True) is None
    verdict = not_finished(ended, rules, begun, saved.as_released("double", begun))
    assert verdict.status == "error" and verdict.message.startswith('In `double`, line 3 of your cell still says `raise NotImplementedError("double")`.')
    named(stub, "double_answer").source = begun
    cells = [{"source": cell.source, "metadata": cell.metadata, "outputs": []} for cell in stub.cells]
    assert not Saved(Path("x.ipynb"), cells, 0.0).is_unwritten("double", rules)


def test_an_answer_in_a_cell_of_the_students_own_is_known_beside_the_stub(tiny):
    stub = nbformat.read(tiny.released(TINY) / f"{TINY}.ipynb", as_version=4)
    stub.cells.insert(0, nbformat.v4.new_code_cell("def double(x):\n    return 2 * x"))
    cells = [{"source": cell.source, "metadata": cell.metadata, "outputs": [], "cell_type": cell.cell_type} for cell in stub.cells]
    saved = Saved(Path("x.ipynb"), cells, 0.0)
    assert saved.defined_beside("double") == "double" and saved.defined_beside("slope") == ""


def test_the_last_cell_tells_of_a_check_that_is_gone_or_edited(tiny):
    stub = nbformat.read(tiny.released(TINY) / f"{TINY}.ipynb", as_version=4)
    named(stub, "double").source += "\nprint(1)"
    stub.cells.remove(named(stub, "slope"))
    for name in ("double", "slope"):
        named(stub, f"{name}_answer").source = "def f(x): return x"
    cells = [{"source": cell.source, "metadata": cell.metadata, "outputs": []} for cell in stub.cells]
    standing = Standing(tiny.lecture(TINY).exercises, {"double": ("wrong", 0.0)})
    states = {name: last_cell._state(name, Saved(Path("x.ipynb"), cells, 0.0), standing, Path())[0] for name in ("double", "slope")}
    assert states["double"] == "wrong; its check was edited (grading runs it as it was handed out)"
    assert states["slope"] == "not checked; its check is not in the notebook (grading puts it back)"
    standing.changed.add("double")
    state = last_cell._state("double", Saved(Path("x.ipynb"), cells, 0.0), standing, Path())
    assert state == ("changed since its check: run its cell, then its check", "0 of 2")
