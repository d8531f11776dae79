"""docs/authoring.md is true: its exercise can be built and proves itself, its tables are complete, and its faults are said."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, copy_tiny, daily

from autograder.commands.cli import main
from autograder.course.directory import CourseDirectory, load_course
from autograder.course.lecture import ROLES
from autograder.course.schema import Exercise

PAGE = (ROOT / "docs" / "authoring.md").read_text()
LECTURE = "lecture_6_rows"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def words(text: str) -> str:
    """A text without what only sets it: the frame of a table, the width of its columns."""
    return " ".join(re.sub("[│┃]", " ", text).split())


def written(folder: Path) -> CourseDirectory:
    """A course in which somebody has done what the page says, up to the first command."""
    (folder / "solutions").mkdir(parents=True)
    (folder / "solutions" / f"{LECTURE}.py").write_text("\n\n".join(blocks("python")))
    tiny = copy_tiny(folder)
    path = tiny.root / "course.yml"
    path.write_text(path.read_text().rstrip() + "\n" + "".join(blocks("yaml")))
    return load_course(path)


@pytest.fixture
def as_script() -> Callable[[Path], subprocess.CompletedProcess]:
    """Runs ``python <lecture>.py``, in another folder than the course's."""

    def run(path: Path) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, path], cwd=ROOT / "docs", env=environment, capture_output=True, text=True)

    return run


def test_its_exercise_can_be_built_and_proves_itself(tmp_path, lent, capsys):
    course = written(tmp_path)
    commands = [line.split()[1:] for block in blocks("") for line in block.splitlines() if line.startswith("autograder ")]
    assert [command[0] for command in commands] == ["build", "verify"]
    for command in commands:
        assert main(["--course", str(course.root / "course.yml"), *command]) == 0, capsys.readouterr().out
    said = words(capsys.readouterr().out)
    (shown,) = blocks("text")
    assert [line for line in map(words, shown.splitlines()) if line not in said] == []


@pytest.mark.slow
def test_its_lecture_can_be_run_before_it_is_built(tmp_path, as_script):
    course = written(tmp_path)
    ended = as_script(course.solution(LECTURE))
    assert ended.returncode == 1 and "Traceback" not in ended.stdout + ended.stderr
    assert f"assignments/{LECTURE}/{LECTURE}.ipynb is missing: run `autograder build {LECTURE}`" in ended.stdout
    assert "100 %" in ended.stdout and "2 of 2" in ended.stdout and ": 2 faults." in ended.stdout


def test_a_lecture_file_without_an_entry_is_one_sentence(tmp_path, as_script):
    course = written(tmp_path)
    path = course.root / "course.yml"
    path.write_text(path.read_text().partition(f"  {LECTURE}:")[0])
    ended = as_script(course.solution(LECTURE))
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert f"solutions/{LECTURE}.py has no entry in course.yml. Write one below `lectures:`" in ended.stderr


@pytest.mark.slow
def test_an_exercise_without_an_entry_is_one_sentence(tmp_path, as_script):
    course = written(tmp_path)
    path = course.root / "course.yml"
    path.write_text(re.sub(r"\n    exercises:\n      unit_rows: .*", "\n    exercises: {}", path.read_text()))
    ended = as_script(course.solution(LECTURE))
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert re.search(rf"{LECTURE}.py:\d+: exercise='unit_rows' has no entry in course.yml; this lecture has none yet\.", ended.stderr)


@pytest.mark.parametrize("place", daily("elsewhere/rows.py", ("rows.py", "elsewhere/rows.py", "solutions/rows.py")))
def test_a_lecture_file_outside_of_a_course_is_one_sentence(place, tmp_path, as_script):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n\n".join(blocks("python")))
    ended = as_script(path)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "a lecture file stands in the folder solutions/ beside course.yml" in ended.stderr


def test_its_table_of_cells_has_every_role():
    headers = re.findall(r"^\| `# %%([^`]*)` \|", PAGE, re.M)
    named = [found[0] for header in headers if (found := re.findall(r"(\w+)=", header))]
    assert sorted(named) == sorted(ROLES) and "says=" in PAGE and "raises=" in PAGE


def test_it_names_every_key_of_an_entry():
    entry = PAGE.partition("An entry has")[2].partition("##")[0]
    assert [key for key in Exercise.model_fields if f"`{key}`" not in entry] == []


def faults() -> list[str]:
    """What the page says that `build` and `verify` say: the quoted words of the first columns."""
    rows = re.findall(r"^\| (`.*?) \| ", PAGE.partition("## What build and verify say")[2], re.M)
    return [fault for row in rows for fault in re.findall(r"`([^`]+)`", row) if fault not in ("build", "verify")]


def test_its_faults_are_said_somewhere():
    """Word for word; where the page has … the code has something else."""
    assert len(faults()) > 25
    sources = " ".join(path.read_text() for room in ("course", "grading", "commands") for path in (ROOT / "autograder" / room).glob("*.py"))
    missing = [fault for fault in faults() if not re.search(".{1,60}?".join(map(re.escape, fault.split("…"))), sources)]
    assert missing == []
