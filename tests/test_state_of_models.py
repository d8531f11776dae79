"""Whatever a model is made of: what its predictions read is saved, counted and restored; what they only write or never look at is not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.student import weights
from autograder.wall import checkpoint

CONTEXT, SYMBOLS, WIDTH = 2, 27, 5


def targets(contexts):
    return contexts.sum(1) % SYMBOLS


class Tables:
    """Plain tensors, one layer, and what people keep beside them."""

    def __init__(self):
        self.C = torch.randn(SYMBOLS, WIDTH).requires_grad_()
        self.W = (0.1 * torch.randn(CONTEXT * WIDTH, SYMBOLS)).requires_grad_()

    def parameters(self):
        return [self.C, self.W]

    def __call__(self, contexts):
        return self.C[contexts].flatten(1) @ self.W


class KeepsOut(Tables):
    def __call__(self, contexts):
        self.h = self.C[contexts].flatten(1)
        self.out = self.h @ self.W
        return self.out


class KeepsMuch(Tables):
    """A cache, a velocity, its losses, its optimiser, a counter."""

    def __init__(self):
        super().__init__()
        self.cache, self.losses, self.calls = {}, [], 0
        self.velocity = [torch.zeros_like(p) for p in self.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters(), 0.1)

    def __call__(self, contexts):
        self.calls += 1
        key = tuple(contexts.flatten().tolist())
        self.cache[key] = super().__call__(contexts)
        self.losses.append(float(self.cache[key].detach().sum()))
        for velocity in self.velocity:
            velocity += 1
        return self.cache[key]


class Late:
    """Holds nothing before it is trained."""

    def __init__(self):
        self.P, self.extra = None, {}

    def parameters(self):
        self.P = torch.randn(SYMBOLS, SYMBOLS).requires_grad_()
        self.extra["bias", 0] = torch.randn(SYMBOLS).requires_grad_()
        return [self.P, self.extra["bias", 0]]

    def __call__(self, contexts):
        return self.P[contexts[:, -1]] + self.extra["bias", 0]


class Slots:
    __slots__ = ("W", "rest")

    def __init__(self):
        self.W = torch.randn(SYMBOLS, SYMBOLS).requires_grad_()
        self.rest = (torch.zeros(SYMBOLS).requires_grad_(), [torch.zeros(1).requires_grad_()])

    def parameters(self):
        return [self.W, self.rest[0], self.rest[1][0]]

    def __call__(self, contexts):
        return self.W[contexts[:, -1]] + self.rest[0] + self.rest[1][0]


@dataclasses.dataclass(slots=True)
class Data:
    table: torch.Tensor = dataclasses.field(default_factory=lambda: torch.zeros(SYMBOLS, SYMBOLS).requires_grad_())

    def parameters(self):
        return [self.table]

    def __call__(self, contexts):
        return self.table[contexts[:, -1]]


class LecturesBatchNorm(Tables):
    """Running statistics of shape (d,), which the first step makes (1, d), and an ``out`` that the lecture keeps."""

    def __init__(self):
        super().__init__()
        self.training, self.mean, self.var = True, torch.zeros(CONTEXT * WIDTH), torch.ones(CONTEXT * WIDTH)

    def __call__(self, contexts):
        x = self.C[contexts].flatten(1)
        mean, var = (x.mean(0, keepdim=True), x.var(0, keepdim=True)) if self.training else (self.mean, self.var)
        self.out = (x - mean) / (var + 1e-5).sqrt()
        if self.training:
            with torch.no_grad():
                self.mean, self.var = 0.9 * self.mean + 0.1 * mean, 0.9 * self.var + 0.1 * var
        return self.out @ self.W


class Numbers:
    """Learns numbers that are no tensors."""

    def __init__(self, make):
        self.make, self.table = make, make(np.zeros((SYMBOLS, SYMBOLS)))

    def parameters(self):
        return []

    def learn(self):
        self.table = self.make(np.random.default_rng(0).normal(size=(SYMBOLS, SYMBOLS)))

    def __call__(self, contexts):
        return torch.tensor(np.array(self.table)[contexts[:, -1].numpy()]).float()


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.out = nn.Embedding(SYMBOLS, WIDTH), nn.Linear(WIDTH, SYMBOLS, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, contexts):
        return self.out(self.embedding(contexts).mean(1))


class Averaged(Tables):
    """Predicts with an average of its weights, once there is one."""

    def __init__(self):
        super().__init__()
        self.average = None

    def __call__(self, contexts):
        C, W = self.average or (self.C, self.W)
        return C[contexts].flatten(1) @ W

    def learn(self):
        self.average = [p.detach().clone() + 0.1 for p in self.parameters()]


class Grown(Tables):
    """Gets a scale and another layer while it trains."""

    def __init__(self):
        super().__init__()
        self.scale, self.layers = 1.0, []

    def learn(self):
        self.scale = 2.5
        self.layers.append(torch.randn(SYMBOLS, SYMBOLS))

    def __call__(self, contexts):
        x = self.scale * super().__call__(contexts)
        for layer in self.layers:
            x = x @ layer
        return x


class Ids(Tables):
    """Whole numbers that were learned."""

    def __init__(self):
        super().__init__()
        self.order = torch.arange(SYMBOLS)

    def learn(self):
        self.order = torch.randperm(SYMBOLS)

    def __call__(self, contexts):
        return super().__call__(self.order[contexts])


def sequential():
    parts = (nn.Embedding(SYMBOLS, WIDTH), nn.Flatten(), nn.Linear(CONTEXT * WIDTH, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh())
    return nn.Sequential(*parts, nn.Dropout(0.1), nn.Linear(8, SYMBOLS))


def lazy():
    return nn.Sequential(nn.Embedding(SYMBOLS, WIDTH), nn.Flatten(), nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.Tanh(), nn.LazyLinear(SYMBOLS))


TABLE, TWO = SYMBOLS * SYMBOLS, SYMBOLS * WIDTH + CONTEXT * WIDTH * SYMBOLS
MODELS = {  # how it is made, and how many numbers count
    "plain tensors": (Tables, TWO),
    "an out": (KeepsOut, TWO),
    "a cache, a velocity, losses, an optimiser": (KeepsMuch, TWO),
    "nothing before the training": (Late, TABLE + SYMBOLS),
    "slots, a tuple, a list": (Slots, TABLE + SYMBOLS + 1),
    "a dataclass with slots": (Data, TABLE),
    "the lecture's BatchNorm": (LecturesBatchNorm, TWO + 2 * CONTEXT * WIDTH),
    "a numpy array": (lambda: Numbers(np.array), TABLE),
    "lists of numbers": (lambda: Numbers(np.ndarray.tolist), TABLE),
    "tuples of numbers": (lambda: Numbers(lambda table: tuple(map(tuple, table.tolist()))), TABLE),
    "tied weights": (Tied, SYMBOLS * WIDTH),
    "an average of weights": (Averaged, TWO),
    "what grows": (Grown, TWO + TABLE),
    "learned indices": (Ids, TWO + SYMBOLS),
    "a Sequential": (sequential, SYMBOLS * WIDTH + CONTEXT * WIDTH * 8 + 4 * 8 + 9 * SYMBOLS),
    "lazy layers": (lazy, SYMBOLS * WIDTH + (CONTEXT * WIDTH + 1) * 8 + 4 * 8 + 9 * SYMBOLS),
}


def trained(make):
    """After a few steps on the lecture's loop."""
    torch.manual_seed(0)
    model = make()
    contexts = torch.randint(SYMBOLS, (32, CONTEXT))
    if isinstance(model, nn.Module):
        model(contexts)
    parameters = list(model.parameters())
    for _ in range(3 if parameters else 0):
        loss = F.cross_entropy(model(contexts), targets(contexts))
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            if p.grad is not None:
                p.data -= 0.1 * p.grad
    if hasattr(model, "learn"):
        model.learn()
    return model


@pytest.mark.parametrize("name", MODELS)
def test_a_fresh_model_with_the_saved_state_predicts_the_same(name, tmp_path):
    make, numbers = MODELS[name]
    model, rows = trained(make), torch.randint(SYMBOLS, (50, CONTEXT))
    weights.save(tmp_path / "x.safetensors", model, CONTEXT, {})
    saved = checkpoint.load(tmp_path / "x.safetensors")
    again = weights.fresh(make, 1, CONTEXT)
    weights.put(again, saved.tensors, saved.held)
    for one in (model, again):
        weights.evaluation_mode(one)
    torch.testing.assert_close(weights.predict(again, rows), weights.predict(model, rows))
    assert sum(weights.state_of(model, CONTEXT).sizes.values()) == numbers
    assert sum(weights.state_of(again, CONTEXT).sizes.values()) == numbers


@pytest.mark.parametrize("name", MODELS)
def test_looking_for_its_state_leaves_a_model_as_it_was(name):
    """In the middle of a training, too: autograd does not notice."""
    model, contexts = trained(MODELS[name][0]), torch.randint(SYMBOLS, (8, CONTEXT))
    modes = [module.training for module in model.modules()] if isinstance(model, nn.Module) else getattr(model, "training", None)
    logits = model(contexts)
    before = {str(leaf.path): leaf.tensor() for leaf in weights.leaves_of(model)}
    weights.state_of(model, CONTEXT)
    after = {str(leaf.path): leaf.tensor() for leaf in weights.leaves_of(model)}
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert modes == ([module.training for module in model.modules()] if isinstance(model, nn.Module) else getattr(model, "training", None))
    if logits.requires_grad:
        logits.sum().backward()


def test_what_is_learned_outside_of_the_model_is_not_saved(tmp_path):
    """And can be told: the fresh model predicts otherwise."""
    table = torch.zeros(SYMBOLS, SYMBOLS)

    class Outside(Tables):
        def __call__(self, contexts):
            return super().__call__(contexts) + table[contexts[:, -1]]

    model = trained(Outside)
    table.normal_()
    weights.save(tmp_path / "x.safetensors", model, CONTEXT, {})
    assert sum(t.numel() for t in checkpoint.load(tmp_path / "x.safetensors").tensors.values()) == TWO


def test_a_model_that_cannot_be_called_is_saved_whole(tmp_path):
    model = {"W": torch.ones(3)}
    weights.save(tmp_path / "x.safetensors", model, CONTEXT, {})
    assert torch.equal(checkpoint.load(tmp_path / "x.safetensors").tensors["W"], torch.ones(3))


def test_a_part_for_which_there_is_no_place_is_named(tmp_path):
    weights.save(tmp_path / "x.safetensors", trained(Grown), CONTEXT, {})
    saved = checkpoint.load(tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="the weights hold layers.0, and a model that make_model"):
        weights.put(Tables(), saved.tensors, saved.held)
