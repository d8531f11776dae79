"""The ways in which people write and interrupt a training, in every lecture that has one: the own check says what grading says.

Each style is trained for a few steps in a student's own kernel: at once; stopped and run again; stopped, the kernel started anew, and run
again. A second kernel is a copy of one that has run nothing, so that its start is paid once. The file that is left is then graded.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import safetensors.torch
from conftest import ROOT

from autograder.commands.parity import StudentKernel, student_kernel
from autograder.course.directory import CourseDirectory, load_course
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import answer_key
from autograder.grading.cells import built_notebook, code_of
from autograder.grading.secret import public_facts
from autograder.grading.submission import grade
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner

STEPS = 24
STOPS = [1, 3, 7, STEPS // 2, STEPS - 1]
TRAININGS = {  # lecture -> exercise, context, and what its text calls the two things that it hands to fit
    "lecture_1_trigram": ("train_trigram", 2, "Trigram, train_trigram = make, train"),
    "lecture_2_mlp": ("train_mlp", 3, "make_model = make"),
    "lecture_3_batchnorm": ("train_deep", 3, "make_model = make"),
    "lecture_4_backprop": ("train_by_hand", 3, "make_model = make"),
    "lecture_5_wavenet": ("train_wavenet", 8, "make_wavenet, train_wavenet = make, train"),
}
BY_HAND = "lecture_4_backprop"  # where backward is forbidden

EVERY_STOP = ("lecture_2_mlp", BY_HAND)
DAILY = {
    "lecture_1_trigram": "a generator of the module",
    "lecture_2_mlp": "layers that keep their out",
    "lecture_3_batchnorm": "the lecture's BatchNorm with keepdim",
    "lecture_4_backprop": "a scratch cell with autograd, same names",
    "lecture_5_wavenet": "nn.Module with AdamW",
}

BEGIN = """
import random
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from autograder import check_loss, fit
from autograder.student.names import load_names
names, STEPS, T = load_names(), {steps}, {context}
X_all, Y_all = names.contexts("train", T)

class Plain:
    def __init__(self):
        self.C = torch.randn(27, 2)
        self.W = torch.randn(2 * T, 27) * 0.1
        self.b = torch.zeros(27)
    def parameters(self):
        return [self.C, self.W, self.b]
    def __call__(self, x):
        return self.C[x].flatten(1) @ self.W + self.b

make = Plain

def batches(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (64,))
        yield X_all[chosen], Y_all[chosen]

def descend(model, loss, rate=0.5):
    for parameter in model.parameters():
        parameter.grad = None
    loss.backward()
    for parameter in model.parameters():
        parameter.data -= rate * parameter.grad

def train(model):
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield loss.item()
"""
STYLES = {
    "plain tensors": "",
    "layers that keep their out": """
class Linear:
    def __init__(self, fan_in, fan_out):
        self.weight, self.bias = torch.randn(fan_in, fan_out) / fan_in**0.5, torch.zeros(fan_out)
    def __call__(self, x):
        self.out = x @ self.weight + self.bias
        return self.out
    def parameters(self):
        return [self.weight, self.bias]
class make:
    def __init__(self):
        self.C, self.layers = torch.randn(27, 2), [Linear(2 * T, 8), Linear(8, 27)]
    def parameters(self):
        return [self.C] + [p for layer in self.layers for p in layer.parameters()]
    def __call__(self, x):
        self.h = self.C[x].flatten(1)
        self.out = self.layers[1](self.layers[0](self.h).tanh())
        return self.out
""",
    "nn.Module with AdamW": """
def make():
    return nn.Sequential(nn.Embedding(27, 2), nn.Flatten(), nn.Linear(2 * T, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 27))
def train(model):
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, STEPS)
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()
""",
    "the lecture's BatchNorm with keepdim": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.training, self.mean, self.var = True, torch.zeros(2 * T), torch.ones(2 * T)
    def __call__(self, x):
        x = self.C[x].flatten(1)
        mean, var = (x.mean(0, keepdim=True), x.var(0, keepdim=True)) if self.training else (self.mean, self.var)
        self.out = (x - mean) / (var + 1e-5) ** 0.5
        if self.training:
            with torch.no_grad():
                self.mean, self.var = 0.9 * self.mean + 0.1 * mean, 0.9 * self.var + 0.1 * var
        return self.out @ self.W + self.b
""",
    "a generator of the module": """
g = torch.Generator().manual_seed(2147483647)
def batches(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (64,), generator=g)
        yield X_all[chosen], Y_all[chosen]
""",
    "a generator of the module for the weights too": """
g = torch.Generator().manual_seed(2147483647)
class make(Plain):
    def __init__(self):
        self.C = torch.randn(27, 2, generator=g)
        self.W = torch.randn(2 * T, 27, generator=g) * 0.1
        self.b = torch.zeros(27)
""",
    "numpy's default_rng, unseeded": """
rng = np.random.default_rng()
def batches(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.from_numpy(rng.integers(len(Y_all), size=64))
        yield X_all[chosen], Y_all[chosen]
""",
    "random.shuffle, unseeded": """
order = list(range(64 * STEPS))
def batches(model):
    random.shuffle(order)
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.tensor(order[64 * step : 64 * step + 64])
        yield X_all[chosen], Y_all[chosen]
""",
    "an optimiser inside the model": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.optimiser = torch.optim.Adam([p.requires_grad_() for p in self.parameters()], 0.05)
def descend(model, loss):
    model.optimiser.zero_grad()
    loss.backward()
    model.optimiser.step()
""",
    "a velocity and losses on the model": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.velocity, self.lossi, self.cache = {}, [], {}
def descend(model, loss):
    gradients = torch.autograd.grad(loss, model.parameters())
    model.lossi.append(loss.log10().item())
    for number, (parameter, gradient) in enumerate(zip(model.parameters(), gradients)):
        model.velocity[number] = 0.9 * model.velocity.get(number, 0) + gradient
        parameter.data -= 0.2 * model.velocity[number]
""",
    "an average of weights": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.average = None
    def __call__(self, x):
        C, W, b = self.average or self.parameters()
        return C[x].flatten(1) @ W + b
def train(model):
    average = [p.clone() for p in model.parameters()]
    for X, Y in batches(model):
        model.average = None
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        for mean, parameter in zip(average, model.parameters()):
            mean.mul_(0.9).add_(parameter.detach(), alpha=0.1)
        model.average = [mean.clone() for mean in average]
        yield loss.item()
""",
    "a copy of the best model": """
def train(model):
    best, kept = 1e9, None
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        if loss.item() < best:
            best, kept = loss.item(), [p.detach().clone() for p in model.parameters()]
        descend(model, loss)
        yield loss.item()
    for parameter, value in zip(model.parameters(), kept):
        parameter.data.copy_(value)
""",
    "tied weights": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.mix, self.out = nn.Embedding(27, 8), nn.Linear(8 * T, 8), nn.Linear(8, 27, bias=False)
        self.out.weight = self.embedding.weight
    def forward(self, x):
        return self.out(self.mix(self.embedding(x).flatten(1)).tanh())
""",
    "a DataLoader": """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(X_all[: 64 * STEPS], Y_all[: 64 * STEPS]), batch_size=64, shuffle=True)
def train(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for X, Y in loader:
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield loss.item()
""",
    "a model made once": """
only = Plain()
def make():
    return only
""",
    "with a first step": """
def train(model, first_step=0):
    for step, (X, Y) in zip(range(first_step, STEPS), batches(model)):
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield loss.item()
""",
}
HAND_BEGIN = """
@torch.no_grad()
def train(model):
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (64,))
        X, Y = X_all[chosen], Y_all[chosen]
        logits = model(X)
        loss = F.cross_entropy(logits, Y)
        d = (logits.softmax(1) - F.one_hot(Y, 27)) / len(Y)
        update(model, {"W": model.C[X].flatten(1).T @ d, "b": d.sum(0)})
        yield loss.item()
def update(model, gradients):
    for name in ("W", "b"):
        setattr(model, name, getattr(model, name) - 0.5 * gradients[name])
"""
BY_HAND_STYLES = {
    "plain tensors": "",
    "a scratch cell with autograd, same names": """
chosen = torch.arange(64)
logits = torch.zeros(64, 27, requires_grad=True)
loss = F.cross_entropy(logits, Y_all[chosen])
d = torch.autograd.grad(loss, logits)[0]
""",
    "a velocity on the model": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.velocity = {}
def update(model, gradients):
    for name in ("W", "b"):
        model.velocity[name] = 0.9 * model.velocity.get(name, 0) + gradients[name]
        setattr(model, name, getattr(model, name) - 0.2 * model.velocity[name])
""",
    "a module with AdamW": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.C, self.W, self.b = (nn.Parameter(t) for t in Plain().parameters())
    def forward(self, x):
        return self.C[x].flatten(1) @ self.W + self.b
optimisers = {}
def update(model, gradients):
    optimiser = optimisers.setdefault(id(model), torch.optim.AdamW(model.parameters(), 0.02))
    model.W.grad, model.b.grad = gradients["W"], gradients["b"]
    optimiser.step()
""",
}
ANEW = {"a generator of the module", "a generator of the module for the weights too", "numpy's default_rng, unseeded", "random.shuffle, unseeded"}
ANEW |= {"a model made once", "with a first step"}  # a training that begins anew has other random numbers, or another model, than the first

IN_THE_KERNEL = '''
import json as _json, os as _os, signal as _signal, sys as _sys
import autograder
from autograder.student import desk as _desk
from autograder.student.progress import Progress as _Progress

def _new_kernel(folder, cells, stops, path):
    """What a kernel that has run nothing says of these cells; the Nth run of fit is interrupted after stops[N] steps."""
    pid = _os.fork()
    if pid == 0:
        try:
            said, _sys.stdout, _sys.stderr = [], open(_os.devnull, "w"), open(_os.devnull, "w")
            _os.chdir(folder)
            _desk.show = lambda verdict, title: said.append(verdict)
            stops, step = list(stops), _Progress.step
            def stopping(self, number, *rest):
                step(self, number, *rest)
                if number == stops[0]:
                    _os.kill(_os.getpid(), _signal.SIGINT)
            _Progress.step = stopping
            del get_ipython().history_manager.input_hist_raw[1:]  # these lines are not the student's
            for text in cells:
                get_ipython().run_cell(text, store_history=True)
                if "fit(" in text:
                    stops.pop(0)
            told = [[v.status, v.points, v.message] for v in said]
            with open(path, "w") as file:
                _json.dump(told, file)
        finally:
            _os._exit(0)
    _os.waitpid(pid, 0)
'''


@dataclass
class Student:
    """One lecture's notebook with the training alone in it, in a folder of its own for each kernel."""

    course: CourseDirectory
    lecture: str
    kernel: StudentKernel
    released: Path
    home: Path
    runner: Runner

    def __post_init__(self) -> None:
        self.exercise, self.context, self.footer = TRAININGS[self.lecture]
        facts = public_facts(self.course, self.lecture)
        self.key = answer_key(self.course, self.lecture, self.runner, facts)

    def text(self, style: str) -> str:
        begin = BEGIN.format(steps=STEPS, context=self.context)
        texts = [HAND_BEGIN, BY_HAND_STYLES[style]] if self.lecture == BY_HAND else [STYLES[style]]
        return "\n".join([begin, *texts, self.footer])

    def notebook(self, text: str):
        notebook = built_notebook(self.course.source(self.lecture))
        kept = (self.exercise + ANSWER, f"{self.exercise}_fit", self.exercise)
        notebook.cells = [cell for cell in code_of(notebook) if cell.metadata.nbgrader.grade_id in kept]
        notebook.cells[0].source = text
        return notebook

    def folder(self, name: str) -> Path:
        folder = self.home / name
        shutil.copytree(self.released / self.lecture, folder)
        return folder

    def new_kernel(self, folder: Path, text: str, stops: list[int], checked_in_between: bool = False) -> list[list]:
        """The verdicts that the own checks show; fit is run once for each of ``stops``, and checked after the last."""
        answer, fit, check = [cell.source for cell in self.notebook(text).cells]
        cells = [answer, *[c for _ in stops[:-1] for c in ([fit, check] if checked_in_between else [fit])], fit, check]
        self.kernel.said.unlink(missing_ok=True)
        self.kernel.run(f"_new_kernel({str(folder)!r}, {cells!r}, {[*stops, 0]!r}, {str(self.kernel.said)!r})")
        assert self.kernel.said.exists(), "the kernel stopped"
        return json.loads(self.kernel.said.read_text())

    def graded(self, folder: Path, text: str) -> Verdict:
        files = {path.name: path.read_bytes() for path in folder.glob("*.safetensors") if path.name != "expected.safetensors"}
        return grade(self.notebook(text), files, self.course, self.lecture, self.key, self.runner).verdicts[self.exercise]


@pytest.fixture(scope="module")
def students(course, runner, released, tmp_path_factory):
    """A student for every lecture, all with the one kernel."""
    home = tmp_path_factory.mktemp("students")
    with student_kernel(home) as kernel:
        kernel.run(IN_THE_KERNEL)
        made: dict[str, Student] = {}

        def student(lecture: str) -> Student:
            if lecture not in made:
                made[lecture] = Student(course, lecture, kernel, released, tmp_path_factory.mktemp(lecture), runner)
            return made[lecture]

        yield student


def weights_of(folder: Path, exercise: str) -> dict:
    return {name: t.tolist() for name, t in safetensors.torch.load_file(folder / f"{exercise}.safetensors").items()}


def rows() -> list:
    """Daily one style of each lecture; in the slow run every style in every lecture, and in two of them with every stop."""
    lectures = [lecture for lecture in load_course(ROOT / "course.yml").course.lectures if lecture in TRAININGS]
    found = []
    for number, lecture in enumerate(lectures):
        for row, style in enumerate(BY_HAND_STYLES if lecture == BY_HAND else STYLES):
            for place, stop in enumerate(STOPS):
                one = place == (row + number) % len(STOPS)
                if one or lecture in EVERY_STOP:
                    marks = [] if one and style == DAILY[lecture] else pytest.mark.slow
                    found.append(pytest.param(lecture, style, stop, marks=marks, id=f"{lecture.split('_')[1]}-{style}-{stop}"))
    return found


@pytest.mark.parametrize(("lecture", "style", "stop"), rows())
def test_a_training_stopped_or_not_is_graded_as_its_own_check_says(lecture, style, stop, students):
    student: Student = students(lecture)
    text = student.text(style)
    kernels = {"at once": [[0]], "stopped, run again": [[stop, 0]], "stopped, new kernel": [[stop], [0]]}
    weights = {}
    for way, runs in kernels.items():
        folder = student.folder(f"{style}, {way}, {stop}".replace("/", " "))
        for stops in runs:
            *_, own = student.new_kernel(folder, text, stops, checked_in_between=True)
            verdict = student.graded(folder, text)
            assert own == [verdict.status, verdict.points, verdict.message], (way, stops)
        assert verdict.status in ("correct", "wrong") and "loss" in verdict.message.lower(), (way, verdict)
        weights[way] = weights_of(folder, student.exercise)
    unseeded = "unseeded" in style
    if not unseeded:
        assert weights["stopped, run again"] == weights["at once"], "a training that was stopped goes on exactly where it stopped"
    if style not in ANEW:
        assert weights["stopped, new kernel"] == weights["at once"], "a training that begins anew is the same one"
