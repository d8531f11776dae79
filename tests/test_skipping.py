"""`skip: true`: an exercise or a lecture is left out everywhere, and what the rest needs of it is given."""

from __future__ import annotations

import re
import shutil

import nbformat
import pytest
from conftest import ROOT, TINY, copy_tiny
from converters import convert
from nbgrader.api import Gradebook
from test_dates import exported

from autograder.commands.build import build
from autograder.commands.cli import main
from autograder.commands.demo_class import solution_texts
from autograder.commands.dropping import drop_skipped
from autograder.commands.syllabus import warnings
from autograder.commands.verify import verify
from autograder.course.directory import load_course
from autograder.course.lecture import AUTHOR, read_lecture
from autograder.errors import UserError
from autograder.judge.answers import Answers

BUILDS_ON_DOUBLE = """# %% answer="by_hand"
def by_hand(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    \"\"\"The gradient of (x * x).sum(), without backward.\"\"\"
    ### BEGIN SOLUTION
    return double(x)
"""


def skip(folder, *names):
    """The course with these exercises, or lectures, skipped."""
    path = folder / "course.yml"
    text = path.read_text()
    for name in names:
        text, found = re.subn(rf"(?m)^(      {name}:\s*{{)", r"\1skip: true, ", text)
        if not found:
            text, found = re.subn(rf"(?m)^(  {name}:\n)", r"\1    skip: true\n", text)
        assert found == 1, name
    path.write_text(text)
    return load_course(path)


def cells(path):
    return {cell.metadata.nbgrader.grade_id: cell for cell in nbformat.read(path, as_version=4).cells if "nbgrader" in cell.metadata}


def test_a_skipped_exercise_is_nowhere(tmp_path, runner):
    copy_tiny(tmp_path)
    tiny = skip(tmp_path, "pieces", "train_tiny", "why")
    build(tiny, TINY, runner)
    stub = tiny.released(TINY) / f"{TINY}.ipynb"
    assert [name for name, cell in cells(stub).items() if cell.metadata.nbgrader.grade] == ["double", "slope", "by_hand"]
    assert not re.search("pieces|Bigram|train_tiny|Why", stub.read_text())
    answers = Answers.load(tiny.released(TINY) / "expected.safetensors")
    assert set(answers.facts["exercises"]) == {"double", "slope", "by_hand"} and "pieces" not in answers.keys
    report = verify(tiny, TINY, runner, own_check=False)
    assert [e.exercise for e in report.exercises] == ["double", "slope", "by_hand"] and not report.all_faults
    convert(tmp_path, "generate_assignment", TINY, runner)
    shutil.copytree(tmp_path / "build" / "source" / TINY, tmp_path / "submitted" / "ada" / TINY)
    convert(tmp_path, "autograde", TINY, runner)
    row = exported(tmp_path)["ada"]
    assert float(row["score"]) == float(row["max_score"]) == 7


def test_what_another_exercise_needs_of_it_is_given(tmp_path, runner):
    tiny = copy_tiny(tmp_path)
    path = tiny.solution(TINY)
    text = path.read_text()
    start = text.index('# %% answer="by_hand"')
    end = text.index("    return 2 * x", start)
    path.write_text(text[:start] + BUILDS_ON_DOUBLE.rpartition("    return")[0] + text[end:].replace("return 2 * x", "return double(x)", 1))
    tiny = skip(tmp_path, "double")
    build(tiny, TINY, runner)
    found = cells(tiny.released(TINY) / f"{TINY}.ipynb")
    given = found["double_provided"]
    assert given.metadata.nbgrader.locked and not given.metadata.nbgrader.grade and "return 2 * x" in given.source and "SOLUTION" not in given.source
    assert "double" not in found and "double_answer" not in found
    assert not verify(tiny, TINY, runner, own_check=False).all_faults
    assert "double" not in solution_texts(tiny, TINY)


@pytest.mark.slow
def test_what_only_an_oracle_needs_is_not_given_to_students(tmp_path, runner):
    tiny = copy_tiny(tmp_path)
    path = tiny.solution(TINY)
    path.write_text(path.read_text() + '\n# %% oracle="by_hand"\nassert torch.equal(by_hand(torch.ones(2)), double(torch.ones(2)))\n')
    tiny = skip(tmp_path, "double")
    build(tiny, TINY, runner)  # the oracle runs
    assert "double" not in "".join(cell.source for cell in cells(tiny.released(TINY) / f"{TINY}.ipynb").values())


def test_a_model_that_another_exercise_needs_cannot_be_skipped(tmp_path):
    tiny = copy_tiny(tmp_path)
    path = tiny.solution(TINY)
    path.write_text(path.read_text().replace('# %% [markdown] exercise="why"', '# %% variant="train_tiny"\nclass Bigram: ...\n# %% [markdown] exercise="why"'))
    text = path.read_text()
    block = text[text.index('# %% answer="by_hand"') : text.index('# %% [markdown] exercise="train_tiny"')]
    text = text.replace(block, "") + "\n" + block.replace("lambda g: by_hand", "lambda g: model and by_hand")
    path.write_text(text)
    tiny = skip(tmp_path, "train_tiny")
    with pytest.raises(UserError, match=r"lecture_t_tiny.py:\d+: this check of 'by_hand' needs what 'train_tiny' trains: skip both, or none"):
        read_lecture(path, tiny.lecture(TINY))


def test_all_exercises_skipped_is_a_lecture_skipped(tmp_path):
    copy_tiny(tmp_path)
    with pytest.raises(UserError, match=r"course.yml:\d+: lectures.lecture_t_tiny.exercises: no exercise is left. Write `skip: true` for the lecture"):
        skip(tmp_path, "double", "pieces", "slope", "by_hand", "train_tiny", "why")


@pytest.fixture
def two(tiny, tmp_path):
    """A course of two lectures, both built."""
    shutil.copytree(tiny.root, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "course.yml"
    entry = "  lecture_u:\n    title: Another\n    exercises:\n      one: {title: One, points: 1, minutes: 1, difficulty: 1, written: true}\n"
    path.write_text(path.read_text() + entry)
    text = f'# %% author\n{AUTHOR}\n# %% [markdown] exercise="one"\n# One?\n# %% [markdown] written="one"\n# Yes.\n'
    (tmp_path / "solutions" / "lecture_u.py").write_text(text)
    return load_course(path)


def test_a_skipped_lecture_leaves_no_stub(two, lent, capsys):
    assert main(["--course", str(two.root / "course.yml"), "build", "lecture_u"]) == 0
    assert (two.released("lecture_u") / "lecture_u.ipynb").is_file()
    skipped = skip(two.root, "lecture_u")
    assert main(["--course", str(two.root / "course.yml"), "build"]) == 0
    assert "lecture_u: skipped; assignments/lecture_u is removed." in capsys.readouterr().out
    assert not skipped.released("lecture_u").exists() and not skipped.source("lecture_u").exists()
    assert skipped.lectures() == [TINY] and skipped.released(TINY).is_dir()
    for command in ("build", "verify", "demo"):
        assert main(["--course", str(two.root / "course.yml"), command, "lecture_u"]) == 1
        assert "course.yml leaves the lecture 'lecture_u' out: it says `skip: true`" in capsys.readouterr().err


@pytest.mark.slow
def test_nbgrader_says_that_a_lecture_is_skipped(two, runner):
    build(two, "lecture_u", runner)
    convert(two.root, "generate_assignment", "lecture_u", runner)
    shutil.copytree(two.source("lecture_u").parent, two.root / "submitted" / "ada" / "lecture_u")
    skip(two.root, "lecture_u")
    for command in ("generate_assignment", "autograde"):
        with pytest.raises(SystemExit, match="course.yml leaves the lecture 'lecture_u' out: it says `skip: true`"):
            convert(two.root, command, "lecture_u", runner)
    assert (two.root / "release" / "lecture_u").is_dir() and not (two.root / "autograded").exists()


def test_an_exercise_that_is_skipped_after_grading_is_told_before_anything_is_lost(two, runner):
    convert(two.root, "generate_assignment", TINY, runner)
    with Gradebook(f"sqlite:///{two.root}/gradebook.db", "tiny") as book:
        book.add_student("ada")
        book.add_submission(TINY, "ada")
    skip(two.root, "pieces")
    with pytest.raises(SystemExit, match=r"submissions are graded already, by other exercises than course.yml has now \(pieces\)"):
        convert(two.root, "generate_assignment", TINY, runner, force=True)
    assert (two.root / "release" / TINY).is_dir()


@pytest.mark.slow
def test_what_somebody_has_written_into_a_stub_stays(two, runner):
    build(two, "lecture_u", runner)
    path = two.released("lecture_u") / "lecture_u.ipynb"
    path.write_text(path.read_text().replace("One?", "One? I think so."))
    (path.parent / "notes.txt").write_text("mine")
    skipped = skip(two.root, "lecture_u")
    assert drop_skipped(skipped) == ["lecture_u: skipped; lecture_u.ipynb, notes.txt stays in assignments/lecture_u: this kit did not make it, or not so."]
    assert "I think so" in path.read_text() and not (path.parent / "expected.safetensors").exists()


def test_a_lecture_that_was_graded_and_is_skipped_is_not_exported(two, runner):
    build(two, "lecture_u", runner)
    for lecture in (TINY, "lecture_u"):
        convert(two.root, "generate_assignment", lecture, runner)
    skip(two.root, "lecture_u")
    with Gradebook(f"sqlite:///{two.root}/gradebook.db", "tiny") as book:
        book.add_student("ada")
    assert [row["assignment"] for row in exported(two.root).values()] == [TINY]


def test_adding_up_points_warns(tmp_path):
    for name in ("course.yml", "README.md", "names.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    assert warnings(load_course(tmp_path / "course.yml")) == []
    changed = skip(tmp_path, "bigram_counts", "lecture_3_batchnorm")
    assert [re.sub(r":\d+:", ":", text) for text in warnings(changed)] == [
        "lecture_1_trigram: 18 + 4 points without bigram_counts; with all exercises it is 20 + 4",
        "README.md: the syllabus says 20 + 4 points for lecture_1_trigram, course.yml adds up to 18 + 4",
        "README.md: the syllabus lists lecture_3_batchnorm, which course.yml skips",
    ]
