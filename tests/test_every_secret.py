"""Whatever an instructor's secret draws: every mistake of a lecture file loses points and is called by its name, every variant is right, and
no exercise has equal answers for all draws.

A draw on which a mistake is right by luck is a hole in its probe: let the probe draw, each time, a case on which it is wrong.
"""

import json
from collections import Counter
from dataclasses import replace

import pytest
from test_pairs import LECTURES

from autograder.grading.answer_key import compute_answers
from autograder.grading.cells import built_notebook
from autograder.grading.secret import facts_for, seeds_from
from autograder.judge.answers import Key, Mistake
from autograder.judge.judging import verdict_of
from autograder.judge.values import telling_names
from autograder.wall.facts import Facts
from autograder.wall.record import MAX_DRAWS, Record

PARTS = 10  # of 20 secrets: as many as one record has room for
SECONDS_A_DRAW = {"value_deep"}  # what takes so long is tried with one secret a part

RUNS = [pytest.param(lecture, part, marks=pytest.mark.slow, id=f"{lecture} {part}") for lecture in LECTURES for part in range(PARTS)]


def facts_of_many(course, lecture: str, part: int) -> tuple[Facts, int]:
    """The draws of some secrets, one behind the other, and how many belong to each."""
    draws = course.course.seeds.hidden_draws
    secrets = [b"every secret %d" % (PARTS * number + part) for number in range(min(20, MAX_DRAWS // draws))]
    facts = facts_for(course, lecture, b"", draws)
    seeds = {
        exercise: [seed for secret in secrets[: 1 if exercise in SECONDS_A_DRAW else None] for seed in seeds_from(secret, lecture, [exercise], draws)[exercise]]
        for exercise in facts.seeds
    }
    return replace(facts, seeds=seeds), draws


def cut(record: Record, begin: int, end: int) -> Record:
    return replace(record, draws=record.draws[begin:end])


@pytest.mark.parametrize(("lecture", "part"), RUNS)
def test_no_mistake_is_right_or_nameless_by_luck(lecture, part, course, runner, released):
    facts, draws = facts_of_many(course, lecture, part)
    rules = course.lecture(lecture).exercises
    extras = {
        name: [extra for extra in found if extra["kind"] in ("mistake", "variant")]
        for name, found in json.loads(course.extras(lecture).read_text()).items()
        if not rules[name].loss
    }
    keys = compute_answers(course, lecture, built_notebook(course.source(lecture)), extras, facts, runner).keys
    free, nameless, refused, alike = Counter(), Counter(), Counter(), Counter()
    for name in extras:
        for begin in range(0, len(keys[name].reference.draws), draws):
            part_of = [Mistake(m.says, cut(m.record, begin, begin + draws)) for m in keys[name].mistakes]
            key = Key(cut(keys[name].reference, begin, begin + draws), part_of)
            alike[name] += not telling_names(key.reference, facts.tolerance_of(name))
            for mistake in part_of:
                verdict = verdict_of(mistake.record, facts, key, course.read_names)
                free[name, mistake.says] += verdict.points == verdict.max_points
                nameless[name, mistake.says] += mistake.says not in verdict.recognised
            for number, variant in enumerate(keys[name].variants, 1):
                refused[name, number] += verdict_of(cut(variant, begin, begin + draws), facts, key, course.read_names).status != "correct"
    assert [+found for found in (free, nameless, refused, alike)] == [Counter()] * 4
