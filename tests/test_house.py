"""The package is as docs/architecture.md says: who may import whom, types, sizes, the picture; and a breach of it is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from autograder.runner import jail
from autograder.runner.job import Cell, Job
from autograder.wall.facts import Facts

BIN = Path(sys.executable).parent
LONGEST = 300  # lines of a module


def said(*command: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_types():
    checked = said(BIN / "mypy")
    assert checked.returncode == 0, checked.stdout


def test_who_may_import_whom():
    checked = said(BIN / "lint-imports")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("course/names.py", "from autograder.wall import record", "The rooms have an order"),
        ("wall/record.py", "from autograder.wall import rows, facts\n", "No circle anywhere"),
        ("student/check.py", "from autograder.judge import verdict", "What runs beside a stranger's code"),
        ("inside/child.py", "from autograder.student import desk", "Nobody asks the desk"),
        ("judge/verdict.py", "import subprocess", "What decides sees data alone"),
        ("wall/frames.py", "from autograder import files", "What crosses the wall"),
        ("runner/host.py", "from autograder.judge import verdict", "Who runs submissions does not decide"),
    ],
)
def test_an_import_through_a_wall_is_found(module: str, line: str, contract: str, tmp_path: Path):
    shutil.copytree(ROOT / "autograder", tmp_path / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    path = tmp_path / "autograder" / module
    path.write_text(path.read_text() + f"\n{line}\n")
    if "rows" in line:  # and the way back
        rows = tmp_path / "autograder" / "wall" / "rows.py"
        rows.write_text(rows.read_text() + "\nfrom autograder.wall import record\n")
    checked = said(BIN / "lint-imports", "--no-cache", folder=tmp_path)
    broken = [row for row in " ".join(checked.stdout.split()).split("KEPT") if "BROKEN" in row]
    assert checked.returncode == 1 and any(contract in row for row in broken), checked.stdout


def test_the_picture_of_the_rooms_is_current():
    checked = said(sys.executable, ROOT / "docs" / "rooms.py", "--check")
    assert checked.returncode == 0, checked.stdout


def test_no_module_is_too_long():
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "autograder").rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_what_judges_does_not_exist_in_the_jail(course, runner):
    """Neither loaded before the submission, nor to be had by it."""
    look = "import sys; print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('autograder.')}))"
    fetch = "\n".join(
        f"try:\n    import autograder.{room}\n    print('{room}')\nexcept ImportError:\n    pass"
        for room in ("judge", "grading", "runner", "plugin", "commands")
    )
    facts = Facts.of(course.course, next(iter(course.course.lectures)), {}).to_json()
    result = runner.run(Job([Cell(look), Cell(fetch)], {}, facts, course.course.limits.model_dump()))
    rooms, fetched = ("".join(output["text"] for output in cell.outputs) for cell in result.cells)
    top = {Path(name).stem for name in jail.RUNS}
    assert set(eval(rooms)) <= top and "student" in rooms  # noqa: S307  what our own line printed
    assert fetched == ""
