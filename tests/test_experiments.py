"""A training that falls short is tried for a few steps: each fault of its steps is told by what they do, and its sound neighbours are not."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.course.schema import Exercise, Loss
from autograder.judge.experiments import proves_right, told
from autograder.judge.structure import adds_up, sees_not
from autograder.student.experiments import falls_short, seen
from autograder.student.names import load_names


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """The first optimiser loads much of torch, which takes longer than what is tried may."""
    torch.optim.Adam([nn.Parameter(torch.zeros(1))])


T = 3
RULES = Exercise(
    title="x",
    points=2,
    minutes=1,
    difficulty=1,
    loss=Loss(context=T, split="test", bands={2.5: 1, 2.3: 2}, max_parameters=9999),
)
BEGIN = """
class Net:
    def __init__(self):
        self.C, self.W1 = torch.randn(27, 6), torch.randn(18, 32) * 0.3
        self.b1, self.W2 = torch.zeros(32), torch.randn(32, 27) * 0.1
        for p in self.parameters():
            p.requires_grad_()
    def parameters(self):
        return [self.C, self.W1, self.b1, self.W2]
    def __call__(self, x):
        return (self.C[x].flatten(1) @ self.W1 + self.b1).tanh() @ self.W2
def module():
    return nn.Sequential(nn.Embedding(27, 6), nn.Flatten(), nn.Linear(18, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 27))
make, RATE, PARAMETERS = Net, 0.1, lambda model: list(model.parameters())
def batch(step):
    ix = torch.randint(len(Y), (64,))
    return X[ix], Y[ix]
def loss_of(logits, y):
    return F.cross_entropy(logits, y)
def zero(parameters):
    for p in parameters:
        p.grad = None
def step(parameters):
    for p in parameters:
        p.data -= RATE * p.grad
def before(model, number):
    pass
def train(model):
    parameters = PARAMETERS(model)
    for number in range(40):
        before(model, number)
        x, y = batch(number)
        loss = loss_of(model(x), y)
        zero(parameters)
        loss.backward()
        step(parameters)
        yield loss.item()
"""
FAULTS = {
    "gradients that add up": ("def zero(parameters): pass", "the gradients of all earlier batches are still there"),
    "gradients that add up, in Adam": (
        "optimisers = {}\ndef zero(parameters): pass\ndef step(parameters):\n    optimisers.setdefault(0, torch.optim.Adam(parameters, 0.01)).step()",
        "the gradients of all earlier batches are still there",
    ),
    "uphill": ("RATE = -0.5", "Every step goes along the gradient"),
    "uphill, in Adam": (
        "optimisers = {}\ndef step(parameters):\n    optimisers.setdefault(0, torch.optim.Adam(parameters, 0.05, maximize=True)).step()",
        "Every step goes along the gradient",
    ),
    "no logarithm": (
        "def loss_of(z, y): return -z.softmax(1)[torch.arange(len(y)), y].mean()",
        "the logarithm is missing",
    ),
    "nll_loss of logits": ("loss_of = F.nll_loss", "minus the logit of the right symbol"),
    "a softmax too many": ("def loss_of(z, y): return F.cross_entropy(z.softmax(1), y)", "has a softmax inside"),
    "squares": ("def loss_of(z, y): return F.mse_loss(z, F.one_hot(y, 27).float())", "squared distance of the outputs"),
    "upside down": ("def loss_of(z, y): return -F.cross_entropy(z, y)", "Take the sign away"),
    "two indices": (
        "def batch(step): return X[torch.randint(len(Y), (64,))], Y[torch.randint(len(Y), (64,))]",
        "do not belong to their contexts",
    ),
    "the last symbol as target": (
        "def batch(step):\n    ix = torch.randint(len(Y), (64,))\n    return X[ix], X[ix, -1]",
        "learns to repeat it",
    ),
    "backwards": ("right = batch\ndef batch(step):\n    x, y = right(step)\n    return x.flip(1), y", "run backwards"),
    "another numbering": (
        "right = batch\ndef batch(step):\n    x, y = right(step)\n    return (x + 26) % 27, y",
        "of the contexts in your batches occur",
    ),
    "one batch": (
        "once = torch.randint(len(Y), (64,))\ndef batch(step): return X[once], Y[once]",
        "on the same 64 rows",
    ),
    "few rows": ("X, Y = X[:900], Y[:900]", "taken from 900 rows"),
    "rows of the test": ("X, Y = contexts_of(names.all, 3)", "those of dev and test too"),
    "copies": (
        "def PARAMETERS(model): return [p.detach().clone().requires_grad_() for p in model.parameters()]\n"
        "def step(parameters):\n    for p in parameters:\n        p.data -= 0.1 * (p.grad if p.grad is not None else 0)",
        "get gradients, but in the first 12 steps none of them has changed",
    ),
    "no step, while statistics move": ("make = module\ndef step(parameters): pass", "none of them has changed. Is the step taken in each pass"),
    "a model of its own": (
        "right = train\ndef train(model): yield from right(Net())",
        "none has got a gradient",
    ),
    "a new meaning of a name": (
        "def step(parameters):\n    for p in parameters:\n        p = p - RATE * p.grad",
        "get gradients, but in the first 12 steps none",
    ),
    "a forgotten tensor": (
        "def PARAMETERS(model): return [model.C, model.b1, model.W2]",
        "`W1` does not change in the first 12 steps, though a gradient reaches it",
    ),
    "cut off": (
        "class make(Net):\n    def __call__(self, x): return (self.C[x].flatten(1).detach() @ self.W1 + self.b1).tanh() @ self.W2\n"
        "def step(parameters):\n    for p in parameters:\n        p.data -= RATE * p.grad if p.grad is not None else 0",
        "`C` does not change in the first 12 steps, because no gradient reaches it",
    ),
    "evaluation mode": (
        "make = module\ndef before(model, number): number and model.eval()",
        "trains in evaluation mode",
    ),
    "symbols as quantities": (
        "class make(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(3, 27)\n"
        "    def forward(self, x): return self.l(x.float())\n",
        "as if b were twice a",
    ),
    "too far": ("RATE = 100", "The steps are too large"),
    "summed": (
        "def loss_of(z, y): return F.cross_entropy(z, y, reduction='sum')\nRATE = 1.0",
        "summed over the 64 rows",
    ),
    "too small": ("RATE = 1e-5", "very small"),
}
SOUND = {
    "as it is": "",
    "one gradient of two batches": "def zero(parameters):\n    global turn\n    turn = not turn\n"
    "    if turn:\n        for p in parameters: p.grad = None\nturn = False",
    "momentum": "v = {}\ndef step(parameters):\n    for i, p in enumerate(parameters):\n"
    "        v[i] = 0.9 * v.get(i, 0) + p.grad\n        p.data -= 0.1 * v[i]",
    "Adam": "make, optimisers = module, {}\ndef step(parameters):\n    optimisers.setdefault(0, torch.optim.AdamW(parameters, 0.01)).step()",
    "log-probabilities": "def loss_of(z, y): return F.nll_loss(z.log_softmax(1), y)",
    "written out": "def loss_of(z, y): return -z.log_softmax(1)[torch.arange(len(y)), y].mean()",
    "a penalty": "def loss_of(z, y): return F.cross_entropy(z, y) + 0.01 * z.square().mean()",
    "smoothed labels": "def loss_of(z, y): return F.cross_entropy(z, y, label_smoothing=0.1)",
    "a shuffled order": "order = torch.randperm(len(Y))\nX, Y = X[order], Y[order]\n"
    "def batch(step): return X[64 * step : 64 * step + 64], Y[64 * step : 64 * step + 64]",
    "batches cut in two": "whole = batch\ndef batch(step):\n    x, y = whole(step)\n    return x[:32], y[:32]",
    "evaluation and back": "make = module\ndef before(model, number):\n    model.eval()\n    model(X[:50])\n    model.train()",
    "dropout": "def make(): return nn.Sequential(nn.Embedding(27, 6), nn.Flatten(), nn.Dropout(0.2), nn.Linear(18, 27))",
    "a rate that begins at nothing": "RATE = 0.0\ndef before(model, number):\n    global RATE\n    RATE = 0.02 * number",
    "clipped": "right = step\ndef step(parameters):\n    nn.utils.clip_grad_norm_(parameters, 0.1)\n    right(parameters)",
}


@pytest.fixture(scope="module")
def names(course):
    return load_names(course.names)


def watched(code: str, names, rules=RULES):
    from autograder.course.names import contexts_of

    X, Y = names.contexts("train", T)
    space = {
        "torch": torch,
        "nn": nn,
        "F": F,
        "X": X,
        "Y": Y,
        "names": names,
        "contexts_of": contexts_of,
        "__name__": "__main__",
    }
    exec(compile(code, "<ipython-input-1>", "exec"), space)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    facts = seen(space["make"], space["train"], 42, rules, names)
    assert torch.equal(torch.get_rng_state(), before)
    return facts


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_steps_do_wrong_is_told(fault, names):
    code, says = FAULTS[fault]
    facts = watched(BEGIN + code, names)
    assert says in told(facts) and not proves_right(facts)
    assert 8 <= len(told(facts).split()) <= 60


@pytest.mark.parametrize("sound", SOUND)
def test_of_a_sound_training_nothing_is_told(sound, names):
    assert told(watched(BEGIN + SOUND[sound], names)) == ""


def test_a_right_training_is_known_for_one(names):
    assert proves_right(watched(BEGIN, names))
    assert not proves_right(watched(BEGIN.replace("yield loss.item()", "yield loss.item() / 2"), names))


HAND = """
class make:
    def __init__(self):
        self.C, self.W = torch.randn(27, 6), torch.randn(18, 27) * 0.1
        self.mean = torch.zeros(18)
        self.running_mean = torch.zeros(18)
    def __call__(self, x):
        return (self.C[x].flatten(1) - self.running_mean) @ self.W
RATE, MOMENTUM = 0.5, 0.1
def gradients(model, x, y):
    h = model.C[x].flatten(1)
    h = h - h.mean(0)
    z = h @ model.W
    d = (z.softmax(1) - F.one_hot(y, 27)) / len(y)
    dh = d @ model.W.T
    dh = dh - dh.mean(0)
    dC = torch.zeros_like(model.C).index_add_(0, x.flatten(), dh.view(-1, 6))
    return F.cross_entropy(z, y), {"C": dC, "W": h.T @ d}, model.C[x].flatten(1).mean(0)
def train(model):
    for _ in range(40):
        ix = torch.randint(len(Y), (64,))
        loss, found, mean = gradients(model, X[ix], Y[ix])
        model.C = model.C - RATE * found["C"]
        model.W = model.W - RATE * found["W"]
        model.running_mean = (1 - MOMENTUM) * model.running_mean + MOMENTUM * mean
        yield loss.item()
"""
BY_HAND = {
    "as it is": (HAND, ""),
    "another rate for each": (HAND.replace('RATE * found["C"]', '5 * found["C"]'), ""),
    "a row that occurs twice counts once": (
        HAND.replace(
            "torch.zeros_like(model.C).index_add_(0, x.flatten(), dh.view(-1, 6))",
            "torch.zeros_like(model.C).index_put_((x.flatten(),), dh.view(-1, 6))",
        ),
        "The step on `C` does not follow its gradient",
    ),
    "the sign of one": (
        HAND.replace("model.W - RATE", "model.W + RATE"),
        "The step on `W` does not follow its gradient",
    ),
    "uphill": (HAND.replace("- RATE", "+ RATE"), "goes along the gradient"),
    "not divided by the rows": (
        HAND.replace(" / len(y)", "").replace("RATE, M", "RATE, M").replace("0.5, 0.1", "0.1, 0.1"),
        "divided by the 64 rows",
    ),
    "frozen": (HAND.replace('        model.C = model.C - RATE * found["C"]\n', ""), "`C` does not change in"),
    "statistics that stay": (HAND.replace("MOMENTUM = 0.5, 0.1", "MOMENTUM = 0.5, 0"), "`running_mean` is after"),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_gradients_that_were_worked_out_by_hand_are_measured(case, names):
    code, says = BY_HAND[case]
    found = told(watched(code, names, RULES.model_copy(update={"forbid": ("backward",)})))
    assert says in found and bool(found) == bool(says)


def test_gradients_that_vanish_on_their_way_are_told():
    assert "The gradient vanishes on its way: for `W2`" in told({"steps": 12, "slopes": {"W1": 1e-9, "W2": 0.01}})
    assert told({"steps": 12, "slopes": {"W1": 1e-4, "W2": 0.01}}) == ""


def test_a_training_that_raises_tells_nothing(names):
    assert watched(BEGIN + "def before(model, number): 1 / 0", names) == {}


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        {"steps": "many"},
        {"steps": 12, "still": [1, {"name": 3}], "cosines": [None, "x"], "lines": [[1], "x"], "rates": {"a": "b"}},
    ],
)
def test_what_a_stranger_says_was_seen_is_read_with_care(facts):
    assert told(facts) == "" and not proves_right(facts)


def test_only_what_earns_too_little_falls_short():
    targets = torch.zeros(9, dtype=torch.int64)
    sure = F.one_hot(targets, 27).float() * 50
    assert falls_short(torch.zeros(9, 27), targets, RULES) and not falls_short(sure, targets, RULES)
    assert not falls_short(None, targets, RULES)


def test_what_a_model_cannot_tell_apart_is_read_from_its_logits(names):
    contexts, _ = names.contexts("test", T)
    g = torch.Generator().manual_seed(0)
    C, W = torch.randn(27, 8, generator=g), torch.randn(24, 27, generator=g)
    whole = (C[contexts].flatten(1) @ W).tanh() @ torch.randn(27, 27, generator=g)
    assert sees_not(whole, contexts) == "" and not adds_up(whole, contexts)
    assert adds_up(C[contexts].flatten(1) @ W, contexts) and sees_not(C[contexts].flatten(1) @ W, contexts) == ""
    assert adds_up((C[contexts].flatten(1) @ W).log_softmax(1), contexts)
    assert "change places" in sees_not(C[contexts].sum(1).tanh() @ W[:8], contexts)
    assert "symbol 1 of the 3" in sees_not((C[contexts[:, 1:]].flatten(1) @ W[8:]).tanh() @ W[:8].T @ W[:8], contexts)
    assert sees_not(torch.zeros(len(contexts), 27), contexts) == ""
