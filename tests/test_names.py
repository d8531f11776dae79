import pytest
import torch

from autograder.course.names import SYMBOLS, contexts_of, names_of
from autograder.student.names import load_names


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
