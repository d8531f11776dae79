"""Where a NaN or an infinity of a wrong answer begins: told by the student's line and by what happens there."""

from dataclasses import replace

import pytest
import torch
from test_looks import checked, said

from autograder.judge.not_finite import ANYWHERE, KINDS, told
from autograder.student.not_finite import is_finite
from autograder.wall.record import draw_from

RIGHT = "def f(x):\n    return torch.softmax(x, 1)"
PROBE = "lambda g: f(50 * drawn(g).abs() + 100)"


@pytest.mark.parametrize(
    "wrong, place, kind",
    [
        ("def f(x):\n    e = torch.exp(x)\n    return e / e.sum(1, keepdim=True)", "line 2 of your cell (e = torch.exp(x))", "exponential"),
        ("def f(x):\n    return torch.log(torch.zeros_like(x))", "line 2", "logarithm of zero"),
        ("def f(x):\n    y = x.clone()\n    y -= y\n    y /= y\n    return y", "line 4 of your cell (y /= y)", "zero by zero"),
        ("def f(x):\n    return 1 / (x - x)", "line 2", "by zero"),
        ("def f(x):\n    return (-x).sqrt()", "line 2", "root of a negative number"),
        ("def f(x):\n    return x * x[:0].mean()", "line 2", "mean of nothing"),
        ("def f(x):\n    return x[:, :1].var(1, keepdim=True) + x", "line 2", "spread of one number"),
        ("def f(x):\n    return (1e30 * x) * 1e30", "line 2", "other"),
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


@pytest.mark.parametrize("value, finite", [(1.0, True), (float("nan"), False), ([1.0, float("inf")], False), (torch.tensor([1, 2]), True), ("nan", True)])
def test_lists_and_numbers_are_looked_at_too(value, finite):
    assert is_finite(draw_from(value)) is finite
