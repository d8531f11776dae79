"""Lecture 0 says where a student's own ``Value`` may stand for the kit's ``Scalar``. However that class is written, it earns the same points."""

import shutil

import pytest
from conftest import ROOT, daily
from own_value_answers import ANSWERS
from own_values import CLASSES
from test_lectures import client_of, filled

from autograder.commands.build import write_sources
from autograder.course.cells import BEGIN, END
from autograder.course.directory import load_course
from autograder.course.lecture import read_lecture
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import compute_answers
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade

LECTURE = "lecture_0_autograd"
MIXED = "two classes of nodes"


def reference() -> dict[str, str]:
    """The lecture file's own answers, as a student would write them; nothing need be built."""
    course = load_course(ROOT / "course.yml")
    cells = [cell for cell in read_lecture(course.solution(LECTURE), course.lecture(LECTURE)) if cell.role == "answer"]
    return {c.exercise: "\n".join(line for line in c.source.split("\n") if BEGIN not in line and END not in line) for c in cells}


DEEP = reference()["value_deep"]
SCALARS = {  # right answers of the later exercises as the stub has them, with Scalar
    "softmax_nll": """
def softmax_nll(logits: list[Scalar], label: int) -> tuple[list[Scalar], Scalar]:
    total = sum((logit.exp() for logit in logits), Scalar(0.0))
    probs = [logit.exp() / total for logit in logits]
    return probs, -probs[label].log()
"""
}


@pytest.fixture(scope="module")
def graded_with(runner, tmp_path_factory):
    """Grade some answers to lecture 0; the other exercises' checks are not run. The verdicts by exercise."""
    folder = tmp_path_factory.mktemp("own_value")
    shutil.copytree(ROOT / "solutions", folder / "solutions")
    for name in ("course.yml", "names.txt"):
        shutil.copyfile(ROOT / name, folder / name)
    course = load_course(folder / "course.yml")
    write_sources(course, LECTURE)
    facts = hidden_facts(course, LECTURE)
    key = compute_answers(course, LECTURE, built_notebook(course.source(LECTURE)), {}, facts, runner)

    def graded(texts: dict[str, str]):
        notebook = built_notebook(course.source(LECTURE))
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            if name.endswith(ANSWER) and name.removesuffix(ANSWER) in texts:
                cell.source = texts[name.removesuffix(ANSWER)]
        idle = course.lecture(LECTURE).exercises.keys() - texts.keys()
        notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in idle]
        return grade(notebook, {}, course, LECTURE, key, runner).verdicts

    return graded


def with_value(kind: str, style: int) -> dict[str, str]:
    """The answers of a student who has written this class and goes on with it."""
    return {"value_backward": CLASSES[kind], **{name: styles[style] for name, styles in ANSWERS.items()}}


def full(verdicts, *exercises) -> None:
    for name in exercises:
        assert verdicts[name].status == "correct", (name, verdicts[name].message, verdicts[name].points)


def one_style_each(number: int, kind: str, style: int):
    """Every second class daily, each in another of the three ways of answering; all of them in all ways in the slow run."""
    return pytest.param(kind, style, marks=[] if number % 6 == style else pytest.mark.slow, id=f"{kind} {style}")


@pytest.mark.parametrize(
    ("kind", "style"), [one_style_each(number, kind, style) for number, kind in enumerate(CLASSES) for style in range(3)]
)
def test_a_right_class_of_ones_own_earns_every_later_point(kind, style, graded_with):
    verdicts = graded_with(with_value(kind, style))
    full(verdicts, *verdicts)


def test_the_deep_chain_is_made_of_scalars_whatever_the_signature_says(graded_with):
    text = DEEP.replace("root: Scalar", "root: Value")
    assert text != DEEP
    full(graded_with({"value_backward": CLASSES["from the lecture"], "value_deep": text}), "value_deep")


def test_where_the_classs_own_rows_are_wrong_the_later_sections_take_scalars_all_the_same(graded_with):
    """An answer that names Scalar, or no class, owes nothing to the student's Value."""
    broken = "class Value:\n    def __init__(self, data):\n        raise RuntimeError('not mine')"
    nobody = {"train_mlp": ANSWERS["train_mlp"][2]}
    full(graded_with({"value_backward": broken, **SCALARS, **nobody}), "train_mlp", "softmax_nll")


def test_a_signature_that_names_value_does_not_spoil_an_answer_when_the_class_is_wrong(graded_with):
    text = SCALARS["softmax_nll"].replace("Scalar(0.0)", "0.0").replace("Scalar", "Value")
    broken = CLASSES["from the lecture"].replace("def log(self):", "def ln(self):")
    full(graded_with({"value_backward": broken, "softmax_nll": text}), "softmax_nll")


FAR_NAMES = {  # the answer's own code does not name Value
    "handed in": """
from functools import partial
softmax_nll = partial(general, Value)
""",
    "kept in an object": """
class Maker:
    def __call__(self, *numbers):
        return Value(*numbers)
make = Maker()
def softmax_nll(logits, label):
    return general(make, logits, label)
""",
    "decorated": """
def logged(f):
    return lambda *arguments: f(*arguments)
@logged
def softmax_nll(logits, label):
    return general(Value, logits, label)
""",
}
GENERAL = """
def general(make, logits, label):
    total = make(0.0)
    for logit in logits:
        total = total + logit.exp()
    probs = [logit.exp() / total for logit in logits]
    return probs, make(0) - probs[label].log()
"""


@pytest.mark.parametrize("way", daily(("kept in an object",), FAR_NAMES))
def test_an_answer_that_cannot_do_with_scalars_is_given_values(way, graded_with):
    full(graded_with({"value_backward": CLASSES["a property"], "softmax_nll": GENERAL + FAR_NAMES[way]}), "softmax_nll")


def test_a_signature_that_names_value_does_not_spoil_a_body_that_names_scalar(graded_with):
    text = SCALARS["softmax_nll"].replace("logits: list[Scalar]", "logits: list[Value]")
    full(graded_with({"value_backward": CLASSES["from the lecture"], "softmax_nll": text}), "softmax_nll")


def test_losses_are_floats_whatever_the_class(graded_with):
    """A node is none, even where its class could be made one."""
    text = ANSWERS["train_mlp"][0].replace("append(loss.data)", "append(loss)")
    for kind in ("from the lecture", "NumPy and slots"):
        verdict = graded_with({"value_backward": CLASSES[kind], "train_mlp": text})["train_mlp"]
        assert not verdict.points and "floats are asked for" in verdict.message


@pytest.mark.parametrize("name", ["train_mlp", "softmax_nll"])
def test_an_answer_that_returns_nothing_is_not_told_a_line_of_the_notebooks_own(name, graded_with):
    body = f"def {name}(*arguments):\n    arguments"
    verdict = graded_with({name: body})[name]
    assert "NoneType" in verdict.message and "of your cell" not in verdict.message


def test_who_mixes_both_classes_is_told_so(graded_with):
    text = SCALARS["softmax_nll"].replace("Scalar(0.0)", "Scalar(0.0) + Value(0.0)")
    verdict = graded_with({"value_backward": CLASSES["from the lecture"], "softmax_nll": text})["softmax_nll"]
    assert MIXED in verdict.message and not verdict.points


WRONG = {
    "no gradient is set back": (
        "train_mlp",
        ANSWERS["train_mlp"][0].replace("            p.grad = 0.0\n", "            pass\n"),
        "never set back to zero",
    ),
    "the graph is left": (
        "softmax_nll",
        ANSWERS["softmax_nll"][1].replace("- probs[label].log()", "- math.log(probs[label].data)"),
        "every gradient is zero",
    ),
    "no activation": (
        "neuron_layer_mlp",
        ANSWERS["neuron_layer_mlp"][0].replace("return act.tanh()", "return act"),
        "Your neurons are linear",
    ),
}


@pytest.mark.parametrize("kind", daily(("a dataclass",), ("from the lecture", "a dataclass")))
@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_made_with_ones_own_class_has_the_values_of_the_same_mistake_with_scalars(mistake, kind, graded_with):
    """So it is called by the same sentence."""
    name, text, _ = WRONG[mistake]
    own = graded_with({"value_backward": CLASSES[kind], name: text})[name]
    scalars = graded_with({name: text.replace("Value", "Scalar")})[name]
    assert not own.status == "correct"
    assert (own.points, own.message) == (scalars.points, scalars.message)


SLOW = DEEP.replace("set()", "[]").replace("seen.add(node)", "seen.append(id(node))").replace(
    "node not in seen", "id(node) not in seen"
)
QUICK = {
    "it prints": DEEP.replace("    root.grad = 1.0", "    print(len(order), 'nodes')\n    root.grad = 1.0"),
    "an order that is begun at its front": DEEP.replace("order.append(node)", "order.insert(0, node)").replace(
        "reversed(order)", "order"
    ),
}


def test_a_deep_backward_that_slows_down_with_the_chain_earns_nothing(graded_with):
    verdict = graded_with({"value_deep": SLOW})["value_deep"]
    assert verdict.points == 0 and "the longer the chain" in verdict.message


@pytest.mark.parametrize("way", daily(("it prints",), QUICK))
def test_a_deep_backward_that_does_not_slow_down_is_right_whatever_it_looks_like(way, graded_with):
    full(graded_with({"value_deep": QUICK[way]}), "value_deep")


def test_a_students_own_kernel_agrees(tmp_path):
    """The same probes run there: one class, every later exercise, and the pictures."""
    shutil.copytree(ROOT / "assignments" / LECTURE, tmp_path, dirs_exist_ok=True)
    texts = {**reference(), **with_value("from the lecture", 1)}
    notebook = filled(tmp_path, LECTURE, texts)
    client_of(notebook, tmp_path).execute()
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            shown = "".join(o.data.get("text/html", "") for o in cell.outputs if "data" in o)
            assert "Correct" in shown, name
        assert "The picture comes when train_mlp" not in str(cell.get("outputs", "")), name
