"""A known mistake is named where it explains what was seen and nothing seen contradicts it; never by a coincidence."""

import pytest
import torch

from autograder.course.schema import Exercise, Tolerance
from autograder.judge.answers import Key, Mistake
from autograder.judge.values import judge
from autograder.wall.record import Draw, Failure, Record, draw_from

T = Tolerance()
RULES = Exercise(title="x", points=4, minutes=1, difficulty=1)
DRAWS = 3
G = [torch.Generator().manual_seed(seed) for seed in range(DRAWS)]
A, B, C, A2, B2, OTHER = ([torch.randn(4, 3, generator=g) for g in G] for _ in range(6))
BEST = [0.1, 0.3, 0.1]  # a choice out of few
CHOSEN = [0.03, 0.1, 0.1]


def record(**values) -> Record:
    """Each name holds one value for each draw."""
    return Record("x", tuple(draw_from({name: draws[i] for name, draws in values.items()}) for i in range(DRAWS)))


def verdict(answer: Record, reference: Record, **mistakes: Record):
    return judge(
        answer, Key(reference, [Mistake(says.replace("_", " "), made) for says, made in mistakes.items()]), RULES, T
    )


def test_what_explains_the_whole_answer_is_said_of_the_whole():
    found = verdict(record(a=A2, b=B2), record(a=A, b=B), You_forgot=record(a=A2, b=B2))
    assert (found.message, found.recognised) == ("You forgot", ("You forgot",))


def test_one_value_that_another_contradicts_names_nothing():
    """The mistake would have got b wrong in another way than it is."""
    found = verdict(record(a=A2, b=OTHER), record(a=A, b=B), You_forgot=record(a=A2, b=B2))
    assert found.recognised == () and "You forgot" not in found.message


def test_a_mistake_that_was_made_in_one_place_of_several_is_said_of_that_alone():
    """It would have got b wrong, which is right."""
    reference, mistake = record(a=A, b=B), record(a=A2, b=B2)
    found = verdict(record(a=A2, b=B), reference, You_forgot=mistake)
    assert (found.message, found.recognised, found.points) == ("`a` only, all else is right: You forgot", (), 2)
    assert verdict(record(a=A2, b=B), reference, You_forgot=mistake, You_swapped=record(a=A2, b=OTHER)).message.startswith("a: 12 of 12")
    flags = verdict(record(a=[True] * 3, b=B), record(a=[False] * 3, b=B), You_forgot=record(a=[True] * 3, b=B2))
    assert "You forgot" not in flags.message


def test_an_error_of_its_own_beside_a_known_one_leaves_the_cause_open():
    assert verdict(record(a=A2, b=OTHER), record(a=A, b=B), You_forgot=record(a=A2, b=B)).recognised == ()


def test_two_mistakes_beside_each_other_are_named_each_with_its_value():
    reference = record(a=A, b=B, c=C)
    found = verdict(record(a=A2, b=B2, c=C), reference, First=record(a=A2, b=B, c=C), Second=record(a=A, b=B2, c=C))
    assert found.recognised == ("First", "Second") and found.message == "a: First"
    assert [row.note for row in found.rows] == ["First", "Second", ""]


def test_a_mistake_that_would_have_spoilt_a_right_value_is_not_named_beside_another():
    reference = record(a=A, b=B, c=C)
    found = verdict(record(a=A2, b=B2, c=C), reference, First=record(a=A2, b=B, c=C), Second=record(a=A, b=B2, c=OTHER))
    assert found.recognised == ()


def test_a_choice_out_of_few_names_nothing_beside_a_known_mistake():
    """The best of nine strengths is equal by luck."""
    reference = record(a=A, best=BEST)
    mistakes = {"First": record(a=A2, best=BEST), "Second": record(a=A, best=CHOSEN)}
    assert verdict(record(a=A2, best=CHOSEN), reference, **mistakes).recognised == ()
    assert verdict(record(a=OTHER, best=CHOSEN), reference, **mistakes).recognised == ()


@pytest.mark.parametrize(
    "weak, other",
    [([True] * 3, [False] * 3), ([3, 4, 5], [4, 5, 6]), (["a", "b", "c"], ["b", "c", "d"]), ([7.5] * 3, [0.5] * 3)],
)
def test_a_flag_or_small_number_or_constant_names_nothing_by_itself(weak, other):
    found = verdict(
        record(a=A2, flag=other), record(a=A, flag=weak), First=record(a=A2, flag=weak), Second=record(a=A, flag=other)
    )
    assert found.recognised == ()


def test_a_flag_is_told_if_it_is_all_that_the_mistake_does():
    found = verdict(
        record(a=A, flag=[False] * 3), record(a=A, flag=[True] * 3), The_list_was_changed=record(a=A, flag=[False] * 3)
    )
    assert found.message == "The list was changed"


def test_where_two_explain_the_answer_the_difference_is_shown():
    found = verdict(record(a=A2), record(a=A), One_thing=record(a=A2), Another=record(a=A2))
    assert found.recognised == () and found.message.startswith("a: 12 of 12 elements differ")
    values = verdict(
        record(a=A2, b=B2), record(a=A, b=B), One=record(a=A2, b=B), Another=record(a=A2, b=B), Third=record(a=A, b=B2)
    )
    assert values.recognised == ()


def test_a_draw_in_which_a_mistake_is_invisible_is_no_evidence_against_it():
    made = [A2[0], A[1], A[2]]
    assert verdict(record(a=made), record(a=A), Rare=record(a=made)).message == "Rare"
    assert verdict(record(a=A2), record(a=A), Rare=record(a=made)).recognised == ()


def test_what_is_said_of_the_whole_wins_over_what_is_said_of_parts():
    mistakes = {"Part": record(a=A2, b=B), "Other": record(a=A, b=B2), "Whole": record(a=A2, b=B2)}
    assert verdict(record(a=A2, b=B2), record(a=A, b=B), **mistakes).message == "Whole"


def test_the_same_error_in_the_same_draws_is_recognised():
    error, other = Failure("ValueError", "shapes differ"), Failure("ValueError", "other")
    reference = record(a=A)

    def stopped(*failures):
        return Record("x", tuple(Draw(failure=f) if f else draw for f, draw in zip(failures, record(a=A2).draws)))

    def said(answer, **mistakes):
        return verdict(answer, reference, **mistakes).message

    assert said(stopped(error, error, None), Known=stopped(error, error, None)) == "Known"
    assert said(stopped(error, error, error), Known=stopped(None, error, error)) == "ValueError: shapes differ."
    assert said(stopped(error, error, other), Known=stopped(error, error, error)) == "ValueError: shapes differ."
    assert (
        said(stopped(error, error, error), Known=stopped(error, error, error), Other=stopped(error, error, error))
        == "ValueError: shapes differ."
    )


def test_names_that_neither_returns_agree():
    answer, reference = record(a=A2), record(a=A, b=B)
    assert verdict(answer, reference, Left_out=record(a=A2)).message == "Left out"
