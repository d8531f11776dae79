"""A check as a student meets it: in a real Jupyter kernel, in a terminal, and through ``nbgrader validate``."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import TINY
from nbclient import NotebookClient
from test_nbgrader import fill

from autograder.commands.demo_class import solution_texts
from autograder.judge.answers import Answers

MISTAKE = "def double(x):\n    return x * x"
SAYS = "You squared the tensor: twice a number is not its square."


@pytest.fixture
def folder(tiny, tmp_path) -> Path:
    """What a student has fetched."""
    shutil.copytree(tiny.released(TINY), tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(folder: Path, texts: dict[str, str]):
    """Run the notebook in a real kernel; the outputs of each check by its id."""
    path = folder / f"{TINY}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name.removesuffix("_answer") in texts and name.endswith("_answer"):
            cell.source = texts[name.removesuffix("_answer")]
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return {
        c.metadata.nbgrader.grade_id: c.outputs
        for c in notebook.cells
        if c.cell_type == "code" and c.metadata.get("nbgrader")
    }


def html(outputs) -> str:
    return "".join(o.data.get("text/html", "") for o in outputs if o.output_type == "display_data")


def errors(outputs) -> list:
    return [o for o in outputs if o.output_type == "error"]


def test_a_notebook_half_done_tells_each_exercise_where_it_stands(folder, tiny):
    texts = solution_texts(tiny, TINY)
    outputs = run(
        folder,
        {
            "double": MISTAKE,
            "pieces": texts["pieces"],
            "train_tiny": texts["train_tiny"],
            "slope": "def slope(x):\n    return x / 0 @ 1",
        },
    )
    assert "Correct" in html(outputs["pieces"]) and not errors(outputs["pieces"])
    assert SAYS in html(outputs["double"])
    (error,) = errors(outputs["double"])
    assert error.ename == "CheckFailed" and len(error.traceback) == 1  # none of the kit's own lines
    assert "Not attempted yet." in html(outputs["by_hand"])
    assert "in line 2 of your cell: <code>return x / 0 @ 1</code>" in html(outputs["slope"])
    assert "The test loss is 2.5" in html(outputs["train_tiny"])
    looked_at = r"Looked at: the weights in <code>train_tiny.safetensors</code>, trained in \d+ steps, saved \d\d \w+, \d\d:\d\d"
    assert re.search(looked_at, html(outputs["train_tiny"]))
    assert "loss curve" in html(outputs["train_tiny_fit"]) and (folder / "train_tiny.safetensors").is_file()


def test_in_a_kernel_the_lectures_own_cells_are_told_from_the_students_and_a_wrong_value_is_shown(folder):
    outputs = run(folder, {"double": "def double(x):\n    return x * 3", "slope": "def helper(x):\n    return x @ 1\ndef slope(x):\n    return helper(x)"})
    card = html(outputs["double"])
    assert "double(x)\n  x: tensor([[" in card and "elements, * where yours differ:" in card and "<svg" in card
    assert "in line 2 of your cell: <code>return x @ 1</code>" in html(outputs["slope"])


BY_AUTOGRAD = """def by_hand(x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        (x * x).sum().backward()
    return x.grad"""
COMPARED = """%time x = torch.ones(3, requires_grad=True)
def by_hand(x):
    return 2 * x
(x * x).sum().backward()
print(x.grad - by_hand(x))"""


def test_a_forbidden_name_is_told_as_grading_tells_it(folder):
    outputs = run(folder, {"by_hand": BY_AUTOGRAD})
    assert "<code>backward</code> stands in line 4 of the cell that begins with <code>def by_hand(x):</code>" in html(outputs["by_hand"])
    assert "is to be solved without it" in errors(outputs["by_hand"])[0].evalue


@pytest.mark.slow
def test_a_comparison_with_autograd_below_the_answer_is_free(folder):
    outputs = run(folder, {"by_hand": COMPARED})
    assert "Correct" in html(outputs["by_hand"]) and not errors(outputs["by_hand"])


@pytest.fixture
def script(folder) -> Path:
    """The same check in a plain Python program."""
    path = folder / "check_it.py"
    path.write_text(
        f'import torch\nfrom autograder import check\n{MISTAKE}\ncheck("double", lambda g: double(torch.randn(3, 4, generator=g)))\n'
    )
    return path


def in_terminal(script: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, script.name], cwd=script.parent, capture_output=True, text=True)


def test_in_a_terminal_the_diagnosis_is_plain_text(script):
    said = in_terminal(script)
    assert said.returncode == 1 and SAYS in said.stderr and "<div" not in said.stderr


@pytest.mark.slow
def test_in_a_terminal_a_right_answer_says_so(script):
    script.write_text(script.read_text().replace("x * x", "x + x"))
    said = in_terminal(script)
    assert said.returncode == 0 and said.stdout == "double: correct, 2 of 2 points\n"


def test_missing_answers_are_told_in_a_sentence(script):
    (script.parent / "expected.safetensors").unlink()
    assert "expected.safetensors is not in" in in_terminal(script).stderr


@pytest.mark.slow
def test_damaged_answers_are_told_in_a_sentence(script):
    (script.parent / "expected.safetensors").write_bytes(b"damaged")
    assert "expected.safetensors is damaged; fetch the assignment again." in in_terminal(script).stderr


def test_another_torch_fails_no_right_answer_but_says_which_to_install(script):
    path = script.parent / "expected.safetensors"
    answers = Answers.load(path)
    answers.facts["canary"][0] += 1
    answers.save(path)
    said = in_terminal(script).stderr
    assert "draws other random numbers" in said and "pip install torch==2." in said


def validate(folder: Path) -> str:
    said = subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", f"{TINY}.ipynb"], cwd=folder, capture_output=True, text=True
    )
    return said.stdout + said.stderr


@pytest.mark.slow
def test_nbgrader_validate_tells_the_truth(folder, tiny):
    assert "Not attempted yet." in validate(folder)
    path = folder / f"{TINY}.ipynb"
    fill(path, solution_texts(tiny, TINY))
    path.write_text(path.read_text().replace("YOUR ANSWER HERE", "Because."))
    assert "Success! Your notebook passes all the tests." in validate(folder)
