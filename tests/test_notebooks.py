"""Lecture files become notebooks: what students get, what they never get, and byte for byte the same each time."""

import json

import nbformat
import pytest
from conftest import TINY, copy_tiny

from autograder.commands.build import build
from autograder.course.directory import EXPECTED
from autograder.wall.record import SMALL, read_safetensors


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def stub(tiny):
    return nbformat.read(tiny.released(TINY) / f"{TINY}.ipynb", as_version=4)


def cell_of(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def test_building_twice_changes_no_byte(tmp_path, runner):
    tiny = copy_tiny(tmp_path)
    build(tiny, TINY, runner)
    before = files_of(tiny.root)
    build(tiny, TINY, runner)
    assert files_of(tiny.root) == before


def test_building_in_another_folder_gives_the_same_bytes(tmp_path, tiny, runner):
    other = copy_tiny(tmp_path)
    build(other, TINY, runner)
    ours, theirs = (c.released(TINY) / f"{TINY}.ipynb" for c in (tiny, other))
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_stub_keeps_signature_and_docstring_and_names_its_exercise(stub):
    source = cell_of(stub, "double_answer").source
    assert 'def double(x: Float[Tensor, "n d"])' in source and '"""Twice x."""' in source
    assert 'raise NotImplementedError("double")' in source and "return" not in source


def test_every_region_of_a_class_becomes_a_stub(stub):
    assert cell_of(stub, "train_tiny_answer").source.count('raise NotImplementedError("train_tiny")') == 3


def test_nothing_of_the_other_answers_is_released(tiny, stub):
    text = (tiny.released(TINY) / f"{TINY}.ipynb").read_text()
    extras = json.loads(tiny.extras(TINY).read_text())
    assert sum(map(len, extras.values())) == 9
    assert not [e for found in extras.values() for e in found if json.dumps(e["source"])[1:-1] in text]
    assert "mistake" not in text and "variant" not in text and "BEGIN SOLUTION" not in text and "Because." not in text


def test_the_public_answers_hold_no_code_and_no_variants(tiny):
    data = (tiny.released(TINY) / EXPECTED).read_bytes()
    text = json.dumps(read_safetensors(data, SMALL, small=True)[1])
    assert "def double" not in text and "/variant/" not in text and "/mistake/" in text and len(data) < 1_000_000


def test_ids_points_and_locks_are_derived(stub, tiny):
    for name, rules in tiny.lecture(TINY).exercises.items():
        metadata = cell_of(stub, name).metadata.nbgrader
        assert metadata.grade and metadata.points == rules.points
        assert metadata.locked is not rules.written
    assert cell_of(stub, "provided_1").metadata.nbgrader.locked
    assert cell_of(stub, "double").metadata.editable is False


def test_a_header_card_tells_points_minutes_and_difficulty(stub):
    text = "\n".join(cell.source for cell in stub.cells if cell.cell_type == "markdown")
    assert "### Double a tensor\n\n*`double` · 2 points · about 1 minute · difficulty 1 of 3*" in text


def test_the_committed_stubs_are_notebooks_of_the_lecture_files(course):
    for lecture in course.course.lectures:
        notebook = nbformat.read(course.released(lecture) / f"{lecture}.ipynb", as_version=4)
        nbformat.validate(notebook)
        names = [c.metadata.nbgrader.grade_id for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
        assert names == list(course.lecture(lecture).exercises)
