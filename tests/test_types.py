"""The same numbers in another container or width are the same answer; another shape, kind or value never is."""

import array
import dataclasses
from collections import OrderedDict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Key, Mistake
from autograder.judge.values import judge
from autograder.wall.record import MAX_LIST, Draw, Record, RecordError, decode, draw_from, encode

RULES = Exercise(title="x", points=4, minutes=1, difficulty=1)
X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
N = torch.arange(12).reshape(3, 4)
B = N % 3 == 0
V = X[0]
Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Named:
    a: object
    b: object


def record(value) -> Record:
    """As it comes out of the jail."""
    return decode(encode({"r": Record("x", (draw_from(value),))}))[0]["r"]


USUAL = Tolerance()


def verdict(value, expected, tolerance=USUAL, mistakes=()):
    key = Key(record(expected), [Mistake(says, record(made)) for says, made in mistakes])
    return judge(record(value), key, RULES, tolerance)


def rows_of(x):
    yield from x


SAME = {
    "float64": (X.double(), X),
    "float64 that is more exact": (X.double() * (1 + 1e-6), X),
    "a numpy array": (X.numpy().astype(np.float64), X),
    "a numpy array that is transposed": (np.asfortranarray(X.numpy()), X),
    "a numpy array of the other byte order": (X.numpy().astype(">f8"), X),
    "an array of Python objects": (np.array(X.tolist(), dtype=object), X),
    "lists of numbers": (X.tolist(), X),
    "tuples of numbers": (tuple(map(tuple, X.tolist())), X),
    "a list of rows": (list(X), X),
    "a tuple of rows": (tuple(X), X),
    "a list of rows of two widths": ([X[0].double(), X[1], X[2]], X),
    "a generator": (rows_of(X), X),
    "a list of tensors without axes": ([x for x in V], V),
    "numpy scalars": ([np.float32(x) for x in V], V),
    "a deque": (deque(V.tolist()), V),
    "an array of the standard library": (array.array("d", V.tolist()), V),
    "values of a dict": (dict(enumerate(V.tolist())).values(), V),
    "a list of whole numbers for floats": ([1, 0, 2], torch.tensor([1.0, 0.0, 2.0])),
    "whole numbers for floats": (torch.tensor([1, 0, 2]), torch.tensor([1.0, 0.0, 2.0])),
    "a fraction": (Fraction(1, 3), torch.tensor(1 / 3)),
    "a decimal": (Decimal("0.25"), 0.25),
    "a float32 number for Python's": (torch.tensor(0.1), 0.1),
    "a numpy array without axes": (np.array(2.5), torch.tensor(2.5)),
    "int16": (N.to(torch.int16), N),
    "uint8": (N.to(torch.uint8), N),
    "uint64": (N.to(torch.uint64), N),
    "numpy's uint32": (N.numpy().astype(np.uint32), N),
    "lists of whole numbers": (N.tolist(), N),
    "a range": (range(12), torch.arange(12)),
    "a torch.Size": (torch.Size([2, 3]), torch.tensor([2, 3])),
    "a tensor for a list of whole numbers": (torch.tensor([2, 3], dtype=torch.int32), [2, 3]),
    "tuples in a list for lists in a list": ([(1, 2), (3, 4, 5)], [[1, 2], [3, 4, 5]]),
    "truth values in a list": (B[0].tolist(), B[0]),
    "numpy's truth value": (np.True_, True),
    "a tensor for a truth value": (torch.tensor(True), True),
    "a truth value for a tensor": (False, torch.tensor(False)),
    "a tuple of texts for a list": (("a", "b"), ["a", "b"]),
    "an array of texts": (np.array(["a", "b"]), ["a", "b"]),
    "a list for a tuple": ([X, N], (X, N)),
    "a list of lists for a tuple": ([X.tolist(), N.tolist()], (X, N)),
    "a tensor for a tuple of rows": (X, tuple(X)),
    "a list for a tuple of numbers": ([3, 0.5], (3, 0.5)),
    "a namedtuple for a tuple": (Pair(X, N), (X, N)),
    "a tuple for a namedtuple": ((X, N), Pair(X, N)),
    "a namedtuple for a tensor": (Pair(0.5, 2.5), torch.tensor([0.5, 2.5])),
    "lists for a tuple in a tuple": ([[X, N], 1], ((X, N), 1)),
    "another order of names": ({"b": N, "a": X}, {"a": X, "b": N}),
    "an ordered dict": (OrderedDict(b=N, a=X), {"a": X, "b": N}),
    "a namedtuple for a dict": (Pair(X, N), {"first": X, "second": N}),
    "a dataclass for a dict": (Named(X, N), {"a": X, "b": N}),
    "a tuple in a dict for a list": ({"a": ("b2",)}, {"a": ["b2"]}),
    "a list in a dict for a tuple": ({"a": [X, N]}, {"a": (X, N)}),
    "a parameter": (torch.nn.Parameter(X), X),
    "a sparse tensor": (X.to_sparse(), X),
    "a sparse tensor of rows": (X.to_sparse_csr(), X),
    "an empty list": ([], torch.empty(0)),
    "a long list of rows": (list(torch.ones(300, 2)), torch.ones(300, 2)),
    "a table of numbers in tuples": (((1.0,) * 30,) * 30, torch.ones(30, 30)),
    "infinity where it is expected in a list": ([1.0, 2.0], [1.0, 2.0]),
}


@pytest.mark.parametrize("value, expected", SAME.values(), ids=SAME)
def test_the_same_numbers_are_right(value, expected):
    found = verdict(value, expected)
    assert (found.points, found.message) == (4, "")


OTHER = {
    "a float where counts are asked": (N.float(), N, "The dtype is float32; whole numbers are expected (int64, or another integer dtype)."),
    "floats in a list where counts are asked": ([1.0, 2.0], torch.tensor([1, 2]), "The list holds floating-point numbers; whole numbers are expected."),
    "whole numbers where truth values are asked": (B.int(), B, "The dtype is int32; truth values are expected (bool)."),
    "truth values where numbers are asked": (B, B.float(), "The dtype is bool; floating-point numbers are expected"),
    "truth values where counts are asked": (B, B.long(), "The dtype is bool; whole numbers are expected"),
    "a truth value for one": (True, 1, "This is a truth value; a whole number is expected."),
    "a truth value in a list": ([True, 2], [1, 2], "1 of 2 elements differ"),
    "a truth value among numbers": ([True, 0.5], torch.tensor([1, 0.5]), "not a list: it mixes truth values with numbers."),
    "a text of a number": ("3", 3, "This is the text '3'; a whole number is expected."),
    "complex numbers without an imaginary part": (X.to(torch.complex64), X, "The dtype is complex64; floating-point numbers are expected"),
    "a byte that has wrapped round": (torch.tensor([300]).to(torch.uint8), torch.tensor([300]), "uint8 cannot hold numbers as large as these"),
    "an int16 that has wrapped round": (torch.tensor([40_000]).to(torch.int16), torch.tensor([40_000]), "int16 cannot hold numbers as large as these"),
    "a uint64 that would wrap to -1": (torch.tensor([-1]).view(torch.uint64), torch.tensor([-1]), "larger than int64"),
    "float16": (X.half(), X, "rounded to float16, which keeps too few digits. Compute in float32 or float64."),
    "bfloat16": (X.bfloat16(), X, "rounded to bfloat16"),
    "one element too many axes": (torch.tensor([2.5]), torch.tensor(2.5), "The shape is (1,), expected (). A single number has no axis."),
    "a list with the number": ([2.5], 2.5, "Return a number, not a list; as a tensor, yours has the shape (1,)."),
    "a number without its axis": (2.5, torch.tensor([2.5]), "This is a number; a tensor of shape (1,) is expected."),
    "a list of another shape": (V.tolist(), V[:, None], "Return a tensor of shape (4, 1), not a list; as a tensor, yours has the shape (4,)."),
    "a list with one tensor": ([X], X, "Return a tensor of shape (3, 4), not a list or tuple; as a tensor, yours has the shape (1, 3, 4)."),
    "rows of unequal length": ([[1.0, 2.0], [3.0]], torch.ones(2, 2), "Return a tensor of shape (2, 2), not a list: "),
    "parts of unequal shape": ([X, V], torch.stack([X, X]), "not a list or tuple: its parts have different shapes."),
    "two tensors for one": ((X, X), X, "Return a tensor of shape (3, 4), not a list or tuple; as a tensor, yours has the shape (2, 3, 4)."),
    "texts where a tensor is asked": (["a"], torch.ones(1), "Return a tensor of shape (1,), not a list: not all that it holds are numbers"),
    "NaN in a list": ([float("nan"), 1.0], torch.tensor([float("nan"), 1.0]), "1 of 2 elements are NaN"),
    "NaN for NaN": (float("nan"), float("nan"), "NaN"),
    "nothing": (None, (X, N), "Nothing was returned (None); a tuple of 2 values is expected. Does the function return its result?"),
    "nothing for a dict": (None, {"a": X, "b": N}, "Nothing was returned (None); a dict with the keys 'a', 'b' is expected."),
    "nothing under a name": ({"a": None, "b": N}, {"a": X, "b": N}, "a: Nothing was returned here (None); a tensor of shape (3, 4) is expected."),
    "a tuple for a dict": ((X, N), {"a": X, "b": N}, "Return a dict with the keys 'a', 'b', not a list or tuple of 2 values."),
    "a tensor for a dict": (X, {"a": X, "b": N}, "Return a dict with the keys 'a', 'b', not a tensor of shape (3, 4)."),
    "a dict for a tuple": ({"a": X, "b": N}, (X, N), "Return a tuple of 2 values, not a dict (with the keys 'a', 'b')."),
    "a dict for a tensor": ({"a": X}, X, "Return a tensor of shape (3, 4), not a dict (with the keys 'a')."),
    "too few values": ((X,), (X, N), "1 value was returned, expected 2."),
    "too many values": ((X, N, N), (X, N), "3 values were returned, expected 2."),
    "one value of a tuple": (X, (X, N), "Return a tuple of 2 values, not a tensor of shape (3, 4)."),
    "a name that is misspelt": ({"dlogit": X, "b": N}, {"dlogits": X, "b": N}, "Nothing was returned under 'dlogits'. Is 'dlogit' misspelt?"),
    "a name in other letters": ({"dw": X, "b": N}, {"dW": X, "b": N}, "Nothing was returned under 'dW'. Is 'dw' misspelt? 'dW' is expected."),
    "a name that is missing": ({"b": N}, {"a": X, "b": N}, "Nothing was returned under 'a'."),
    "another name": ({"question": X, "b": N}, {"a": X, "b": N}, "Nothing was returned under 'a'. Other names were returned: 'question'."),
}


@pytest.mark.parametrize("value, expected, sentence", OTHER.values(), ids=OTHER)
def test_what_is_not_the_same_is_told_apart(value, expected, sentence):
    found = verdict(value, expected)
    assert found.points < 4
    assert sentence in found.message
    assert "The dtype is float64" not in found.message and "missing" not in found.message


@pytest.mark.parametrize("value, expected", SAME.values(), ids=SAME)
def test_a_wrong_number_is_wrong_in_every_container(value, expected):
    other = spoiled(expected)
    assert other is None or verdict(value, other).points < 4


def spoiled(expected):
    """With one number changed; ``None`` if there is none to change."""
    if isinstance(expected, torch.Tensor):
        if not expected.numel():
            return None
        changed = expected.clone()
        changed.view(-1)[-1] = ~changed.view(-1)[-1] if changed.dtype == torch.bool else changed.view(-1)[-1] + 1
        return changed
    if isinstance(expected, dict):
        return {name: spoiled(inner) for name, inner in expected.items()}
    if isinstance(expected, Pair):
        return Pair(spoiled(expected[0]), expected[1])
    if isinstance(expected, (list, tuple)):
        return type(expected)([spoiled(expected[0]), *expected[1:]])
    return f"{expected}!" if isinstance(expected, str) else not expected if isinstance(expected, bool) else expected + 1


def test_an_exercise_about_the_type_takes_no_other():
    exact = Tolerance(exact_type=True)
    assert verdict(X, X, exact).points == 4
    assert verdict(X.double(), X, exact).message == "The dtype is float64, expected float32: this exercise is about the type."
    assert verdict(X.tolist(), X, exact).message == "Return a tensor of shape (3, 4) and dtype float32, not a list."
    assert verdict(N.int(), N, exact).points == 0


def test_a_mistake_is_named_in_any_container():
    says = "You squared."
    for made in ((X**2).double(), (X**2).tolist(), tuple(X**2), (X**2).numpy()):
        assert verdict(made, X, mistakes=[(says, X**2)]).message == says


def test_names_that_are_right_earn_their_share_beside_one_that_is_misspelt():
    assert verdict({"dlogit": X, "b": N}, {"dlogits": X, "b": N}).points == 2


def test_lists_of_numbers_are_not_larger_than_they_are_allowed_to_be():
    itself: list = []
    itself.append(itself)
    wide = [0.0] * 1000
    for value in (itself, [0.5] * (MAX_LIST + 1), [wide] * 1000, iter(int, 1), np.empty(MAX_LIST + 1, dtype=object), [X] * 300 + [V]):
        with pytest.raises(RecordError, match="nested|more than"):
            draw_from(value)


def test_what_is_no_number_is_refused_with_a_reason():
    for value in (b"abc", 1j, [1j], np.array(["2020-01-01"], dtype="datetime64[D]"), float, {1: object()}, X.to(torch.complex32)):
        with pytest.raises(RecordError, match="type"):
            draw_from(value)


@pytest.mark.parametrize("name", ["[0]" * 500, "[0][1]", "[1]", "[x]", "[0]x", "[²]", "[-1]"])
def test_names_that_nobody_writes_are_judged_all_the_same(name):
    for values in ({name: X}, {name: X, "[0]": X}, {"[0]": X, name: 1}):
        for expected in (X, (X, N), ((X, N), X)):
            made = Record("x", (Draw(values),))
            assert judge(made, Key(record(expected)), RULES, Tolerance()).points == 0


def test_lists_of_tensors_of_other_shapes_are_compared_tensor_by_tensor():
    wrong = [X, V, X[:2]]
    mistake = ("All but the last.", wrong)
    assert verdict(wrong, [X, V, X], mistakes=[mistake]).message.endswith("All but the last.")
    assert verdict([X, V, X], [X, V, X]).status == "correct"
    assert verdict([X, V + 1, X], [X, V, X], mistakes=[mistake]).status == "wrong"
