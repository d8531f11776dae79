"""What is said of a wrong value, and that right ones pass while wrong ones never do."""

import pytest
import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Key, Mistake
from autograder.judge.diagnose import difference
from autograder.judge.values import judge
from autograder.wall.record import Draw, Failure, Record, RecordError, decode, draw_from, encode

T = Tolerance()
X = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
S = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))

SENTENCES = [
    (X > 0, X, "The dtype is bool; floating-point numbers are expected (float32 or float64)."),
    (X.T, X, "The shape is (5, 4), expected (4, 5). The numbers are right, but transposed"),
    (X[:3], X, "The shape is (3, 5), expected (4, 5)."),
    (None, X, "Nothing was returned here (None); a tensor of shape (4, 5) is expected. Does the function return its result?"),
    (1.0, X, "This is a number; a tensor of shape (4, 5) is expected."),
    (X * torch.nan, X, "20 of 20 elements are NaN."),
    (torch.zeros(4, 5), X, "Every element is zero."),
    (-X, X, "The sign is wrong everywhere"),
    (4 * X, X, "Every element is 4 times what is expected; 4 is a size of this tensor"),
    (X / 20, X, "Every element is 1/20 times what is expected"),
    (X * 32 / 31, X, "Every element is 32/31 times what is expected"),
    (X * 2.7, X, "Every element is 2.7 times what is expected"),
    (S.T.contiguous(), S, "This is the transpose of what is expected."),
    (X + torch.arange(4.0)[:, None], X, "Each row is right up to a constant"),
    (X + torch.eye(4, 5), X, "4 of 20 elements differ (4 of 4 rows, 4 of 5 columns); the first is at [0, 0]"),
    (torch.arange(3), torch.tensor([0, 1, 5]), "1 of 3 elements differ; the first is at [2]"),
    (["a", "b"], ["b", "a"], "The list has the right elements in another order"),
    (["a", "x"], ["a", "b"], "1 of 2 elements differ; the first is element 1: 'x'."),
    (["a"], ["a", "b"], "The list has 1 element, expected 2."),
    ("unbiased", "biased", "'unbiased' is not the expected value."),
    (True, 1, "This is a truth value; a whole number is expected."),
    (2.0, 2, "This is a number; a whole number is expected."),
]


@pytest.mark.parametrize("value, expected, sentence", SENTENCES, ids=[s[:40] for *_, s in SENTENCES])
def test_a_difference_is_told(value, expected, sentence):
    assert sentence in difference(value, expected, T)


RIGHT = [
    (X, X),
    (X * (1 + 5e-5), X),
    (1.0, torch.tensor(1.0)),
    (torch.tensor(2.0), 2.0),
    (3, torch.tensor(3)),
    (2, 2.0),
    ([1, 2], [1, 2]),
]


@pytest.mark.parametrize("value, expected", RIGHT, ids=range(len(RIGHT)))
def test_a_right_value_passes(value, expected):
    assert difference(value, expected, T) is None


@pytest.mark.parametrize("seed", range(50))
def test_any_change_beyond_the_tolerance_fails(seed):
    g = torch.Generator().manual_seed(seed)
    changed = X.clone()
    place = int(torch.randint(20, (1,), generator=g))
    changed.view(-1)[place] += 10 * (T.atol + T.rtol * X.view(-1)[place].abs())
    assert difference(changed, X, T) is not None


def key(*mistakes: tuple[str, object]) -> Key:
    return Key(record(X), [Mistake(says, made) for says, made in mistakes])


def record(*values) -> Record:
    return Record("x", tuple(draw_from(value) for value in values))


RULES = Exercise(title="x", points=4, minutes=1, difficulty=1)


def test_a_mistake_is_recognised_only_if_every_draw_equals_it():
    both = Key(record(X, 2 * X), [Mistake("You squared.", record(X * X, 4 * X * X))])
    assert judge(record(X * X, 4 * X * X), both, RULES, T).recognised == ("You squared.",)
    assert judge(record(X * X, X), both, RULES, T).recognised == ()


def test_a_mistake_that_raises_is_recognised_by_its_error():
    made = Record("x", (Draw(failure=Failure("RuntimeError", "shapes differ")),))
    assert judge(made, key(("The transpose is missing.", made)), RULES, T).message == "The transpose is missing."


def test_names_share_the_points():
    reference = Key(record({"a": X, "b": S, "c": X, "d": S}))
    verdict = judge(record({"a": X, "b": S + 1, "c": X, "e": S}), reference, RULES, T)
    assert verdict.points == 2 and [row.right for row in verdict.rows] == [True, False, True, False]


def test_what_is_the_same_for_all_inputs_counts_only_beside_what_is_not():
    """The public answers hold it, and whoever sends them for the hidden ones has solved nothing."""
    reference = Key(record({"a": X, "flag": True, "count": 3}, {"a": 2 * X, "flag": True, "count": 3}))
    constant = judge(record({"a": X, "flag": True, "count": 3}, {"a": X, "flag": True, "count": 3}), reference, RULES, T)
    assert (constant.points, constant.status) == (0, "wrong") and "the same for every input.)" in constant.message
    assert [row.right for row in constant.rows] == [False, True, True]
    partly = judge(record({"a": X, "flag": False, "count": 3}, {"a": 2 * X, "flag": True, "count": 3}), reference, RULES, T)
    assert partly.points == pytest.approx(8 / 3, abs=1e-3) and "the same for every input" not in partly.message
    assert judge(reference.reference, reference, RULES, T).points == 4


def test_a_tuple_is_all_or_nothing():
    assert judge(record((X, S + 1)), Key(record((X, S))), RULES, T).points == 0


def test_values_too_many_are_not_right():
    assert judge(record((X, S, S)), Key(record((X, S))), RULES, T).points == 0


def test_too_few_draws_earn_nothing():
    assert judge(record(X), Key(record(X, X)), RULES, T).points == 0


def test_nan_equals_nothing_even_where_it_is_expected():
    assert judge(record(X * torch.nan), Key(record(X * torch.nan)), RULES, T).points == 0


def test_another_exercise_that_is_missing_is_not_this_one_untouched():
    made = Record("x", (Draw(failure=Failure("NotImplementedError", "other")),))
    assert judge(made, key(), RULES, T).status == "error"


VALUES = [
    X,
    S.bool(),
    3,
    2.5,
    float("nan"),
    "text",
    None,
    True,
    ["a", 1],
    [1.0, 2.0],
    (X, {"a": 1}),
    {"a": X, "b": [1, 2]},
    X[:0],
    torch.Size([2, 3]),
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_record_survives_the_wire(value):
    before = record(value)
    after, _ = decode(encode({"r": before}))
    assert repr(after["r"]) == repr(before)


def test_no_damaged_bytes_do_more_than_be_refused():
    data = encode({"r": record({"a": X, "b": [1, "2"]})})
    g = torch.Generator().manual_seed(0)
    for _ in range(600):
        broken = bytearray(data)
        for place in torch.randint(len(data), (3,), generator=g).tolist():
            broken[place] = int(torch.randint(256, (1,), generator=g))
        try:
            decode(bytes(broken[: int(torch.randint(len(data), (1,), generator=g)) or None]))
            decode(bytes(broken))
        except RecordError:
            pass


def test_what_cannot_be_recorded_is_refused_with_a_reason():
    for value, reason in (
        (object(), "type object"),
        (X.to("meta"), "no values"),
        ({1.5, 2.5}, "a set was returned, which has no order: return a list"),
        ({"a": print}, "builtin"),
    ):
        with pytest.raises(RecordError, match=reason):
            draw_from(value)
