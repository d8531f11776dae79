"""What students type into notebooks runs here as in ipykernel: the same values, texts, pictures and errors.

The cells stand in ``habits.py``: one notebook for a real kernel, and one job for our runner.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import habits
import nbformat
import pytest
from conftest import TINY, daily
from nbclient import NotebookClient

from autograder.grading.secret import hidden_facts
from autograder.inside.shell import KEPT
from autograder.runner.job import Cell, CellResult, Job

OF_ITS_OWN = (  # what no two processes have in common
    (re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]"), ""),
    (re.compile(r"\r\n"), "\n"),
    (re.compile(r"(/tmp/ipykernel_\d+/)?\d{6,10}\.py"), "CELL"),
    (re.compile(r"0x[0-9a-f]+"), "0x"),
)


def ours(sources: list[str], tiny, runner, **limits: Any) -> list[CellResult]:
    job = Job([Cell(source) for source in sources], {"helper.py": habits.HELPER.encode()}, hidden_facts(tiny, TINY).to_json(), {})
    job.limits = {**tiny.course.limits.model_dump(), "cell_seconds": 60, "cell_cpu_seconds": 30, **limits}
    return runner.run(job).cells


def in_a_kernel(sources: list[str], folder: Path) -> list[list[Any]]:
    (folder / "helper.py").write_text(habits.HELPER)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(notebook, allow_errors=True, timeout=60, resources={"metadata": {"path": str(folder)}})
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}  # by which ipykernel behaves otherwise
    client.execute(env={**env, "IPYTHONDIR": str(folder / "ipython")})
    return [cell.outputs for cell in notebook.cells]


def same(text: str) -> str:
    for pattern, name in OF_ITS_OWN:
        text = pattern.sub(name, text)
    return text


def seen(outputs: list[Any]) -> dict[str, Any]:
    """What a student sees of a cell; how its streams are cut and mixed is chance in a kernel."""
    found: dict[str, Any] = {"stdout": "", "stderr": "", "shown": [], "errors": []}
    for output in outputs:
        if output["output_type"] == "stream":
            found[output["name"]] += same(output["text"])
        elif output["output_type"] == "error":
            found["errors"].append((output["ename"], same(output["evalue"])))
        else:
            pictures = {mime: "drawn" for mime in output["data"] if mime.startswith("image/png")}
            texts = {mime: same(text) for mime, text in output["data"].items() if mime in KEPT and mime not in pictures}
            found["shown"].append((output["output_type"], {**texts, **pictures}))
    return found


def kinds(outputs: list[Any]) -> dict[str, Any]:
    """The same without the texts."""
    found = seen(outputs)
    shown = [(kind, sorted(data)) for kind, data in found["shown"]]
    return {"stdout": bool(found["stdout"]), "stderr": bool(found["stderr"]), "shown": shown, "errors": found["errors"]}


@pytest.fixture(scope="module")
def both(tiny, runner, tmp_path_factory) -> dict[str, tuple[list[Any], list[Any]]]:
    """Of each cell: what a kernel shows, and what ours does."""
    cells = {**habits.ALIKE, **habits.LOOSE}
    there = in_a_kernel(list(cells.values()), tmp_path_factory.mktemp("notebook"))
    here = ours(list(cells.values()), tiny, runner)
    assert all(cell.ran and not cell.ended for cell in here)
    return {name: (expected, cell.outputs) for name, expected, cell in zip(cells, there, here)}


def differences(both: dict[str, tuple[list[Any], list[Any]]], table: dict[str, str], look: Callable[..., Any]) -> dict:
    pairs = {name: (look(both[name][0]), look(both[name][1])) for name in table}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def test_a_cell_shows_what_it_shows_in_ipykernel(both):
    assert not differences(both, habits.ALIKE, seen)


def test_a_cell_whose_times_and_places_are_its_own_shows_the_same_kinds_of_output(both):
    assert not differences(both, habits.LOOSE, kinds)


def test_the_list_is_long():
    assert len({**habits.ALIKE, **habits.LOOSE}) == len(habits.ALIKE) + len(habits.LOOSE) > 300


def test_what_differs_on_purpose_is_kinder_than_a_kernel(tiny, runner):
    found = ours([*habits.OTHERWISE, "'the end'"], tiny, runner)
    shown = {source: str(seen(cell.outputs)) for source, cell in zip(habits.OTHERWISE, found)}
    assert {source: shown[source] for source, (text, _) in habits.OTHERWISE.items() if text not in shown[source]} == {}
    assert seen(found[-1].outputs)["shown"] == [("execute_result", {"text/plain": "'the end'"})]


def test_a_recursion_without_end_is_told_in_time(tiny, runner):
    cell = ours(["def f(): return f()\nf()"], tiny, runner, cell_seconds=20)[0]
    assert seen(cell.outputs)["errors"] == [("RecursionError", "maximum recursion depth exceeded")]
    assert not cell.ended


# the event loop


TASK = """
import asyncio
async def f():
    {}
t = asyncio.create_task(f())
"""


def test_a_task_goes_on_behind_its_cell_and_its_error_is_the_next_awaits(tiny, runner):
    begun = TASK.format("print('begun'); await asyncio.sleep(0.01); raise KeyError('late')")
    first, second = (seen(cell.outputs) for cell in ours([begun, "await t"], tiny, runner))
    assert first["stdout"] == "begun\n"
    assert second["errors"] == [("KeyError", "'late'")]


def test_a_task_that_never_ends_costs_no_other_cell(tiny, runner):
    cells = [TASK.format("while True: await asyncio.sleep(0)"), "await asyncio.sleep(60)", "1 + 1"]
    begun, waited, after = ours(cells, tiny, runner, cell_seconds=1)
    assert not begun.ended and not after.ended
    assert "1 seconds" in (waited.ended or "")
    assert seen(after.outputs)["shown"] == [("execute_result", {"text/plain": "2"})]


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_a_task_that_interrupts_or_exits_costs_no_cell(error: str, tiny, runner):
    task, after = ours([TASK.format(f"raise {error}"), "1 + 1"], tiny, runner)
    assert task.ran and not task.ended
    assert seen(after.outputs)["shown"] == [("execute_result", {"text/plain": "2"})]


# too much output


FLOODS = {
    "print": "for i in range(100_000): print('x' * 40)",
    "print without an end": "for i in range(300_000): print('x', end='')",
    "nothing at all": "for i in range(300_000): print('', end='')",
    "a subprocess": "import os\n_ = os.system('yes xxxxxxxxxxxxxxxxxxx | head -c 3000000')",
    "display": "for i in range(3_000): display(i)",
    "both streams": "import sys\nfor i in range(30_000): print(i); print(i, file=sys.stderr)",
    "characters of four bytes": "for i in range(3_000): print('😀' * 100)",
    "characters that JSON spells out": "for i in range(3_000): print('\\x01\"' * 100)",
    "halves of characters": "for i in range(3_000): print('\\ud800' * 100)",
    "tracebacks": "for i in range(300):\n    try: raise ValueError('x' * 1000)\n    except ValueError: get_ipython().showtraceback()",
}


@pytest.mark.parametrize("flood", daily(("print", "a subprocess", "both streams", "halves of characters", "tracebacks"), FLOODS))
def test_too_much_output_is_cut_and_said_once_and_the_code_goes_on(flood, tiny, runner):
    cells = [f"{FLOODS[flood]}\nreached = 1\nraise KeyError('seen')", "reached"]
    first, second = ours(cells, tiny, runner, output_kb=100)
    found = seen(first.outputs)
    assert found["stderr"].count("the rest is not shown") == (flood not in ("nothing at all", "tracebacks"))
    assert len(str(first.outputs)) < 1_500_000
    assert found["errors"][-1] == ("KeyError", "'seen'")
    assert seen(second.outputs)["shown"] == [("execute_result", {"text/plain": "1"})]


def test_two_streams_in_turn_lose_nothing(tiny, runner):
    found = seen(ours(["import sys\nfor i in range(3_000):\n    print(i)\n    print(i, file=sys.stderr)"], tiny, runner)[0].outputs)
    assert found["stdout"] == found["stderr"] == "".join(f"{i}\n" for i in range(3_000))


def test_pictures_in_place_of_each_other_are_not_too_much(tiny, runner):
    cell = "for i in range(40):\n    clear_output(wait=True)\n    print('x' * 9000)\nprint('the last')"
    found = seen(ours(["from IPython.display import clear_output", cell], tiny, runner, output_kb=16)[1].outputs)
    assert found["stdout"].endswith("x\nthe last\n") and not found["stderr"]


def test_a_check_whose_function_prints_far_too_much_is_handed_over(tiny, runner):
    job = Job(
        [
            Cell("import torch\ndef double(x):\n    for _ in range(20_000): print('left over' * 10)\n    return 2 * x"),
            Cell("check('double', lambda g: double(torch.ones(2)))", True, "double"),
        ],
        {},
        hidden_facts(tiny, TINY).to_json(),
        {**tiny.course.limits.model_dump(), "output_kb": 64},
    )
    result = runner.run(job)
    assert [draw.failure for draw in result.records["double"].draws] == [None] * len(result.records["double"].draws)
    assert seen(result.cells[1].outputs)["stderr"].count("output_kb") == 1
