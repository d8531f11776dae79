"""Submissions as strangers hand them in, through nbgrader's own ``Autograde``: each gets its points and a clear message."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from conftest import TINY, asked_for, copy_course, daily
from converters import convert
from nbgrader.api import Gradebook

from autograder.commands.demo import shown_cards
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.course.notebook import ANSWER

FULL = {"double": 2, "pieces": 4, "slope": 3, "by_hand": 2, "train_tiny": 3}
NOTHING = dict.fromkeys(FULL, 0)


@dataclass
class Case:
    """One submission: the reference, changed by ``edit``; exercises that lose points; what the feedback must say."""

    name: str
    edit: Callable[[Path], None]
    points: dict[str, float] = field(default_factory=dict)  # where they are not full
    says: str = ""


def notebook_file(folder: Path) -> Path:
    return folder / f"{TINY}.ipynb"


def change(function: Callable) -> Callable[[Path], None]:
    """An edit of the notebook's JSON."""

    def edit(folder: Path) -> None:
        path = notebook_file(folder)
        notebook = nbformat.read(path, as_version=4)
        function(notebook)
        path.write_text(json.dumps(notebook), encoding="utf-8")

    return edit


def cell_of(notebook, grade_id: str):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answer(exercise: str, text: str, append: bool = False) -> Callable[[Path], None]:
    """An edit that replaces an answer, or goes on after the right one."""

    def function(notebook) -> None:
        cell = cell_of(notebook, exercise + ANSWER)
        cell.source = f"{cell.source}\n{text}" if append else text

    return change(function)


def also(exercise: str, text: str) -> Callable[[Path], None]:
    return answer(exercise, text, append=True)


def remove(grade_id: str) -> Callable[[Path], None]:
    return change(lambda notebook: notebook.cells.remove(cell_of(notebook, grade_id)))


def repeat(notebook) -> None:
    cell = cell_of(notebook, "double")
    notebook.cells.insert(0, nbformat.from_dict({**json.loads(json.dumps(cell)), "id": "again"}))


def set_source(grade_id: str, text: str) -> Callable[[Path], None]:
    return change(lambda notebook: cell_of(notebook, grade_id).update(source=text))


def set_metadata(cell_id: str, **values) -> Callable[[Path], None]:
    return change(lambda notebook: cell_of(notebook, cell_id).metadata["nbgrader"].update(values))


def other_lecture(folder: Path) -> None:
    cells = [nbformat.v4.new_code_cell("x = 1", metadata={"nbgrader": {"grade_id": "elsewhere", "grade": True}})]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook_file(folder))


LIAR = """
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True
    def __eq__(self, other):
        return True

def double(x):
    return torch.zeros(3, 4).as_subclass(Liar)
"""
BACKWARD = "def by_hand(x):\n    x = x.requires_grad_()\n    (x * x).sum().backward()\n    return x.grad"
ENDED = "ended the process"
ENDLESS = "(the limit cell_"  # of the processor or, beside busy neighbours, of the wall

CASES = [
    Case("right", lambda folder: None),
    Case(
        "not_a_notebook",
        lambda f: notebook_file(f).write_bytes(b"PK\x03\x04 not json"),
        NOTHING,
        "cannot be read as a notebook",
    ),
    Case(
        "json_but_no_notebook", lambda f: notebook_file(f).write_text("[1, 2]"), NOTHING, "cannot be read as a notebook"
    ),
    Case("empty_file", lambda f: notebook_file(f).write_bytes(b""), NOTHING, "is empty"),
    Case("other_lecture", other_lecture, NOTHING, "This is not the notebook of lecture_t_tiny"),
    Case(
        "renamed", lambda f: notebook_file(f).rename(f / "my homework (1).ipynb"), {}, "is called my homework (1).ipynb"
    ),
    Case("missing", lambda f: notebook_file(f).unlink(), NOTHING, "There is no lecture_t_tiny.ipynb"),
    Case("deleted_check", remove("double"), {}, "The cell double was missing; it was put back."),
    Case("deleted_answer", remove("double_answer"), {"double": 0}, "The cell double_answer was missing"),
    Case("duplicated_check", change(repeat), {}, "The cell double stands more than once"),
    Case("edited_check", set_source("double", "1 + 1"), {}, "The locked cell double had been edited"),
    Case(
        "edited_provided_cell",
        set_source("provided_1", "torch = None"),
        {},
        "The locked cell provided_1 had been edited",
    ),
    Case("changed_points", set_metadata("double", points=200), {}, "The points of double had been changed; 2 count."),
    Case("ungraded_itself", set_metadata("double", grade=False, solution=True), {}),
    Case("damaged_metadata", set_metadata("double", grade_id=["double"]), {}, "The cell double was missing"),
    Case("syntax_error", answer("double", "def double(x)\n    return"), {"double": 0}, "SyntaxError"),
    Case("not_indented", answer("double", "def double(x):\nreturn x"), {"double": 0}, "IndentationError"),
    Case(
        "error_of_its_own",
        answer("double", "def double(x):\n    return x @ x"),
        {"double": 0},
        "in line 2 of your cell: `return x @ x`",
    ),
    Case("sys_exit", also("double", "import sys; sys.exit(0)"), {}),
    Case(
        "sys_exit_in_the_function",
        answer("double", "def double(x):\n    raise SystemExit"),
        {"double": 0},
        "SystemExit",
    ),
    Case("os_exit", also("double", "import os; os._exit(0)"), {"double": 0}, ENDED),
    Case(
        "os_exit_in_the_function", answer("double", "import os\ndef double(x):\n    os._exit(0)"), {"double": 0}, ENDED
    ),
    Case("segmentation_fault", also("double", "import ctypes; ctypes.string_at(0)"), {"double": 0}, ENDED),
    Case("endless_loop", also("pieces", "while True: pass"), {}, ENDLESS),
    Case(
        "endless_loop_in_the_function", answer("pieces", "def pieces(x):\n    while True: pass"), {"pieces": 0}, ENDLESS
    ),
    Case(
        "endless_loop_that_catches_all",
        also("pieces", "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass"),
        {"pieces": 0},
        ENDLESS,
    ),
    Case("endless_output", also("double", "while True: print('x' * 1000)"), {}, "more than 64 KB of output"),
    Case("all_memory", answer("double", "def double(x):\n    return torch.zeros(10**10)"), {"double": 0}, "memory"),
    Case(
        "nan",
        answer("double", "def double(x):\n    return x * float('nan')"),
        {"double": 0},
        "12 of 12 elements are NaN",
    ),
    Case("infinity", answer("double", "def double(x):\n    return x / 0"), {"double": 0}, "infinity"),
    Case(
        "another_dtype",
        answer("double", "def double(x):\n    return (2 * x).double()"),
    ),
    Case(
        "wrong_shape",
        answer("double", "def double(x):\n    return 2 * x.T"),
        {"double": 0},
        "The shape is (4, 3), expected (3, 4).",
    ),
    Case(
        "returns_nothing",
        answer("double", "def double(x):\n    2 * x"),
        {"double": 0},
        "Nothing was returned",
    ),
    Case(
        "a_list_of_tensors",
        answer("double", "def double(x):\n    return [x, x]"),
        {"double": 0},
        "not a list or tuple",
    ),
    Case(
        "unknown_object",
        answer("double", "def double(x):\n    return object()"),
        {"double": 0},
        "a value of type object was returned",
    ),
    Case(
        "constant_factor",
        answer("double", "def double(x):\n    return 6 * x"),
        {"double": 0},
        "3 is a size of this tensor",
    ),
    Case(
        "wrong_sign",
        answer("double", "def double(x):\n    return -2 * x"),
        {"double": 0},
        "The sign is wrong everywhere",
    ),
    Case(
        "half_the_pieces",
        answer("pieces", "def pieces(x):\n    return {'sum': x.sum(1)}"),
        {"pieces": 2},
        "mean",
    ),
    Case("requires_grad", answer("double", "def double(x):\n    return 2 * x.requires_grad_()"), {}),
    Case("subclass_that_claims_to_equal_all", answer("double", LIAR), {"double": 0}, "Every element is zero."),
    Case(
        "patched_allclose",
        answer("double", "torch.allclose = torch.equal = lambda *a, **k: True\ndef double(x):\n    return x"),
        {"double": 0},
    ),
    Case(
        "patched_assert_close",
        answer("double", "torch.testing.assert_close = print\ndef double(x):\n    return x"),
        {"double": 0},
    ),
    Case("redefined_check", also("double", "def check(*a): print('right')"), {}),
    Case("changed_directory", also("double", "import os; os.chdir('/')"), {}),
    Case("default_dtype", also("double", "torch.set_default_dtype(torch.float64)"), {}),
    Case("default_device", also("double", "torch.set_default_device('meta')"), {}),
    Case("gradients_off", also("double", "torch.set_grad_enabled(False)"), {}),
    Case("inference_mode", also("double", "torch.inference_mode().__enter__()"), {}),
    Case(
        "returns_meta",
        answer("double", "def double(x):\n    return (2 * x).to('meta')"),
        {"double": 0},
        "it has a shape but no values",
    ),
    Case("compares_with_autograd_elsewhere", also("double", "y = torch.ones(2, requires_grad=True)\n(y * y).sum().backward()"), {}),
    Case("uses_backward", answer("by_hand", BACKWARD), {"by_hand": 0}, "`backward`"),
    Case("no_weights", lambda f: (f / "train_tiny.safetensors").unlink(), {}),
    Case(
        "damaged_weights",
        lambda f: (f / "train_tiny.safetensors").write_bytes(b"\xff" * 64),
        {"train_tiny": 0},
        "is damaged",
    ),
    Case(
        "weights_of_another_shape",  # theirs counts
        also("train_tiny", "Bigram.__init__ = lambda self: setattr(self, 'W', torch.zeros(28, 27))"),
    ),
    Case("time_that_is_none", lambda f: (f / "timestamp.txt").write_text("yesterday"), {}),
    Case("time_beyond_all_clocks", lambda f: (f / "timestamp.txt").write_text("99999999999999999999"), {}),
    Case("time_that_is_a_folder", lambda f: (f / "timestamp.txt").mkdir(), {}),
    Case("brackets[1]", lambda f: None),
    Case("second_notebook", lambda f: shutil.copyfile(notebook_file(f), f / "extra.ipynb"), {}),
    Case("refused_by_itself", change(lambda n: n.cells[0].metadata.update(autograder={"refused": "by itself"}))),
    Case("attachment_that_is_missing", change(lambda n: n.cells.append(nbformat.v4.new_markdown_cell("![x](attachment:x.png)")))),
    Case("long_file_name", lambda f: (f / ("x" * 200 + ".txt")).write_text("x"), {}),
]


BY_NAME = {case.name: case for case in CASES}
DAILY = """
    right not_a_notebook missing other_lecture deleted_check deleted_answer edited_check changed_points ungraded_itself
    syntax_error error_of_its_own sys_exit_in_the_function os_exit segmentation_fault endless_loop_in_the_function all_memory
    nan another_dtype wrong_shape returns_nothing half_the_pieces changed_directory default_dtype inference_mode returns_meta
    no_weights weights_of_another_shape time_that_is_none brackets[1] refused_by_itself attachment_that_is_missing
"""


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory, assigned, runner) -> Path:
    """A class of the cases of this run, graded at once by nbgrader's own converters."""
    folder = tmp_path_factory.mktemp("bad")
    tiny = copy_course(assigned, folder)
    texts = solution_texts(tiny, TINY)
    for case in map(BY_NAME.get, asked_for(request, "name", BY_NAME)):
        target = hand_in(tiny, folder, TINY, Submission(case.name, dict(texts), {}))
        case.edit(target)
    convert(folder, "autograde", TINY, runner)
    convert(folder, "generate_feedback", TINY, runner)
    return folder


@pytest.mark.parametrize("name", daily(DAILY, BY_NAME))
def test_a_bad_submission_gets_its_points_and_a_clear_message(name: str, graded: Path):
    case = BY_NAME[name]
    with Gradebook(f"sqlite:///{graded}/gradebook.db", "tiny") as gradebook:
        grades = gradebook.find_submission_notebook(TINY, TINY, case.name).grades
        given = {grade.name: grade.auto_score for grade in grades if grade.name in FULL}
    cards = shown_cards(graded / "autograded" / case.name / TINY / f"{TINY}.ipynb")
    assert given == pytest.approx({**FULL, **case.points}), cards
    page = (graded / "feedback" / case.name / TINY / f"{TINY}.html").read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).replace("&#x27;", "'").replace("&#39;", "'").split())
    assert case.says in text or case.says in page or any(case.says in card for card in cards.values()), cards


def test_the_released_stub_is_never_touched(graded: Path):
    stub = nbformat.read(graded / "release" / TINY / f"{TINY}.ipynb", as_version=4)
    assert cell_of(stub, "double_answer").source.count("raise NotImplementedError") == 1


def test_submissions_are_kept_as_they_were(graded: Path):
    assert notebook_file(graded / "submitted" / "not_a_notebook" / TINY).read_bytes().startswith(b"PK")
    assert not shutil.os.path.exists(notebook_file(graded / "submitted" / "missing" / TINY))
    assert (graded / "submitted" / "time_that_is_none" / TINY / "timestamp.txt.unreadable").read_text() == "yesterday"
