"""What a student has, on any system: the stub as it is committed, a Jupyter kernel, and this package without the instructor's.

Needs no other file of the tests; runs on macOS and Windows too.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
LECTURE = "lecture_1_trigram"
RIGHT = """
def vocabulary(words):
    stoi = {symbol: index for index, symbol in enumerate(["."] + sorted(set("".join(words))))}
    return stoi, {index: symbol for symbol, index in stoi.items()}
"""
WITHOUT_DOTS = """
def bigram_counts(words):
    counts = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        for a, b in zip(word, word[1:]):
            counts[SYMBOLS.index(a), SYMBOLS.index(b)] += 1
    return counts
"""
ONE_STEP = """
fit("train_trigram", lambda: {"W": torch.zeros(27 * 27, 27)}, lambda model: iter([3.2958]), steps=1);
import sys
print([name for name in ("nbgrader", "jupytext", "typer") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> dict[str, list]:
    """The outputs of each cell after one right answer, one wrong one, and a training of one step."""
    folder = tmp_path_factory.mktemp("student")
    shutil.copytree(ROOT / "assignments" / LECTURE, folder, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "names.txt", folder / "names.txt")
    notebook = nbformat.read(folder / f"{LECTURE}.ipynb", as_version=4)
    answers = {"vocabulary_answer": RIGHT, "bigram_counts_answer": WITHOUT_DOTS, "train_trigram_fit": ONE_STEP}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(name, cell.source)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True, resources=place).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and "nbgrader" in cell.metadata]
    found = {cell.metadata["nbgrader"]["grade_id"]: cell.outputs for cell in cells}
    found["weights"] = [path.name for path in folder.glob("*.safetensors")]
    return found


def card(outputs: list) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in outputs)


def test_a_right_answer_is_correct(shown):
    assert "Correct" in card(shown["vocabulary"]) and "1 / 1" in card(shown["vocabulary"])


def test_a_wrong_answer_is_told(shown):
    assert "0 / 2" in card(shown["bigram_counts"])
    assert shown["bigram_counts"][-1]["ename"] == "CheckFailed"


def told(outputs: list) -> str:
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_a_line_says_how_far_one_is(shown):
    assert "1 of 14 exercises, 1 of 18 points; next: `split_names`" in told(shown["vocabulary"])


def test_the_last_cell_asks_to_save_first(shown):
    assert "older than what runs here" in told(shown["kit-hand-in"]) and "bigram_counts" in told(shown["kit-hand-in"])


def test_an_untouched_exercise_is_not_attempted(shown):
    assert "Not attempted yet." in card(shown["bigram_probabilities"])


def test_a_training_leaves_its_weights(shown):
    assert "train_trigram.safetensors" in shown["weights"]


def test_nothing_of_the_instructors_is_loaded(shown):
    assert "[]" in "".join(output.get("text", "") for output in shown["train_trigram_fit"])
