"""A figure is read by what it shows: the same content drawn in different ways gives the same facts."""

import matplotlib.pyplot as plt
import pytest
import torch
from conftest import ROOT

from autograder.course.directory import load_course
from autograder.grading.secret import public_facts
from autograder.runner.job import Cell, Job
from autograder.student.figures import drawn


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


VALUES = torch.randn(4000, generator=torch.Generator().manual_seed(0)) * 0.5 + 2


def outline(axes):
    heights, borders = torch.histogram(VALUES, bins=40, density=True)
    axes.plot((borders[:-1] + borders[1:]) / 2, heights, label="v")


@pytest.mark.parametrize(
    "draw",
    [
        outline,
        lambda axes: axes.hist(VALUES.numpy(), bins=25, label="v"),
        lambda axes: axes.hist(VALUES.numpy(), bins=60, density=True, histtype="step", label="v"),
        lambda axes: axes.hist(VALUES.numpy(), bins=30, histtype="stepfilled", label="v"),
    ],
)
def test_a_histogram_is_one_labelled_curve_however_it_is_drawn(axes, draw):
    draw(axes)
    (curve,) = drawn(axes).labelled
    assert curve.label == "v" and abs(curve.centre - 2) < 0.05 and abs(curve.spread - 0.5) < 0.05


def test_a_legend_with_a_list_of_labels_names_the_curves_in_their_order(axes):
    for k in range(3):
        axes.plot([0, 1, 2], [k, 1, 2])
    axes.legend([f"layer {k}" for k in range(3)])
    assert [curve.label for curve in drawn(axes).labelled] == ["layer 0", "layer 1", "layer 2"]


def test_a_guide_is_no_curve(axes):
    axes.plot([0, 1, 2], [1.0, 4.0, 2.0])
    axes.axhline(-3)
    axes.plot([0, 2], [5, 5], "k")
    drawing = drawn(axes)
    assert len(drawing.curves) == 1 and drawing.levels == (-3.0, 5.0) and drawing.labelled == ()


@pytest.mark.parametrize("way", ["scatter", "markers"])
def test_a_text_belongs_to_the_nearest_point(axes, way):
    x, y = [0.0, 100.0, 50.0], [0.0, 0.1, 0.2]  # of very different scales
    axes.scatter(x, y) if way == "scatter" else axes.plot(x, y, "o")
    axes.text(51, 0.19, "c")
    axes.annotate("b", (100.0, 0.1), xytext=(9, 9), textcoords="offset points")
    drawing = drawn(axes.figure)
    assert len(drawing.points) == 3
    assert drawing.point_of("c").tolist() == [50.0, 0.2] and drawing.point_of("b").tolist() == [100.0, 0.1]
    assert drawing.point_of("a").isnan().all()


def test_what_is_no_pair_of_axes_is_told(axes):
    with pytest.raises(TypeError, match="return the axes you drew on"):
        drawn(None)
    figure, _ = plt.subplots(1, 2)
    with pytest.raises(ValueError, match="2 pairs of axes"):
        drawn(figure)
    plt.close(figure)


def test_while_grading_a_probe_that_draws_shows_its_first_figure(runner):
    """Three draws, one picture: without a call of plt.show(), as in a notebook."""
    course = load_course(ROOT / "course.yml")
    lecture, exercise = "lecture_3_batchnorm", "update_plot"
    source = f"""
import torch, matplotlib.pyplot as plt
from autograder import check
def probe(g):
    plt.figure()
    plt.plot(torch.rand(3, generator=g))
    return 1
check("{exercise}", probe)
"""
    job = Job(
        [Cell(source, True, exercise)],
        {"names.txt": course.names.read_bytes()},
        public_facts(course, lecture).to_json(),
        course.course.limits.model_dump(),
    )
    result = runner.run(job)
    pictures = [o for o in result.cells[0].outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 1 and len(result.records[exercise].draws) == 2
