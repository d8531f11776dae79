"""Where a NaN or an infinity of a wrong answer begins: told by the student's line and by what happens there."""

from dataclasses import replace

import pytest
import torch
from test_looks import checked, said

from autograder.judge.not_finite import ANYWHERE, KINDS, told

RIGHT = "def f(x):\n    return torch.softmax(x, 1)"
PROBE = "lambda g: f(50 * drawn(g).abs() + 100)"


@pytest.mark.parametrize(
    "wrong, place, kind",
    [
        ("def f(x):\n    e = torch.exp(x)\n    return e / e.sum(1, keepdim=True)", "line 2 of your cell (`e = torch.exp(x)`)", "exponential"),
        ("def f(x):\n    return torch.log(torch.zeros_like(x))", "line 2", "logarithm of zero"),
        ("def f(x):\n    y = x.clone()\n    y -= y\n    y /= y\n    return y", "line 4 of your cell (`y /= y`)", "zero by zero"),
        ("def f(x):\n    return 1 / (x - x)", "line 2", "by zero"),
        ("def f(x):\n    return (-x).sqrt()", "line 2", "root of a negative number"),
        ("def f(x):\n    return x * x[:0].mean()", "line 2", "mean of nothing"),
        ("def f(x):\n    return x[:, :1].var(1, keepdim=True) + x", "line 2", "spread of one number"),
        ("def f(x):\n    return (1e30 * x) * 1e30", "line 2", "other"),
        ("def f(x):\n    y = x.clone()\n    y[0] = 0\n    return 1e30 * y / 1e-30", "line 4", "other"),
        ("def f(x):\n    y = 1e30 * x\n    y[0] = 0\n    return y**2", "line 4", "other"),
        ("def f(x):\n    return (x - x) ** -1", "line 2", "by zero"),
        ("def f(x):\n    y = x - x\n    y.pow_(-2)\n    return y", "line 3", "by zero"),
        ("def f(x):\n    return 10**x + 0.0 ** (x - x - 1)", "line 2", "other"),
    ],
)
def test_the_first_operation_that_makes_it_is_told(wrong, place, kind):
    verdict = said(RIGHT, wrong, PROBE)
    assert f"It begins in {place}" in verdict.message and f"there {KINDS[kind]}." in verdict.message
    assert ANYWHERE not in verdict.message and len(verdict.message.split()) <= 60


def test_what_is_infinite_on_purpose_is_no_beginning():
    masked = "def f(x):\n    y = x.masked_fill(x > 0, float('-inf'))\n    return torch.softmax(y, 1)"
    assert ANYWHERE in said(RIGHT, masked, PROBE).message


@pytest.mark.parametrize("answer, runs", [("torch.softmax(x, 1)", 3), ("x / 0", 4)])
def test_a_probe_runs_once_more_only_where_something_is_not_finite(answer, runs):
    desk, space = checked(f"def f(x):\n    return {answer}", f"lambda g: (runs.append(g), ({PROBE})(g))[1]", before="runs = []")
    assert len(space["runs"]) == runs and ("not finite" in desk.record.facts["looks"]) == (runs > 3)


@pytest.mark.parametrize(
    "found", [None, 3, {}, {"kind": "x", "line": 1}, {"kind": "exponential", "line": True}, {"kind": "exponential", "line": -1}, {"kind": [], "line": 1}]
)
def test_what_a_stranger_says_of_it_is_not_repeated(found):
    desk, _ = checked("def f(x):\n    return x / 0", PROBE)
    assert told(ANYWHERE, replace(desk.record, facts={"looks": {"not finite": found}})) == ANYWHERE
    long = {"kind": "exponential", "line": 2, "text": "<b>" * 200}
    assert "<b>" not in told(ANYWHERE, replace(desk.record, facts={"looks": {"not finite": long}}))


def test_memory_that_nobody_has_written_to_is_no_beginning():
    answer = "def f(x):\n    y = torch.empty(4, 3)\n    y[:] = x\n    return y.exp()"
    torch.use_deterministic_algorithms(True)  # fills it with NaN
    try:
        message = said(RIGHT, answer, PROBE).message
    finally:
        torch.use_deterministic_algorithms(False)
    assert f"It begins in line 4 of your cell (`return y.exp()`): there {KINDS['exponential']}." in message


@pytest.mark.parametrize("value, told_of", [("float('nan')", True), ("[1.0, float('inf')]", True), ("torch.tensor([1, 2])", False), ("'nan'", False)])
def test_lists_and_numbers_are_looked_at_too(value, told_of):
    desk, space = checked(f"def f(x):\n    return {value}", f"lambda g: (runs.append(g), ({PROBE})(g))[1]", before="runs = []")
    assert (len(space["runs"]) == 4) is told_of


@pytest.mark.parametrize(
    "body, words",
    [
        ("(x.abs() / 1000).repeat(6, 6).prod().log() + x", "That 0 is a product of many numbers below 1, too small for float32: none of them is 0."),
        ("torch.softmax(1e4 * x, 1).log()", "That 0 is a softmax of logits far apart, too small for float32."),
        ("torch.exp(-1e4 - x).log()", "That 0 is an exponential of a number far below 0, too small for float32."),
        ("(0 * x).prod().log() + x", "Look at where that 0 comes from."),
        ("(torch.softmax(1e4 * x, 1) - torch.softmax(1e4 * x, 1)).log()", "Look at where that 0 comes from."),
    ],
)
def test_a_zero_that_no_zero_went_into_is_told(body, words):
    assert words in said(RIGHT, f"def f(x):\n    return {body}", PROBE).message
