"""``fit`` on a student's machine: nothing that was trained is ever lost, and nothing is trained twice."""

import copy
import functools
import itertools
import os
import random
import signal
import types
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from autograder import fit as fit_function
from autograder.course.schema import Exercise, Loss
from autograder.student import fit as FIT
from autograder.student import session, weights
from autograder.student.called import trained_by_other_code
from autograder.student.fingerprint import change, code_of, same_code
from autograder.student.progress import Progress, loss_curve
from autograder.wall import checkpoint
from autograder.wall.facts import Facts

ID = "train_x"
RATE = 0.1


class Line:
    """A model of two tensors, one of them nested."""

    def __init__(self):
        self.w = torch.randn(3)
        self.layers = [{"b": torch.zeros(1)}]

    def __call__(self, contexts):
        return torch.zeros(len(contexts), 27) + self.w.sum() + self.layers[0]["b"]


def step_size() -> float:
    return RATE


def train(model, steps=12, stop_at=None):
    for step in range(steps):
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        noise = torch.rand(())
        model.w -= step_size() * model.w * noise
        model.layers[0]["b"] += 1
        yield float((model.w**2).sum())


class Quiet:
    """A student's session without answers to compare with."""

    training = "author"  # shows no progress

    def __init__(self, forbid: tuple[str, ...] = ()):
        loss = Loss(context=1, split="test", bands={2.0: 1}, max_parameters=10)
        rules = Exercise(title="x", points=1, minutes=1, difficulty=1, loss=loss, forbid=forbid)
        self.facts = Facts("x", {ID: rules}, None, 42, 42, {ID: [1]}, "", [])

    def report(self, exercise, step, steps, loss):
        pass


@pytest.fixture(autouse=True)
def student(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session.use(Quiet())
    yield
    session.use(None)
    FIT._suspended.clear()


def new_kernel() -> None:
    FIT._suspended.clear()


def counted(calls: list):
    def train_and_count(model):
        for loss in train(model):
            calls.append(loss)
            yield loss

    return train_and_count


def interrupted(model):
    yield from train(model, stop_at=5)


def interrupted_once(model):
    yield from train(model, stop_at=None if len(list(Path("older_weights").glob("*"))) == 2 else 5)


def from_a_step(model, first_step=0):
    stop = 5 if first_step == 0 and not Path(f"{ID}.safetensors").exists() else None
    yield from itertools.islice(train(model, stop_at=stop), 12 - first_step)


def test_the_weights_are_kept_in_a_safetensors_file(tmp_path):
    model = fit_function(ID, Line, train)
    saved = safetensors.torch.load_file(tmp_path / f"{ID}.safetensors")
    assert torch.equal(saved["w"], model.w) and torch.equal(saved["layers.0.b"], torch.tensor([12.0]))


def test_a_finished_training_is_loaded_not_repeated():
    first = fit_function(ID, Line, train)
    calls = []
    trainer = counted(calls)
    fit_function(ID, Line, trainer)  # other code: trains
    trained = len(calls)
    again = fit_function(ID, Line, trainer)
    assert trained == len(calls) == 12
    assert torch.equal(again.w, first.w)


def test_other_code_trains_afresh_and_keeps_the_older_weights(tmp_path):
    older = fit_function(ID, Line, train)
    fit_function(ID, Line, counted([]))
    (kept,) = (tmp_path / "older_weights").iterdir()
    assert torch.equal(safetensors.torch.load_file(kept)["w"], older.w)


def test_a_changed_constant_of_a_helper_counts_as_other_code(monkeypatch):
    before = code_of(Line, with_constant)
    monkeypatch.setitem(globals(), "RATE", 0.2)
    assert change(before, code_of(Line, with_constant)) == "`RATE` is 0.2, it was 0.1"


def with_constant(model):
    yield RATE


def steady_rate(model):
    for _ in range(3):
        yield 3.0 * RATE


def test_weights_that_other_code_has_trained_are_known(monkeypatch):
    """The cell of the training has run anew and fit has not, or a value that it reads is another."""
    assert trained_by_other_code(ID) == ""
    fit_function(ID, Line, steady_rate)
    assert trained_by_other_code(ID) == ""
    with monkeypatch.context() as other:
        other.setitem(globals(), "RATE", 0.5)
        assert trained_by_other_code(ID) == "`RATE` is 0.5, it was 0.1"
    with monkeypatch.context() as other:
        other.setitem(globals(), "steady_rate", with_constant)
        assert trained_by_other_code(ID) == "`steady_rate` is gone; `with_constant` is new"
    with monkeypatch.context() as other:
        other.setitem(globals(), "Line", type("Line", (Line,), {"__init__": lambda self: None}))
        assert trained_by_other_code(ID) != ""
    assert trained_by_other_code(ID) == ""
    Path(f"{ID}.safetensors").write_bytes(b"no weights")
    assert trained_by_other_code(ID) == ""
    Path(f"{ID}.safetensors").unlink()
    assert trained_by_other_code(ID) == ""


def test_without_its_file_a_check_says_what_to_run():
    fit_function(ID, Line, train)
    Path(f"{ID}.safetensors").unlink()
    with pytest.raises(RuntimeError, match=f"there is no {ID}.safetensors: run the cell with fit\\('{ID}', ...\\) again"):
        FIT.fitted(ID)


@pytest.mark.parametrize(
    "make, trains, says",
    [
        (lambda: None, train, "make_model() returned None: it must `return` the model"),
        (Line, lambda model: 2.5, "the training returned a single number: train(model) must `yield`"),
        (Line, lambda model: torch.tensor(2.5), "the training returned a single number: train(model) must `yield`"),
        (Line, lambda model: None, "the training returned None: train(model) must `yield`"),
    ],
)
def test_what_is_no_model_or_no_training_is_told_at_once(make, trains, says):
    with pytest.raises(TypeError) as raised:
        fit_function(ID, make, trains)
    assert says in str(raised.value)


def test_a_model_that_is_too_large_is_told_before_it_is_trained(capsys, monkeypatch):
    monkeypatch.setattr(Quiet, "training", "student")

    class Large(Line):
        def __init__(self):
            super().__init__()
            self.w = torch.randn(50)

    fit_function(ID, Line, train)
    assert "Careful" not in capsys.readouterr().out
    large = fit_function(ID, Large, train)
    said = capsys.readouterr().out
    assert "Careful: the model holds 51 numbers, and the check takes none with more than 10." in said and large.layers[0]["b"] == 12


def test_a_changed_method_of_the_model_counts_as_other_code():
    class Changed(Line):
        def __init__(self):
            self.w = torch.ones(3)

    assert not same_code(code_of(Changed, train), code_of(Line, train))


def test_ctrl_c_loses_nothing_and_the_next_call_continues_exactly():
    undisturbed = fit_function(ID, Line, train)
    with pytest.raises(KeyboardInterrupt):
        fit_function(ID, Line, interrupted)
    assert checkpoint.load(Path(f"{ID}.safetensors")).facts["steps"] == 6  # the step that was under way is finished
    continued = fit_function(ID, Line, interrupted)
    assert torch.equal(continued.w, undisturbed.w) and continued.layers[0]["b"] == 12


@pytest.mark.parametrize("trains, afresh", [(lambda model: interrupted(model), True), (lambda model, first_step=0: interrupted(model), False)])
def test_who_stops_a_training_is_told_for_how_long_it_goes_on(trains, afresh):
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit_function(ID, Line, trains)
    assert "after step 6; run the cell again to continue there" in str(stopped.value)
    assert ("after a restart the training begins afresh" in str(stopped.value)) is afresh


def test_in_a_new_kernel_an_interrupted_training_begins_afresh_beside_the_old_weights(tmp_path):
    undisturbed = fit_function(ID, Line, train)
    with pytest.raises(KeyboardInterrupt):
        fit_function(ID, Line, interrupted_once)
    new_kernel()
    again = fit_function(ID, Line, interrupted_once)
    assert torch.equal(again.w, undisturbed.w) and again.layers[0]["b"] == 12
    steps = sorted(checkpoint.load(path).facts["steps"] for path in tmp_path.rglob("*.safetensors"))
    assert steps == [6, 12, 12]


def test_a_training_that_takes_a_first_step_goes_on_in_a_new_kernel():
    with pytest.raises(KeyboardInterrupt):
        fit_function(ID, Line, from_a_step)
    new_kernel()
    continued = fit_function(ID, Line, from_a_step)
    assert continued.layers[0]["b"] == 12 and checkpoint.load(Path(f"{ID}.safetensors")).facts["steps"] == 12


@pytest.mark.parametrize("stop", [1, 3, 7, 11])
def test_wherever_it_is_stopped_the_first_losses_are_of_one_run(stop):
    def stopping(model):
        yield from train(model, stop_at=stop - 1 if not STOPPED.append(stop) and len(STOPPED) == 1 else None)

    STOPPED.clear()
    whole = fit_function(ID, Line, train)
    with pytest.raises(KeyboardInterrupt):
        fit_function(ID, Line, stopping)
    new_kernel()
    again = fit_function(ID, Line, stopping)
    assert torch.equal(again.w, whole.w)
    found = FIT.fitted(ID)
    assert found.try_code is None and found.facts["first"] == found.facts["replayed"]


STOPPED: list[int] = []


def test_an_interrupted_model_can_be_checked():
    with pytest.raises(KeyboardInterrupt):
        fit_function(ID, Line, interrupted)
    assert FIT.fitted(ID).model.layers[0]["b"] == 6


def test_going_back_to_earlier_code_finds_its_weights(monkeypatch):
    calls = []

    def counting(model):
        calls.append(RATE)
        yield from train(model)

    first = fit_function(ID, Line, counting)
    monkeypatch.setitem(globals(), "RATE", 0.2)
    other = fit_function(ID, Line, counting)
    monkeypatch.setitem(globals(), "RATE", 0.1)
    again = fit_function(ID, Line, counting)
    assert calls == [0.1, 0.2] and torch.equal(again.w, first.w) and not torch.equal(other.w, first.w)
    assert torch.equal(safetensors.torch.load_file(f"{ID}.safetensors")["w"], first.w)


def test_a_function_behind_a_cache_counts_as_code():
    """Or behind any other of Python's wrappers."""

    def made_with(scale: float):
        class Cached(Line):
            @functools.cached_property
            def scale(self):
                return scale

        @functools.lru_cache
        def rate():
            return scale

        def cached(model):
            yield rate() * model.scale

        return code_of(Cached, cached)

    told = change(made_with(1.0), made_with(2.0))
    assert not same_code(made_with(1.0), made_with(2.0)) and same_code(made_with(1.0), made_with(1.0))
    assert "`scale` is 2.0, it was 1.0" in told
    parts = made_with(1.0)
    assert any(name.endswith("rate") for name in parts) and any(name.endswith("Cached.scale") for name in parts)


def test_what_the_training_itself_changes_is_no_other_code():
    losses, calls = [], []

    def collecting(model):
        calls.append(1)
        for loss in train(model):
            losses.append(loss)
            yield loss

    for _ in range(3):
        fit_function(ID, Line, collecting)
    assert len(calls) == 1


class Counter:
    """An object of the notebook's own that a training changes."""

    def __init__(self):
        self.steps = 0


COUNT, COUNTER, LOSSES, OPTIONS = 0, Counter(), [], {"rates": [0.1]}
READ = torch.ones(1).expand(5), np.broadcast_to(np.ones(1), 5), [(i, str(i)) for i in range(300_000)]  # cannot be written, or copied
DRAWN = (torch.Generator().manual_seed(1), np.random.default_rng(1), np.random.RandomState(1), random.Random(1))
ONLY = Line()


def test_trying_a_training_leaves_the_notebook_as_it_was():
    """A check tries the code; what the student's own cells go on with is not moved by it."""
    nearby = 0

    def touching(model):
        global COUNT
        nonlocal nearby
        for loss in train(model):
            COUNT, nearby = COUNT + 1, nearby + 1
            COUNTER.steps += 1
            assert len(READ) == 3
            LOSSES.append(loss)
            OPTIONS["rates"].append(loss)
            OPTIONS["last"] = loss
            model.w += torch.rand(3, generator=DRAWN[0]) + DRAWN[1].random() + DRAWN[2].rand() + DRAWN[3].random()
            yield loss

    def only() -> Line:
        return ONLY

    def state() -> tuple:
        return (COUNT, nearby, COUNTER.steps, list(LOSSES), copy.deepcopy(OPTIONS), *copy.deepcopy(vars(ONLY)).items())

    def drawn() -> list:
        torch_one, one, old, plain = (copy.deepcopy(g) if not isinstance(g, torch.Generator) else g.clone_state() for g in DRAWN)
        return [float(torch.rand((), generator=torch_one)), one.random(), old.rand(), plain.random()]

    fit_function(ID, only, touching)
    before, next_drawn = state(), drawn()
    assert before[0] == before[1] == before[2] == 12
    FIT.fitted(ID)
    assert drawn() == next_drawn
    assert repr(state()) == repr(before)


def test_an_error_in_the_training_keeps_the_weights_so_far():
    def failing(model):
        yield from train(model, steps=4)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit_function(ID, Line, failing)
    assert safetensors.torch.load_file(f"{ID}.safetensors")["layers.0.b"] == 4


def test_a_damaged_file_is_kept_and_trained_afresh(tmp_path):
    (tmp_path / f"{ID}.safetensors").write_bytes(b"damaged")
    assert fit_function(ID, Line, train).layers[0]["b"] == 12
    assert (tmp_path / "older_weights" / f"{ID}.previous.safetensors").read_bytes() == b"damaged"


def test_a_loss_may_still_hang_on_its_graph(recwarn):
    def on_its_graph(model):
        for loss in train(model):
            yield torch.tensor(loss, requires_grad=True) * 1.0

    assert fit_function(ID, Line, on_its_graph).layers[0]["b"] == 12
    fit_function(ID, Line, on_its_graph)  # is loaded, and its first losses are replayed
    assert not [str(warning.message) for warning in recwarn]


def test_a_training_that_yields_nothing_is_told():
    def silent(model):
        return iter(())

    with pytest.raises(ValueError, match="must `yield` the loss of every step"):
        fit_function(ID, Line, silent)


def test_losses_in_a_list_are_refused_and_the_weights_kept(tmp_path):
    with pytest.raises(TypeError, match="all losses at once"):
        fit_function(ID, Line, lambda model: list(train(model)))
    assert (tmp_path / f"{ID}.safetensors").exists()


def test_the_same_code_gives_the_same_weights(tmp_path):
    first = fit_function(ID, Line, train)
    (tmp_path / f"{ID}.safetensors").unlink()
    assert torch.equal(fit_function(ID, Line, train).w, first.w)


def test_the_notebooks_own_state_is_left_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    try:
        model = fit_function(ID, Line, train)
        assert model.w.dtype == torch.float32 and torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.rand(3), expected)


def test_gradients_are_off_where_backward_is_forbidden():
    session.use(Quiet(forbid=("backward",)))
    seen = []

    def watching(model):
        seen.append(torch.is_grad_enabled())
        yield 1.0

    fit_function(ID, Line, watching)
    assert seen == [False]


def test_evaluation_mode_reaches_nested_layers():
    class Layer:
        training = True

    class Model:
        def __init__(self):
            self.layers = [Layer(), {"inner": Layer()}, nn.Dropout()]

    model = Model()
    weights.evaluation_mode(model)
    assert not any(layer.training for layer in (model.layers[0], model.layers[1]["inner"], model.layers[2]))


def test_what_is_said_beside_a_training_shows_code_as_code():
    shown = []
    progress = Progress(ID, 2, "`RATE` is 0.2, it was 0.1 & <more>")
    progress.handle = types.SimpleNamespace(update=lambda html: shown.append(html.data))
    progress.done(types.SimpleNamespace(step=2, history=[3.0, 2.0], seconds=1.0), "see `older`")
    assert "<code>RATE</code> is 0.2, it was 0.1 &amp; &lt;more&gt;" in shown[0] and "see <code>older</code>" in shown[0]


def test_the_loss_curve_is_a_picture_with_its_range():
    picture = loss_curve([3.3, 2.9, 2.5, float("nan")])
    assert picture.startswith("<svg") and "3.300" in picture and "2.500" in picture and "nan" not in picture


def test_no_older_weights_are_ever_overwritten(tmp_path):
    fit_function(ID, Line, train)

    def other(model):
        yield from train(model, steps=3)

    def another(model):
        yield from train(model, steps=4)

    fit_function(ID, Line, other)
    fit_function(ID, Line, another)
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.safetensors"))
    assert len(names) == 3 and names[2] == f"{ID}.safetensors"
    for name, steps in zip(names, (12, 3)):  # they tell what is in them, and how good it was
        facts = checkpoint.load(tmp_path / name).facts
        loss = f"-loss-{facts['loss']:.4f}" if "loss" in facts else ""
        assert name == f"older_weights/{ID}.previous-{steps}-steps{loss}.safetensors"


def test_the_best_of_several_older_trainings_of_a_code_is_the_one_that_counts_again(tmp_path):
    calls = []
    trainer = counted(calls)
    older = fit_function(ID, Line, trainer)
    facts = checkpoint.load(tmp_path / f"{ID}.safetensors").facts
    folder = tmp_path / "older_weights"
    folder.mkdir()
    for name, loss in (("a", 3.5), ("z", 2.5), ("m", 3.0)):
        weights.save(folder / f"{ID}.previous-{name}.safetensors", older, 3, {**facts, "loss": loss})
    (tmp_path / f"{ID}.safetensors").unlink()
    fit_function(ID, Line, trainer)
    assert len(calls) == 12 and checkpoint.load(tmp_path / f"{ID}.safetensors").facts["loss"] == 2.5
    assert len(list(folder.iterdir())) == 2
    fit_function(ID, Line, train)  # other code: what counted waits with its loss in its name
    assert (folder / f"{ID}.previous-12-steps-loss-2.5000.safetensors").is_file() and len(list(folder.iterdir())) == 3


def test_older_weights_of_an_earlier_kit_are_found_beside_the_notebook(tmp_path):
    calls = []
    trainer = counted(calls)
    older = fit_function(ID, Line, trainer)
    (tmp_path / f"{ID}.safetensors").rename(tmp_path / f"{ID}.previous.safetensors")
    again = fit_function(ID, Line, trainer)
    assert len(calls) == 12 and torch.equal(again.w, older.w) and (tmp_path / f"{ID}.safetensors").is_file()


def test_a_second_ctrl_c_within_a_step_keeps_what_was_saved():
    def impatient(model):
        for step, loss in enumerate(train(model)):
            if step == 3:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
            yield loss

    with pytest.raises(KeyboardInterrupt):
        fit_function(ID, Line, impatient)
    assert checkpoint.load(Path(f"{ID}.safetensors")).facts["finished"] is False and not FIT._suspended
