"""The thresholds are not tuned to one list of names: with another list, or another split, the lectures build, and the references still reach every band.

Trains every reference model from scratch for each of the lists, so it is run on its own: pytest -m slow tests/test_other_names.py. A list of one's own, such
as the edition that the lectures use, is tried too if OTHER_NAMES names its file.
"""

import os
from pathlib import Path

import pytest
from conftest import ROOT
from other_lists import a_hundred_thousand, course_of, five_thousand, shuffled, syllables

from autograder.commands.build import write_expected, write_sources
from autograder.course.directory import load_course
from autograder.course.thresholds import counting_loss
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.judge.answers import Answers

COURSE = load_course(ROOT / "course.yml").course
TRAINED = [name for name, lecture in COURSE.lectures.items() if any(e.loss for e in lecture.exercises.values())]
CHANGES = {
    "another training": lambda folder: course_of(folder, training=7),
    "another split": lambda folder: course_of(folder, seed=7),
    "95 of a hundred": lambda folder: course_of(folder, shuffled(0.95)),
    "five thousand": lambda folder: course_of(folder, five_thousand()),
    "another language": lambda folder: course_of(folder, syllables()),
    "a hundred thousand": lambda folder: course_of(folder, a_hundred_thousand()),
}
if "OTHER_NAMES" in os.environ:
    CHANGES["a list of one's own"] = lambda folder: course_of(folder, Path(os.environ["OTHER_NAMES"]).read_text().split())


@pytest.mark.slow
@pytest.mark.parametrize("lecture", TRAINED)
@pytest.mark.parametrize("change", CHANGES)
def test_the_lecture_builds_and_its_reference_reaches_every_band(change, lecture, tmp_path, runner):
    course = CHANGES[change](tmp_path)
    write_sources(course, lecture)
    write_expected(course, lecture, runner)  # with the oracles
    weights = {path.name: path.read_bytes() for path in course.weights(lecture).glob("*.safetensors")}
    answers = Answers({}, hidden_facts(course, lecture).to_json())
    graded = grade(built_notebook(course.source(lecture)), weights, course, lecture, answers, runner)
    for name, rules in course.lecture(lecture).exercises.items():
        if rules.loss:
            verdict, bigrams = graded.verdicts[name], counting_loss(course.read_names(), rules.loss.split, 1)
            print(f"{change}: {name}: {verdict.message} Bands: {rules.loss.bands}; bigram counts {bigrams:.4f}")
            assert verdict.points == rules.points, verdict.message
            assert rules.loss.context == 2 or bigrams > max(rules.loss.bands)  # counting pairs earns no point of a deeper network's
