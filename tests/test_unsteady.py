"""A mistake whose numbers are others on another machine is known by those that stay."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import TINY, copy_course

from autograder.commands.build import another_machine, write_expected, write_sources
from autograder.course.schema import Exercise, Tolerance
from autograder.grading.answer_key import compute_answers, expected_path
from autograder.grading.cells import built_notebook
from autograder.grading.secret import public_facts
from autograder.judge.answers import Answers, Key, Mistake
from autograder.judge.unsteady import unsteady
from autograder.judge.values import judge
from autograder.wall.facts import Facts
from autograder.wall.record import Draw, Record, draw_from

RULES, T = Exercise(title="x", points=1, minutes=1, difficulty=1), Tolerance()
SAYS = "You train with Adam."
RIGHT = [[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]]
HERE, THERE, THIRD = ([[first, 6.0, 7.0, 8.0], [first, 7.0, 8.0, 9.0]] for first in (5.0, 5.002, 5.03))


def record(rows, make=torch.tensor, **others) -> Record:
    return Record("x", tuple(Draw({"train": make(row), **others}, named=True) for row in rows))


def named(student: Record, mistake: Mistake) -> bool:
    return SAYS in judge(student, Key(record(RIGHT), [mistake]), RULES, T).recognised


def test_what_moves_between_two_machines_is_not_held_against_an_answer_from_a_third(tmp_path):
    moved = unsteady(record(HERE), record(THERE), record(RIGHT), T)
    assert [draw["train"].tolist() for draw in moved] == [[True, False, False, False]] * 2
    mistake = Mistake(SAYS, record(HERE), moved)
    assert named(record(HERE), mistake) and named(record(THIRD), mistake) and not named(record(THIRD), Mistake(SAYS, record(HERE)))
    assert not named(record([[5.0, 6.0, 7.0, 8.5], [5.0, 7.0, 8.0, 9.0]]), mistake), "what stays is compared as before"
    Answers({"x": Key(record(RIGHT), [mistake])}, {}).save(tmp_path / "answers")
    again = Answers.load(tmp_path / "answers").keys["x"].mistakes[0]
    assert named(record(THIRD), again)


def test_numbers_in_a_list_are_compared_as_a_tensor_is():
    moved = unsteady(record(HERE, list), record(THERE, list), record(RIGHT, list), T)
    right = Key(record(RIGHT, list), [Mistake(SAYS, record(HERE, list), moved)])
    assert SAYS in judge(record(THIRD, list), right, RULES, T).recognised


def test_a_mistake_of_which_too_little_stays_is_known_by_all_of_it():
    """Else any answer of its shape would be called by its name; what is right beside it is no evidence."""
    noise = record([[9.0, 9.5, 9.9, 8.0], [9.0, 9.1, 9.2, 9.0]])
    assert unsteady(record(HERE), noise, record(RIGHT), T) == ()
    assert unsteady(record(HERE), record(HERE), record(RIGHT), T) == ()
    many = torch.arange(20.0)
    one, other = (record(RIGHT, right_for_all=many, loss=loss) for loss in (2.0, 2.1))
    assert unsteady(one, other, record(RIGHT, right_for_all=many, loss=1.0), T) == ()


@pytest.mark.parametrize(("moves", "found"), [(0.2, 0), (0.6, 2), (20, 2)])
def test_what_moves_almost_by_the_tolerance_may_move_by_more_elsewhere(moves, found):
    """And what moves by a tenth of it, beside what moves that far; near 0 as elsewhere."""
    here = [[0.0, 6.0, 7.0, 8.0]] * 2
    there = [[moves * T.atol, 6.0 * (1 + 0.15 * T.rtol), 7.0, 8.0]] * 2
    moved = unsteady(record(here, torch.tensor, more=1.0), record(there, torch.tensor, more=1.0), record(RIGHT, more=1.0), T)
    assert [int(draw["train"].sum()) for draw in moved] == [found] * (2 if found else 0)


def test_a_mistake_in_another_container_is_marked_by_the_references_names():
    def pairs(rows, whole: bool) -> Record:
        return Record("x", tuple(draw_from([torch.tensor(row), torch.tensor(row)] if whole else (torch.tensor(row), torch.tensor(row))) for row in rows))

    moved = unsteady(pairs(HERE, True), pairs(THERE, True), pairs(RIGHT, False), T)
    key = Key(pairs(RIGHT, False), [Mistake(SAYS, pairs(HERE, True), moved)])
    assert judge(pairs(THIRD, True), key, RULES, T).recognised == (SAYS,)


ROUNDING = 'return {"sum": x.sum(1), "mean": x.mean(0)[:3] + torch.tensor([ROUNDED, 0.0, 0.0])}'


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="another library multiplies matrices here, which has one way of rounding")
def test_build_marks_what_differs_from_machine_to_machine(tiny, tmp_path, runner):
    """And an answer that another machine has made is told by its name."""
    course = copy_course(tiny, tmp_path)
    path = course.solution(TINY)
    rounded = "1e6 * float(1.0 - (big := torch.linspace(-1, 1, 3001)) @ big / (big.double() @ big.double()))"
    text = path.read_text()
    assert 'return {"sum": x.sum(1), "mean": x.mean(0)[:3]}' in text
    path.write_text(text.replace('return {"sum": x.sum(1), "mean": x.mean(0)[:3]}', ROUNDING.replace("ROUNDED", rounded)))
    write_sources(course, TINY)
    write_expected(course, TINY, runner)
    answers = Answers.load(expected_path(course, TINY))
    key = answers.keys["pieces"]
    assert [draw["mean"].tolist() for draw in key.mistakes[0].unsteady] == [[True, False, False]] * 2
    with another_machine(course, runner) as other:
        there = compute_answers(course, TINY, built_notebook(course.source(TINY)), mistakes_of(course), public_facts(course, TINY), other)
    made = there.keys["pieces"].mistakes[0].record
    facts = Facts.from_json(answers.facts)
    assert judge(made, key, facts.rules("pieces"), facts.tolerance_of("pieces")).recognised == (key.mistakes[0].says,)
    bare = replace(key, mistakes=[replace(key.mistakes[0], unsteady=())])
    assert judge(made, bare, facts.rules("pieces"), facts.tolerance_of("pieces")).recognised == ()


def mistakes_of(course):
    return {name: [e for e in found if e["kind"] == "mistake"] for name, found in json.loads(course.extras(TINY).read_text()).items()}
