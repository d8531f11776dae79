"""What a check sees where it calls a student's function, the student's own line, and what is shown of a wrong value."""

import linecache
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Key
from autograder.judge.cards import as_text
from autograder.judge.errors import describe
from autograder.judge.looks import with_variants
from autograder.judge.picture import drawn_side_by_side
from autograder.judge.shown import shown
from autograder.judge.values import judge
from autograder.student import looks, session
from autograder.student.check import check
from autograder.wall.record import Failure, decode, encode

RULES = Exercise(title="An exercise", points=2, minutes=5, difficulty=1)
GIVEN = """import functools, random, torch
def drawn(g): return torch.randn(4, 3, generator=g)
def bend(*x: float) -> float:
    mixed = x[0] * x[1]
    return mixed
"""


class Desk:
    """Takes what a check hands over."""

    training, looks = "student", True

    def __init__(self, given: str) -> None:
        self.facts = SimpleNamespace(rules=lambda name: SimpleNamespace(gradients=True), seeds={"e": [1, 2, 3]})
        self.given = lambda: frozenset({given.rstrip()})
        self.training = "student"

    def submit(self, record, calls=(), trial=()):
        self.record, self.calls, self.trial = record, calls, trial


def checked(answer: str, probe: str, *, before: str = "", author: bool = False, looks: bool = True):
    """The desk after a notebook of some cells: the lecture's, one of the student's, the answer, the check. And its namespace."""
    space, desk = {"__name__": "__main__", "check": check}, Desk(GIVEN)
    desk.training, desk.looks = "author" if author else "student", looks
    session.use(desk)
    try:
        for number, cell in enumerate((GIVEN, before, answer, f"probe = {probe}\ncheck('e', probe)")):
            file = f"/tmp/ipykernel_1/{number}.py"
            linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
            exec(compile(cell, file, "exec"), space)  # noqa: S102
    finally:
        session.use(None)
    return desk, space


def said(right: str, wrong: str, probe: str):
    """The verdict on a wrong answer, through the bytes that cross the wall."""
    reference, answer = (encode({"r": checked(text, probe, author=text is right)[0].record}) for text in (right, wrong))
    return judge(decode(answer)[0]["r"], Key(decode(reference)[0]["r"]), RULES, Tolerance())


SCALED = "def f(x, rate, n):\n    return x * rate + n"
PROBE = "lambda g: f(drawn(g), 0.1 + float(torch.rand(1, generator=g)), int(torch.randint(9, (1,), generator=g)))"


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A slow machine tries as many arguments as a quick one."""
    monkeypatch.setattr(looks, "SPENT", 60.0)
    monkeypatch.setattr(looks, "QUICK", 1.0)


@pytest.mark.parametrize(
    "wrong, named",
    [
        ("def f(x, lr, n):\n    return x * 0.1 + n", "The result of your `f` stays the same when `lr` changes, and should depend on it."),
        ("def f(x, rate, n):\n    return torch.ones(4, 3)", "`rate`, `n` and `x` change, and should depend on each."),
    ],
)
def test_arguments_that_nothing_depends_on_are_named(wrong, named):
    assert named in said(SCALED, wrong, PROBE).message


@pytest.mark.parametrize(
    "wrong", ["def f(x, rate, n):\n    return x + rate * n", "def f(x, rate, n):\n    return x * rate + n / 0 * 0.1 if n > 99 else x / 0 * rate"]
)
def test_nothing_is_said_of_arguments_that_the_answer_uses_or_that_vanish_in_infinity(wrong):
    assert "stays the same" not in said(SCALED, wrong, PROBE).message


def test_nothing_is_said_of_an_argument_that_the_reference_ignores_as_well():
    assert "rate" not in said("def f(x, rate, n):\n    return x + n", "def f(x, rate, n):\n    return x + 2 * n", PROBE).message


def test_a_truth_value_that_stays_is_no_evidence():
    right, wrong = "def f(x):\n    return (x > 0).all(1)", "def f(x):\n    return (x > 9).all(1)"
    assert "stays the same" not in said(right, wrong, "lambda g: f(drawn(g))").message


TWICE = "lambda g: (lambda x: (f(x), x))(drawn(g))"


def test_where_only_the_values_are_kept_nothing_else_is_looked_at():
    """As of the thousands of wrong answers that an author's run tries: the same values, whatever they do beside."""
    answer = "def f(mine):\n    mine *= 2\n    return mine.log()"
    seen, bare = (checked(answer, TWICE, looks=looks)[0].record for looks in (True, False))
    assert seen.facts["looks"]["changed"] == ["mine"] and bare.facts == {}
    assert all(torch.equal(a.values["[1]"], b.values["[1]"]) for a, b in zip(seen.draws, bare.draws)) and len(bare.draws) == 3


def test_an_input_that_is_changed_in_place_is_named_where_all_that_is_wrong_follows_from_it():
    message = said("def f(x):\n    return x * 2", "def f(mine):\n    mine *= 2\n    return mine.clone()", TWICE).message
    assert "Your function changes what it is given: `mine` is not the same after the call" in message


def test_an_input_that_is_changed_without_being_why_is_not_named():
    message = said("def f(x):\n    return x * 2", "def f(mine):\n    mine *= 3\n    return mine.clone()", TWICE).message
    assert "changes what it is given" not in message


@pytest.mark.parametrize("answer", ["def f(mine):\n    mine *= 2\n    return mine", "def f(mine):\n    x = mine.numpy()\n    x *= 2\n    return mine.clone()"])
def test_a_right_result_for_which_an_argument_was_spoiled_is_not_all_right(answer):
    verdict = said("def f(x):\n    return x * 2", answer, "lambda g: f(drawn(g))")
    assert verdict.status == "partly correct" and verdict.points == RULES.points / 2
    assert "`mine` is not the same after the call as before" in verdict.message and verdict.rows[-1].name == "the arguments afterwards"


@pytest.mark.parametrize("answer", ["def f(x):\n    x *= 2\n    return x", "def f(y):\n    y += y\n    return y.clone()"])
def test_an_argument_may_change_where_the_references_does(answer):
    assert said("def f(x):\n    x *= 2\n    return x", answer, "lambda g: f(drawn(g))").status == "correct"


def test_an_argument_may_change_where_an_answer_that_is_as_right_changes_it():
    probe = "lambda g: f(drawn(g))"
    texts = ("def f(x):\n    return x * 2", "def f(x):\n    x *= 2\n    return x", "def f(mine):\n    mine += mine\n    return mine")
    reference, variant, answer = (checked(text, probe, author=text is texts[0])[0].record for text in texts)
    assert judge(answer, Key(reference), RULES, Tolerance()).status == "partly correct"
    assert judge(answer, Key(with_variants(reference, [variant])), RULES, Tolerance()).status == "correct"


def test_nothing_is_said_of_an_argument_that_an_answer_as_right_does_without():
    probe = "lambda g: (lambda x: f(x, 1 / x))(drawn(g).abs() + 1)"
    texts = ("def f(x, inverse):\n    return 2 * x", "def f(x, inverse):\n    return 2 / inverse", "def f(x, inverse):\n    return 5 / inverse")
    reference, variant, answer = (checked(text, probe, author=text is texts[0])[0].record for text in texts)
    assert "stays the same when `x` changes" in judge(answer, Key(reference), RULES, Tolerance()).message
    assert "stays the same" not in judge(answer, Key(with_variants(reference, [variant])), RULES, Tolerance()).message


def test_an_argument_that_is_as_before_was_not_changed():
    assert said("def f(x):\n    return x * 2", "def f(x):\n    x += 0\n    return x * 2", "lambda g: f(drawn(g))").status == "correct"


def test_two_names_of_one_tensor_are_told():
    probe, right = "lambda g: f(drawn(g))", "def f(x):\n    a = 2 * x\n    return {'a': a, 'b': a + 1}"
    message = said(right, "def f(x):\n    a = 2 * x\n    b = a\n    b += 1\n    return {'a': a, 'b': b}", probe).message
    assert message.startswith("`a` and `b` are one and the same tensor in what you return")


def test_random_numbers_from_elsewhere_are_told_and_those_of_the_generator_are_not():
    probe, right = "lambda g: f(3 + int(torch.randint(1, (1,), generator=g)), g)", "def f(n, g):\n    return torch.randn(n, generator=g)"
    assert "draws random numbers of its own" in said(right, "def f(n, g):\n    return torch.randn(n)", probe).message
    assert "something is kept" in said(right, "seen = []\ndef f(n, g):\n    seen.append(1)\n    return torch.ones(n) * len(seen)", probe).message
    assert (
        "whatever generator is given for `g`" in said(right, "def f(n, g):\n    g.manual_seed(3)\n    return torch.randn(n, generator=g)", probe).message
    )
    assert "twice" not in said(right, "def f(n, g):\n    return 2 * torch.randn(n, generator=g)", probe).message


def test_what_would_never_end_with_other_arguments_costs_a_moment(monkeypatch):
    monkeypatch.setattr(looks, "SPENT", 0.5)  # less than the second that is given to one call
    endless = "def f(n):\n    while n != 4:\n        n = n + 1 if n == 3 else n\n    return torch.ones(4)"
    desk, _ = checked(endless, "lambda g: f(4)")
    assert desk.record.draws[0].failure is None and desk.record.facts["looks"]["tried"] == []


@pytest.mark.parametrize(
    "answer",
    [
        SCALED,
        "def f(x, rate, n):\n    return f.__name__",
        "def f(x, rate, n):\n    return f(x, rate, 0) if n else x",
        "def f(x, rate, n):\n    yield x",
        "@functools.cache\ndef f(x, rate, n):\n    return rate",
        "def f(x, rate, n):\n    raise ValueError",
    ],
)
def test_afterwards_everything_is_as_it_was(answer):
    desk, space = checked(f"{answer}\nkept = f", PROBE)
    assert space["f"] is space["kept"] and len(desk.record.draws) == 3


def test_a_function_finds_itself_and_its_callers_find_it_as_without_a_check():
    answer = "def f(x, rate, n):\n    return [f is kept, f.__qualname__]\nkept = f"
    assert checked(answer, PROBE)[0].record.draws[0].values[""] == [True, "f"]
    assert checked(SCALED, "lambda g: [f.__name__, f(1.0, 2.0, 3)]")[0].record.draws[0].values[""] == ["f", 5.0]


# The student's own line ---------------------------------------------------------------------------------------------------------------------


def failed(answer: str, probe: str, before: str = "") -> str:
    return describe(checked(answer, probe, before=before)[0].record.draws[0].failure)


def test_where_the_lectures_own_function_is_called_wrongly_the_students_line_is_told_and_what_it_passed():
    told = failed("def f(p):\n    p = list(p)\n    return bend(p)", "lambda g: f([1.0, 2.0])")
    assert told.startswith(
        "Your line 3, `return bend(p)`, called `bend` with 1 argument, a list of 2 numbers; it takes numbers, each as an argument of its own."
    )
    assert "IndexError: tuple index out of range" in told and "mixed" not in told


def test_an_exception_of_torchs_is_not_taken_for_a_stub():
    text = "Could not run 'aten::add' with arguments from the 'CUDA' backend."
    told = failed(f'def f(x):\n    raise NotImplementedError("{text}")', "lambda g: f(drawn(g))")
    assert "is not there yet" not in told and told.startswith(f"NotImplementedError: {text}") and "line 2 of your cell" in told
    assert "is not there yet (NotImplementedError: other)" in failed('def f(x):\n    raise NotImplementedError("other")', "lambda g: f(drawn(g))")


def test_a_right_kind_of_argument_is_not_blamed():
    assert "it takes" not in failed("def f(p):\n    return bend(p[0])", "lambda g: f([1.0, 2.0])")


def test_a_line_in_another_cell_of_the_students_is_told_by_what_that_cell_defines():
    told = failed("def f(x):\n    return helper(x)", "lambda g: f(drawn(g))", before="a = 1\ndef helper(x):\n    return x @ x\nb = 2")
    assert "in line 3 of the cell that defines `helper`: `return x @ x`" in told
    assert "The left matrix has 3 columns and the right one 4 rows" in told


def test_where_no_line_is_the_students_the_checks_own_is_shown():
    told = failed("def f(x):\n    return 1.0", "lambda g: f(drawn(g)).backward()")
    assert "The check asks a result of yours for its `backward`" in told and "A plain float has none." in told


@pytest.mark.parametrize(
    "code, means",
    [
        ("torch.ones(3)[torch.tensor([5])]", "Dimension 0 has 3 places, and place 5 was asked for."),
        ("torch.ones(2, 3) + torch.ones(2, 4)", "in dimension 1 one has 3 elements, the other 4"),
        ("[1, 2][2]", "It has fewer elements than this index asks for."),
        ("torch.ones(3)[torch.ones(2)]", "a tensor of dtype int64"),
        ("(x.requires_grad_() * 2).sum().grad * 1", "`.grad` is None until backward() has filled it"),
        ("None + 1", "A function without `return` gives None"),
        ("x.requires_grad_().add_(1)", "it may not be changed in place"),
        ("[loss.backward() for loss in [x.requires_grad_().exp().sum()] * 2]", "has run through this graph before"),
        ("x.sum().backward()", "has no graph"),
        ("x.requires_grad_().exp().backward()", "backward() starts from one number."),
        ("torch.multinomial(-x.abs(), 1)", "which logits are not"),
    ],
)
def test_common_exceptions_are_said_in_plain_words_beside_pythons(code, means):
    told = failed(f"def f(x):\n    return {code}", "lambda g: f(drawn(g))")
    assert means in told and f"in line 2 of your cell: `return {code}`" in told


def test_a_failure_survives_the_wall():
    failure = Failure("E", "m", "line", 3, "helper", "`f` with 1 argument", "")
    desk, _ = checked(SCALED, PROBE)
    record = desk.record.__class__("e", (desk.record.draws[0].__class__(failure=failure),))
    assert decode(encode({"r": record}))[0]["r"].draws[0].failure == failure


# What is shown ------------------------------------------------------------------------------------------------------------------------------


def picture(right: str, wrong: str, probe: str):
    reference, desk = checked(right, probe, author=True)[0].record, checked(wrong, probe)[0]
    return shown(desk.record, reference, desk.calls, Tolerance()), judge(desk.record, Key(reference), RULES, Tolerance())


def test_the_smallest_failing_input_is_shown_as_a_call_with_the_students_names():
    names = "lambda g: f(['ann', 'bo', 'cy'][: int(torch.randint(1, 4, (1,), generator=g))], 3)"
    right = "def f(words, n):\n    stoi, itos = [w[0] for w in words], [n] * n\n    return stoi, itos"
    found, verdict = picture(right, right.replace("w[0]", "w[1]"), names)
    sizes = [int(torch.randint(1, 4, (1,), generator=torch.Generator().manual_seed(seed))) for seed in (1, 2, 3)]
    words = ["ann", "bo", "cy"][: min(sizes)]
    assert found.text.split("\n") == [f"f({words}, 3)", "expected of value 1 (stoi), element 0: 'a'", "yours:                                 'n'"]
    assert verdict.message.startswith("value 1 (stoi): ")


def test_of_several_calls_the_one_is_shown_that_gave_the_wrong_value():
    right, wrong = "def f(x, n):\n    return x + n", "def f(x, n):\n    return x + n + (n > 1)"
    found, _ = picture(right, wrong, "lambda g: tuple(reversed([f(torch.ones(2), 1), f(torch.zeros(3), 2), f(torch.ones(2), 1)]))")
    assert found.text.startswith("f(tensor([0., 0., 0.]), 2)\n") and "of value 2" in found.text
    found, _ = picture(right, wrong, "lambda g: f(torch.ones(2), 1) + f(torch.ones(2), 2)")
    assert found.text.startswith("the first of 2 calls in this check:\nf(tensor([1., 1.]), 1)\n")
    found, _ = picture(right, wrong, "lambda g: sum(f(torch.ones(2), n) for n in range(12))")
    assert found.text.startswith("the first of many calls in this check:\nf(tensor([1., 1.]), 0)\n")


def test_what_a_function_calls_itself_is_no_call_of_the_check():
    right = "def h(x):\n    return x\ndef f(x):\n    return h(x) + h(x)"
    found, _ = picture(right, right.replace("h(x) + h(x)", "h(x)"), "lambda g: f(torch.ones(2))")
    assert found.text.startswith("f(tensor([1., 1.]))\n")


def test_a_tensor_is_shown_around_its_first_difference():
    found, verdict = picture(
        "def f(x):\n    return x", "def f(x):\n    y = x.clone()\n    y[9, 9] += 1\n    return y", "lambda g: f(torch.zeros(20, 20))"
    )
    assert "f(x)\n  x: a tensor of shape (20, 20), float32\nelements [7:13, 7:13], * where yours differ:" in found.text
    assert found.text.count("*1") == 1 and len(found.text.split("\n")) == 3 + 2 * 6
    assert "<svg" in found.html and "<script" not in found.html and verdict.shown is None


def test_what_a_student_named_is_escaped():
    found, _ = picture("def f(x):\n    return ['a']", "def f(x):\n    return ['<script>']", "lambda g: f('<b>')")
    assert "<script>" not in found.html and "&lt;script&gt;" in found.html and "<script>" in found.text


def test_a_picture_is_small_and_well_formed_whatever_it_shows():
    value = torch.randn(12, 12, generator=torch.Generator().manual_seed(1)).double()
    value[0, 0], value[1, 1] = float("nan"), float("inf")
    svg = drawn_side_by_side(value, -value, value != -value)
    assert len(svg) < 10_000 and ElementTree.fromstring(svg).tag == "svg"
    assert ElementTree.fromstring(drawn_side_by_side(torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1) > 0)).tag == "svg"
    assert "elements [0, 4:16]" in "".join(ElementTree.fromstring(drawn_side_by_side(value, -value, value != -value, "[0, 4:16]")).itertext())


@pytest.mark.parametrize(("columns", "told"), [(12, False), (40, True)])
def test_a_picture_says_which_part_it_shows_unless_it_is_all(columns, told):
    wrong = "def f(x):\n    return x * (torch.arange(x.shape[1]) != 9)"
    found, _ = picture("def f(x):\n    return x", wrong, f"lambda g: f(torch.randn(3, {columns}, generator=g))")
    assert ("elements [0:3, 5:17]</text>" in found.html) is told and ("elements [" in found.html.partition("<svg")[2]) is told


def test_a_terminal_shows_it_below_the_verdict():
    found, verdict = picture("def f(n):\n    return n", "def f(n):\n    return n + 1", "lambda g: f(3)")
    from dataclasses import replace

    assert as_text(replace(verdict, shown=found)).endswith("  f(3)\n  expected: 3\n  yours:    4")


@pytest.mark.parametrize("device, modes", [(None, 0), ("meta", 2)])
def test_a_probe_makes_its_tensors_on_the_cpu_and_goes_through_no_mode_of_torchs_for_it(device, modes):
    probe = "lambda g: seen.append((torch.ones(1).device.type, len(torch.overrides._get_current_function_mode_stack())))"
    torch.set_default_device(device)
    try:
        _, space = checked("import torch.overrides\nseen = []", probe)
    finally:
        torch.set_default_device(None)
    assert set(space["seen"]) == {("cpu", modes)}
