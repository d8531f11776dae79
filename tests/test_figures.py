"""A figure is read by what it shows, as a person reads it: the same content drawn in different ways gives the same facts."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from conftest import ROOT
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from autograder.course.directory import load_course
from autograder.grading.secret import public_facts
from autograder.runner.job import Cell, Job
from autograder.student.figures import drawn
from autograder.student.open_figures import PictureError, fresh_figures

g = torch.Generator().manual_seed(0)
LAYERS = [m + 0.1 * (2 * torch.rand(500, generator=g) - 1) for m in (0.5, -0.5, 0.0)]  # middles in no order
STEPS = torch.randn(12, 3, generator=g) - 3  # a column a curve
NAMES = ["layer 0", "layer 1", "layer 2"]


@pytest.fixture
def axes():
    with fresh_figures(shown=False):
        yield plt.subplots()[1]


def outline(values):
    heights, borders = torch.histogram(values, bins=40, density=True)
    return (borders[:-1] + borders[1:]) / 2, heights


def each(draw, legend=True):
    """One call of ``draw`` for each layer, and the legend that is made of labels."""

    def picture(axes):
        for name, values in zip(NAMES, LAYERS):
            draw(axes, values, name)
        if legend:
            axes.legend()

    return picture


def listed(draw):
    """No labels; the legend is given a list."""

    def picture(axes):
        each(lambda axes, values, name: draw(axes, values), legend=False)(axes)
        axes.legend(NAMES)

    return picture


def reverse(axes):
    for name, values in reversed(list(zip(NAMES, LAYERS))):
        axes.plot(*outline(values), label=name)
    axes.legend()


def saturated(axes):
    each(lambda axes, values, name: axes.plot(*outline(values)), legend=False)(axes)
    axes.axvline(0.97, color="r", label="saturated")
    axes.legend([*NAMES, "saturated"])


def handles_in_another_order(axes):
    lines = [axes.plot(*outline(values))[0] for values in LAYERS]
    axes.legend(lines[::-1], NAMES[::-1])


def pictures_beside_the_names(axes):
    """As seaborn makes its legends: of handles that stand nowhere on the axes."""
    for number, values in enumerate(LAYERS):
        axes.fill_between(*outline(values), color=f"C{number}", alpha=0.3)
    axes.legend(handles=[Patch(facecolor=f"C{n}", alpha=0.3, label=NAMES[n]) for n in (2, 0, 1)])


def black_and_white(axes):
    for values, style in zip(LAYERS, ("-", "--", ":")):
        axes.plot(*outline(values), "k", linestyle=style)
    axes.legend([Line2D([], [], color="k", linestyle=s) for s in (":", "-", "--")], [NAMES[2], NAMES[0], NAMES[1]])


def all_alike(axes):
    for values in LAYERS:
        axes.plot(*outline(values), "k")
    axes.legend(NAMES)


def names_at_the_tops(axes):
    for name, values in zip(NAMES, LAYERS):
        x, y = outline(values)
        axes.plot(x, y)
        axes.annotate(name, (x[y.argmax()], y.max()))


def labels_set_later(axes):
    for name, values in zip(NAMES, LAYERS):
        axes.plot(*outline(values))[0].set_label(name)
    axes.legend()


def on_twins(axes):
    twin = axes.twinx()
    for number, values in enumerate(LAYERS):
        (twin if number == 1 else axes).plot(*outline(values), f"C{number}", label=NAMES[number])
    axes.figure.legend()


def closed_polygon(axes, values, name):
    x, y = outline(values)
    axes.fill(np.concatenate([x[:1], x, x[-1:]]), np.concatenate([[0], y, [0]]), label=name)


def bars(axes, values, name):
    heights, borders = np.histogram(values, 30)
    axes.bar(borders[:-1], heights, np.diff(borders), align="edge", label=name)


def bars_that_lie(axes, values, name):
    heights, borders = np.histogram(values, 30)
    axes.barh((borders[:-1] + borders[1:]) / 2, heights, height=borders[1] - borders[0], label=name)


def with_a_smooth_curve(axes, values, name):
    """As seaborn's histplot(kde=True) draws it."""
    axes.hist(values, 30, density=True, alpha=0.5, label=name)
    axes.plot(*outline(values), "k")


def line_over_its_area(axes, values, name):
    axes.plot(*outline(values), label=name)
    axes.fill_between(*outline(values), alpha=0.2)


def area_under_its_line(axes, values, name):
    axes.plot(*outline(values), "k")
    axes.fill_between(*outline(values), alpha=0.2, label=name)


def both_named(axes, values, name):
    axes.plot(*outline(values), label=name)
    axes.fill_between(*outline(values), alpha=0.2, label=name)


def shaded(axes):
    each(lambda axes, values, name: axes.plot(*outline(values), label=name))(axes)
    axes.axvspan(0.97, 1.1, alpha=0.1, label="saturated")
    axes.vlines([-0.97, 0.97], 0, 5)
    axes.inset_axes([0.7, 0.7, 0.2, 0.2]).plot([1, 2, 3], [1, 3, 2])
    axes.plot([0.1, 0.2], [0.1, 0.2], "k", transform=axes.transAxes)


HISTOGRAMS = {
    "outline": each(lambda axes, values, name: axes.plot(*outline(values), label=name)),
    "steps": each(lambda axes, values, name: axes.step(*outline(values), where="mid", label=name)),
    "left borders": each(
        lambda axes, values, name: axes.step(outline(values)[0] - 0.0025, outline(values)[1], where="post", label=name)
    ),
    "hist": each(lambda axes, values, name: axes.hist(values, 25, label=name)),
    "hist, step": each(lambda axes, values, name: axes.hist(values, 60, density=True, histtype="step", label=name)),
    "hist, stepfilled": each(lambda axes, values, name: axes.hist(values, 30, histtype="stepfilled", label=name)),
    "hist that lies": each(lambda axes, values, name: axes.hist(values, 30, orientation="horizontal", label=name)),
    "hist that lies, step": each(
        lambda axes, v, name: axes.hist(v, 30, orientation="horizontal", histtype="step", label=name)
    ),
    "hist of all": lambda axes: (axes.hist([h.numpy() for h in LAYERS], 50, label=NAMES), axes.legend()),
    "hist of all, stacked": lambda axes: (
        axes.hist([h.numpy() for h in LAYERS], 50, stacked=True, label=NAMES),
        axes.legend(),
    ),
    "hist, list": listed(lambda axes, values: axes.hist(values, 50, alpha=0.5)),
    "hist, step, list": listed(lambda axes, values: axes.hist(values, 50, histtype="step")),
    "stairs": each(lambda axes, values, name: axes.stairs(*np.histogram(values, 30), label=name)),
    "stairs, list": listed(lambda axes, values: axes.stairs(*np.histogram(values, 30))),
    "stairs, filled": each(lambda axes, values, name: axes.stairs(*np.histogram(values, 30), fill=True, label=name)),
    "bars": each(bars),
    "bars that lie": each(bars_that_lie),
    "area": each(lambda axes, values, name: axes.fill_between(*outline(values), alpha=0.4, label=name)),
    "area in steps, list": listed(lambda axes, values: axes.fill_between(*outline(values), step="mid", alpha=0.4)),
    "polygon": each(closed_polygon),
    "bars and smooth curve": each(with_a_smooth_curve),
    "line and area": each(line_over_its_area),
    "area and line": each(area_under_its_line),
    "line and area of one name": each(both_named),
    "guide in the list": saturated,
    "any order": reverse,
    "legend in another order": handles_in_another_order,
    "legend of proxies": pictures_beside_the_names,
    "styles": black_and_white,
    "all alike": all_alike,
    "names beside the curves": names_at_the_tops,
    "labels set later": labels_set_later,
    "twins": on_twins,
    "shaded, with an inset": shaded,
    "legend of the figure": lambda axes: (
        HISTOGRAMS["outline"](axes),
        axes.get_legend().remove(),
        axes.figure.legend(),
    ),
}


@pytest.mark.parametrize("name", HISTOGRAMS)
def test_histograms_are_labelled_curves_however_they_are_drawn(axes, name):
    HISTOGRAMS[name](axes)
    curves = drawn(axes).curves
    assert [curve.label for curve in curves] == NAMES
    assert [curve.centre for curve in curves] == pytest.approx([float(h.mean()) for h in LAYERS], abs=0.01)
    assert all(0.05 < curve.spread < 0.07 for curve in curves)  # 0.1 / sqrt(3)


def lines(guide, label=True):
    def picture(axes):
        axes.plot(STEPS, label=NAMES if label else None)
        guide(axes)
        axes.legend() if label else axes.legend(NAMES)

    return picture


def columns(draw):
    def picture(axes):
        for number in (1, 2, 0):
            draw(axes, STEPS[:, number], NAMES[number], f"C{number}")
        axes.axhline(-3)
        axes.legend()

    return picture


def with_bands(axes, column, name, colour):
    """As seaborn's lineplot draws it."""
    axes.plot(column, colour, label=name)
    axes.fill_between(range(12), column - 0.1, column + 0.1, color=colour, alpha=0.2)


def guide_first(axes):
    axes.axhline(-3, color="k", label="-3")
    axes.legend(axes.plot(STEPS), NAMES)


def guide_on_a_twin(axes):
    axes.plot(STEPS, label=NAMES)
    axes.set_ylim(-6, 0)
    twin = axes.twinx()
    twin.set_ylim(0, 1)
    twin.axhline(0.5)  # half way up: at -3
    axes.legend()


def recoloured(axes):
    found = axes.plot(STEPS)
    axes.axhline(-3, color="k")
    axes.legend(NAMES)
    for line, colour in zip(found, "rgb"):
        line.set_color(colour)


def as_a_collection(axes, column, name, colour):
    axes.add_collection(LineCollection([np.stack([np.arange(12), column], 1)], color=colour, label=name))


CURVES = {
    "axhline": lines(lambda axes: axes.axhline(-3)),
    "hlines": lines(lambda axes: axes.hlines(-3, 0, 11, label="-3")),
    "axline, slope": lines(lambda axes: axes.axline((0, -3), slope=0)),
    "axline, points": lines(lambda axes: axes.axline((0, -3), (5, -3))),
    "plot of two points": lines(lambda axes: axes.plot([0, 11], [-3, -3], "k--", label="-3")),
    "plot of a constant": lines(lambda axes: axes.plot(torch.full((12,), -3.0), label="-3")),
    "thin span": lines(lambda axes: axes.axhspan(-3.01, -2.99)),
    "labelled guide beside a list": lines(lambda axes: axes.axhline(-3, color="k", label="-3"), label=False),
    "guide first": guide_first,
    "guide on a twin": guide_on_a_twin,
    "recoloured": recoloured,
    "columns in any order": columns(lambda axes, column, name, colour: axes.plot(column, label=name)),
    "markers": columns(lambda axes, column, name, colour: axes.plot(column, "o-", label=name)),
    "dots": columns(lambda axes, column, name, colour: axes.plot(column, "o", label=name)),
    "scatter": columns(lambda axes, column, name, colour: axes.scatter(range(12), column, label=name)),
    "steps": columns(lambda axes, column, name, colour: axes.step(range(12), column, label=name)),
    "error bars": columns(
        lambda axes, column, name, colour: axes.errorbar(range(12), column, yerr=0.1, capsize=2, label=name)
    ),
    "stems": columns(
        lambda axes, column, name, colour: axes.stem(range(12), column, linefmt=colour, bottom=-3, label=name)
    ),
    "bands": columns(with_bands),
    "line and dots": columns(
        lambda axes, column, name, c: (axes.plot(column, c, label=name), axes.scatter(range(12), column, color=c))
    ),
    "collection": columns(as_a_collection),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_and_their_guide_are_told_apart_however_they_are_drawn(axes, name):
    CURVES[name](axes)
    drawing = drawn(axes)
    assert [curve.label for curve in drawing.curves] == NAMES
    assert torch.equal(torch.stack([curve.y for curve in drawing.curves], 1).float(), STEPS)
    assert min(abs(level + 3) for level in drawing.levels) < 1e-5


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["layer 2, spread 0.30", "layer 0, spread 0.20", "layer 1, spread 0.10"], [1, 2, 0]),
        (["4: (8, 30)", "0: (30, 8)", "2: (8, 8)"], [1, 2, 0]),
        (["$h^{(3)}$", "$h^{(2)}$", "$h^{(1)}$"], [2, 1, 0]),
        (["10", "9", "8"], [2, 1, 0]),
        (["30 to 100", "100 to 100", "100 to 27"], [0, 1, 2]),  # sizes do not count
        (["spread 0.3", "spread 0.2", "spread 0.1"], [0, 1, 2]),
        (["first", "second", "last"], [0, 1, 2]),
    ],
)
def test_curves_come_in_the_order_that_their_labels_count(axes, labels, order):
    for number, label in enumerate(labels):
        axes.plot([0, 1, 2], [number, 5, 5], label=label)
    assert [int(curve.y[0]) for curve in drawn(axes).curves] == order


def test_curves_without_a_name_have_no_label(axes):
    axes.plot(STEPS)
    axes.axhline(-3, color="k", label="-3")
    axes.legend()
    drawing = drawn(axes)
    assert len(drawing.curves) == 3 and drawing.labelled == () and drawing.legend == ("-3",)


def test_the_same_label_for_all_stays_the_same(axes):
    each(lambda axes, values, name: axes.plot(*outline(values), label="tanh"))(axes)
    assert [curve.label for curve in drawn(axes).curves] == ["tanh"] * 3


def test_a_column_drawn_thrice_is_three_curves(axes):
    for name in NAMES:
        axes.plot(STEPS[:, 0], label=name)
    assert len(drawn(axes).curves) == 3


def test_labels_of_the_whole_figure_are_labels_of_its_axes(axes):
    axes.plot([0, 1, 2], [1, 4, 2])
    axes.set_xlabel("x")
    axes.figure.supylabel("y")
    assert (drawn(axes).x_label, drawn(axes).y_label) == ("x", "y")


def test_a_label_that_is_not_seen_is_none(axes):
    axes.plot([0, 1, 2], [1, 4, 2])
    axes.set(xlabel="x", ylabel="y", title="y against x")
    axes.axis("off")
    assert (drawn(axes).x_label, drawn(axes).y_label) == ("", "")


@pytest.mark.parametrize("how", [{"visible": False}, {"alpha": 0}, {"linewidth": 0}, {"linestyle": ""}, {"color": (0, 0, 0, 0)}, {"color": "white"}], ids=str)
def test_a_curve_that_nobody_sees_is_none(axes, how):
    axes.plot([0, 1, 2], [1, 4, 2], label="hidden", **how)
    axes.plot([0, 1, 2], [2, 1, 2], label="seen")
    assert [curve.label for curve in drawn(axes).curves] == ["seen"]


@pytest.mark.parametrize(("x", "y"), [((5, 6), None), (None, (5, 6)), ((-2, -1), (0, 9))])
def test_a_curve_outside_of_what_is_shown_is_none(axes, x, y):
    axes.plot([0, 1, 2], [1, 4, 2], label="a")
    axes.scatter([0, 1, 2], [1, 4, 2])
    axes.set(xlim=x, ylim=y)
    assert (drawn(axes).curves, len(drawn(axes).points)) == ((), 0)


@pytest.mark.parametrize(("x", "y"), [((2, 0), None), ((0.5, 1.5), None), (None, (3, 5)), (None, (9, 0))])
def test_a_curve_in_part_of_what_is_shown_is_one(axes, x, y):
    axes.plot([0, 1, 2], [1, 4, 2], label="a")
    axes.set(xlim=x, ylim=y)
    assert [curve.y.tolist() for curve in drawn(axes).curves] == [[1, 4, 2]]


@pytest.mark.parametrize("way", ["scatter", "markers", "scatters on one another", "line with markers"])
def test_a_text_belongs_to_the_nearest_point(axes, way):
    x, y = [0.0, 100.0, 50.0], [0.0, 0.1, 0.2]  # of very different scales
    axes.plot(x, y, "o-" if way.startswith("line") else "o") if "mark" in way else axes.scatter(x, y)
    if way == "scatters on one another":
        axes.scatter(x[:2], y[:2], color="r")
    axes.text(51, 0.19, "c")
    axes.annotate("b", (100.0, 0.1), xytext=(9, 9), textcoords="offset points")
    axes.text(0.5, 0.0, "a remark", transform=axes.transAxes)
    drawing = drawn(axes.figure)
    assert len(drawing.points) == 3
    assert drawing.point_of("c").tolist() == [50.0, 0.2] and drawing.point_of("b").tolist() == [100.0, 0.1]
    assert drawing.point_of("a").isnan().all()
    assert 40 < drawing.texts["a remark"][0] < 60


def drew(axes):
    axes.plot([0, 1, 2], [1.0, 4.0, 2.0])
    return axes


@pytest.mark.parametrize(
    "returned",
    [
        lambda figure, axes: axes,
        lambda figure, axes: figure,
        lambda figure, axes: (figure, axes),
        lambda figure, axes: [axes],
        lambda figure, axes: np.array([[axes]]),
        lambda figure, axes: axes.lines[0],
        lambda figure, axes: list(axes.lines),
        lambda figure, axes: axes.hist([1, 2, 3]),
        lambda figure, axes: axes.set_xlabel("x"),
        lambda figure, axes: figure.legend(axes.lines, ["a"]),
        lambda figure, axes: figure.canvas,
        lambda figure, axes: {"axes": axes},
        lambda figure, axes: plt,
        lambda figure, axes: SimpleNamespace(figure=figure),  # as a grid of seaborn
    ],
)
def test_whatever_leads_to_one_pair_of_axes_is_taken(axes, returned):
    assert drawn(returned(axes.figure, drew(axes))).curves[0].y.tolist() == [1, 4, 2]


def test_of_several_pairs_of_axes_the_one_with_something_on_it_is_meant(axes):
    figure, two = plt.subplots(1, 2)
    figure.colorbar(two[0].scatter([1, 2, 3], [1, 2, 4], c=[1, 2, 3]), ax=two[1])
    assert len(drawn(figure).points) == len(drawn(two).points) == 3


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (lambda: None, "returns nothing. End it with `return`"),
        (lambda: "axes", "returns a str, which is no picture"),
        (lambda: torch.rand(3), "returns a Tensor, which is no picture"),
        (lambda: np.histogram([1, 2]), "returns a tuple, which is no picture"),
        (lambda: plt.figure(), "nothing is drawn on the axes"),
        (lambda: plt.subplots(1, 2)[1], "nothing is drawn on the axes"),
        (lambda: [drew(axes) for axes in plt.subplots(1, 3)[1]], "3 pairs of axes"),
        (lambda: drew(drew(plt.subplots(1, 2)[1][0]).figure.axes[1]).figure, "2 pairs of axes"),
    ],
)
def test_what_is_no_picture_is_told(returned, told):
    with fresh_figures(shown=False), pytest.raises(PictureError, match=told):
        drawn(returned())


def test_each_draw_begins_without_figures_and_the_first_one_is_shown():
    left_open = drew(plt.subplots()[1]).figure
    for number in range(3):
        with fresh_figures(shown=number == 0):
            plt.plot([0, 1, 2], [number, 5, 6])
            assert [curve.y[0] for curve in drawn(plt.gca()).curves] == [number]
            if number == 0:
                first = plt.gcf()
            elif number == 1:
                plt.close("all")
    assert [plt.figure(number) for number in plt.get_fignums()] == [left_open, first]
    assert len(first.axes[0].lines) == 1
    plt.close("all")


def test_axes_of_an_earlier_draw_are_told():
    with fresh_figures(shown=False):
        axes = drew(plt.subplots()[1])
        drawn(axes)
        drawn(axes)  # within a draw as often as one likes
    with fresh_figures(shown=False), pytest.raises(PictureError, match="the same axes each time"):
        drawn(drew(axes))


def run(runner, source):
    course = load_course(ROOT / "course.yml")
    job = Job(
        [Cell(source, True, "update_plot")],
        {"names.txt": course.names.read_bytes()},
        public_facts(course, "lecture_3_batchnorm").to_json(),
        course.course.limits.model_dump(),
    )
    result = runner.run(job)
    pictures = [o for o in result.cells[0].outputs if "image/png" in o.get("data", {})]
    return pictures, result.records["update_plot"].draws


def test_while_grading_a_probe_that_draws_shows_its_first_figure(runner):
    """Some draws, one picture, each on axes of its own: without a call of plt.figure() or plt.show(), as in a notebook."""
    pictures, draws = run(
        runner,
        """
import torch, matplotlib.pyplot as plt
from autograder import check
from autograder.figures import drawn
def probe(g):
    plt.plot(torch.rand(3, generator=g))
    return len(drawn(plt.gca()).curves)
check("update_plot", probe)
""",
    )
    assert len(pictures) == 1 and [draw.values for draw in draws] == [{"": 1}, {"": 1}]


def test_while_grading_a_picture_that_was_shown_already_is_read(runner):
    """plt.show() closes the figure; its axes are still there."""
    _, draws = run(
        runner,
        """
import matplotlib.pyplot as plt
from autograder import check
from autograder.figures import drawn
def picture():
    _, axes = plt.subplots()
    axes.plot([1, 2, 5])
    plt.show()
    return axes
check("update_plot", lambda g: len(drawn(picture()).curves))
""",
    )
    assert [draw.values for draw in draws] == [{"": 1}, {"": 1}]


def test_while_grading_a_missing_return_is_told_and_not_as_an_error_of_the_check(runner):
    _, draws = run(
        runner,
        """
import matplotlib.pyplot as plt
from autograder import check
from autograder.figures import drawn
check("update_plot", lambda g: drawn(plt.show()).levels)
""",
    )
    assert draws[0].failure.name == "The answer cannot be read" and "returns nothing" in draws[0].failure.message
    assert draws[0].failure.line == ""
