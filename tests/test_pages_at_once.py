"""``autograder feedback``: its pages are those of ``nbgrader generate_feedback``; what is written is not written twice, and nobody is left out."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from conftest import TINY
from converters import convert
from nbgrader.api import Gradebook
from test_at_once import handed_in, plain  # noqa: F401  fixtures
from typer.testing import CliRunner

from autograder.commands.cli import app
from autograder.course.directory import load_course
from autograder.errors import UserError
from autograder.plugin import pages_at_once
from autograder.plugin.pages_at_once import KILLED, Written, write_pages

STUDENTS = {"reference", "stub", "mistake_double_1", "mistake_pieces_1", "variant_pieces_1", "mixed_1", "mixed_2"}


@pytest.fixture(scope="module")
def stock(plain, tmp_path_factory, runner) -> Path:  # noqa: F811
    """A class with nbgrader's own pages."""
    folder = tmp_path_factory.mktemp("pages") / "course"
    shutil.copytree(plain, folder)
    convert(folder, "generate_feedback", TINY, runner)
    return folder


@pytest.fixture
def graded(plain, tmp_path) -> Path:  # noqa: F811
    folder = tmp_path / "course"
    shutil.copytree(plain, folder)
    return folder


def written(folder: Path, *students: str, jobs: int = 2, force: bool = False) -> Written:
    before, told = os.getcwd(), []
    try:
        found = write_pages(load_course(folder / "course.yml"), TINY, students or ["*"], jobs, force, told.append, told.append)
    finally:
        os.chdir(before)
    assert told[0] == len(told) - 1 and set(told[1:]) == {*found.pages, *found.failed}
    return found


def pages_of(folder: Path) -> dict[str, object]:
    found = {path.relative_to(folder).as_posix(): path for path in sorted((folder / "feedback").rglob("*")) if path.is_file()}
    return {name: path.read_text() if path.suffix == ".html" else path.read_bytes() for name, path in found.items()}


def test_the_same_pages(stock, graded):
    assert set(written(graded).pages) == STUDENTS
    assert pages_of(graded) == pages_of(stock)
    again = written(graded)
    assert not again.pages and again.skipped == len(STUDENTS)
    assert set(written(graded, force=True).pages) == STUDENTS


def test_what_was_graded_again_or_half_written_is_written_again(graded):
    written(graded)
    page = graded / "feedback" / "mixed_1" / TINY / f"{TINY}.html"
    page.write_text(page.read_text()[:-400])
    (graded / "autograded" / "mixed_2" / TINY / f"{TINY}.ipynb").touch()
    found = written(graded)
    assert set(found.pages) == {"mixed_1", "mixed_2"} and any("its writing was interrupted" in said for said in found.said)


def test_a_grade_given_by_hand_writes_the_page_of_that_student_again(graded):
    """As the formgrader stores it, after the pages were written."""
    written(graded)
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        gradebook.find_submission(TINY, "mixed_1").notebooks[0].grades[0].manual_score = 0.5
        gradebook.db.commit()
    found = written(graded)
    assert set(found.pages) == {"mixed_1"} and any("its points, its comments or what lateness takes have changed since" in said for said in found.said)
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        gradebook.find_submission(TINY, "mixed_2").notebooks[0].comments[0].manual_comment = "Say it again, please."
        gradebook.db.commit()
    assert set(written(graded).pages) == {"mixed_2"}
    assert not written(graded).pages


def test_one_student_of_all_and_one_who_is_not_graded(graded):
    page = written(graded, "mixed_2").pages
    assert list(page) == ["mixed_2"] and page["mixed_2"].is_file()
    with pytest.raises(UserError, match="autograder grade"):
        written(graded, "mixed_1", "nobody")
    assert set(written(graded, "mixed_1", "mixed_2", "stub").pages) == {"mixed_1", "stub"}


def test_who_is_left_out_has_no_page(graded):
    with (graded / "nbgrader_config.py").open("a") as config:
        config.write("\nc.CourseDirectory.student_id_exclude = 'mixed_2'\n")
    found = written(graded)
    assert set(found.pages) == STUDENTS - {"mixed_2"} and found.skipped == 1 and not (graded / "feedback" / "mixed_2").exists()


def test_a_page_that_cannot_be_written_and_one_that_ends_its_process(graded, monkeypatch):
    """Neither costs another student a page."""
    unreadable = graded / "autograded" / "mixed_1" / TINY / f"{TINY}.ipynb"
    unreadable.chmod(0o644)
    unreadable.write_text("{")
    begin = pages_at_once._write

    def kills_itself(folder: str, notebooks: list[str]) -> tuple[str, list[str]]:
        if "mixed_2" in folder:
            (graded / "feedback" / "mixed_2" / TINY).mkdir(parents=True, exist_ok=True)  # half done
            os.kill(os.getpid(), signal.SIGKILL)
        return begin(folder, notebooks)

    kills_itself.__module__, kills_itself.__qualname__ = "autograder.plugin.pages_at_once", "_write"
    monkeypatch.setattr(pages_at_once, "_write", kills_itself)
    found = written(graded)
    assert set(found.pages) == STUDENTS - {"mixed_1", "mixed_2"} and set(found.failed) == {"mixed_1", "mixed_2"}
    assert {page.split("/")[1] for page in pages_of(graded) if page.endswith(".html")} == set(found.pages)
    assert not (graded / "feedback" / "mixed_2" / TINY).exists()
    assert found.failed["mixed_2"] == KILLED and "JSON" in found.failed["mixed_1"]


def test_the_command_says_where_a_page_is(graded, monkeypatch):
    monkeypatch.chdir(graded)
    first, second = (CliRunner().invoke(app, ["--course", str(graded / "course.yml"), "feedback", TINY]) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output + second.output
    named = re.search(r"7 pages written, for example (\S+)", first.output)
    assert named and (graded / named[1]).is_file()
    assert "7 pages written before" in second.output
