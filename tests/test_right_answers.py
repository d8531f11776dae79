"""Right answers that nobody wrote while looking at the reference: five to each exercise, and none is refused for any inputs.

They stand in ``tests/right``, a file a lecture: lines ``# %% right="<exercise>"``, each with a whole answer cell below it.
"""

import re

import pytest
from conftest import ROOT
from test_pairs import LECTURES

from autograder.commands.demo_class import solution_texts
from autograder.commands.parity import differences
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import answer_key, compute_answers
from autograder.grading.cells import built_notebook, code_of
from autograder.grading.secret import facts_for, public_facts
from autograder.grading.submission import grade
from autograder.judge.judging import verdict_of
from autograder.wall.record import MAX_DRAWS

PARTS = 5  # times MAX_DRAWS draws


def right_answers(lecture: str) -> dict[str, list[dict]]:
    """By exercise, as what an author's file may hold besides."""
    path = ROOT / "tests" / "right" / f"{lecture}.py"
    pieces = re.split(r'^# %% right="(\w+)"\n', path.read_text() if path.is_file() else "", flags=re.M)
    found: dict[str, list[dict]] = {}
    for number, (exercise, source) in enumerate(zip(pieces[1::2], pieces[2::2])):
        found.setdefault(exercise, []).append({"kind": "variant", "line": f"answer {number + 1}", "says": "", "source": source})
    return found


@pytest.mark.parametrize("lecture", LECTURES)
def test_there_are_five_to_an_exercise(lecture, course):
    """To those that have any: a new exercise does not wait for them."""
    answers, rules = right_answers(lecture), course.lecture(lecture).exercises
    assert {name: len(texts) for name, texts in answers.items() if len(texts) < 5} == {}
    assert answers.keys() <= rules.keys()


def each_set(lectures: list[str]) -> list:
    """Of each lecture the first answers daily, all others in the slow run."""
    found = []
    for lecture in lectures:
        for number in range(max(map(len, right_answers(lecture).values()), default=0)):
            found.append(pytest.param(lecture, number, marks=pytest.mark.slow if number else [], id=f"{lecture} {number}"))
    return found


@pytest.mark.parametrize(("lecture", "number"), each_set(LECTURES))
def test_a_notebook_of_right_answers_has_all_points(lecture, number, course, runner, released):
    """One outsider's answer in the place of each of the reference's, beside its trained models."""
    answers, own = solution_texts(course, lecture), right_answers(lecture)
    answers |= {name: texts[number]["source"] for name, texts in own.items() if number < len(texts)}
    notebook = built_notebook(course.source(lecture))
    for cell in code_of(notebook):
        name = cell.metadata.nbgrader.grade_id
        if name.endswith(ANSWER):
            cell.source = answers.get(name.removesuffix(ANSWER), cell.source)
    weights = {path.name: path.read_bytes() for path in course.weights(lecture).glob("*.safetensors")}
    key = answer_key(course, lecture, runner, public_facts(course, lecture))
    graded = grade(notebook, weights, course, lecture, key, runner)
    assert [(name, v.message) for name, v in graded.verdicts.items() if v.points < v.max_points] == []
    assert graded.remarks == []


@pytest.mark.slow
@pytest.mark.parametrize("lecture", LECTURES)
def test_a_students_own_check_says_of_them_what_grading_says(lecture, course, runner, released):
    found = differences(course, lecture, runner, released, right_answers(lecture))
    assert sum(compared for compared, _ in found.values()) >= 6 * len(right_answers(lecture))
    assert [line for _, different in found.values() for line in different] == []


RUNS = [pytest.param(lecture, part, marks=pytest.mark.slow, id=f"{lecture} {part}") for lecture in LECTURES for part in range(PARTS)]


@pytest.mark.parametrize(("lecture", "part"), RUNS)
def test_no_right_answer_is_refused(lecture, part, course, runner, released):
    """The seeds are others in each part."""
    facts, answers = facts_for(course, lecture, b"right %d" % part, MAX_DRAWS), right_answers(lecture)
    keys = compute_answers(course, lecture, built_notebook(course.source(lecture)), answers, facts, runner).keys
    refused = []
    for name, key in keys.items():
        for number, variant in enumerate(key.variants, 1):
            verdict = verdict_of(variant, facts, key, course.read_names)
            if verdict.status != "correct":
                refused.append((name, number, verdict.message))
    assert refused == []
