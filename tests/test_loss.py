"""The loss of a trained model cannot be met by anything but a model of what was asked for; each way has its own message."""

import pytest
import torch

from autograder.course.names import contexts_of
from autograder.course.schema import Exercise, Loss
from autograder.judge.loss import judge_loss
from autograder.student import weights
from autograder.student.called import Fitted
from autograder.student.check import attempt
from autograder.student.logits import record_of
from autograder.student.names import load_names
from autograder.wall.checkpoint import numbers_in
from autograder.wall.facts import Facts
from autograder.wall.record import Draw, Record

SEED = 7


@pytest.fixture(scope="module")
def names(course):
    return load_names(course.names)


def counts_of(names, context: int) -> torch.Tensor:
    """Smoothed counts of the training names, as log-probabilities by context."""
    X, Y = names.contexts("train", context)
    index = (X * 27 ** torch.arange(context - 1, -1, -1)).sum(1)
    counts = torch.bincount(index * 27 + Y, minlength=27 ** (context + 1)).view(-1, 27) + 0.13
    return (counts / counts.sum(1, keepdim=True)).log()


class Table:
    """A model that looks its logits up."""

    def __init__(self, table: torch.Tensor, context: int):
        self.table, self.context = table, context

    def __call__(self, contexts):
        index = (contexts[:, -self.context :] * 27 ** torch.arange(self.context - 1, -1, -1)).sum(1)
        return self.table[index]


def judged(model, names, course, monkeypatch, context=2, max_parameters=20_000, bands=None, try_code=None, **facts):
    """The verdict on a model, as grading would reach it."""
    monkeypatch.chdir(course.root)
    loss = Loss(context=context, split="test", bands=bands or {2.5: 1, 2.3: 2}, max_parameters=max_parameters)
    rules = Exercise(title="x", points=2, minutes=1, difficulty=1, loss=loss)
    told = Facts("x", {"x": rules}, course.course.tolerance, 42, 42, {"x": [SEED]}, torch.__version__, [])
    state = weights.parts_of(model, context)
    facts = {"first": [3.3], "replayed": [3.3], "sizes": state.sizes, "parameters": sum(state.sizes.values()), **facts}
    found = Fitted(model, facts, try_code, state=state)
    with torch.no_grad():
        draw = attempt(lambda: record_of(found, rules, told, SEED))
    return judge_loss(Record("x", (draw,), found.facts), rules, names, SEED)


def test_what_a_model_begins_to_read_late_is_beside_it(names, course, monkeypatch):
    """What it reads is looked for once, before it predicts what counts."""

    class Late:
        def __init__(self, table: torch.Tensor):
            self.weight, self.table = torch.zeros(27), Table(table, 2)

        def __call__(self, contexts):
            calls.append(len(contexts))
            return self.table(contexts) + self.weight if max(calls) > 1_000 else self.weight.expand(len(contexts), 27)

    calls = [0]
    verdict, _ = judged(Late(counts_of(names, 2)), names, course, monkeypatch)
    assert verdict.points == 0 and ("which is no part of the model" in verdict.message or "what it knows is not in its parameters" in verdict.message)


def test_a_training_that_was_stopped_is_told_to_go_on(names, course, monkeypatch):
    """And not that its learning rate should fall."""
    table, bands = Table(counts_of(names, 2), 2), {2.5: 1, 2.0: 2}
    stopped, _ = judged(table, names, course, monkeypatch, bands=bands, finished=False, steps=1571)
    ended, _ = judged(table, names, course, monkeypatch, bands=bands, finished=True, steps=1571)
    assert stopped.points == ended.points == 1
    assert "stopped after step 1,571. Run its cell again" in stopped.message and "stopped" not in ended.message


def test_a_model_of_two_characters_reaches_its_band(names, course, monkeypatch):
    verdict, remarks = judged(Table(counts_of(names, 2), 2), names, course, monkeypatch)
    assert verdict.points == 2 and "The test loss is 2.2" in verdict.message and not remarks


def test_the_loss_is_that_of_the_plain_definition(names, course, monkeypatch):
    table = counts_of(names, 2)
    X, Y = names.contexts("test", 2)
    expected = -table[X[:, 0] * 27 + X[:, 1], Y].mean()
    verdict, _ = judged(Table(table, 2), names, course, monkeypatch)
    assert f"{expected:.4f}" in verdict.message


def test_a_band_gives_its_points(names, course, monkeypatch):
    verdict, _ = judged(Table(counts_of(names, 1), 1), names, course, monkeypatch, bands={2.6: 1, 2.3: 2})
    assert verdict.points == 1 and verdict.status == "partly correct"


def test_a_table_of_counts_is_over_the_parameter_limit(names, course, monkeypatch):
    verdict, _ = judged(Table(counts_of(names, 2), 2), names, course, monkeypatch, max_parameters=1_500)
    assert verdict.points == 0 and "19,683 numbers, the limit here is 1,500" in verdict.message


def test_a_table_hidden_beside_the_weights_is_found(names, course, monkeypatch):
    table = counts_of(names, 2)

    class Hidden:
        def __init__(self):
            self.w = torch.zeros(1)

        def __call__(self, contexts):
            return table[contexts[:, 0] * 27 + contexts[:, 1]] + self.w

    verdict, _ = judged(Hidden(), names, course, monkeypatch, max_parameters=1_500)
    assert verdict.points == 0 and "what it knows is not in its parameters" in verdict.message


SCALED = """
def table():
    return TABLE.clone()
{before}
class Model:
    {inside}
    def __init__(self):
        self.scale = torch.full((1,), 0.9)
        {made}
    def __call__(self, contexts):
        {first}
        return self.scale * ({read})[27 * contexts[:, 0] + contexts[:, 1]]
model = Model()
{behind}
"""
BESIDE = {  # where a table of counts stands whose scale is the model's one parameter -> what is said
    "a global tensor": ({"before": "T = table()", "read": "T"}, "The predictions read `T` (19,683 numbers)"),
    "a global list": ({"before": "T = table().tolist()", "read": "torch.tensor(T)"}, "The predictions read `T` (19,683 numbers)"),
    "a text": ({"before": "T = str(table().tolist())", "read": "torch.tensor(eval(T))"}, "The predictions read `T` ("),
    "an attribute of the class": ({"inside": "T = table()", "read": "Model.T"}, "The predictions read `Model.T` (19,683 numbers)"),
    "a default": ({"before": "def get(T=table()): return T", "read": "get()"}, "The predictions read `get.T` (19,683 numbers)"),
    "an object": ({"before": "class S: pass\ns = S(); s.T = table()", "read": "s.T"}, "The predictions read `s.T` (19,683 numbers)"),
    "an attribute that each call writes": ({"made": "self.T = table()", "first": "self.T = self.T.clone()", "read": "self.T"}, "The predictions read `T`"),
    "counted when asked": ({"read": "counts_of(names, 2)"}, "names cannot be read while it is asked"),
    "a cache": ({"before": "import functools\nget = functools.cache(lambda: counts_of(names, 2))", "behind": "get()", "read": "get()"}, "names cannot be read"),
    "a file": ({"behind": "torch.save(table(), FILE)", "read": "torch.load(FILE)"}, "no file of this folder can be read"),
}


@pytest.mark.parametrize("where", BESIDE)
def test_what_a_model_knows_beside_its_weights_is_told(where, names, course, monkeypatch, tmp_path):
    parts, said = BESIDE[where]
    empty = dict.fromkeys(("before", "inside", "made", "first", "behind"), "pass")
    space = {"__name__": "__main__", "torch": torch, "FILE": tmp_path / "table", "names": names, "counts_of": counts_of}
    space["TABLE"] = counts_of(names, 2)
    exec(SCALED.format(**{**empty, **parts}), space)  # noqa: S102
    verdict, _ = judged(space["model"], names, course, monkeypatch, max_parameters=1_500)
    assert (verdict.points, said in verdict.message) == (0, True), verdict.message
    assert torch.equal(space["TABLE"], counts_of(names, 2)) and names.train  # nothing stays spoiled, and the names are back


def test_what_a_models_code_names_but_its_predictions_do_not_read_is_nobodys_business(names, course, monkeypatch):
    """A class whose own loss looks at the training rows, as many write it."""
    X, Y = names.contexts("train", 2)

    class Own(Table):
        def loss(self):
            return torch.nn.functional.cross_entropy(self(X), Y), names.train

    verdict, remarks = judged(Own(counts_of(names, 2), 2), names, course, monkeypatch)
    assert verdict.status == "correct" and remarks == []


def test_a_loss_by_hardly_any_parameters_is_told_to_the_instructor(names, course, monkeypatch):
    """Where the knowledge stands cannot always be found."""
    table = counts_of(names, 2)
    knows = iter(lambda: table, None)

    class Hidden:
        def __init__(self):
            self.scale = torch.full((1,), 0.9)

        def __call__(self, contexts):
            return self.scale * next(knows)[contexts[:, 0] * 27 + contexts[:, 1]]

    verdict, remarks = judged(Hidden(), names, course, monkeypatch)
    assert verdict.points == 2 and len(remarks) == 1 and "with 1 parameters" in remarks[0]


@pytest.mark.parametrize(
    ("tensor", "count"),
    [
        (torch.rand(10), 10),
        (torch.rand(10, dtype=torch.float64), 20),
        (torch.rand(10).double(), 10),
        (torch.full((10,), torch.nan, dtype=torch.float64), 10),
        (torch.arange(10), 10),
        (torch.arange(10) << 40, 20),
        (torch.full((10,), 2**31), 10),
        (torch.rand(10, dtype=torch.complex64), 20),
        (torch.zeros(10, dtype=torch.bool), 10),
        (torch.zeros(0, dtype=torch.int64), 0),
    ],
    ids=range(10),
)
def test_a_limit_on_numbers_is_one_on_what_they_can_tell(tensor, count):
    """A table packed into long integers counts as what it holds."""
    assert numbers_in(tensor) == count


def test_one_dot_padding_is_named(names, course, monkeypatch):
    """Trained without the first letters, as one dot of padding does, a model has not seen the context of two dots."""
    X, Y = names.contexts("train", 2)
    seen = ~(X == 0).all(1)
    index = (X[seen, 0] * 27 + X[seen, 1]) * 27 + Y[seen]
    counts = torch.bincount(index, minlength=27**3).view(-1, 27) + 0.13
    verdict, _ = judged(
        Table((counts / counts.sum(1, keepdim=True)).log(), 2), names, course, monkeypatch, bands={2.24: 2}
    )
    assert verdict.points == 0 and "The first letter of a name costs 3.30" in verdict.message


def test_a_model_that_looks_at_other_rows_is_refused(names, course, monkeypatch):
    table = counts_of(names, 2)

    class Peeking(Table):
        def __call__(self, contexts):
            logits = super().__call__(contexts)
            return logits + 5 * torch.nn.functional.one_hot(contexts.roll(-1, 0)[:, -1], 27)

    verdict, _ = judged(Peeking(table, 2), names, course, monkeypatch)
    assert verdict.points == 0 and "change with the other rows of the batch" in verdict.message


def test_a_model_that_blew_up_is_not_said_to_look_at_its_neighbours(names, course, monkeypatch):
    """A row alone is summed in another order, and of a hundred thousand a thousandth is rounding."""

    class Large(Table):
        def __call__(self, contexts):
            return 1e5 * super().__call__(contexts) + 0.02 * (len(contexts) == 1)

    verdict, _ = judged(Large(counts_of(names, 2), 2), names, course, monkeypatch)
    assert "other rows" not in verdict.message


def test_outputs_that_are_not_normalised_gain_nothing(names, course, monkeypatch):
    class Shifted(Table):
        def __call__(self, contexts):
            return super().__call__(contexts) + 100.0

    plain, _ = judged(Table(counts_of(names, 2), 2), names, course, monkeypatch)
    shifted, _ = judged(Shifted(counts_of(names, 2), 2), names, course, monkeypatch)
    assert shifted.message == plain.message


def test_probabilities_in_place_of_logits_are_named(names, course, monkeypatch):
    verdict, _ = judged(Table(counts_of(names, 2).exp(), 2), names, course, monkeypatch)
    assert verdict.points == 0 and "The outputs are probabilities: each row sums to 1." in verdict.message


def test_logits_that_are_not_finite_are_refused(names, course, monkeypatch):
    table = counts_of(names, 2)
    table[:, 3] = -torch.inf
    verdict, _ = judged(Table(table, 2), names, course, monkeypatch)
    assert verdict.points == 0 and "NaN or infinite" in verdict.message


def test_a_loss_that_is_infinite_is_told_its_cause(names, course, monkeypatch):
    """Each logit is a number, and none is where the probabilities are taken."""
    table = torch.full((27 * 27, 27), -3e38)
    table[:, 0] = 3e38
    verdict, _ = judged(Table(table, 2), names, course, monkeypatch)
    assert verdict.points == 0 and "loss is inf" in verdict.message and "Did the training blow up" in verdict.message


def test_a_wrong_shape_is_told(names, course, monkeypatch):
    verdict, _ = judged(Table(counts_of(names, 2)[:, :26].contiguous(), 2), names, course, monkeypatch)
    assert verdict.points == 0 and "(23053, 26)" in verdict.message


OTHER = {"first": [3.3, 3.2], "replayed": [3.3, 2.9], "tried": 300}


def test_weights_whose_code_begins_otherwise_and_does_not_learn_are_refused(names, course, monkeypatch):
    guess = lambda contexts: (torch.zeros(len(contexts), 27), torch.zeros(len(contexts), 27))  # noqa: E731
    verdict, _ = judged(Table(counts_of(names, 2), 2), names, course, monkeypatch, try_code=guess, **OTHER)
    assert verdict.points == 0 and "do not belong together" in verdict.message and "goes from 3.30 to 3.30" in verdict.message


def test_code_that_begins_otherwise_but_learns_keeps_its_points(names, course, monkeypatch):
    """A generator that goes on, a shuffle, another processor: all honest."""
    table = Table(counts_of(names, 2), 2)
    learns = lambda contexts: (torch.zeros(len(contexts), 27), table(contexts))  # noqa: E731
    verdict, remarks = judged(table, names, course, monkeypatch, try_code=learns, **OTHER)
    assert verdict.points == 2 and "the code does learn" in remarks[0]


@pytest.mark.parametrize("logits", [torch.zeros(5, 27), torch.full((2_000, 27), torch.nan), torch.zeros(2_000, 27, dtype=torch.int64)], ids=str)
def test_a_try_that_gives_no_logits_is_no_training(names, course, monkeypatch, logits):
    verdict, _ = judged(Table(counts_of(names, 2), 2), names, course, monkeypatch, try_code=lambda _: (logits, logits), **OTHER)
    assert verdict.points == 0


def test_a_model_that_learned_nothing_is_not_said_to_know_names_by_heart(names, course, monkeypatch):
    verdict, remarks = judged(Table(torch.zeros(27, 27), 1), names, course, monkeypatch, context=1)
    assert remarks == [] and "trained on" not in verdict.message


def test_a_loss_on_test_below_that_on_train_is_remarked_for_the_instructor(names, course, monkeypatch):
    X, Y = contexts_of(names.test, 2)
    counts = torch.bincount((X[:, 0] * 27 + X[:, 1]) * 27 + Y, minlength=27**3).view(-1, 27) + 0.01
    verdict, remarks = judged(Table((counts / counts.sum(1, keepdim=True)).log(), 2), names, course, monkeypatch)
    assert verdict.points == 2 and "were the test names trained on?" in remarks[0]


def test_a_forged_record_is_no_verdict(course, names):
    rules = Exercise(
        title="x",
        points=2,
        minutes=1,
        difficulty=1,
        loss=Loss(context=2, split="test", bands={2.5: 2}, max_parameters=1),
    )
    for values in ({}, {"logits": "0"}, {"logits": torch.zeros(3, 27)}, {"logits": torch.zeros(23053, 27)}):
        assert judge_loss(Record("x", (Draw(values),), {}), rules, names, SEED)[0].points == 0
