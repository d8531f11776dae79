"""The report's pictures, as SVG that stands in the page: its text and lines have the page's own colour, in the light and in the dark."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any

MOST_CURVES = 200  # in one picture; beyond it a random look at the class tells no less
INK, LINE = "#010203", "#040506"  # stand for the page's colours, which matplotlib does not know


def histogram(points: list[float], most: float, label: str) -> str:
    """How many students have how many points.

    Args:
        most: points that can be had; bins have whole points, or several.
    """
    figure, axes = _axes(7.2, 2.4)
    width = max(1, round(most / 25))
    edges = [width * number for number in range(int(max([most, *points]) // width) + 2)]
    axes.hist([max(point, 0.0) for point in points], bins=edges, color=LINE, rwidth=0.9)
    axes.set_xlabel("points")
    axes.set_ylabel("students")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return _svg(figure, label)


def curves(trainings: list[tuple[list[float], float]], label: str) -> str:
    """Loss on training rows by step, a line for each student.

    Args:
        trainings: means of equal parts of each training, and how many steps it had.
    """
    figure, axes = _axes(7.2, 3.0)
    thin = 1.2 if len(trainings) < 20 else 0.6
    for means, steps in trainings[:MOST_CURVES]:
        axes.plot([steps * (part + 0.5) / len(means) for part in range(len(means))], means, color=LINE, linewidth=thin, alpha=0.6)
    axes.set_xlabel("step")
    axes.set_ylabel("loss on training rows")
    return _svg(figure, label)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any, label: str) -> str:
    """The picture's own element, with a name for those who do not see it."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": label}):
        figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(LINE, "var(--bar)")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|url\(#|href="#)', lambda m: m[0] + _slug(label), text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


def _slug(label: str) -> str:
    """Before the ids of one picture: another picture of the page has the same ones."""
    return re.sub(r"\W+", "-", label) + "-"
