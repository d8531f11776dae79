"""Feedback pages go back to the platform from which the work came, and what it said of being late is not forgotten."""

import zipfile
from pathlib import Path

import pytest
from conftest import TINY, copy_tiny
from test_collect import NOTEBOOK, C, M, as_zip, run

from autograder.commands.collected import Platform
from autograder.commands.handed_back import pack
from autograder.commands.remembered import recall
from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.plugin.platforms import canvas, moodle

TREES = {
    "canvas": {f"{C}_678901_{NOTEBOOK}": "a", f"{C}_678902_x.py": "x", f"roe_LATE_7_8_{NOTEBOOK}": "b", "typed_9_text.html": "t"},
    "moodle": {f"{M}_/{NOTEBOOK}": "a", f"Li Roe_7_assignsubmission_file_{NOTEBOOK}": "b"},
    "zip": {f"ada/{NOTEBOOK}": "a", f"grace/{NOTEBOOK}": "b"},
}
NAMES = {
    "canvas": [f"{C}_678902_{TINY}-feedback.html", f"roe_7_8_{TINY}-feedback.html"],
    "moodle": [f"Jane Doe_12345_assignfeedback_file_{TINY}-feedback.html", f"Li Roe_7_assignfeedback_file_{TINY}-feedback.html"],
    "zip": [f"ada/{TINY}.html", f"grace/{TINY}.html"],
}


@pytest.fixture
def course(tmp_path) -> CourseDirectory:
    return copy_tiny(tmp_path / "course")


def pages(course: CourseDirectory) -> dict[str, Path]:
    """A page of everybody who has handed in."""
    found = {}
    for folder in sorted((course.root / "submitted").iterdir()):
        found[folder.name] = course.root / "feedback" / folder.name / TINY / f"{TINY}.html"
        found[folder.name].parent.mkdir(parents=True)
        found[folder.name].write_text(f"<p>{folder.name}")
    return found


@pytest.mark.parametrize("platform", TREES)
def test_each_page_is_named_as_the_platform_knows_its_student(platform, course, tmp_path):
    assert run(course, platform, as_zip(TREES[platform], tmp_path)) == 0
    written = pages(course)
    packed, taken = pack(course, TINY, None, written)
    with zipfile.ZipFile(packed.target) as archive:
        assert sorted(archive.namelist()) == sorted(NAMES[platform])
        assert {archive.read(name).decode() for name in archive.namelist()} == {f"<p>{student}" for student in packed.students}
    assert taken == platform and packed.unknown == (["typed_9"] if platform == "canvas" else [])
    assert pack(course, TINY, None, written)[0].students == packed.students  # over its own file


def test_the_names_are_those_that_canvas_and_moodle_read():
    """Of Canvas the first two numbers between underscores are the person and an upload of the person's; of Moodle name, number, kind and plug-in come first."""
    for name in NAMES["canvas"]:
        person, upload = [part for part in name.split("_") if part.isdigit()][:2]
        read = canvas(name)
        assert read and (read.number, read.upload) == (person, int(upload))
    for name in NAMES["moodle"]:
        assert name.split("_", 4)[2:4] == ["assignfeedback", "file"] and moodle(name.replace("feedback_file", "submission_file")).number == name.split("_")[1]


def test_who_is_late_and_who_is_on_the_roster_is_remembered_until_it_comes_again(course, tmp_path):
    assert run(course, "canvas", as_zip(TREES["canvas"], tmp_path)) == 0
    assert recall(course, TINY).late == ["roe_7"] and "Marked as late by Canvas when they were collected: 1 (roe_7)." in recall(course, TINY).say_late()
    roster = tmp_path / "roster.csv"
    roster.write_text("login,name\nada,Ada L\ngrace,Grace H\n")
    assert run(course, "canvas", as_zip({f"roe_7_9_{NOTEBOOK}": "new"}, tmp_path), "--roster", roster) == 0
    known = recall(course, TINY)
    assert known.late == [] and known.say_late() == "" and known.roster == ["ada", "grace"] and known.hand_ins["roe_7"].name == "roe_7_9"
    for damaged in ("{", '{"hand_ins": 3}'):
        (course.build / "collected" / f"{TINY}.json").write_text(damaged)
        assert recall(course, TINY).hand_ins == {}
    (course.build / "collected" / f"{TINY}.json").write_text('{"platform": "blackboard"}')
    assert pack(course, TINY, None, pages(course))[1] == Platform.zip


def test_nothing_to_pack_and_a_file_of_somebody_elses_are_told(course, tmp_path):
    with pytest.raises(UserError, match=f"There is no page of {TINY} to pack for zip."):
        pack(course, TINY, None, {})
    assert run(course, "zip", as_zip(TREES["zip"], tmp_path)) == 0
    written = pages(course)
    with pytest.raises(UserError, match="no file of theirs was collected from Canvas"):
        pack(course, TINY, Platform.canvas, written)
    (course.root / f"feedback-{TINY}.zip").write_text("mine")
    with pytest.raises(UserError, match="was not written by this command"):
        pack(course, TINY, None, written)
    assert (course.root / f"feedback-{TINY}.zip").read_text() == "mine"
