"""Every lecture as its students run it: the released notebook in a real Jupyter kernel, once untouched and once solved."""

import ast
import shutil
import struct
import time
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.commands.demo_class import solution_texts
from autograder.course.directory import load_course
from autograder.course.notebook import ANSWER
from autograder.course.schema import Exercise

LECTURES = list(load_course(ROOT / "course.yml").course.lectures)
SECONDS = 120  # for a whole notebook beyond training, on one core
WIDEST = 1000  # pixels of a figure, so that it fits a notebook's column


@dataclass
class Ran:
    """A lecture's notebook after it was run from top to bottom: as it is released, with wrong answers, then solved, in the same kernel."""

    rules: dict[str, Exercise]
    untouched: NotebookNode
    wrong: NotebookNode
    solved: NotebookNode
    seconds: float  # of the solved one


DAILY = LECTURES[4:5]  # the others in the slow run; verify proves all of them each day, and in a kernel test_own_value.py runs the first of them


@pytest.fixture(scope="module", params=[pytest.param(lecture, marks=[] if lecture in DAILY else pytest.mark.slow) for lecture in LECTURES])
def ran(request, course, released, tmp_path_factory) -> Ran:
    """What a student does in an evening: fetches the folder, runs all, fills in all, runs all again."""
    lecture = request.param
    folder = tmp_path_factory.mktemp("fetched") / lecture
    shutil.copytree(released / lecture, folder)
    texts = solution_texts(course, lecture)
    untouched, wrong, solved = (filled(folder, lecture, those) for those in ({}, {name: odd(text) for name, text in texts.items()}, texts))
    client = client_of(untouched, folder)
    with client.setup_kernel():
        run_all(client)
        client.nb = wrong
        run_all(client)
        for path in course.weights(lecture).glob("*.safetensors"):
            shutil.copyfile(path, folder / path.name)
        client.nb, begun = solved, time.monotonic()
        run_all(client)
    return Ran(course.lecture(lecture).exercises, untouched, wrong, solved, time.monotonic() - begun)


def odd(text: str) -> str:
    """An answer whose functions return a single zero, whatever is asked for."""
    tree = ast.parse(text)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        function.body = ast.parse("return torch.zeros(1)").body
    return ast.unparse(tree)


def filled(folder: Path, lecture: str, texts: dict[str, str]) -> NotebookNode:
    """A lecture's notebook with answers in it."""
    notebook = nbformat.read(folder / f"{lecture}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix(ANSWER)
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution") and name in texts:
            cell.source = texts[name]
    return notebook


def client_of(notebook: NotebookNode, folder: Path) -> NotebookClient:
    place = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True, resources=place)


def run_all(client: NotebookClient) -> None:
    for place, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, place)


def code_cells(notebook) -> list[tuple[str, object]]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell) for cell in cells]


def test_a_solved_notebook_runs_from_top_to_bottom_in_silence(ran: Ran):
    """All checks green, no error, no warning, figures that fit, and no long wait: the trained weights are beside it."""
    rules = ran.rules
    for name, cell in code_cells(ran.solved):
        for output in cell.outputs:
            assert output.output_type != "error", (name, output.evalue)
            assert output.get("name") != "stderr", (name, output.text)
            if png := output.get("data", {}).get("image/png"):
                width, _ = struct.unpack(">II", b64decode(png)[16:24])
                assert width <= WIDEST, name
        if name in rules and not rules[name].written:
            shown = "".join(o.data.get("text/html", "") for o in cell.outputs if "data" in o)
            assert "Correct" in shown, name
        if name.endswith("_fit"):
            assert "Loaded the finished training" in "".join(o.get("text", "") for o in cell.outputs), name
    assert ran.seconds < SECONDS


def test_in_an_untouched_notebook_only_the_exercises_complain(ran: Ran):
    """Every provided cell runs although no answer is there, and each check says that it was not attempted."""
    rules = ran.rules
    for name, cell in code_cells(ran.untouched):
        failed = [output for output in cell.outputs if output.output_type == "error"]
        if name in rules:
            shown = "".join(o.data.get("text/html", "") for o in cell.outputs if "data" in o)
            assert "Not attempted yet." in shown, name
        elif name.endswith("_fit"):
            assert [output.ename for output in failed] == ["NotImplementedError"], name
        else:
            assert not failed, (name, failed[0].evalue)
            assert not [o for o in cell.outputs if o.get("name") == "stderr"], name


def test_wrong_answers_stop_no_given_cell(ran: Ran):
    """A picture that uses an answer is left out where that is wrong, and says so."""
    for name, cell in code_cells(ran.wrong):
        failed = [output for output in cell.outputs if output.output_type == "error"]
        if name not in ran.rules and not name.endswith(("_fit", ANSWER)):
            assert not failed, (name, failed[0].evalue)


@pytest.mark.parametrize("lecture", LECTURES)
def test_every_stub_says_what_goes_in_and_out_with_its_shapes(lecture):
    """No argument and no result is without a type, and none is a bare Tensor."""
    notebook = nbformat.read(ROOT / "assignments" / lecture / f"{lecture}.ipynb", as_version=4)
    for name, cell in code_cells(notebook):
        if not name.endswith(ANSWER):
            continue
        for function in (node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.FunctionDef)):
            types = [argument.annotation for argument in function.args.args if argument.arg != "self"]
            types += [function.returns] if function.name != "__init__" else []
            written = [ast.unparse(t) if t is not None else "no type" for t in types]
            assert "no type" not in written and "Tensor" not in written, (name, function.name, written)
