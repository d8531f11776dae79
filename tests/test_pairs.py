"""No mistake is taken for another, none for a right answer, and no right answer for a mistake: on each seed alone."""

from __future__ import annotations

import dataclasses
import json

import pytest
from conftest import ROOT

from autograder.commands.build import another_machine
from autograder.course.directory import load_course
from autograder.grading.answer_key import answer_key, compute_answers
from autograder.grading.cells import built_notebook
from autograder.grading.secret import facts_for, public_facts
from autograder.judge.judging import verdict_of
from autograder.wall.record import MAX_DRAWS

MANY = 40  # seeds, in the slow run; in the daily one those of the public draws, whose answers are there
LECTURES = list(load_course(ROOT / "course.yml").course.lectures)


RUNS = [(lecture, "public") for lecture in LECTURES] + [
    pytest.param((lecture, MANY), marks=pytest.mark.slow) for lecture in LECTURES
]


@pytest.fixture(scope="module", params=RUNS, ids="{0[0]} {0[1]}".format)
def answered(request, course, runner, released):
    """The answers of one lecture for a number of seeds."""
    lecture, seeds = request.param
    if seeds == "public":
        facts = public_facts(course, lecture)
        return course, facts, answer_key(course, lecture, runner, facts)
    return course, *answers_for(course, lecture, runner, b"pairs", seeds, ("mistake", "variant", "oracle"))


def answers_for(course, lecture, runner, secret: bytes, seeds: int, kinds: tuple[str, ...]):
    facts = facts_for(course, lecture, secret, seeds)
    extras = {
        name: [extra for extra in others if extra["kind"] in kinds]
        for name, others in json.loads(course.extras(lecture).read_text()).items()
    }
    return facts, compute_answers(course, lecture, built_notebook(course.source(lecture)), extras, facts, runner)


@pytest.mark.slow
@pytest.mark.parametrize("lecture", LECTURES)
@pytest.mark.parametrize("part", range(5))
def test_a_right_answer_is_right_for_any_inputs(lecture, part, course, runner, released):
    """Hundreds of draws: a course draws its own, and one of them that the reference cannot take would keep it from grading."""
    every_variant_is_right(course, *answers_for(course, lecture, runner, b"many %d" % part, MAX_DRAWS, ("variant",)))


@pytest.mark.slow
@pytest.mark.parametrize("lecture", LECTURES)
def test_a_right_answer_is_right_where_numbers_are_rounded_otherwise(lecture, course, runner, released):
    """A student's processor is not the one that made the public answers."""
    facts, here = answers_for(course, lecture, runner, b"rounded", MANY, ("variant",))
    with another_machine(course, runner) as other:
        _, there = answers_for(course, lecture, other, b"rounded", MANY, ("variant",))
    for name, key in here.keys.items():
        for record in () if facts.rules(name).loss else (there.keys[name].reference, *there.keys[name].variants):
            verdict = verdict_of(record, facts, key, course.read_names)
            assert verdict.status == "correct", (name, verdict.message)


def every_variant_is_right(course, facts, answers):
    for name, key in answers.keys.items():
        for variant in key.variants:
            verdict = verdict_of(variant, facts, key, course.read_names)
            assert verdict.status == "correct", (name, verdict.message)


def only(record, draw):
    return dataclasses.replace(record, draws=record.draws[draw : draw + 1])


def test_every_mistake_is_called_by_its_own_name_on_every_seed(answered):
    course, facts, answers = answered
    confused = []
    for name, key in answers.keys.items():
        if facts.rules(name).loss:
            continue
        for draw in range(len(key.reference.draws)):
            mistakes = [dataclasses.replace(m, record=only(m.record, draw)) for m in key.mistakes]
            one = dataclasses.replace(key, reference=only(key.reference, draw), mistakes=mistakes)
            for mistake in mistakes:
                verdict = verdict_of(mistake.record, facts, one, course.read_names)
                if verdict.status == "correct" or verdict.recognised[:1] != (mistake.says,):
                    confused.append((name, draw, mistake.says, verdict.status, verdict.message))
    assert not confused


def test_every_variant_is_right_on_every_seed(answered):
    every_variant_is_right(*answered)
