"""What goes wrong in a training is told from the record: each fault has a submission that shows it, trained and graded for real."""

import math

import pytest
import torch
from conftest import ROOT

from autograder.commands.build import build
from autograder.commands.demo_class import solution_texts
from autograder.course.directory import load_course
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import answer_key
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.judge.curve import blown_up
from autograder.judge.evaluation import Evaluation
from autograder.judge.training import diagnosis

LECTURE = "lecture_s_small"
COURSE = """
course: small
title: One training
limits: {training_steps: 100000, training_seconds: 20}
lectures:
  lecture_s_small:
    title: One training
    exercises:
      train_small:
        title: Train
        points: 2
        minutes: 1
        difficulty: 1
        loss: {context: 3, split: test, bands: {2.6: 1, 2.45: 2}, max_parameters: 600000, too_good: 2.0}
"""
FILE = '''# %% author
from autograder.commands.script import run
run(__name__, globals())
# %%
import torch
import torch.nn.functional as F
from autograder import check_loss, fit
from autograder.course.names import contexts_of
from autograder.student.names import load_names
names = load_names()
# %% [markdown] exercise="train_small"
# Train.
# %% answer="train_small"
class Net:
    """An MLP of three symbols."""
    ### BEGIN SOLUTION
    out, hidden = 0.1, 5 / 3
    def __init__(self):
        self.C = torch.randn(27, 10)
        self.W1, self.b1 = torch.randn(30, 64) * self.hidden / 30**0.5, torch.zeros(64)
        self.W2, self.b2 = torch.randn(64, 27) * self.out, torch.zeros(27)

    def inner(self, contexts):
        return (self.C[contexts].flatten(1) @ self.W1 + self.b1).tanh()

    def __call__(self, contexts):
        return self.inner(contexts) @ self.W2 + self.b2
    ### END SOLUTION

### BEGIN SOLUTION
STEPS, RATE = 700, 0.5
def rows():
    return names.contexts("train", 3)
### END SOLUTION

def train(model):
    ### BEGIN SOLUTION
    X, Y = rows()
    parameters = [model.C, model.W1, model.b1, model.W2, model.b2]
    for parameter in parameters:
        parameter.requires_grad_()
    for step in range(STEPS):
        batch = torch.randint(len(Y), (256,))
        loss = F.cross_entropy(model(X[batch]), Y[batch])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= RATE * gradient
        yield loss.item()
    ### END SOLUTION
# %% fit="train_small"
model = fit("train_small", Net, train)
# %% check="train_small"
check_loss("train_small")
'''

TABLE = """
class Net:
    def __init__(self):
        self.W = torch.zeros(27**3, 27)
    def __call__(self, contexts):
        return self.W[(contexts * torch.tensor([729, 27, 1])).sum(1)]

def train(model):
    X, Y = {rows}
    index = (X * torch.tensor([729, 27, 1])).sum(1) * 27 + Y
    model.W += (torch.bincount(index, minlength=27**4).view(-1, 27) + {smoothing}).log()
    yield F.cross_entropy(model(X), Y).item()
"""

FAULTS = {
    "made once": ("whole = Net()\nSTEPS = 40\nNet = lambda: whole", "gives the same tensors each time it is called"),
    "the last layer unscaled": ("Net.out = 3.0\nSTEPS = 60", "a guess costs only 3.30"),
    "all weights zero": (
        "Net.out = Net.hidden = 0.0",
        "`C` does not change in the first 12 steps: the gradient that reaches it is exactly 0. Are weights behind it all zero",
    ),
    "not a number": ("RATE = 1e38", "The loss stopped being a number within the steps 1 to 18"),
    "rising": (  # surely: a rate that is only large gives each processor another curve
        """
right_train = train
def train(model):
    global RATE
    for loss in right_train(model):
        RATE *= 1.04
        yield loss
STEPS, RATE = 200, 0.1
""",
        "The steps are too large: one takes the loss of its own batch from",
    ),
    "learnt by heart": (
        TABLE.format(rows='names.contexts("train", 3)', smoothing=1e-9),
        "learns the training names by heart",
    ),
    "batch statistics in evaluation": (
        """
class Net(Net):
    def inner(self, contexts):
        h = self.C[contexts].flatten(1) @ self.W1
        return ((h - h.mean(0)) / (h.std(0, unbiased=False) + 0.1) + self.b1).tanh()
""",
        "in evaluation BatchNorm uses its running mean",
    ),
    "one dot of padding": (
        """
def rows():
    X, Y = names.contexts("train", 3)
    seen = (X[:, 1:] != 0).any(1)
    return X[seen], Y[seen]
""",
        "Pad every name with as many dots as the context is long",
    ),
    "few rows": (
        "right_rows = rows\ndef rows():\n    X, Y = right_rows()\n    return X[:300], Y[:300]\nSTEPS = 500",
        "Your batches are taken from 300 rows, while train has 183,802",
    ),
    "another loss": (
        """
right_train = train
def train(model):
    for loss in right_train(model):
        yield loss / 2
STEPS = 100
""",
        "or with another loss than it is measured by",
    ),
    "the names on which it is judged": ("def rows(): return contexts_of(names.all, 3)", "The training learns from the test names, on which it is judged"),
    "a list of losses": ("right_train = train\ndef train(model): return list(right_train(model))\nSTEPS = 9", "`yield` the loss of each step inside the loop"),
    "too short": ("STEPS, RATE = 120, 0.05", "still falling"),
    "a rate that is far too low": ("STEPS, RATE = 300, 1e-4", "The steps go the right way but are very small"),
    "a model that sees too little": (
        "STEPS = 1500\nNet.__call__ = lambda self, X: self.inner(X * torch.tensor([0, 0, 1])) @ self.W2 + self.b2",
        "does not depend on symbols 1 and 2 of the 3 in a context",
    ),
}
TOO_GOOD = {
    "trained on the test names": (TABLE.format(rows='names.contexts("test", 3)', smoothing=0.01), "were the test names trained on?"),
    "trained on all names": (TABLE.format(rows="contexts_of(names.all, 3)", smoothing=0.001), "which no model of this context is known to reach"),
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory, runner):
    folder = tmp_path_factory.mktemp("small")
    (folder / "solutions").mkdir()
    (folder / "course.yml").write_text(COURSE)
    (folder / "solutions" / f"{LECTURE}.py").write_text(FILE)
    (folder / "names.txt").write_bytes((ROOT / "names.txt").read_bytes())
    course = load_course(folder / "course.yml")
    build(course, LECTURE, runner)
    return course, answer_key(course, LECTURE, runner, hidden_facts(course, LECTURE))


def submit(small, runner, more: str):
    """Grade the reference's text with ``more`` below it, without weights, so that it is trained while grading."""
    course, answers = small
    notebook = built_notebook(course.released(LECTURE) / f"{LECTURE}.ipynb")
    cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == f"train_small{ANSWER}")
    cell.source = f"{solution_texts(course, LECTURE)['train_small']}\n{more}"
    graded = grade(notebook, {}, course, LECTURE, answers, runner)
    return graded.verdicts["train_small"], graded.remarks


CURVES = {
    "a rate too low": ([2.1 + math.exp(-part / 60) for part in range(20)], True),
    "a rate that suits": ([2.1 + math.exp(-part / 3) for part in range(20)], False),
    "a rate that goes down at the end": ([2.25 - 0.012 * part for part in range(20)], False),  # as lecture 2's reference
}


@pytest.mark.parametrize("case", CURVES)
def test_a_loss_that_falls_evenly_and_is_high_asks_for_larger_steps_too(case):
    curve, faster = CURVES[case]
    logits = torch.randn(50, 27, generator=torch.Generator().manual_seed(1))
    train = torch.full((50,), curve[-1])
    said = diagnosis(Evaluation(logits, torch.arange(100).reshape(50, 2) % 27, torch.zeros(50).long(), train, train, train, {"curve": curve}))
    assert "still falling" in said and ("a learning rate several times as high" in said) is faster


@pytest.mark.parametrize("spread, says", [(0.001, "no longer falls"), (0.12, "After 120 steps it cannot be told yet whether the loss still falls")])
def test_a_few_loud_steps_do_not_prove_that_a_loss_has_ceased_to_fall(spread, says):
    curve = [2.2 + spread * (-1) ** part for part in range(40)]
    logits = torch.randn(50, 27, generator=torch.Generator().manual_seed(1))
    facts, train = {"curve": curve, "steps": 120}, torch.full((50,), 2.2)
    said = diagnosis(Evaluation(logits, torch.arange(100).reshape(50, 2) % 27, torch.zeros(50).long(), train, train, train, facts))
    assert says in said


def test_a_few_loud_steps_do_not_prove_that_a_loss_rises():
    noise = torch.randn(34, generator=torch.Generator().manual_seed(4)).tolist()
    logits = torch.randn(50, 27, generator=torch.Generator().manual_seed(1))
    for loud, rise, rises in ((0.12, 0.0, False), (0.02, 0.6, True), (0.12, 2.0, True)):
        curve = [2.6 + loud * x + rise * max(0, part - 20) / 13 for part, x in enumerate(noise)]
        curve[12], curve[-1] = min(curve), curve[-1] + loud
        train = torch.full((50,), curve[-1])
        said = diagnosis(Evaluation(logits, torch.arange(100).reshape(50, 2) % 27, torch.zeros(50).long(), train, train, train, {"curve": curve, "steps": 100}))
        assert ("it rises" in said) is rises


@pytest.mark.parametrize(
    "facts, where",
    [
        ({"steps": 6, "planned": 300, "curve": [2.0] * 5 + [None]}, "at step 6 of 300"),
        ({"steps": 80, "planned": 80, "curve": [2.0] * 30 + [None] * 10}, "within the steps 61 to 62 of 80"),
        ({"curve": [2.0, None]}, "on the way"),
    ],
)
def test_where_a_loss_stopped_being_a_number_is_told_by_its_step(facts, where):
    assert f"The loss stopped being a number {where}: lower the learning rate first" in blown_up(facts)


def test_a_sound_training_gets_full_points_and_no_remark(small, runner):
    verdict, remarks = submit(small, runner, "")
    assert verdict.points == 2 and remarks == [], verdict.message


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_training_is_named(fault, small, runner):
    more, says = FAULTS[fault]
    verdict, remarks = submit(small, runner, more)
    assert says in verdict.message and verdict.points < 2 and remarks == []


@pytest.mark.parametrize("case", TOO_GOOD)
def test_a_loss_that_is_too_good_is_for_the_instructor_to_look_at_and_costs_nothing(case, small, runner):
    more, says = TOO_GOOD[case]
    verdict, remarks = submit(small, runner, more)
    assert says in verdict.message and verdict.points == 2 and says in remarks[0]
