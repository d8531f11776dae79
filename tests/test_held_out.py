"""A training that learns from the names on which it is judged gets no points for its loss; one that learns from others does not lose any."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.course.names import Names, contexts_of
from autograder.course.schema import Exercise, Loss
from autograder.student.held_out import HeldOut, held_out_rows
from autograder.student.names import load_names

T = 3


@pytest.fixture(scope="module")
def names():
    return load_names(seed=42)


def rules(split):
    return Exercise(title="x", points=2, minutes=1, difficulty=1, loss=Loss(context=T, split=split, bands={2.5: 1, 2.3: 2}, max_parameters=9999))


def model():
    return nn.Sequential(nn.Embedding(27, 4), nn.Flatten(), nn.Linear(4 * T, 16), nn.Tanh(), nn.Linear(16, 27))


def own_split(names: Names):
    words = list(names.all)
    random.Random(7).shuffle(words)
    return contexts_of(words[: int(0.8 * len(words))], T)


def shuffled(rows):
    X, Y = rows
    order = torch.randperm(len(Y), generator=torch.Generator().manual_seed(3))
    return X[order], Y[order]


DATA = {
    "train": lambda names: names.contexts("train", T),
    "train, shuffled": lambda names: shuffled(names.contexts("train", T)),
    "train and dev": lambda names: contexts_of(names.train + names.dev, T),
    "all": lambda names: contexts_of(names.all, T),
    "all, shuffled": lambda names: shuffled(contexts_of(names.all, T)),
    "a split of one's own": own_split,
    "test": lambda names: names.contexts("test", T),
}
BATCHES = {
    "an index": lambda X, Y, step: (X[ix := torch.randint(len(Y), (64,))], Y[ix]),
    "index_select": lambda X, Y, step: (X.index_select(0, ix := torch.randint(len(Y), (64,))), Y.index_select(0, ix)),
    "index_select by name": lambda X, Y, step: (X.index_select(0, index=(ix := torch.randint(len(Y), (64,)))), Y.index_select(0, index=ix)),
    "rows and all columns": lambda X, Y, step: (X[ix := torch.randint(len(Y), (64,)), :], Y[ix]),
    "a list": lambda X, Y, step: (X[ix := torch.randint(len(Y), (64,)).tolist()], Y[ix]),
    "a slice": lambda X, Y, step: (X[64 * step : 64 * step + 64], Y[64 * step : 64 * step + 64]),
    "all rows": lambda X, Y, step: (X, Y),
    "small numbers": lambda X, Y, step: (X.int()[ix := torch.randint(len(Y), (64,))], Y[ix]),
}


def training(data, batch=BATCHES["an index"], watched=lambda model: None):
    def train(model):
        X, Y = data()
        for step in range(400):
            x, y = batch(X, Y, step)
            loss = F.cross_entropy(model(x), y)
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
            watched(model)
            yield loss.item()

    return train


ALLOWED = {"dev": ("train", "train, shuffled", "test"), "test": ("train", "train, shuffled", "train and dev")}


@pytest.mark.parametrize("split", ALLOWED)
@pytest.mark.parametrize("data", DATA)
def test_what_is_learned_from_is_seen(names, data, split):
    found = held_out_rows(model, training(lambda: DATA[data](names)), 1, rules(split), names)
    assert bool(found) == (data not in ALLOWED[split])


@pytest.mark.parametrize("batch", BATCHES)
def test_however_a_batch_is_taken(names, batch):
    found = held_out_rows(model, training(lambda: DATA["all"](names), BATCHES[batch]), 1, rules("test"), names)
    assert found["rows"] == len(contexts_of(names.all, T)[1]) and found["held out"] > 100
    assert held_out_rows(model, training(lambda: DATA["train"](names), BATCHES[batch]), 1, rules("test"), names) == {}


def test_who_looks_at_the_held_out_loss_does_not_learn_from_it(names):
    X, Y = names.contexts("test", T)
    found = held_out_rows(model, training(lambda: DATA["train"](names), watched=lambda model: F.cross_entropy(model(X), Y)), 1, rules("test"), names)
    assert found == {}


def test_rows_of_a_table_that_are_never_drawn_are_not_learned_from(names):
    X, Y = contexts_of(names.train + names.test, T)
    train_rows = len(names.contexts("train", T)[1])

    def batch(X, Y, step):
        rows = torch.randint(train_rows, (64,))
        return X[rows], Y[rows]

    assert held_out_rows(model, training(lambda: (X, Y), batch), 1, rules("test"), names) == {}


def test_tables_that_are_made_anew_for_each_step_are_not_taken_for_one_another(names):
    data = [shuffled(names.contexts("train", T)), *(contexts_of(names.all, T) for _ in range(2))]

    def batch(X, Y, step):
        X, Y = (t.clone() for t in data[0])
        rows = torch.randint(len(Y), (64,))
        return X[rows], Y[rows]

    assert held_out_rows(model, training(lambda: data[1], batch), 1, rules("test"), names) == {}


def test_what_cannot_be_read_costs_nothing(names, monkeypatch):
    monkeypatch.setattr(HeldOut, "taken", lambda self, batch: torch.zeros(1)[batch])
    assert held_out_rows(model, training(lambda: DATA["all"](names)), 1, rules("test"), names) == {}


def test_a_training_that_raises_costs_nothing(names):
    def train(model):
        yield 1 / 0

    assert held_out_rows(model, train, 1, rules("test"), names) == {}
