"""``autograder bench`` measures; how fast this machine is, is no test's business."""

import pytest
from conftest import ROOT, TINY
from typer.testing import CliRunner

from autograder.bench import Paired, jail_cost
from autograder.cli import app, main


def test_both_sides_are_measured_in_pairs(tiny):
    told = []
    cost = jail_cost(tiny, [TINY], 3, told.append)
    assert told == [TINY] * 3
    assert [len(side) for side in (cost.lectures[0].having, cost.lectures[0].lacking)] == [3, 3]
    assert all(seconds > 0 for paired in (*cost.lectures, cost.starts) for seconds in (*paired.having, *paired.lacking))


def test_a_ratio_is_that_of_neighbours():
    paired = Paired("lecture", [2.0, 4.0, 30.0], [1.0, 4.0, 10.0])
    assert paired.ratio == 2.0 and paired.middle_half == (1.5, 2.5)


def test_the_command_shows_a_table(tiny):
    said = CliRunner().invoke(app, ["--course", str(tiny.root / "course.yml"), "bench", "--jail", "--rounds", "2"])
    assert said.exit_code == 0, said.output
    assert TINY in said.output and "The jail costs" in said.output


def test_what_to_measure_must_be_said(capsys):
    assert main(["--course", str(ROOT / "course.yml"), "bench"]) == 1
    assert "autograder bench --jail" in capsys.readouterr().err


@pytest.mark.parametrize("rounds", ["1", "x"])
def test_too_few_rounds_are_no_measurement(rounds):
    assert main(["bench", "--jail", "--rounds", rounds]) == 2
