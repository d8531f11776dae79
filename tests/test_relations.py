"""What a wrong value has to do with the expected one: told where it holds in every draw and is no chance, and nowhere else."""

import re
import time

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from test_fuzzing import fuzz, tensors

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Answers, Key
from autograder.judge.relations import Relations
from autograder.judge.values import judge
from autograder.wall.record import Record, draw_from

T = Tolerance()
RULES = Exercise(title="x", points=4, minutes=1, difficulty=1)
LECTURES = sorted(path.parent.name for path in ROOT.glob("assignments/*/expected.safetensors"))
NAMES = (
    ["emma", "olivia", "ava", "mia"],
    ["isabella", "sophia", "charlotte", "zoe"],
    ["amelia", "evelyn", "harper", "luna"],
)


def normal(*shapes: tuple[int, ...], seed: int = 0) -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=g) for shape in shapes]


X = normal((6, 5), (6, 5), (6, 5))
SQUARE = normal((5, 5), (5, 5), (5, 5), seed=1)
ROWS = normal((5, 4), (7, 4), (9, 4), seed=2)  # of different size in each draw
V = normal((8,), (8,), (8,), seed=3)
CUBE = normal((3, 4, 5), (3, 4, 5), (3, 4, 5), seed=4)
ONE = [x.abs().sum() for x in X]  # numbers without an axis
P = [F.softmax(x, 1) for x in X]
PLUS = [x.abs() + 0.1 for x in X]
N = [torch.randint(0, 27, (20,), generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
COUNTS = [torch.randint(1, 9, (6, 6), generator=torch.Generator().manual_seed(seed)) for seed in range(3)]


def each(of, draws):
    return [of(draw) for draw in draws]


def without_edges(n):
    found = n.clone()
    found[0], found[:, 0] = 0, 0
    return found


def one_wrong_in_each_row(x):
    return x + F.one_hot(x.argmax(1), x.shape[1])


def said(values, expected, tolerance=T) -> str:
    """The sentence on an answer of one value."""
    key = Key(Record("x", tuple(map(draw_from, expected))))
    return judge(Record("x", tuple(map(draw_from, values))), key, RULES, tolerance).message


TOLD = {
    "transposed": (each(lambda x: x.T, SQUARE), SQUARE, "This is the transpose of what is expected"),
    "cut off above": (each(lambda x: x.clamp(max=0.8), X), X, "Your values stop at 0.8: where more is expected, yours are just that"),
    "cut off below": (each(lambda x: x.clamp(min=-0.7), X), X, "Your values stop at -0.7: where less is expected, yours are just that"),
    "transposed, of another shape": (each(lambda x: x.T, X), X, "The numbers are right, but transposed"),
    "axes permuted": (
        each(lambda x: x.permute(2, 0, 1), CUBE),
        CUBE,
        "axes are in another order: yours are the axes 2, 0, 1",
    ),
    "transposed where it should be a view": (
        each(lambda x: x.T.reshape(6, 5), X),
        X,
        "taken row by row where it should be column by column",
    ),
    "flattened": (each(torch.flatten, X), X, "All numbers are right and in the right order; only the shape is another"),
    "keepdim forgotten": (
        each(lambda x: x.sum(1), X),
        each(lambda x: x.sum(1, keepdim=True), X),
        "an axis of length 1 is lost",
    ),
    "an axis too many": (each(lambda x: x[:, None], V), V, "an axis of length 1 is one too many"),
    "summed away": (each(lambda x: x.sum(0), X), X, "Yours is the sum of what is expected along axis 0"),
    "not summed": (X, each(lambda x: x.sum(0), X), "The sum of yours along axis 0 is what is expected"),
    "not averaged": (
        X,
        each(lambda x: x.mean(1, keepdim=True), X),
        "The mean of yours along axis 1 is what is expected",
    ),
    "one truth value for all": (
        each(lambda x: (x > 0).all(), X),
        each(lambda x: x > 0, X),
        "Yours is one truth value, where one for each is expected",
    ),
    "side by side": (
        each(lambda x: torch.cat([x, 2 * x], 1), X),
        each(lambda x: 3 * x, X),
        "set side by side along axis 1 should be added",
    ),
    "broadcast": (
        each(lambda x: x[:, None].expand(8, 3), V),
        each(lambda x: x[:, None], V),
        "each stands there several times",
    ),
    "not spread out": (
        each(lambda x: x.mean(0, keepdim=True), X),
        each(lambda x: x.mean(0, keepdim=True).expand_as(x), X),
        "each should stand there several times",
    ),
    "all but the first": (each(lambda x: x[1:], V), V, "There is 1 element too few at the beginning"),
    "one row too many": (each(lambda x: torch.cat([x, x[:1]]), X), X, "There is 1 row too many at the end"),
    "sign": (each(torch.neg, X), X, "each element is the negative of what is expected"),
    "factor": (each(lambda x: 2.7 * x, X), X, "Every element is 2.7 times what is expected"),
    "negative factor": (each(lambda x: -3 * x, X), X, "The sign is wrong, and every element is 3 times"),
    "a size that changes": (
        each(lambda x: x * len(x), ROWS),
        ROWS,
        "is 5 times what is expected, where 5 is the length of axis 0, and so in every draw",
    ),
    "n - 1": (
        each(lambda x: x * len(x) / (len(x) - 1), ROWS),
        ROWS,
        "is 5/4 times what is expected, where 5 is the length of axis 0",
    ),
    "the other size": (
        each(lambda x: x * len(x) / x.shape[1], ROWS),
        ROWS,
        "is 5/4 times what is expected, where 5 is the length of axis 0 and 4 that of axis 1, and so in every draw: a division by the length of axis 1",
    ),
    "a factor of the inputs": (each(lambda x: x * x.std(), X), X, "but another factor for other inputs"),
    "a little too large": (each(lambda x: x * 1.001, X), X, "0.1 % too large"),
    "log2 for log": (
        each(torch.log2, PLUS),
        each(torch.log, PLUS),
        "logarithms to base 2 in the place of natural ones",
    ),
    "log for log10": (
        each(torch.log, PLUS),
        each(torch.log10, PLUS),
        "natural logarithms in the place of those to base 10",
    ),
    "a logarithm too many": (each(torch.log, PLUS), PLUS, "natural logarithms of what is expected"),
    "a logarithm forgotten": (PLUS, each(torch.log, PLUS), "the exponentials of what is expected"),
    "the variance for the spread": (
        each(lambda x: x.var(0), X),
        each(lambda x: x.std(0), X),
        "the squares of what is expected",
    ),
    "the spread for the variance": (
        each(lambda x: x.std(0), X),
        each(lambda x: x.var(0), X),
        "the square roots of what is expected",
    ),
    "upside down": (each(torch.reciprocal, PLUS), PLUS, "1 divided by what is expected"),
    "the other share": (each(lambda x: 1 - x, P), P, "1 minus what is expected"),
    "softmax twice": (each(lambda x: F.softmax(x, 1), P), P, "the softmax of each row of what is expected"),
    "softmax forgotten": (X, P, "The softmax of each row of your values is what is expected"),
    "tanh twice": (each(lambda x: x.tanh().tanh(), X), each(torch.tanh, X), "the tanh of what is expected"),
    "tanh forgotten": (X, each(torch.tanh, X), "Is a tanh missing?"),
    "the sign is lost": (each(torch.abs, X), X, "lost their sign"),
    "cut off at 0": (each(torch.relu, X), X, "Is something cut off at 0?"),
    "normalised along the other axis": (
        each(lambda x: F.softmax(x, 0), X),
        P,
        "Your columns add up to 1; it is the rows that should",
    ),
    "columns of zeros": (
        each(lambda x: torch.cat([x[:, :3], 0 * x[:, 3:]], 1), X),
        X,
        "2 of 5 columns hold zeros only, and the others are right.",
    ),
    "not normalised": (each(torch.exp, X), P, "Each row is right up to a factor of its own: it does not add up to 1"),
    "one position late": (
        each(lambda x: x.roll(1, 0), V),
        V,
        "the elements stand one position too late, and what falls off",
    ),
    "one step late": (
        each(lambda x: torch.cat([torch.zeros(1), x[:-1]]), V),
        V,
        "one position too late, and something else stands at the beginning",
    ),
    "reversed": (each(lambda x: x.flip(1), X), X, "the columns stand in the reverse order"),
    "sorted": (each(lambda x: x.sort().values, V), V, "sorted, from the smallest to the largest"),
    "halves swapped": (
        each(lambda x: torch.cat([x[4:], x[:4]]), V),
        V,
        "two halves along axis 0 stand in the reverse order",
    ),
    "the last row everywhere": (
        each(lambda x: x[-1:].expand(6, 5), X),
        X,
        "Each row of yours is the last row of what is expected",
    ),
    "rows in another order": (each(lambda x: x[[2, 0, 5, 1, 4, 3]], X), X, "the rows are in another order"),
    "running sums": (each(lambda x: x.cumsum(0), V), V, "running sums of all elements"),
    "one more": (each(lambda x: x + 1, X), X, "Every value is 1 too large, whatever the inputs are"),
    "the same for all elements": (each(lambda x: x + x.mean(), X), X, "off by the same amount"),
    "a bias for each column": (each(lambda x: x + x.std(0), X), X, "Each column is right up to a constant"),
    "a gain for each channel": (
        each(lambda x: x * x.std((0, 1)), CUBE),
        CUBE,
        "For each channel, a position on the last axis, your values are right up to a factor",
    ),
    "other statistics": (
        each(lambda x: (x - x.mean()) / x.std(), X),
        each(lambda x: (x - x.mean(0)) / x.std(0), X),
        "Each column is right up to a factor and a constant",
    ),
    "a single number": (
        each(lambda x: x.mean(), X),
        each(lambda x: x.max(0).values, X),
        "Yours is a single number, where one for each is expected",
    ),
    "the sum is missing": (
        X,
        each(lambda x: x.norm(dim=1, keepdim=True), X),
        "Along axis 1 one number is expected, and yours has 5",
    ),
    "one of many": (V, each(lambda x: x[3], V), "One of your numbers is the one that is expected"),
    "places of the true": (
        each(lambda x: (x > 0).nonzero().flatten(), V),
        each(lambda x: x > 0, V),
        "You return the places where the answer is true",
    ),
    "rows between": (
        each(lambda n: n.index_fill(0, torch.tensor([5]), 99), [torch.cat([n[:5], n[:1], n[5:]]) for n in N]),
        N,
        "All elements of what is expected are there in order, with others between",
    ),
    "texts: only the last": (
        [[*draw[:-1], "x"] for draw in NAMES],
        NAMES,
        "Only the last element differs: 'x'. All others are right",
    ),
    "shapes with an axis too many": (
        [[[2, 1, n], [3, 1, n]] for n in (4, 5)],
        [[[2, n], [3, n]] for n in (4, 5)],
        "Where they differ, yours has 1 number too many, as in '[2, 1, 4]'",
    ),
    "rounded": (each(lambda x: torch.round(x, decimals=2), X), X, "Your values are rounded to 2 decimals"),
    "counted from 1": (each(lambda n: n + 1, N), N, "Your whole numbers are each one too large"),
    "the other truth": (each(lambda x: x <= 0, X), each(lambda x: x > 0, X), "Every truth value is the opposite"),
    "zeros": (each(torch.zeros_like, X), X, "Every element is zero."),
    "one number for all": (
        each(lambda x: torch.full_like(x, float(x.mean())), X),
        X,
        "All elements of yours are the same number",
    ),
    "the same in all draws": ([X[0]] * 3, X, "Your value is the same for all inputs"),
    "kept from the call before": ([V[2], V[0], V[1]], V, "what was expected at the call before"),
    "no edges": (
        each(without_edges, COUNTS),
        COUNTS,
        "All differences lie in the first row and the first column; all others are right. Where it differs, yours is 0",
    ),
    "only the first row": (
        each(lambda x: torch.cat([x[:1] + torch.rand(1, 5), x[1:]]), X),
        X,
        "Only the first row differs",
    ),
    "only the first is right": (
        each(lambda x: torch.cat([x[:1], x[1:] * torch.rand(7)]), V),
        V,
        "The first element is right; in all others something differs. What does your code do there",
    ),
    "one in each row": (
        each(one_wrong_in_each_row, X),
        X,
        "In each row exactly one element differs; all others are right. Where it differs, yours is 1 too large each time",
    ),
    "rows of nan": (
        each(lambda x: torch.cat([x[:5], x[5:] * torch.nan]), X),
        X,
        "Whole rows are affected, and all others are right",
    ),
    "a number: sign": (each(torch.neg, ONE), ONE, "your number is the negative of what is expected"),
    "a number: sum for mean": (
        each(lambda x: 30 * x, ONE),
        ONE,
        "Your number is 30 times what is expected. Look for a factor too many, or a sum where a mean",
    ),
    "a number: another, in proportion": (
        each(lambda x: 4.1667 * x, ONE),
        ONE,
        "Your number is 4.167 times what is expected, in every draw. Is it another number, or is a factor missing",
    ),
    "a number: log2": (
        each(torch.log2, ONE),
        each(torch.log, ONE),
        "Your number is 1.4427 times what is expected, as if these were logarithms to base 2",
    ),
    "a number: exp forgotten": (each(torch.log, ONE), ONE, "Your number is the natural logarithms"),
    "names: a dot too many": ([[n + "." for n in draw] for draw in NAMES], NAMES, "Each text ends with '.' too many"),
    "names: a dot in front": ([["." + n for n in draw] for draw in NAMES], NAMES, "Each text begins with '.' too many"),
    "names: last letter left out": (
        [[n[:-1] for n in draw] for draw in NAMES],
        NAMES,
        "The last character of each text is missing",
    ),
    "names: reversed": ([[n[::-1] for n in draw] for draw in NAMES], NAMES, "Each text is reversed"),
    "names: capitals": ([[n.upper() for n in draw] for draw in NAMES], NAMES, "small and capital letters"),
    "names: joined": ([["".join(draw)] for draw in NAMES], NAMES, "cut into other pieces"),
    "names: sorted": ([sorted(draw) for draw in NAMES], NAMES, "The right texts, but sorted"),
    "names: the first is left out": (
        [draw[1:] for draw in NAMES],
        NAMES,
        "too few elements, at the beginning of the list",
    ),
    "names: one too many": ([[*draw, "x"] for draw in NAMES], NAMES, "too many elements, at the end of the list"),
    "texts: counted from 0": (
        [[f"a {i}" for i in range(4)]] * 2,
        [[f"a {i + 1}" for i in range(4)]] * 2,
        "the numbers in them are 1 too small",
    ),
}

BY_SHAPE = {"one truth value for all", "a single number", "the sum is missing"}  # said whatever the numbers are


@pytest.mark.parametrize("case", TOLD)
def test_a_relation_that_holds_in_every_draw_is_told(case):
    values, expected, sentence = TOLD[case]
    message = said(list(values), list(expected))
    assert sentence in message
    assert 8 <= len(message.split()) <= 60 and " 1 times" not in message


@pytest.mark.parametrize("case", [case for case in TOLD if case not in BY_SHAPE])
def test_a_relation_that_fails_in_one_draw_is_not_told(case):
    """The same relation in all draws but the last, which is wrong in a way of its own."""
    values, expected, sentence = TOLD[case]
    g = torch.Generator().manual_seed(7)
    if isinstance(values[-1], list):
        own: object = [f"{str(text)[1:]}{i}q" for i, text in enumerate(values[-1])]
    elif values[-1].dtype.is_floating_point:
        own = torch.rand(values[-1].shape, generator=g) * 7 + 3.3
    else:
        own = torch.randint(0, 2 if values[-1].dtype == torch.bool else 40, values[-1].shape, generator=g).to(
            values[-1].dtype
        )
    assert sentence not in said([*values[:-1], own], list(expected))


def test_the_value_whose_row_says_most_leads():
    """What stands before it may only follow from it; a number alone may follow from everything."""

    def led_by(*names: str) -> str:
        wrong = {"odd": X[0].sin(), "number": torch.tensor(3.0), "turned": -X[0]}
        right = {"odd": X[0], "number": torch.tensor(1.5), "turned": X[0]}
        mine, theirs = ({name: values[name] for name in names} for values in (wrong, right))
        return judge(Record("x", (draw_from(mine),)), Key(Record("x", (draw_from(theirs),))), RULES, T).message.partition(":")[0]

    assert led_by("odd", "turned") == "turned"
    assert led_by("odd", "number") == "odd"
    assert led_by("number", "odd", "turned") == "turned"


PLAIN = re.compile(
    r"(Right for some inputs, wrong for others: )?(\d+ of \d+ elements differ( \(\d+ of \d+ rows, \d+ of \d+ columns\))?; the first is (at \[[\d, ]*\]"
    r"(; the largest difference is \S+)?|element \d+: '.*')\.|\S+ is not the expected number(: it is off by \S+)?\.|"
    r"The shape is .* expected \S+( \d+\))?\.|\S+ is not the expected value\.|"
    r"This is (True; False|False; True) is expected\.|The list has \d+ elements?, expected \d+\.)"
)
UNRELATED = {
    "other numbers": (normal((6, 5), (6, 5), (6, 5), seed=9), X),
    "another shape": (normal((6, 4), (6, 4), (6, 4), seed=9), each(lambda x: x[:2], X)),
    "two numbers that happen to be doubled": ([torch.tensor([2.0, 4.0])], [torch.tensor([1.0, 2.0])]),
    "one number": ([torch.tensor(2.0)], [torch.tensor(1.0)]),
    "a number and its double, twice": ([0.2, 0.02], [0.1, 0.01]),
    "a choice out of few, the same in all draws": ([0.03, 0.03, 0.03], [0.1, 0.3, 1.0]),
    "a count that is the same in all draws": ([4, 4, 4], [5, 6, 7]),
    "a flag": ([True, True, True], [False, False, False]),
    "a factor in some draws": ([2 * X[0], 3 * X[1] + 1, X[2]], X),
    "few whole numbers": ([torch.tensor([2, 1])] * 2, [torch.tensor([1, 2])] * 2),
    "texts": ([["emma", "ava"], ["mia", "zoe"]], [["olivia", "luna"], ["harper", "amelia"]]),
    "a transpose of what equals its transpose": (
        each(lambda x: (x + x.T) * torch.rand(5, 5), SQUARE),
        each(lambda x: x + x.T, SQUARE),
    ),
}


@pytest.mark.parametrize("case", UNRELATED)
def test_what_may_be_chance_is_not_told(case):
    message = said(*UNRELATED[case])
    assert PLAIN.fullmatch(message), message


def test_a_tiny_gradient_is_not_right_up_to_anything():
    """Beside an absolute tolerance everything small would be like everything small."""
    a, b = ([1e-7 * x for x in normal((6, 5), (6, 5), seed=seed)] for seed in (11, 12))
    assert PLAIN.fullmatch(said(a, b, Tolerance(rtol=1e-4, atol=1e-9)))


def dicts(of):
    return [of(a, b, c) for a, b, c in zip(X, normal((6, 5), (6, 5), (6, 5), seed=5), PLUS)]


BESIDE = {
    "two names swapped": (
        dicts(lambda a, b, c: {"a": b, "b": a}),
        dicts(lambda a, b, c: {"a": a, "b": b}),
        "a: 'a' and 'b' have changed places",
    ),
    "one tensor under two names": (
        dicts(lambda a, b, c: {"a": b, "b": b}),
        dicts(lambda a, b, c: {"a": a, "b": b}),
        "a: Your 'a' is the same as your 'b', and the two should differ",
    ),
    "another name's value": (
        dicts(lambda a, b, c: {"a": b, "b": c}),
        dicts(lambda a, b, c: {"a": a, "b": b}),
        "a: What you return as 'a' is what is expected as 'b'",
    ),
    "a term left out": (
        dicts(lambda a, b, c: {"a": a, "b": b}),
        dicts(lambda a, b, c: {"a": a + b, "b": b}),
        "a: What you return as 'a' and 'b' add up to what is expected",
    ),
    "a term too many": (
        dicts(lambda a, b, c: {"a": a + b, "b": b}),
        dicts(lambda a, b, c: {"a": a, "b": b}),
        "a: What you return as 'a' is what is expected plus 'b'",
    ),
    "a factor left out": (
        dicts(lambda a, b, c: {"a": a, "c": c}),
        dicts(lambda a, b, c: {"a": a * c, "c": c}),
        "a: What you return as 'a', times 'c', is what is expected",
    ),
    "a size of another value": (
        dicts(lambda a, b, c: {"a": a.mean(0), "b": b}),
        dicts(lambda a, b, c: {"a": a.sum(0), "b": b}),
        "1/6 times what is expected; 6 is a size of another value of the answer: a mean in the place of a sum",
    ),
}


@pytest.mark.parametrize("case", BESIDE)
def test_a_relation_to_another_value_of_the_answer_is_told(case):
    values, expected, sentence = BESIDE[case]
    assert sentence in said(values, expected)


@pytest.mark.parametrize(
    "case", ["sign", "factor", "softmax twice", "reversed", "log2 for log", "a bias for each column", "one more"]
)
def test_what_is_said_holds_no_number_that_is_expected(case):
    values, expected, _ = TOLD[case]
    message = said(values, expected)
    assert not any(
        f"{abs(float(x)):.3g}" in message
        for draw in expected
        for x in draw.flatten()
        if len(f"{abs(float(x)):.3g}") > 4
    )


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | tensors()
lists = st.lists(st.integers() | st.floats() | st.text(max_size=3) | st.booleans(), max_size=5)


@fuzz
@given(st.lists(st.tuples(anything | lists, anything | lists), min_size=1, max_size=3))
def test_whatever_is_returned_nothing_is_raised(pairs):
    values = {"a": [a for a, _ in pairs], "b": [b for _, b in pairs]}
    expected = {"a": [b for _, b in pairs], "b": [b for _, b in pairs]}
    for name in values:
        Relations(values, expected, T).of(name)


@fuzz
@given(st.data())
def test_numbers_of_the_right_shape_raise_nothing(chance):
    """As a mistake makes them, and as a stranger does: subnormal, infinite, far beyond float32."""
    expected = chance.draw(tensors((torch.float32, torch.int64, torch.bool)))
    size = expected.numel()
    numbers = (
        st.floats(allow_nan=True)
        if expected.is_floating_point()
        else st.integers(0, 1)
        if expected.dtype == torch.bool
        else st.integers(-(2**63), 2**63 - 1)
    )
    mine = torch.tensor(
        chance.draw(st.lists(numbers, min_size=size, max_size=size)),
        dtype=torch.float64 if expected.is_floating_point() else expected.dtype,
    )
    Relations({"": [mine.reshape(expected.shape)] * 2}, {"": [expected] * 2}, T).of("")


def test_large_answers_do_not_take_long():
    """A name's tensors are looked at up to a size, and so many names."""
    g = torch.Generator().manual_seed(0)
    large = {f"v{i}": torch.randn(50, 30, generator=g) for i in range(200)} | {"w": torch.randn(1000, 500, generator=g)}
    other = {name: torch.randn(value.shape, generator=g) for name, value in large.items()}
    begun = time.process_time()
    said([large] * 3, [other] * 3)
    assert time.process_time() - begun < 3


# the mistakes of the lectures


def keys(lecture: str) -> dict[str, Key]:
    return Answers.load(ROOT / "assignments" / lecture / "expected.safetensors").keys


@pytest.mark.parametrize("lecture", LECTURES)
def test_each_mistake_of_a_lecture_is_told_by_its_own_sentence(lecture):
    """It explains the whole answer, and no other mistake explains as much."""
    for exercise, key in keys(lecture).items():
        for mistake in key.mistakes:
            verdict = judge(mistake.record, key, RULES, T)
            assert verdict.message.startswith(mistake.says), (exercise, verdict.message)


HAND_CHECKED = [
    ("lecture_0_autograd", "forward_difference", "All slopes are negated", "each element is the negative"),
    ("lecture_0_autograd", "neuron_layer_mlp", "tanh is applied twice", "Look for a tanh too many"),
    (
        "lecture_0_autograd",
        "softmax_nll",
        "This is a logarithm to base 10",
        "logarithms to base 10 in the place of natural ones",
    ),
    (
        "lecture_1_trigram",
        "bigram_counts",
        "Row 0 is empty",
        "Only the first row differs; all others are right. Where it differs, yours is 0",
    ),
    ("lecture_1_trigram", "bigram_counts", "Column 0 is empty", "Only the first column differs"),
    (
        "lecture_1_trigram",
        "bigram_probabilities",
        "Your columns sum to 1",
        "Your columns add up to 1; it is the rows that should",
    ),
    ("lecture_1_trigram", "sample_names", "The ending dot", "Each text ends with '.' too many"),
    ("lecture_1_trigram", "trigram_pairs", "The two symbols", "the columns stand in the reverse order"),
    ("lecture_2_mlp", "mlp_logits", "You return probabilities", "softmax of each row"),
    ("lecture_2_mlp", "mlp_logits", "The bias of the last layer", "Each column is right up to a constant"),
    ("lecture_2_mlp", "mlp_logits", "There is a tanh", "Look for a tanh too many"),
    ("lecture_3_batchnorm", "gradient_to_data", "The ratio is upside down", "1 divided by what is expected"),
    ("lecture_3_batchnorm", "gradient_to_data", "This is a ratio of variances", "the squares of what is expected"),
    ("lecture_3_batchnorm", "saturation", "You count the values that are NOT", "1 minus what is expected"),
    (
        "lecture_3_batchnorm",
        "update_to_data",
        "This is the natural logarithm",
        "natural logarithms in the place of those to base 10",
    ),
    (
        "lecture_3_batchnorm",
        "update_to_data",
        "The ratio is right, but its logarithm",
        "The logarithm to base 10 is missing",
    ),
    ("lecture_4_backprop", "bessel", "These are standard deviations", "the square roots of what is expected"),
    ("lecture_4_backprop", "bessel", "The two estimates are swapped", "have changed places"),
    ("lecture_4_backprop", "backward_batchnorm_pieces", "dbndiff2 divides by n", "n where n - 1 belongs?"),
    (
        "lecture_4_backprop",
        "cross_entropy_backward",
        "The 1/n is lost",
        "31 is a size of this tensor: a sum in the place of a mean",
    ),
    (
        "lecture_4_backprop",
        "cross_entropy_backward",
        "Nothing is subtracted",
        "In each row exactly one element differs",
    ),
    ("lecture_5_wavenet", "train_or_eval", "These are probabilities", "softmax of each row"),
]


@pytest.mark.parametrize(
    "lecture, exercise, mistake, sentence", HAND_CHECKED, ids=[f"{e}: {m[:30]}" for _, e, m, _ in HAND_CHECKED]
)
def test_what_is_found_by_looking_agrees_with_the_mistake(lecture, exercise, mistake, sentence):
    """Each pair was read by a person: what is said without knowing the mistake is true of it."""
    key = keys(lecture)[exercise]
    record = next(known.record for known in key.mistakes if known.says.startswith(mistake))
    verdict = judge(record, Key(key.reference), RULES, T)
    assert any(sentence in row.note for row in verdict.rows), [row.note for row in verdict.rows]


def test_of_the_lectures_mistakes_a_third_is_found_by_looking():
    """About 150 of them were read beside what the mistake says of itself; those that said anything untrue were mended or dropped."""
    found = read = 0
    for lecture in LECTURES:
        for key in keys(lecture).values():
            for mistake in key.mistakes:
                rows = judge(mistake.record, Key(key.reference), RULES, T).rows
                notes = [row.note for row in rows if not row.right and row.note]
                read += bool(notes)
                found += any(not PLAIN.fullmatch(note) for note in notes)
                assert not any(" 1 times" in note or " 0 %" in note or len(note.split()) > 75 for note in notes), notes
    assert found >= read / 3
