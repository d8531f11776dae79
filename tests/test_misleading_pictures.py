"""Whatever is taken for a picture's curve or point can be seen in it: right values that nobody sees earn nothing."""

import pytest
from misleading import HEADS, PICTURES

from autograder.grading.answer_key import answer_key, compute_answers
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.judge.judging import verdict_of


@pytest.mark.parametrize(
    ("lecture", "exercise"), [pytest.param(*place, marks=pytest.mark.slow if "update_plot" in place else []) for place in PICTURES]
)
def test_a_picture_that_misleads_does_not_get_the_point(lecture, exercise, course, runner, released):
    facts = hidden_facts(course, lecture)
    texts = [{"kind": "variant", "line": name, "says": "", "source": HEADS + source} for name, source in PICTURES[lecture, exercise].items()]
    found = compute_answers(course, lecture, built_notebook(course.source(lecture)), {exercise: texts}, facts, runner)
    key = answer_key(course, lecture, runner, facts).keys[exercise]
    verdicts = {text["line"]: verdict_of(record, facts, key, course.read_names) for text, record in zip(texts, found.keys[exercise].variants)}
    assert len(verdicts) == len(texts)
    assert [name for name, verdict in verdicts.items() if verdict.points >= verdict.max_points] == []
