"""What stands in the lecture files is what students get: by the answers beside its stub each reference is right, and the stub is worth nothing.

No model is trained here, and no mistake is run: ``make test-lectures`` proves all of it.
"""

import nbformat
import pytest
from test_pairs import LECTURES

from autograder.course.directory import EXPECTED
from autograder.course.notebook import built
from autograder.grading.cells import built_notebook
from autograder.grading.submission import grade
from autograder.judge.public import public_answers


@pytest.mark.parametrize("lecture", LECTURES)
def test_references_are_right_and_stubs_are_not_attempted(lecture, course, runner, tmp_path):
    folder = course.released(lecture)
    answers, facts = public_answers(folder / EXPECTED)
    source = tmp_path / f"{lecture}.ipynb"
    source.write_text(built(course, lecture)[course.source(lecture)])
    asked = {name for name, rules in course.lecture(lecture).exercises.items() if not rules.written}
    assert asked == set(answers.keys) | {name for name in asked if facts.rules(name).loss}

    found = grade(built_notebook(source), {}, course, lecture, answers, runner).verdicts
    values = {name for name in asked if not facts.rules(name).loss}  # of trained models there are no weights here
    assert {name: (found[name].status, found[name].message) for name in values if found[name].points < found[name].max_points} == {}
    stub = grade(nbformat.read(folder / f"{lecture}.ipynb", as_version=4), {}, course, lecture, answers, runner).verdicts
    assert {name: stub[name].status for name in values if stub[name].status != "not attempted" or stub[name].points} == {}
