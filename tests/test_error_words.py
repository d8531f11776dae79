"""What Python and torch say when something is wrong, and what a student reads with it; each error is made for real."""

import linecache
import math

import pytest
import torch
import torch.nn.functional as F

from autograder.course.schema import Exercise
from autograder.judge.errors import describe, meaning
from autograder.judge.judging import not_finished
from autograder.student.misspelt import probably
from autograder.student.own_line import failure_of
from autograder.wall.record import Draw, Failure, Record

w = torch.zeros(3, requires_grad=True)
rows, number = torch.zeros(2, 3), torch.tensor(1.0)


def without_end():
    return without_end()


class Forgetful:
    def __init__(self):
        self.units = 3

    def width(self):
        return 2 * units  # noqa: F821


class Selfless:
    def __call__(x):  # noqa: N805
        return x


def too_early():
    print(found)  # noqa: F821
    found = 1  # noqa: F841


CASES = {
    "cat, other sizes": (lambda: torch.cat([rows, torch.zeros(2, 4)], 0), "in dimension 0, so all their other sizes must be equal: here 3 meets 4."),
    "cat, other dimensions": (lambda: torch.cat([rows, torch.zeros(4)]), "Tensors with 2 and with 1 dimensions"),
    "cat of numbers": (lambda: torch.cat([number, number]), "These tensors are single numbers."),
    "cat of nothing": (lambda: torch.cat([]), "The list of tensors is empty"),
    "stack of nothing": (lambda: torch.stack([]), "The list of tensors is empty"),
    "stack, other shapes": (lambda: torch.stack([torch.zeros(2), torch.zeros(3)]), "tensors need the same shape"),
    "stack of floats": (lambda: torch.stack([1.0]), "there is a plain float in it"),
    "a ragged list": (lambda: torch.tensor([[1, 2], [3]]), "different lengths, 2 and 1"),
    "view": (lambda: rows.view(4, 2), "The tensor has 6 elements, which do not fill the shape (4, 2)."),
    "view of a transpose": (lambda: rows.T.view(6), "after a transpose or a slice they need not"),
    "view of a slice": (lambda: rows[:, :2].view(4), "after a transpose or a slice they need not"),
    "assignment": (lambda: rows.__setitem__(0, torch.zeros(4)), "What is put here has 4 elements in dimension 0, and the place has 3."),
    "a dimension that is not there": (lambda: w.sum(1), "Dimension 1 was asked for; this tensor has those from -1 to 0."),
    "too many indices": (lambda: w[0, 1], "More indices were given than this tensor has dimensions, 1."),
    "index of a number": (lambda: number[0], "There is a single number where a row of them is needed."),
    "loop over a number": (lambda: list(number), "There is a single number where a row of them is needed."),
    "product of vectors": (lambda: torch.zeros(3) @ torch.zeros(4), "The two vectors of this product have different lengths."),
    "in place": (lambda: torch.zeros(3, dtype=torch.long).__iadd__(0.5), "A tensor of whole numbers was to be changed in place"),
    "mean of truths": (lambda: (rows > 0).mean(), "the tensor holds truth values (True and False)"),
    "abs of truths": (lambda: (rows > 0).abs(), "the tensor holds truth values (True and False)"),
    "minus truths": (lambda: 1 - (rows > 0), "the tensor holds truth values (True and False)"),
    "a size of fractions": (lambda: torch.zeros(2, 2.5), "A size is a whole number"),
    "an __init__ that is none": (lambda: type("Net", (), {})(3), "`Net` has no method that takes them: is the name `__init__`"),
    "a method without self": (lambda: Selfless()(3), "is `self` missing among the parameters of `__call__`?"),
    "mean of ints": (lambda: torch.tensor([1, 2]).mean(), "This works with floats"),
    "std of ints": (lambda: torch.tensor([1, 2]).std(), "This works with floats"),
    "softmax of ints": (lambda: torch.tensor([1, 2]).softmax(0), "This works with floats"),
    "one_hot of floats": (lambda: F.one_hot(torch.zeros(3)), "a tensor of dtype int64"),
    "targets of floats": (lambda: F.cross_entropy(rows, torch.zeros(2)), "a tensor of dtype int64"),
    "a list at a tensor": (lambda: [1, 2][torch.tensor([0, 1])], "A list takes one whole number as its index"),
    "a list at a text": (lambda: list("ab")["a"], "The index of a list is a whole number, and here it is a str."),
    "a list that is called": (lambda: list("ab")(0), "What stands before the parentheses is a list, no function"),
    "a function with brackets": (lambda: math.log[2], "Square brackets stand behind a function"),
    "loop over an int": (lambda: list(number.long().item()), "There is a single number where several are needed."),
    "half a range": (lambda: range(2.0), "The operator // divides without one."),
    "a tuple is changed": (lambda: exec("t = 1, 2\nt[0] = 3"), "This object cannot be changed in place"),
    "a list as a key": (lambda: {}[[1]], "A list can be changed, so it can be no key"),
    "wrong arguments": (lambda: rows.sum(axes=1), "This function cannot be called with (axes=int, )."),
    "rows and targets": (lambda: F.cross_entropy(rows, torch.zeros(4).long()), "There are 2 rows of logits and 4 targets"),
    "a target too high": (lambda: F.cross_entropy(rows, torch.tensor([0, 7])), "there is no column 7: they are counted from 0."),
    "a class too high": (lambda: F.one_hot(torch.tensor([5]), 3), "indices begin at 0"),
    "nothing to draw": (lambda: torch.multinomial(torch.zeros(3), 1), "All these probabilities are 0"),
    "exp": (lambda: math.exp(1000), "larger than a number can be"),
    "int of nan": (lambda: int(math.nan), "The number is NaN or infinite."),
    "max of nothing": (lambda: max([]), "There is nothing in it."),
    "pop of an empty set": (lambda: set().pop(), "There is nothing in it."),
    "no entry": (lambda: {"a": 1}["."], "There is no entry '.'."),
    "no element": (lambda: {"a"}.remove("."), "There is no entry '.'."),
    "without end": (without_end, "The function calls itself without end"),
    "too early": (too_early, "`found` is assigned somewhere in this function, but not yet here"),
    "numpy": (lambda: w.numpy(), "it has to be detached before it leaves torch"),
    "no leaf": (lambda: torch.optim.SGD([w * 2], lr=1), "An optimiser changes leaves"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_is_told_in_plain_words(case):
    call, words = CASES[case]
    with pytest.raises(BaseException) as raised:  # noqa: B017, PT011  each of its own kind
        call()
    failure = failure_of(raised.value)
    assert words in meaning(failure) and words in describe(failure)
    assert 4 <= len(meaning(failure).split()) <= 40 and "\n" not in describe(failure)


@pytest.mark.parametrize("error", [KeyError(), TypeError("unhashable type: 'slice'"), RuntimeError("")])
def test_of_what_is_not_sure_nothing_is_said(error):
    assert meaning(failure_of(error)) == ""


def in_a_comprehension():
    letters = "ab"
    return [lettres for _ in letters]  # noqa: F821


@pytest.mark.parametrize(
    ("call", "question"),
    [
        (lambda: torch.sotfmax, "Did you mean 'softmax'?"),
        (lambda: rows.flaten(), "Did you mean 'flatten'?"),
        (lambda: [].apend(1), "Did you mean 'append'?"),
        (lambda: rosw, "Did you mean 'rows'?"),  # noqa: F821
        (lambda: np.sqrt(2), "The line `import numpy as np` is missing, or has not run."),  # noqa: F821
        (lambda: plt.hist([1]), "The line `import matplotlib.pyplot as plt` is missing, or has not run."),  # noqa: F821
        (lambda: Forgetful().width(), "Did you mean 'self.units'?"),
        (lambda: 2 * time, ""),  # noqa: F821  a variable may be called so
        (in_a_comprehension, "Did you mean 'letters'?"),
        (lambda: xqzv, ""),  # noqa: F821
    ],
)
def test_a_misspelt_name_is_answered_by_the_nearest(call, question):
    with pytest.raises((AttributeError, NameError)) as raised:
        call()
    said = describe(failure_of(raised.value))
    assert (question in said if question else "Did you mean" not in said and "has not run." not in said) and "?." not in said and "?," not in said


def test_an_answer_that_a_check_asks_for_is_no_function_of_a_module():
    """A student's own, under a misspelt name, is meant."""
    names = {"F": torch.nn.functional, "cross_entropi": without_end}
    with pytest.raises(NameError) as raised:
        eval("cross_entropy", names)
    assert probably(raised.value, lambda value: value is without_end) == " Did you mean 'cross_entropi'?"
    assert probably(raised.value) == " Did you mean 'F.cross_entropy'?"


def test_a_function_of_a_module_is_found_there():
    names = {"torch": torch, "F": torch.nn.functional, "softmaks": 1}
    for name, meant in {"softmax": "F.softmax", "arange": "torch.arange", "one_hot": "F.one_hot"}.items():
        with pytest.raises(NameError) as raised:
            eval(name, names)
        assert f"Did you mean '{meant}'?" in describe(failure_of(raised.value))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rows - rows.max(1, keepdim=True), "the values and where they stand: take `.values` or `.indices`, whichever is meant."),
        (lambda: rows.topk(3, dim=1) - rows, "Here topk() returns two tensors, the values and where they stand"),
        (lambda: ""[0], "A text has fewer letters than this index asks for; an empty one has none."),
        (lambda: torch.zeros(2).sum().backward(), "or nothing in it has `requires_grad=True`."),
    ],
)
def test_what_a_tired_person_forgets_is_told(call, said):
    with pytest.raises(Exception) as raised:
        call()
    assert said in describe(failure_of(raised.value))


@pytest.mark.parametrize(
    ("line", "message", "told"),
    [
        ("first, second = pair(x)", "too many values to unpack (expected 2)", "more (a single tensor is taken apart into its rows): return 2 values."),
        ("a, b, c = three(x)", "not enough values to unpack (expected 3, got 2)", "takes 3 values"),
        ("for a, b in pairs(x):", "not enough values to unpack (expected 2, got 1)", "takes 2 values out of what your code gives it, and that holds 1."),
        ("a, (b, c) = f(x)", "too many values to unpack (expected 2)", "that holds more (a single tensor is taken apart into its rows)."),
        ("a, *b, c = f(x)", "not enough values to unpack (expected at least 2, got 1)", "takes 2 values out of what your code gives it, and that holds 1."),
    ],
)
def test_what_is_returned_holds_as_many_values_as_the_check_takes_out(line, message, told):
    for said in (meaning(Failure("ValueError", message, check=line)), describe(Failure("ValueError", message, check=line))):
        assert f"`{line}`" in said and told in said


def test_a_question_ends_before_the_line_is_named():
    failure = Failure("AttributeError", "'Tensor' object has no attribute 'flaten'. Did you mean: 'flatten'?", "x.flaten()", 2)
    assert describe(failure).endswith("Did you mean: 'flatten'? It stands in line 2 of your cell: `x.flaten()`")


@pytest.mark.parametrize("answer, attempted", [("", False), ("# Your code: e\n", False), ("def f(x):", True), ("x = 1", True), (None, True)])
def test_a_check_of_an_empty_answer_is_no_error(answer, attempted):
    rules = Exercise(title="An exercise", points=2, minutes=5, difficulty=1)
    verdict = not_finished(Record("e", (Draw(failure=Failure("NameError", "name 'f' is not defined", check="f(1)")),)), rules, answer, None)
    assert (verdict is None) == attempted and (attempted or verdict.status == "not attempted" and verdict.points == 0)
    own = Record("e", (Draw(failure=Failure("NameError", "name 'x' is not defined", "return x", 2)),))
    assert not_finished(own, rules, answer, None) is None


EMPTY = """
class Layer:
    def __call__(self, x):
        x * 2
    def note(self, x, y=None):
        self.seen = x
class Net:
    def __init__(self):
        self.layer = Layer()
    def __call__(self, x):
        self.layer.note(
            x.mean(0), y=max(1, 2)
        )
        return self.layer(x) + 1
def spread(x):
    x.std()
def maybe(x):
    if x.sum() > 1e9:
        return x
def steps(x):
    yield x
def f(x):
    spread(x.abs() * len(x))
    layer = Layer()
    return {}
"""
GUILTY = {
    "a function": ("spread(x) + 1", "`spread` returns nothing: is a `return` missing there?"),
    "a layer": ("layer(x) + 1", "`Layer.__call__` returns nothing: is a `return` missing there?"),
    "a layer of a net": ("Net()(x)", "`Layer.__call__` returns nothing: is a `return` missing there?"),
    "one that returns sometimes": ("maybe(x) + 1", ""),
    "one that is not asked for its result": ("[1, 2].sort()[0]", ""),
    "a gradient": ("x.grad + steps(x)", ""),
}


@pytest.mark.parametrize("case", GUILTY)
def test_of_a_none_the_function_is_named_that_returns_nothing(case):
    code, says = GUILTY[case]
    text, file = EMPTY.replace("{}", code), f"<ipython-input-{case}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = {}
    exec(compile(text, file, "exec"), space)
    with pytest.raises((TypeError, AttributeError)) as raised:
        space["f"](rows)
    said = describe(failure_of(raised.value))
    assert says in said if says else "returns nothing" not in said
