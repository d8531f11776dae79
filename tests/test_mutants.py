"""Mutants of a reference, sketches of records, and the catalogue of wrong answers that nobody wrote down."""

import itertools
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT, TINY, copy_course
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.changes.mutants import mutants
from autograder.commands.build import write_sources
from autograder.commands.mutate import CAUGHT, TOLD, mutate
from autograder.course.directory import load_course
from autograder.course.schema import Tolerance
from autograder.grading import catalogue
from autograder.grading.answer_key import answer_key, compute_answers
from autograder.grading.catalogue import merge
from autograder.grading.cells import built_notebook, cells_of
from autograder.grading.secret import hidden_facts
from autograder.judge.answers import Answers, Catalogue, Key, without_looks
from autograder.judge.catalogue import recognised
from autograder.judge.judging import verdict_of
from autograder.runner.job import Cell, Job
from autograder.wall.record import Draw, Record, encode
from autograder.wall.sketch import sketch

USUAL = Tolerance()
ANSWER = """
def spread(x, eps=1e-5):
    ### BEGIN SOLUTION
    mean = x.mean(1, keepdim=True)
    var = ((x - mean) ** 2).sum(1, keepdim=True) / (x.shape[1] - 1)
    return (x - mean) / torch.sqrt(var + eps)
    ### END SOLUTION
"""
TWICE = """
# %% [markdown] exercise="spread"
# Spread.
# %% answer="spread"
def spread(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    ### BEGIN SOLUTION
    mean = x.mean(1, keepdim=True)
    var = ((x - mean) ** 2).sum(1, keepdim=True) / (x.shape[1] - 1)
    return 3 * (x - mean) / torch.sqrt(var + 0.1)
    ### END SOLUTION
# %% check="spread"
check("spread", lambda g: spread(torch.randn(4, 4, generator=g)))
# %% mistake="spread" says="You forgot the three."
def spread(x):
    mean = x.mean(1, keepdim=True)
    var = ((x - mean) ** 2).sum(1, keepdim=True) / (x.shape[1] - 1)
    return (x - mean) / torch.sqrt(var + 0.1)
# %% mistake="spread" says="You forgot the tenth below the root."
def spread(x):
    mean = x.mean(1, keepdim=True)
    var = ((x - mean) ** 2).sum(1, keepdim=True) / (x.shape[1] - 1)
    return 3 * (x - mean) / torch.sqrt(var)
"""
SAYS = "Your result is what comes out when {}. Look for the place in your code where that happens."
GIVEN = {  # answer -> what is said of it
    """
def spread(x):
    centred = x - torch.stack([column.mean() for column in x.T])
    return 3 * centred / (((x - x.mean(1, keepdim=True)) ** 2).sum(1, keepdim=True) / 3 + 0.1) ** 0.5
""": None,  # two things that no entry has together
    """
def spread(x):
    return 3 * (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 0.1).sqrt()
""": None,  # by n, written otherwise: see below
    """
def spread(x):
    return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
""": "Two things: You forgot the three. And: You forgot the tenth below the root.",
    """
def spread(x):
    off = x - x.mean(1, keepdim=True)
    return 3 * off / (off.square().sum(0, keepdim=True) / 3 + 0.1).sqrt()
""": SAYS.format("a sum runs along another axis"),
    """
def spread(x):
    off = x - x.mean(1, keepdim=True)
    return 3 * off / (off.square().sum(0, keepdim=True) / 3 + 0.1).sqrt() + 0.01
""": None,  # a near miss
}


@pytest.fixture(scope="module")
def with_spread(tiny, tmp_path_factory, runner):
    """The small course with an exercise of more than one line, and the answers for the hidden seeds."""
    course = copy_course(tiny, tmp_path_factory.mktemp("spread"))
    path = course.solution(TINY)
    path.write_text(path.read_text() + TWICE.lstrip())
    settings_of = course.root / "course.yml"
    settings_of.write_text(settings_of.read_text().rstrip() + "\n      spread: {title: Spread, points: 2, minutes: 1, difficulty: 1}\n")
    course = load_course(settings_of)
    write_sources(course, TINY)
    return course, answer_key(course, TINY, runner, hidden_facts(course, TINY))


def test_what_an_answer_does_is_told_where_it_equals_a_mutant_or_two_mistakes_at_once(with_spread, runner):
    course, answers = with_spread
    facts = hidden_facts(course, TINY)
    others = {"spread": [{"kind": "mistake", "says": str(n), "raises": "", "line": n, "source": source} for n, source in enumerate(GIVEN)]}
    given_answers = compute_answers(course, TINY, built_notebook(course.source(TINY)), others, facts, runner).keys["spread"].mistakes
    said = [verdict_of(one.record, facts, answers.keys["spread"], course.read_names).recognised for one in given_answers]
    by_n = "a number in the calculation is 0 where another belongs"  # n - 0: the only way to say it here, as n - 1 stands for itself
    assert said[1] and ("n where n - 1 belongs" in said[1][0] or by_n in said[1][0])
    assert [one[0] if one else None for number, one in enumerate(said) if number != 1] == [w for number, w in enumerate(GIVEN.values()) if number != 1]


CHECK = 'check("{}", lambda g: double(torch.randn(3, generator=g)))'


def job_of(course, *checks: Cell) -> Job:
    begin = Cell("import time\nimport torch\nfrom autograder import check\nknown = [2.0]\ndef double(x): return known[0] * x")
    return Job([begin, *checks], {}, hidden_facts(course, TINY).to_json(), course.course.limits.model_dump())


def test_a_slow_machine_gives_other_answers_more_time(tiny, monkeypatch):
    """As much more as it is slower; a fast one no less than is written down."""

    def seconds(a_step: float) -> float:
        clock = itertools.count()
        monkeypatch.setattr(catalogue, "time", SimpleNamespace(process_time=lambda: next(clock) * a_step))
        catalogue.pace.cache_clear()
        notebook = built_notebook(tiny.source(TINY))
        cells = cells_of(notebook, tiny, TINY)
        assert catalogue.catalogue_of(cells, notebook, {}, tiny.lecture(TINY).exercises)
        return next(cell.many["seconds"] for cell in cells if cell.many)

    try:
        ordinary, slow, fast = (seconds(times * catalogue.ORDINARY) for times in (1, 4, 0.5))
    finally:
        catalogue.pace.cache_clear()
    assert ordinary == fast == pytest.approx(catalogue.SECONDS) and slow == pytest.approx(4 * ordinary)


def test_each_exercise_has_its_own_time_for_other_answers(tiny, runner):
    """What those of an earlier check have used does not lengthen it."""
    burn = "import time\nuntil = time.process_time() + 0.1\nwhile time.process_time() < until: pass\n"
    earlier = Cell(CHECK.format("double"), True, "double", forks=[burn * 20])
    many = {"sources": [burn] * 20, "seconds": 0.3, "sketch": True}
    result = runner.run(job_of(tiny, earlier, Cell(CHECK.format("pieces"), True, "pieces", many=many)))
    run = [number for (exercise, number), said in result.forks.items() if exercise == "pieces" and said != "not run"]
    assert 1 <= len(run) <= 4, result.forks


def test_answers_share_a_process_only_where_none_changes_what_another_sees(tiny, runner):
    """One that fails, one that ends the process, one that changes a list of the lecture's: each is run apart, and the others are as they were."""
    def answers_of(sources: list[str], together: bool) -> dict[int, Record | str]:
        check = Cell(CHECK.format("double"), True, "double", forks=sources, together=together)
        return {number: said for (_, number), said in runner.run(job_of(tiny, check)).forks.items()}

    right, wrong = "def double(x): return known[0] * x", "def double(x): return x * x"
    changes, fails, ends = "known[0] = 3.0", "def double(x): raise ValueError('no')", "import os; os._exit(3)"
    for sources in ([right, wrong, fails], [right, changes, wrong, right], [right, ends, wrong]):
        apart, together = answers_of(sources, False), answers_of(sources, True)
        assert apart.keys() == together.keys() and len(apart) >= len(sources) - 1
        for number, said in apart.items():
            assert isinstance(said, Record) == isinstance(found := together[number], Record)
            assert not isinstance(said, Record) or encode({"r": without_looks(said)}) == encode({"r": without_looks(found)}), number


def test_a_catalogue_survives_its_file(with_spread, tmp_path):
    _, answers = with_spread
    answers.save(tmp_path / "answers.safetensors")
    again = Answers.load(tmp_path / "answers.safetensors")
    for name, key in answers.keys.items():
        assert again.keys[name].catalogue.says == key.catalogue.says
        assert again.keys[name].catalogue.made_of == key.catalogue.made_of
    assert sum(map(len, again.keys["spread"].catalogue.says.values())) > 10


def test_changes_are_made_where_students_write_and_nowhere_else():
    found = mutants(ANSWER)
    assert len({mutant.source for mutant in found}) == len(found) > 40
    assert {mutant.line for mutant in found} == {4, 5, 6}
    clauses = {mutant.clause for mutant in found}
    for clause in (
        "a mean runs along another axis",
        "it is divided by n where n - 1 belongs",
        "one of the factors is left out",
        "a square root is left out",
        "eps stays at its default, whatever is given for it",
        "one of the terms has the other sign",
        "two steps stand in the other order",
        "a small number (such as eps) is added inside a square root",
        "a small number (such as eps) is added to what is divided by",
    ):
        assert clause in clauses or clause == "one of the factors is left out", clause
    for mutant in found:
        compile(mutant.source, "mutant", "exec")


SEVERAL = """def f(x: Tensor, momentum: float, scale: float = 1.0) -> Tensor:
    ### BEGIN SOLUTION
    def inner(size: float, wide: int = 3) -> float:
        return size * wide + size

    old = momentum * x
    return inner(scale) * old + (1 - momentum) * x
    ### END SOLUTION
"""


def test_a_parameter_that_is_read_more_than_once_is_said_to_be_ignored_only_where_it_is():
    by = {}
    for mutant in mutants(SEVERAL):
        by.setdefault(mutant.clause, []).append(mutant.source)
    (ignored,) = by["momentum is 0, whatever is given for it"]
    assert "momentum *" not in ignored and "1 - momentum" not in ignored and "momentum: float" in ignored
    assert len(by["momentum is 0 in one place"]) == len(by["scale is used in one place where momentum belongs"]) == 2
    assert all("momentum *" in source or "1 - momentum" in source for source in by["momentum is 0 in one place"])
    assert "scale is 0, whatever is given for it" in by and "scale stays at its default, whatever is given for it" in by
    assert "scale is used where momentum belongs" in by and "scale is 0 in one place" not in by


def test_no_sentence_names_what_only_the_reference_calls_so():
    clauses = [mutant.clause for mutant in mutants(SEVERAL)]
    assert not any(word in clause.split() for clause in clauses for word in ("size", "wide", "inner,"))
    assert any(clause.startswith("an argument of an inner function stays at its default") for clause in clauses)


def test_a_name_that_is_given_another_value_is_never_ignored_as_a_whole():
    text = "def f(a: int, b: int):\n    ### BEGIN SOLUTION\n    a = a + 1\n    return [a * a, *(b for b in (1, b))]\n    ### END SOLUTION\n"
    assert not any("whatever is given" in mutant.clause for mutant in mutants(text))


def test_two_changes_of_one_text_are_put_together_where_they_do_not_meet():
    base, one, two = ("def f(x):\n    return {} * x + {}".format(*numbers) for numbers in ((2, 3), (5, 3), (2, 7)))
    space: dict = {}
    exec(merge(base, one, two) or "", space)
    assert space["f"](1) == 12
    assert merge(base, one, one) is None


def record(*values) -> Record:
    return Record("e", tuple(Draw({"a": value}) for value in values))


def test_a_sketch_is_near_that_of_the_same_values_and_of_no_others():
    torch.manual_seed(1)
    for shape in ((3,), (27, 27), (4, 5, 6)):
        right = torch.randn(shape)
        reference = record(right)
        own = sketch(reference, reference, 1e-4, 1e-6)
        rounded = sketch(record(right.double() * (1 + 1e-6)), reference, 1e-4, 1e-6)
        assert own and rounded and own.form == rounded.form and own.near(rounded.numbers)
        for place in range(0, right.numel(), 7):
            other = right.clone()
            other.view(-1)[place] += 0.1
            moved = sketch(record(other), reference, 1e-4, 1e-6)
            assert moved and not own.near(moved.numbers), (shape, place)


def test_whole_numbers_and_texts_are_sketched_exactly():
    counts = torch.arange(729).view(27, 27) * 1000
    other = counts.clone()
    other[3, 4] += 1
    for a, b in ((counts, other), ("emma", "emm"), (["a", "b"], ["b", "a"]), ([1, 2], [2, 1]), (True, False)):
        one, two = (sketch(record(value), record(a), 1e-4, 1e-6) for value in (a, b))
        assert one and two and (one.form != two.form or not one.near(two.numbers))


HOSTILE = [float("nan"), float("inf"), -1e308, 2**63 - 1, "x" * 2000, [], None, True, [[1.0], [2.0, 3.0]], torch.zeros(0), torch.zeros(0, 3)]
HOSTILE += [torch.full((9,), float("nan")), torch.full((20,), 1e38), torch.zeros(3, dtype=torch.complex64), torch.zeros((2,) * 16)]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("expected", [torch.randn(9), 3, "emma", [1, 2], torch.tensor(True)], ids=["tensor", "number", "text", "list", "truth"])
def test_nothing_that_a_record_can_hold_stops_the_catalogue(value, expected):
    reference = record(expected, expected)
    own = sketch(record(value, value), reference, 1e-4, 1e-6)
    assert own is not None and not own.numbers.isnan().any() and not own.numbers.isinf().any()
    key = Key(reference, catalogue=Catalogue("", {own.form: own.numbers[None]}, {own.form: ["a sentence"]}))
    assert recognised(record(value, value), key, USUAL) in (None, "a sentence")
    assert recognised(record(value, value), Key(reference, catalogue=Catalogue("", {own.form: "no tensor"}, {})), USUAL) is None


def test_two_sentences_or_too_few_numbers_say_nothing():
    reference, wrong = record(torch.zeros(4), torch.zeros(4)), record(torch.full((4,), 0.3), torch.rand(4))
    own = sketch(wrong, reference, 1e-4, 1e-6)
    assert own is not None
    rows = own.numbers.repeat(2, 1)
    assert recognised(wrong, Key(reference, catalogue=Catalogue("", {own.form: rows}, {own.form: ["a", "b"]})), USUAL) is None
    assert recognised(wrong, Key(reference, catalogue=Catalogue("", {own.form: rows}, {own.form: ["a", "a"]})), USUAL) == "a"
    few = record(1.0, 2.0)
    zero = record(0.0, 0.0)
    found = sketch(few, zero, 1e-4, 1e-6)
    assert found and recognised(few, Key(zero, catalogue=Catalogue("", {found.form: found.numbers[None]}, {found.form: ["a"]})), USUAL) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=40))
def test_a_sketch_is_near_itself_whatever_the_numbers(numbers):
    one = record(torch.tensor(numbers))
    own = sketch(one, one, 1e-4, 1e-6)
    assert own is not None and bool(own.near(own.numbers))


def test_the_small_course_catches_its_mutants(with_spread, runner):
    course, _ = with_spread
    report = mutate(course, TINY, runner)
    assert {exercise.exercise for exercise in report.exercises} == {"double", "pieces", "slope", "by_hand", "spread"}
    assert report.caught >= CAUGHT and report.told >= TOLD, report.to_json()
    spread = report.exercises[-1]
    assert spread.count() > 40 and spread.count("named") and spread.count("catalogue")


@pytest.mark.slow
@pytest.mark.parametrize("lecture", list(load_course(ROOT / "course.yml").course.lectures))
def test_every_lecture_catches_its_mutants(lecture, course, runner, released):
    report = mutate(course, lecture, runner)
    assert report.caught >= CAUGHT and report.told >= TOLD, (report.caught, report.told)
