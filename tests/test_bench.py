"""``autograder bench`` measures; how fast this machine is, is no test's business."""

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from conftest import ROOT, TINY
from typer.testing import CliRunner

from autograder.commands.bench import Paired
from autograder.commands.bench_otter import as_otters
from autograder.commands.bench_scale import Size, line_through
from autograder.commands.bench_ways import Way
from autograder.commands.cli import app, main
from autograder.grading.cells import built_notebook


def test_a_ratio_is_that_of_neighbours():
    paired = Paired("lecture", [2.0, 4.0, 30.0], [1.0, 4.0, 10.0])
    assert paired.ratio == 2.0 and paired.middle_half == (1.5, 2.5)


@pytest.mark.slow
def test_the_command_shows_what_is_measured_in_pairs(tiny):
    said = CliRunner().invoke(app, ["--course", str(tiny.root / "course.yml"), "bench", "--jail", "--rounds", "2"])
    assert said.exit_code == 0, said.output
    row = [line for line in said.output.splitlines() if TINY in line][-1]
    assert re.search(r"[1-9]\d* ms .* [1-9]\d* ms .* \d\.\d{3} .* \d\.\d{3} to \d\.\d{3}", row)
    assert "the median of 2 pairs" in said.output


def test_what_to_measure_must_be_said(capsys):
    assert main(["--course", str(ROOT / "course.yml"), "bench"]) == 1
    assert "autograder bench --jail" in capsys.readouterr().err


@pytest.mark.parametrize("rounds", ["1", "x"])
def test_too_few_rounds_are_no_measurement(rounds):
    assert main(["bench", "--jail", "--rounds", rounds]) == 2


@pytest.mark.slow
def test_ways_to_grade_are_measured_by_turns(tiny):
    said = CliRunner().invoke(app, ["--course", str(tiny.root / "course.yml"), "bench", "--grade", TINY, "--students", "3", "--rounds", "2"])
    assert said.exit_code == 0, said.output
    rows = [line for line in said.output.splitlines() if "MB" in line]
    assert len(rows) >= 4 and re.search(r"nbgrader alone .* 1\.0 ", rows[0]) and "autograder grade --jobs 1" in said.output
    assert "the cells alone" in rows[-1]


def test_otter_grader_gets_each_check_as_a_test_of_its_own(tiny, tmp_path):
    """A test of otter's that runs the cell fails where the cell does, and sees the notebook's names."""
    notebook = built_notebook(tiny.released(TINY) / f"{TINY}.ipynb")
    points = as_otters(notebook, tmp_path)
    asked = {cell.source for cell in notebook.cells if cell.source.startswith("grader.check")}
    assert asked == {f'grader.check("{name}")' for name in points} and {path.stem for path in tmp_path.iterdir()} == set(points)
    rules = tiny.lecture(TINY).exercises
    assert points == {name: rules[name].points for name in points} and set(rules) - set(points) == {name for name in rules if rules[name].written}
    text = (tmp_path / "double.py").read_text()
    compile(text, "double", "exec")
    assert f"points = {rules['double'].points!r}" in text and "check(" in text


def test_otter_grader_that_is_not_installed_is_asked_for(capsys, tiny, monkeypatch):
    monkeypatch.setattr("autograder.commands.bench_ways.find_spec", lambda name: None)
    assert main(["--course", str(tiny.root / "course.yml"), "bench", "--grade", "--otter", TINY]) == 1
    assert "pip install 'otter-grader[grading]'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("otter"), reason="otter-grader is not installed")
def test_otter_grader_is_measured_beside_the_others(tiny):
    said = CliRunner().invoke(app, ["--course", str(tiny.root / "course.yml"), "bench", "--grade", "--otter", TINY, "--students", "3", "--rounds", "2"])
    assert said.exit_code == 0 and "otter-grader, without its containers" in said.output, said.output


@pytest.mark.slow
def test_classes_of_growing_size_are_measured(tiny):
    said = CliRunner().invoke(app, ["--course", str(tiny.root / "course.yml"), "bench", "--scale", "4,2", TINY])
    assert said.exit_code == 0, said.output
    rows = [line for line in said.output.splitlines() if "MB" in line]
    assert len(rows) == 2 and re.search(r"│ 2 .*│ 4 ", rows[0] + rows[1]) and "The straight line through them" in said.output


@pytest.mark.parametrize("sizes", ["10", "10,x", "0,10", "10,10", ""])
def test_one_size_is_no_scale(sizes, capsys):
    assert main(["--course", str(ROOT / "course.yml"), "bench", "--scale", sizes]) == 1
    assert "two sizes at least" in capsys.readouterr().err


def test_the_line_through_classes():
    start, more = line_through([Size(10, 7.0, 0, 0), Size(100, 25.0, 0, 0), Size(1000, 205.0, 0, 0)])
    assert start == pytest.approx(5.0) and more == pytest.approx(0.2)


def test_cells_run_without_a_jail_only_in_a_class_that_was_made(tiny):
    said = subprocess.run([sys.executable, "-m", "autograder.commands.bench_floor", TINY], cwd=tiny.root, capture_output=True, text=True)
    assert said.returncode == 1 and "where `autograder bench --grade` has made the class" in said.stderr


def test_what_one_more_costs_is_the_difference():
    way = Way("a", (), few=[5.0, 6.0, 50.0], many=[11.0, 12.0, 56.0])
    assert way.further(5) == 2.0 and way.start(5) == 2.0
