"""The thresholds are not tuned to one list of names: with another list of its size, or another split, the references still reach every band.

Trains every reference model from scratch three times, so it is run on its own: pytest -m slow
"""

import random
import shutil

import pytest
from conftest import ROOT

from autograder.commands.build import write_sources
from autograder.course.directory import load_course
from autograder.grading.cells import built_notebook
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.judge.answers import Answers

COURSE = load_course(ROOT / "course.yml").course
TRAINED = [name for name, lecture in COURSE.lectures.items() if any(e.loss for e in lecture.exercises.values())]


def nearly_all_names(folder) -> None:
    names = (ROOT / "names.txt").read_text().split()
    random.Random(1).shuffle(names)
    (folder / "names.txt").write_text("\n".join(names[: len(names) * 99 // 100]) + "\n")


def another_split(folder) -> None:
    text = (folder / "course.yml").read_text()
    assert "split_seed: 42" in text
    (folder / "course.yml").write_text(text.replace("split_seed: 42", "split_seed: 7"))


def another_training(folder) -> None:
    text = (folder / "course.yml").read_text()
    assert "  training: 42" in text
    (folder / "course.yml").write_text(text.replace("  training: 42", "  training: 7"))


@pytest.mark.slow
@pytest.mark.parametrize("lecture", TRAINED)
@pytest.mark.parametrize("change", [nearly_all_names, another_split, another_training])
def test_the_reference_reaches_every_band_all_the_same(change, lecture, tmp_path, runner):
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    for name in ("course.yml", "names.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    change(tmp_path)
    text = (tmp_path / "course.yml").read_text()
    for limit in ("notebook_seconds: 900", "notebook_cpu_seconds: 300", "training_seconds: 120", "training_steps: 1000"):
        assert limit in text
        text = text.replace(limit, limit.split(":")[0] + ": 1000000")
    (tmp_path / "course.yml").write_text(text)
    course = load_course(tmp_path / "course.yml")
    write_sources(course, lecture)
    answers = Answers({}, hidden_facts(course, lecture).to_json())
    graded = grade(built_notebook(course.source(lecture)), {}, course, lecture, answers, runner)
    for name, rules in course.lecture(lecture).exercises.items():
        if rules.loss:
            verdict = graded.verdicts[name]
            print(f"{change.__name__}: {name}: {verdict.message}")
            assert verdict.points == rules.points, verdict.message
