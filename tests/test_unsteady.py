"""A mistake whose numbers are others on another machine is known by those that stay."""

import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Answers, Key, Mistake
from autograder.judge.unsteady import unsteady
from autograder.judge.values import judge
from autograder.wall.record import Draw, Record

RULES, T = Exercise(title="x", points=1, minutes=1, difficulty=1), Tolerance()
SAYS = "You train with Adam."
RIGHT = [[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]]
HERE, THERE, THIRD = ([[first, 6.0, 7.0, 8.0], [first, 7.0, 8.0, 9.0]] for first in (5.0, 5.002, 5.03))


def record(rows, make=torch.tensor) -> Record:
    return Record("x", tuple(Draw({"train": make(row), "best": 1.5}, named=True) for row in rows))


def named(student: Record, mistake: Mistake) -> bool:
    return SAYS in judge(student, Key(record(RIGHT), [mistake]), RULES, T).recognised


def test_what_moves_between_two_machines_is_not_held_against_an_answer_from_a_third(tmp_path):
    moved = unsteady(record(HERE), record(THERE), T)
    assert [draw["train"].tolist() for draw in moved] == [[True, False, False, False]] * 2
    mistake = Mistake(SAYS, record(HERE), moved)
    assert named(record(HERE), mistake) and named(record(THIRD), mistake) and not named(record(THIRD), Mistake(SAYS, record(HERE)))
    assert not named(record([[5.0, 6.0, 7.0, 8.5], [5.0, 7.0, 8.0, 9.0]]), mistake), "what stays is compared as before"
    Answers({"x": Key(record(RIGHT), [mistake])}, {}).save(tmp_path / "answers")
    again = Answers.load(tmp_path / "answers").keys["x"].mistakes[0]
    assert named(record(THIRD), again)


def test_numbers_in_a_list_are_compared_as_a_tensor_is():
    moved = unsteady(record(HERE, list), record(THERE, list), T)
    right = Key(record(RIGHT, list), [Mistake(SAYS, record(HERE, list), moved)])
    assert SAYS in judge(record(THIRD, list), right, RULES, T).recognised


def test_a_mistake_of_which_too_little_stays_is_known_by_all_of_it():
    """Else any answer of its shape would be called by its name."""
    noise = record([[9.0, 9.5, 9.9, 8.0], [9.0, 9.1, 9.2, 9.0]])
    assert unsteady(record(HERE), noise, T) == ()
    assert unsteady(record(HERE), record(HERE), T) == ()
