"""A wrong answer is told by the one change of it that makes it right: at the desk, in the jail, and never by more than one of our sentences."""

import itertools
import os
import time
from dataclasses import replace

import pytest
from conftest import TINY
from test_looks import RULES, checked

from autograder.changes.operators import SWAPS
from autograder.changes.repairs import Repair, backwards, repairs
from autograder.commands.build import write_sources
from autograder.commands.demo_class import solution_texts
from autograder.course.schema import Tolerance
from autograder.grading.answer_key import answer_key
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.judge.answers import Catalogue, Key
from autograder.judge.repaired import Best, best, wants_a_repair, with_repair
from autograder.judge.values import judge
from autograder.judge.verdict import Row, Verdict
from autograder.student.copies import in_a_copy
from autograder.student.repairs import PATIENCE, SECONDS
from autograder.wall.record import decode, encode

SOFTMAX = "def f(x):\n    return torch.softmax(x, 1)"
PARTS = "def f(x):\n    return {'mean': x.mean(0), 'spread': x.var(0)}"
COUNT = "def f(x):\n    return [sum(row) for row in x.tolist()]"
LOOP = "def f(x):\n    t = 0\n    r = []\n    for row in x.tolist():\n"
NESTED = f"{LOOP}        r.append(0)\n        for value in row:\n            r[-1] += value\n            return r"
BREAKS = f"{LOOP}        r.append(sum(row))\n        if len(r) > 2:\n            break\n    return r"
CASE = "def f(x):\n    if x.shape[0] == 4:\n        x = x + 1\n    return x"
BRANCH = "def f(x):\n    if x.sum() != 7:\n        x = x / x.sum(0)\n    else:\n        return x"
PROBE = "lambda g: f(drawn(g))"


def told(right: str, wrong: str, probe: str = PROBE) -> str:
    """The message on an answer at a desk that knows the reference and no mistake."""
    key, tolerance = Key(decode(encode({"r": checked(right, probe)[0].record}))[0]["r"]), Tolerance()
    desk, _ = checked(wrong, probe)
    verdict = judge(desk.record, key, RULES, tolerance)
    assert wants_a_repair(verdict, desk.record)

    def work(report: int) -> None:
        with open(report, "w") as file:
            file.write(with_repair(verdict, best(desk.record, key, tolerance, desk.trial)).message)

    return in_a_copy(work, seconds=30, cpu_seconds=20).decode()


def test_no_repair_counts_backwards_or_joins_a_counter():
    text = "def f(x):\n    i = 0\n    t = 0\n    for row in x:\n        t += row\n        i += 1\n    return t * len(x) / x.shape[0]"
    said = [(repair.before, repair.says) for repair, _ in repairs(text, "f")]
    assert not any("1 minus" in says for before, says in said if before in ("len(x)", "x.shape[0]"))
    joined = [before for before, says in said if "is joined to what was there" in says]
    assert joined == ["t += row"]


@pytest.mark.parametrize(
    "right, wrong, where, what",
    [
        (SOFTMAX, "def f(x):\n    e = (x - x.max()).exp()\n    return e / e.sum(0)", "line 3 of your cell, at `e.sum(0)`", "along the wrong axis"),
        (SOFTMAX, "def f(x):\n    e = x.exp()\n    return e / e.sum()", "line 3", "over all axes where it should run along one"),
        (SOFTMAX, "def f(x):\n    return torch.softmax(x, 1).round(decimals=1)", "line 2", "does not belong there"),
        (PARTS, "def f(x):\n    var, mean = torch.var_mean(x, 0)\n    return {'mean': var, 'spread': mean}", "line 2", "two names have changed places"),
        (PARTS, "def f(x):\n    return {'mean': x.mean(0), 'spread': ((x - x.mean()) ** 2).sum(0) / 3}", "line 2", "runs over all axes"),
        (COUNT, f"{LOOP}        t += sum(row)\n        r.append(t)\n    return r", "line 5", "is joined to"),
        (COUNT, f"{LOOP}        r.append(sum(row))\n        return r", "line 4 of your cell, at `for row in", "and its return belongs behind it"),
        (COUNT, NESTED, "line 4", "its return belongs behind all loops"),
        (COUNT, BREAKS, "line 6 of your cell, at `len(r) > 2`", "a case is treated on its own"),
        ("def f(x):\n    return x", CASE, "line 2 of your cell, at `x.shape[0] == 4`", "a case is treated on its own that should not be"),
        (COUNT, "def f(x):\n    return [sum(row) for row in x.round().tolist()]", "line 2", "a rounding that does not belong there"),
        ("def f(x):\n    return x.long().float().mean(1)", "def f(x):\n    return x.long().mean(1)", "line 2", "mean() works with floats, and there are none"),
        ("def f(x):\n    return x.sum(1)", "def f(x):\n    return x.sum(1)[0]", "line 2", "only a part of it is taken"),
        ("def f(x):\n    return x", "def f(x):\n    return x.long().float()", "line 2", "the call of long() does not belong there"),
        ("def f(x):\n    return x / x.sum(0)", BRANCH, "line 3", "nothing is returned behind it"),
        ("def f(x):\n    return x.var(0) * 3 / (3 - 1)", "def f(x):\n    return x.var(0) * (3 - 1) / 3", "line 2", "have changed places"),
        ("def f(x):\n    return (x - 1) / 2", "def f(x):\n    return x - 1 / 2", "line 2", "brackets are missing"),
        ("def f(x):\n    return 3 * (x - 1) / 2", "def f(x):\n    return 3 * x - 1 / 2", "line 2", "brackets are missing"),
        ("def f(x):\n    return x / len(x)", "def f(x):\n    return x / 32", "line 2 of your cell, at `32`", "a fixed number"),
    ],
)
def test_the_place_and_what_is_wrong_there_are_told(right, wrong, where, what):
    said = told(right, wrong)
    assert "One small change makes it right, in " in said and where in said and what in said.partition("One small change")[2], said
    assert len(said.split()) <= 70


def test_truth_values_where_numbers_are_needed_are_told_without_a_change():
    desk, _ = checked("def f(x):\n    return (x > 0.5).mean(1)", PROBE)
    verdict = judge(desk.record, Key(checked("def f(x):\n    return x.mean(1)", PROBE)[0].record), RULES, Tolerance())
    assert "holds truth values" in verdict.message and not wants_a_repair(verdict, desk.record)


def test_of_two_faults_the_one_that_makes_something_right_is_told():
    said = told(PARTS, "def f(x):\n    return {'mean': x.mean(1), 'spread': torch.linspace(0, 1, 3) + 1}")
    assert "One small change makes `mean` right, in line 2 of your cell, at `x.mean(1)`: a mean runs along the wrong axis." in said


def test_what_no_small_change_mends_is_told_as_before():
    said = told("def f(x):\n    return x", "def f(x):\n    y = x[:, :1].sin() * x.cos().cumsum(0)\n    return (y * y).exp().cumsum(1) / 7")
    assert "small change" not in said and "12 of 12 elements differ" in said


def test_what_mends_but_a_part_has_to_mend_what_stands_first_and_more_than_a_few_truth_values():
    right = "def f(x):\n    return {'mean': x.mean(0), 'sure': x.sum() > 0, 'spread': x.var(0)}"
    first = told(right, "def f(x):\n    return {'mean': x.mean(0) ** 2 + 1, 'sure': x.sum() > 0, 'spread': x.std(0)}")
    flags = told(right, "def f(x):\n    return {'mean': x.mean(0), 'sure': x.sum() > 9 and x.sum() < 7, 'spread': x.std(0) ** 3 + 1}")
    right = "def f(x):\n    return {'mean': x.mean(0), 'sure': [x.sum() > 0, x.sum() > 1], 'spread': x.var(0)}"
    listed = told(right, "def f(x):\n    return {'mean': x.mean(0), 'sure': [x.sum() > 9 and x.sum() < 7, x.sum() > 1], 'spread': x.std(0) ** 3 + 1}")
    assert "small change" not in first and "small change" not in flags and "small change" not in listed


def test_two_steps_that_give_one_name_a_value_are_not_swapped():
    said = [repair.says for repair, _ in repairs("def f(x):\n    e = 0.0\n    e = x.std()\n    y = x + e\n    return y", "f")]
    assert said.count("two steps stand in the other order") == 1


def test_a_word_that_is_right_by_chance_proves_nothing():
    said = told("def f(x):\n    return {'n': x, 'kind': 'wide'}", "def f(x):\n    return {'n': x, 'kind': 'wide' if len(x) < 4 else 'narrow'}")
    assert "small change" not in said


def test_the_notebook_is_as_it_was():
    """Without the copy the changes that are tried would leave their own."""
    wrong = "kept = []\ndef f(x):\n    kept.append(len(x))\n    return x.clone().round()"
    key = Key(checked("def f(x):\n    return x", PROBE)[0].record)
    desk, space = checked(wrong, PROBE)
    function, calls = space["f"], len(space["kept"])
    found = in_a_copy(lambda report: open(report, "w").write(str(best(desk.record, key, Tolerance(), desk.trial))), seconds=30)
    assert b"a rounding that does not belong there" in found
    assert space["f"] is function and len(space["kept"]) == calls


def test_a_change_that_never_ends_costs_its_own_time_alone():
    wrong = "def f(x):\n    n = 3\n    while n > 0:\n        n -= 1\n    return x * 2"
    assert "there is a factor that does not belong there" in told("def f(x):\n    return x", wrong)


def test_what_hears_no_alarm_is_ended_by_the_kernel():
    begun = time.monotonic()
    assert in_a_copy(lambda report: [os.write(report, b"begun"), sum(range(10**13))], cpu_seconds=1) == b"begun"
    assert in_a_copy(lambda report: [os.write(report, b"begun"), time.sleep(60)], seconds=0.2) == b"begun"
    assert time.monotonic() - begun < 30


def test_what_a_cell_does_beside_its_definitions_is_not_done_again(tmp_path):
    """A print, a picture, a command, whether its result has a name or not."""
    key = Key(checked("def f(x):\n    return x", PROBE)[0].record)
    file = tmp_path / "ran"
    file.touch()
    call = f"open({str(file)!r}, 'a').write('once ')"
    desk, _ = checked(f"def f(x):\n    return x * 2\n{call}\nfor i in range(2):\n    {call}\nn = [{call}]\nif n:\n    {call}", PROBE)
    found = in_a_copy(lambda report: os.write(report, str(best(desk.record, key, Tolerance(), desk.trial)).encode()), seconds=30)
    assert b"there is a factor that does not belong there" in found and file.read_text() == "once " * 5


def test_a_cell_that_sleeps_or_takes_long_is_not_run_a_hundred_times():
    key = Key(checked("def f(x):\n    return x", PROBE)[0].record)
    desk, _ = checked("import time\ndef f(x):\n    time.sleep(0.1)\n    return x * 2", PROBE)
    begun = time.monotonic()
    in_a_copy(lambda report: best(desk.record, key, Tolerance(), desk.trial), seconds=30)
    assert time.monotonic() - begun < PATIENCE * SECONDS + 5


def test_other_cells_of_the_students_are_looked_at_and_the_lectures_are_not():
    key = Key(checked("def f(x):\n    return 2 * x", PROBE)[0].record)
    desk, _ = checked("def f(x):\n    return g(drawn(torch.Generator())) + g(x)", "lambda g: f(drawn(g)) + bend(1, 0)", before="def g(x):\n    return x")
    texts = [repair.before for repair, _ in desk.trial]
    assert texts and not any("mixed" in text or "torch.randn" in text for text in texts)
    assert best(desk.record, key, Tolerance(), []) is None


@pytest.mark.parametrize("says", ["<b>right</b>", "See [this](http://a)", "full points\nwere given", "x" * 200, ""])
def test_what_a_stranger_says_is_not_repeated(says):
    verdict = Verdict("e", "wrong", 0.0, 1.0, "It differs.", (Row("", False, "It differs."),))
    assert with_repair(verdict, Best(Repair(2, "x", says), frozenset({""}), True)).message == "It differs."
    assert with_repair(verdict, Best(Repair(-1, "x", "it is one off there"), frozenset({""}), True)).message == "It differs."
    shown = with_repair(verdict, Best(Repair(2, "`a` " * 40, "it is one off there"), frozenset({""}), True)).message
    assert shown.count("`") == 2 and len(shown) < 200


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_whatever_is_wrong_with_an_answer_there_are_words_for_it(course):
    """Of every change of two lectures' references: what is none of our plain sentences would not be said."""
    lectures = list(course.course.lectures)[1:3]
    for lecture in lectures:
        write_sources(course, lecture)
    texts = [text for lecture in lectures for text in solution_texts(course, lecture).values()]
    verdict = Verdict("e", "wrong", 0.0, 1.0, "", (Row("", False),))
    says = {repair.says for text in texts for repair, _ in itertools.islice(repairs(text, "<ipython-input-1>"), 400)}
    assert len(says) > 80
    for sentence in says:
        assert sentence in with_repair(verdict, Best(Repair(1, "x", sentence), frozenset(), True)).message


def test_a_forgotten_plus_is_tried_before_all_else():
    """A long answer has more changes than there is time for."""
    rule = "(x,) = self.inputs\n        local = 1 - self.data**2 if self.operation else -1.0\n        x.grad = self.grad * local\n"
    text = f"class A:\n    def pass_back(self):\n        {rule}"
    repair, _ = next(repairs(text, "<ipython-input-1>"))
    assert (repair.line, repair.says) == (5, "each new part replaces what was there, instead of being added to it")


def test_what_is_read_backwards_is_what_the_opposite_change_does():
    pairs = [(one, other, words) for one, others in SWAPS.items() for other, words in others if words]
    both = [(words, back) for one, other, words in pairs for again, first, back in pairs if (again, first) == (other, one)]
    assert len(both) > 20
    for words, back in both:
        assert backwards(words) == back


FORMS = {
    "a class": ("class A:\n    def of(self, x):\n        return x.sum(0)\nheld = A()", "lambda g: A().of(drawn(g))", 3),
    "a decorator, a default, a nested function": (
        "import functools\n@functools.lru_cache\ndef three(): return 3\ndef f(x, *, axis=0):\n    def inner(y): return y.sum(axis)\n    return inner(x)",
        "lambda g: f(drawn(g))",
        5,
    ),
    "a lambda": ("f = lambda x: x.sum(0)", "lambda g: f(drawn(g))", 1),
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: object\n    def of(self): return self.x.sum(0)",
        "lambda g: A(drawn(g)).of()",
        5,
    ),
    "names in another alphabet": ("def f(größe):\n    summe = größe.sum(0)\n    return summe", "lambda g: f(drawn(g))", 2),
    "match and walrus": ("def f(x):\n    match x.ndim:\n        case 2 if (n := len(x)):\n            return x.sum(0)", "lambda g: f(drawn(g))", 4),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_may_have_any_form(form):
    wrong, probe, line = FORMS[form]
    said = told(wrong.replace("sum(0)", "sum(1)").replace("axis=0", "axis=1"), wrong, probe)
    assert f"One small change makes it right, in line {line} of your cell" in said, said


def test_no_text_is_too_odd():
    for text in ("", "def f(:", "x" * 30_000, "\0", "def f():\n" + "    if 1:\n" * 5, "f = lambda: 0", "class A:\n    def f(self): return [i for i in self]"):
        assert all(code for _, code in repairs(text, "<ipython-input-1>"))


def test_in_the_jail_as_at_the_desk(tiny, runner):
    answers = answer_key(tiny, TINY, runner, hidden_facts(tiny, TINY))
    keys = {name: replace(key, mistakes=[], catalogue=Catalogue()) for name, key in answers.keys.items()}
    notebook = built_notebook(tiny.source(TINY))
    cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "double_answer")
    cell.source = "def double(x):\n    return x + x.mean()"
    files = {path.name: path.read_bytes() for path in tiny.weights(TINY).glob("*.safetensors")}
    verdicts = grade(notebook, files, tiny, TINY, replace(answers, keys=keys), runner).verdicts
    said = verdicts["double"].message
    assert "One small change makes it right, in line 2 of your cell, at `x.mean()`: there is a mean that does not belong there." in said
    assert {name for name, verdict in verdicts.items() if verdict.status != "correct"} == {"double"}
