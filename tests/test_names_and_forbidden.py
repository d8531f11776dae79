import pytest
import torch

from autograder.forbidden import forbidden_use
from autograder.names import SYMBOLS, contexts_of, load_names, names_of


@pytest.mark.parametrize("context", [1, 2, 3, 8])
def test_contexts_are_those_of_the_plain_loop(course, context):
    words = load_names(course.names).dev[:300]
    X, Y = [], []
    for word in words:
        window = [0] * context
        for letter in word + ".":
            X.append(list(window))
            Y.append(SYMBOLS.index(letter))
            window = [*window[1:], Y[-1]]
    contexts, targets = contexts_of(words, context)
    assert torch.equal(contexts, torch.tensor(X)) and torch.equal(targets, torch.tensor(Y))


def test_the_names_give_the_known_numbers_of_predictions(course):
    names = load_names(course.names)
    assert [len(names.contexts(split, 3)[1]) for split in ("train", "dev", "test")] == [183_802, 22_949, 23_053]


def test_a_line_that_is_no_name_is_told_with_its_number():
    with pytest.raises(ValueError, match="names.txt:2: 'Bob' is not a lower-case name"):
        names_of("ann\nBob\n", "names.txt", 1)


def test_contexts_are_the_callers_own(course):
    names = load_names(course.names)
    names.contexts("dev", 2)[0].zero_()
    assert names.contexts("dev", 2)[0].any()


FORBIDDEN = ("backward", "autograd")
USES = [
    ("loss.backward()", []),
    ("torch.autograd.grad(a, b)", []),
    ("from torch import autograd as a", []),
    ("import torch.autograd", []),
    ("getattr(loss, 'backward')()", []),
    ("def f(x):\n    return helper(x)", ["def helper(x):\n    x.backward()"]),
    ("def f(x):\n    return g(x)", ["def g(x):\n    return h(x)", "h = lambda x: x.backward()"]),
]


@pytest.mark.parametrize("answer, others", USES, ids=[answer[:30] for answer, _ in USES])
def test_a_forbidden_name_is_found(answer, others):
    assert "is to be solved without it" in forbidden_use(answer, others, FORBIDDEN)


HARMLESS = [
    ("# no backward here\nx = 1", []),
    ('def backward_tanh(x):\n    """Not backward()."""\n    return x', []),
    ("y = 2 * x", ["loss.backward()  # to compare with"]),
    ("%timeit x\ndef f(x):\n    return x", []),
    ("def broken(", []),
]


@pytest.mark.parametrize("answer, others", HARMLESS, ids=[answer[:30] for answer, _ in HARMLESS])
def test_what_only_looks_like_it_is_not(answer, others):
    assert forbidden_use(answer, others, FORBIDDEN) is None
