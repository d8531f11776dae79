"""Any bytes, any tensors: a verdict or a clear refusal, never a crash, and never a point for garbage.

The same examples each time; ``FUZZ=5000 pytest tests/test_fuzzing.py`` tries more of them, the nightly run ten times as many as the daily one.
"""

import contextlib
import json
import math
import os
import socket

import nbformat
import pytest
import safetensors.torch
import torch
from conftest import TINY
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from autograder.course.schema import Exercise, Tolerance
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.judge.cards import as_html, as_text
from autograder.judge.diagnose import close, difference
from autograder.judge.forbidden import Notebook
from autograder.judge.judging import verdict_of
from autograder.judge.values import judge
from autograder.plugin import harmless
from autograder.plugin.bounded import read_notebook
from autograder.runner import outputs
from autograder.runner.host import Runner
from autograder.runner.job import Cell, CellResult, Job, Result
from autograder.wall.checkpoint import count, load
from autograder.wall.facts import Facts
from autograder.wall.frames import Reader, WireError, send
from autograder.wall.record import Draw, Failure, Record, RecordError, decode, draw_from, encode, unpack

fuzz = settings(
    max_examples=int(os.environ.get("FUZZ", "50")),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
TOLERANCE = Tolerance()
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def tensors(draw, dtypes=DTYPES, dims=4) -> torch.Tensor:
    """Of any dtype and small shape, from random bytes: NaN, infinities, subnormal numbers and all."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(st.lists(st.integers(0, 4), max_size=dims))
    size = math.prod(shape) * torch.empty((), dtype=dtype).element_size()
    data = draw(st.binary(min_size=size, max_size=size))
    if dtype == torch.bool:
        data = bytes(b & 1 for b in data)
    flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.reshape(shape)


values = tensors() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | st.none() | st.lists(st.integers() | st.floats())
failures = st.none() | st.builds(Failure, st.text(), st.text(), st.text(), st.integers(0, 99))


texts = st.text(max_size=6)


@st.composite
def records(draw, exercise: str, names=texts) -> Record:
    many = st.dictionaries(names, values, max_size=4)
    draws = []
    for _ in range(draw(st.integers(0, 5))):
        try:
            plain = {name: value for key, found in draw(many).items() for name, value in draw_from({key: found}).values.items()}
        except RecordError:
            plain = {}
        draws.append(Draw(plain, draw(st.booleans()), draw(failures)))
    return Record(exercise, tuple(draws), draw(st.dictionaries(st.text(max_size=6), st.floats() | st.integers() | st.text(), max_size=3)))


def spoiled(data: bytes, chance) -> bytes:
    """Bytes of which some are changed, left out, or repeated."""
    found = bytearray(data)
    for _ in range(chance.draw(st.integers(1, 4))):
        place = chance.draw(st.integers(0, max(0, len(found) - 1)))
        kind = chance.draw(st.sampled_from(("change", "cut", "repeat", "end")))
        if kind == "change" and found:
            found[place] = chance.draw(st.integers(0, 255))
        elif kind == "cut":
            del found[place : place + chance.draw(st.integers(1, 40))]
        elif kind == "repeat":
            found[place:place] = found[place : place + chance.draw(st.integers(1, 40))]
        else:
            del found[place:]
    return bytes(found)


# records


@fuzz
@given(records("double"))
def test_a_record_comes_back_as_it_went(record):
    found = decode(encode({"record": record}))[0]["record"]
    assert (found.exercise, found.facts.keys(), len(found.draws)) == (record.exercise, record.facts.keys(), len(record.draws))
    for a, b in zip(found.draws, record.draws):
        assert (a.named, a.failure, a.values.keys()) == (b.named, b.failure, b.values.keys())
        for name, value in b.values.items():
            if isinstance(value, torch.Tensor):
                assert a.values[name].dtype == value.dtype and a.values[name].shape == value.shape
                assert a.values[name].numpy(force=True).tobytes() == value.numpy(force=True).tobytes() if value.dtype != torch.bfloat16 else True


@fuzz
@given(st.binary(max_size=300), st.data())
def test_any_bytes_are_a_record_or_refused(data, chance):
    for bytes_ in (data, spoiled(encode({"record": Record("double", (Draw({"": torch.ones(2)}),))}), chance)):
        try:
            found, _ = decode(bytes_)
        except RecordError as error:
            assert str(error)
        else:
            assert all(isinstance(record, Record) for record in found.values())


@fuzz
@given(anything, st.dictionaries(st.text(max_size=6), tensors(), max_size=2))
def test_any_json_is_a_record_or_refused(data, loose):
    header = json.dumps({"records": {"record": data}, "facts": {}})
    file = safetensors.torch.save(loose, metadata={"autograder": header})
    for read, given_ in ((decode, (file,)), (unpack, (data, dict(loose)))):
        try:
            assert read(*given_)
        except RecordError as error:
            assert str(error)


# verdicts


@pytest.fixture(scope="module")
def graded(tiny, runner) -> tuple[Facts, dict]:
    facts = hidden_facts(tiny, TINY)
    return facts, answer_key(tiny, TINY, runner, facts).keys


@pytest.mark.parametrize("exercise", ["double", "pieces", "slope", "by_hand"])
def test_garbage_earns_nothing(exercise, graded, tiny):
    facts, keys = graded
    names = list(keys[exercise].reference.draws[0].values)

    @fuzz
    @given(records(exercise, st.sampled_from(names) | st.text(max_size=4)))
    def check(record):
        verdict = verdict_of(record, facts, keys[exercise], tiny.read_names)
        assert verdict.points == 0
        page = as_html(verdict, exercise)
        page.encode(), as_text(verdict).encode()
        assert "<script" not in page and page.count("<div") == page.count("</div")

    check()


@pytest.mark.parametrize("exercise", ["double", "pieces"])
def test_the_right_answer_beside_garbage_earns_no_more_than_it_is_worth(exercise, graded):
    facts, keys = graded
    reference = keys[exercise].reference

    @fuzz
    @given(records(exercise), st.integers(0, len(reference.draws) - 1))
    def check(record, place):
        assume(record.draws)
        draws = list(reference.draws)
        draws[place] = record.draws[0]
        assert judge(Record(exercise, tuple(draws)), keys[exercise], facts.rules(exercise), facts.tolerance_of(exercise)).points == 0

    check()


@fuzz
@given(records("train_tiny", st.sampled_from(("logits", "train", "other", "alone", "zeroed"))), st.data())
def test_a_garbage_model_earns_nothing(graded, tiny, record, chance):
    facts, _ = graded
    if chance.draw(st.booleans()):  # the right shapes, filled with one value
        shapes = {"logits": (24_000, 27), "train": (5_000, 27), "other": (10_000, 27), "alone": (16, 27), "zeroed": (2_000, 27)}
        fill = chance.draw(st.floats(width=32))
        record = Record("train_tiny", (Draw({name: torch.full(shape, fill) for name, shape in shapes.items()}),), record.facts)
    assert verdict_of(record, facts, None, tiny.read_names).points == 0


# comparison


floats = st.sampled_from((torch.float32, torch.float64))


@fuzz
@given(floats, st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=12), st.data())
def test_within_the_tolerance_is_right_and_beyond_it_is_wrong(dtype, numbers, chance):
    expected = torch.tensor(numbers, dtype=dtype)
    room = TOLERANCE.atol + TOLERANCE.rtol * expected.double().abs()
    shifts = torch.tensor([chance.draw(st.floats(-0.9, 0.9)) for _ in numbers], dtype=torch.float64)
    near = (expected.double() + shifts * room).to(dtype)
    assert close(near, expected, TOLERANCE)
    assert difference(near, expected, TOLERANCE) is None
    far = near.clone()
    place, sign = chance.draw(st.integers(0, len(numbers) - 1)), chance.draw(st.sampled_from((-1.0, 1.0)))
    far[place] = expected.double()[place] + sign * chance.draw(st.floats(1.1, 1e6)) * room[place]
    assert not close(far, expected, TOLERANCE)
    assert difference(far, expected, TOLERANCE)


def are_the_same(value: torch.Tensor, expected: torch.Tensor) -> bool:
    """By Python's own numbers, which neither wrap round nor round."""
    kinds = [(t.dtype == torch.bool, t.is_complex(), t.is_floating_point()) for t in (value, expected)]
    if value.shape != expected.shape or value.numel() and kinds[0] != kinds[1] and kinds != [(False,) * 3, (False, False, True)]:
        return False
    exact = not expected.is_floating_point() and not expected.is_complex()
    pairs = zip(value.flatten().tolist(), expected.flatten().tolist())
    return all(a == b if exact else a == b or abs(a - b) <= TOLERANCE.atol + TOLERANCE.rtol * abs(b) for a, b in pairs)


@fuzz
@given(tensors(), st.data())
def test_another_shape_kind_or_value_is_never_close(expected, chance):
    assume(expected.is_complex() or not expected.is_floating_point() or expected.isfinite().all())
    assume(not expected.is_complex() or torch.view_as_real(expected).isfinite().all())
    dtype = chance.draw(st.sampled_from(DTYPES))
    value = chance.draw(tensors()) if chance.draw(st.booleans()) else expected.to(dtype)  # wrapped round, cut off, rounded
    said = difference(value, expected, TOLERANCE)
    assert (said is None) == close(value, expected, TOLERANCE) == are_the_same(value, expected)
    if value.numel() and value.dtype in (torch.float64, torch.int64, torch.bool):
        listed = next(iter(draw_from(value.tolist()).values.values()))
        assert close(listed, expected, TOLERANCE) == are_the_same(value, expected)


@fuzz
@given(values, values)
def test_any_two_values_are_compared(value, expected):
    try:
        a, b = (next(iter(draw_from(side).values.values()), None) for side in (value, expected))
    except RecordError:
        return
    said = difference(a, b, TOLERANCE)
    assert said is None or isinstance(said, str)
    assert (said is None) == close(a, b, TOLERANCE)


# notebooks, weights, code


@fuzz
@given(anything, st.binary(max_size=200), st.data())
def test_any_bytes_are_a_notebook_or_refused(cells, data, chance):
    whole = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_markdown_cell("a")])).encode()
    odd = json.dumps({"cells": cells if isinstance(cells, list) else [{"cell_type": "code", "source": cells, "metadata": cells}], "nbformat": 4})
    for text in (data, spoiled(whole, chance), odd.encode()):
        try:
            found = read_notebook(text)
        except ValueError as error:
            assert str(error)
        else:
            nbformat.validate(found)
            nbformat.writes(found).encode()


@fuzz
@given(st.binary(max_size=200), anything, st.dictionaries(st.text(min_size=1, max_size=6), tensors(), max_size=2), st.data())
def test_any_file_is_weights_or_refused(tmp_path_factory, data, facts, held, chance):
    whole = safetensors.torch.save(held, metadata={"fit": json.dumps(facts)})
    path = tmp_path_factory.getbasetemp() / "fuzzed.safetensors"
    for text in (data, whole, spoiled(whole, chance)):
        path.write_bytes(text)
        number = count(text)
        assert number is None or number >= 0
        try:
            found = load(path)
        except ValueError as error:
            assert "damaged" in str(error)
        else:
            assert isinstance(found.facts, dict) and all(isinstance(t, torch.Tensor) for t in found.tensors.values())


PARTS_OF_CODE = ["getattr(x, ", "'back' ", "for n in ", "('a',)", ":\n    ", "def f():\n", "(", ")", "%", "?", "\0", "lambda: ", "\\\n"]


@fuzz
@given(st.text(max_size=60), st.lists(st.sampled_from(PARTS_OF_CODE), max_size=8))
def test_any_text_is_looked_through(text, parts):
    for answer in (text, "".join(parts), "".join(parts) + text):
        read = Notebook([text, answer, "f(x)"])
        said = read.refusal(("backward",), [2])
        assert said is None or isinstance(said, str)
        left, _ = read.without(("backward",), {2})
        assert [Notebook(left).uses(("backward",))[n] for n in Notebook(left).of_cell[0]] == [None] * len(Notebook(left).of_cell[0])


# what comes through the wall


@fuzz
@given(st.binary(max_size=200) | anything.map(lambda found: json.dumps(found).encode()))
def test_any_outputs_are_rebuilt(data):
    for made in outputs.rebuilt(data, {"output_kb": 64, "notebook_output_mb": 1}):
        shown = nbformat.from_dict(harmless.output(made))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[shown])])
        nbformat.validate(notebook)
        nbformat.writes(notebook).encode()


KINDS = ("ready", "cell", "outputs", "record", "fork failed", "progress", "file", "interrupted", "end", "")
headers = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | anything,
        "cell": st.integers(-2, 4) | anything,
        "fork": st.integers(-2, 2) | anything,
        "name": st.sampled_from(("train_tiny.safetensors", "../x")) | anything,
        "reason": st.sampled_from(("done", "died", "memory_mb", "cell_seconds")) | anything,
        "error": anything,
        "too_large": anything,
        "leaving": st.booleans(),
    },
)


@fuzz
@given(st.lists(st.tuples(headers, st.binary(max_size=40)), max_size=8), st.binary(max_size=12))
def test_any_frames_end_in_a_result(course, frames, rest):
    limits = course.course.limits.model_dump()
    job = Job([Cell("x"), Cell("check('double')", True, "double", forks=["x"])], {}, {}, limits, wanted=("train_tiny.safetensors",))
    runner = Runner()
    runner.socket, theirs = socket.socketpair()
    runner.frames = Reader(runner.socket.fileno())
    with theirs:
        for header, payload in frames:
            send(theirs.fileno(), header, payload)
        theirs.sendall(rest)
        theirs.shutdown(socket.SHUT_WR)
        result = Result([CellResult() for _ in job.cells])
        with contextlib.suppress(WireError, UserError):  # which the runner ends or repeats the run for
            runner._collect(job, result)
    runner.close()
    assert result.records == {}
    assert all(isinstance(found, str) for found in (*result.refused.values(), *result.forks.values()))
    assert all(cell.ended is None or isinstance(cell.ended, str) for cell in result.cells)


def test_rules_without_a_loss_judge_a_record_of_another_exercise(graded):
    facts, keys = graded
    rules = facts.rules("double")
    assert isinstance(rules, Exercise)
    assert judge(Record("double", keys["slope"].reference.draws), keys["double"], rules, TOLERANCE).points == 0
