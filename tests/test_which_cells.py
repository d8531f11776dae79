"""Which cell is which, whatever an editor has dropped, merged, moved or copied: nothing right is lost, and what was done is told."""

from collections.abc import Callable

import nbformat
import pytest
from conftest import TINY, asked_for, copy_course, daily
from converters import convert
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.plugin.notes import NOTE
from autograder.plugin.recognise import names_given

FULL, WRITTEN = 14.0, "Because it is so."
Edit = Callable[[nbformat.NotebookNode], None]


def named(nb, name: str):
    return next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def without(*parts: str) -> Edit:
    """All cells without these parts."""

    def edit(nb) -> None:
        for number, cell in enumerate(nb.cells):
            cell.metadata.pop("nbgrader", None) if "metadata" in parts else None
            if "id" in parts:
                cell.id = f"new-{number}"

    return edit


def merged(first: str, *others: str) -> Edit:
    """Cells that an editor has made one, which keeps the metadata of the first."""

    def edit(nb) -> None:
        into = named(nb, first)
        for name in others:
            cell = named(nb, name)
            into.source += f"\n\n{cell.source}"
            nb.cells.remove(cell)

    return edit


def all_code_in_one(nb) -> None:
    first, *others = [cell for cell in nb.cells if cell.cell_type == "code"]
    for cell in others:
        first.source += f"\n\n{cell.source}"
        nb.cells.remove(cell)


def moved(name: str, behind: str) -> Edit:
    def edit(nb) -> None:
        cell = named(nb, name)
        nb.cells.remove(cell)
        nb.cells.insert(nb.cells.index(named(nb, behind)) + 1, cell)

    return edit


def copied(name: str, beside: str, by: int, stub: bool) -> Edit:
    """A second copy without metadata; the first is as it was released, or stays."""

    def edit(nb) -> None:
        cell = named(nb, name)
        nb.cells.insert(nb.cells.index(named(nb, beside)) + by, new_code_cell(cell.source))
        if stub:
            cell.source = STUBS[name]

    return edit


def ends_of_lines(nb) -> None:
    for cell in nb.cells:
        cell.source = cell.source.replace("\n", "\r\n") + "\r\n"


def both(*edits: Edit) -> Edit:
    return lambda nb: [edit(nb) for edit in edits] and None


def removed(name: str) -> Edit:
    return lambda nb: nb.cells.remove(named(nb, name))


def written_elsewhere(nb) -> None:
    cell = named(nb, "why")
    nb.cells.insert(nb.cells.index(cell) + 1, new_markdown_cell(cell.source))
    cell.source = STUBS["why"]


def written_anew(nb) -> None:
    cell = named(nb, "why")
    place = nb.cells.index(cell)
    nb.cells[place] = new_markdown_cell(cell.source)


def written_as_raw(nb) -> None:
    cell = named(nb, "why")
    nb.cells[nb.cells.index(cell)] = nbformat.v4.new_raw_cell(cell.source)


def from_colab(nb) -> None:
    """As Google Colab saves: no ids, its own metadata in each cell, nothing of ours in the notebook's."""
    nb.nbformat_minor = 0
    kernel = {"name": "python3", "display_name": "Python 3"}
    nb.metadata = nbformat.from_dict({"colab": {"provenance": []}, "kernelspec": kernel, "language_info": {"name": "python"}})
    nb.cells.insert(0, new_code_cell("%pip install --no-deps zero_to_hero_autograder-0.1.0-py3-none-any.whl", metadata={"id": "i"}))
    for number, cell in enumerate(nb.cells):
        cell.pop("id", None)
        cell.metadata = nbformat.from_dict({**cell.metadata, "id": f"aB3_{number}", "colab": {"base_uri": "https://localhost:8080/"}, "outputId": "x"})
        cell.metadata.pop("tags", None)


STUBS: dict[str, str] = {}
CASES: dict[str, tuple[Edit, str]] = {  # what becomes of a right notebook, and what is told
    "as_it_was": (lambda nb: None, ""),
    "metadata_lost": (without("metadata"), "cells had lost what nbgrader knows them by; they were recognised by their text"),
    "ids_lost": (without("id"), ""),
    "both_lost": (without("metadata", "id"), "recognised by their text"),
    "two_answers_merged": (merged("double_answer", "pieces_answer"), "The answer to pieces stands in another cell; that one counts"),
    "answer_and_check_merged": (merged("double_answer", "double"), "The cell double was missing; it was put back"),
    "answer_in_a_locked_cell": (merged("provided_1", "double_answer"), "The locked cell provided_1 held answers, too"),
    "answer_in_the_check_before": (merged("double", "pieces_answer"), "The locked cell double held answers, too"),
    "all_code_in_one": (all_code_in_one, "The locked cell kit-installed held answers, too"),
    "below_its_check": (moved("double_answer", "double"), "The cell double_answer stood below its check; it runs before it"),
    "model_below_its_fit": (moved("train_tiny_answer", "train_tiny"), "stood below its check"),
    "copy_above_a_stub": (copied("double_answer", "double_answer", 0, stub=True), "The answer to double stands in another cell"),
    "copy_below_a_stub": (copied("double_answer", "double_answer", 1, stub=True), "The answer to double stands in another cell"),
    "copy_below_the_check": (copied("double_answer", "double", 1, stub=True), "The answer to double stands in another cell"),
    "copy_beside_the_answer": (copied("double_answer", "double_answer", 0, stub=False), ""),
    "answer_made_anew": (both(copied("double_answer", "double_answer", 1, stub=False), removed("double_answer")), "recognised by their text"),
    "ends_of_lines": (ends_of_lines, ""),
    "written_elsewhere": (written_elsewhere, "a person looks at it"),
    "written_anew": (written_anew, ""),
    "written_without_metadata": (both(written_anew, without("id")), ""),
    "written_as_raw": (written_as_raw, ""),
    "from_colab": (from_colab, ""),
    "from_colab_without_metadata": (both(from_colab, without("metadata")), "recognised by their text"),
    "kits_cells_edited": (both(removed("kit-installed"), merged("kit-hand-in", "double")), "The cell double was missing; it was put back"),
}


UNTOLD = ("as_it_was", "from_colab", "ids_lost", "copy_beside_the_answer", "ends_of_lines")
DAILY = """
    as_it_was metadata_lost both_lost two_answers_merged answer_in_a_locked_cell all_code_in_one model_below_its_fit
    copy_above_a_stub copy_beside_the_answer answer_made_anew written_elsewhere written_as_raw from_colab kits_cells_edited
"""


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory, assigned, runner):
    folder = tmp_path_factory.mktemp("cells") / "course"
    tiny = copy_course(assigned, folder)
    stub = nbformat.read(assigned.released(TINY) / f"{TINY}.ipynb", as_version=4)
    STUBS.update({cell.metadata.nbgrader.grade_id: cell.source for cell in stub.cells if "nbgrader" in cell.metadata})
    solutions = solution_texts(tiny, TINY)
    for student in asked_for(request, "student", CASES):
        path = hand_in(tiny, folder, TINY, Submission(student, dict(solutions), {})) / f"{TINY}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        named(notebook, "why").source = WRITTEN
        CASES[student][0](notebook)
        nbformat.write(notebook, path)
    convert(folder, "autograde", TINY, runner)
    return folder


@pytest.mark.parametrize("student", daily(DAILY, CASES))
def test_nothing_right_is_lost_and_it_is_told_once(student, graded):
    notebook = nbformat.read(graded / "autograded" / student / TINY / f"{TINY}.ipynb", as_version=4)
    notes = " ".join(cell.source for cell in notebook.cells if NOTE.fullmatch(cell.source))
    with Gradebook(f"sqlite:///{graded}/gradebook.db", "tiny") as gradebook:
        grades = {grade.name: grade for grade in gradebook.find_submission_notebook(TINY, TINY, student).grades}
        points = {name: grade.auto_score for name, grade in grades.items() if name != "why"}
        assert (sum(points.values()), grades["why"].needs_manual_grade) == (FULL, True), (points, notes)
    assert CASES[student][1] in notes
    assert any(WRITTEN in cell.source for cell in notebook.cells)


@pytest.mark.parametrize("student", daily("as_it_was copy_beside_the_answer from_colab", UNTOLD))
def test_nobody_is_accused(student, graded):
    notebook = nbformat.read(graded / "autograded" / student / TINY / f"{TINY}.ipynb", as_version=4)
    assert not any(NOTE.fullmatch(cell.source) for cell in notebook.cells)


def test_names_that_a_cell_defines():
    source = "def f(x):\n    y = 1\nasync def g(): pass\nclass A: pass\nB: int = 3\nC = D = 4\nif x == 1: pass\nx.y = 2\n\tE = 1\nfor i in x: F = 1\n"
    assert names_given(source) == {"f", "g", "A", "B", "C"}
