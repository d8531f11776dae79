"""What a matplotlib figure shows, as plain values: labelled points, labelled curves, axis labels; never its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from torch import Tensor

from autograder.student.legends import in_order, legends_of, name_by_legends, name_by_words
from autograder.student.marks import NOTHING, Mark, in_view, marks_on, seen
from autograder.student.open_figures import PictureError, running_draw

_drawn_in: WeakKeyDictionary[Axes, int] = WeakKeyDictionary()  # the draw of a check that axes were first seen in
ONE_PICTURE = "The picture that is asked for stands on one pair of axes"


@dataclass(frozen=True)
class Curve:
    """One line, one histogram, or one filled outline."""

    label: str  # as in the legend; empty if it has none
    x: Tensor  # (n,) float64
    y: Tensor  # (n,) float64

    @property
    def centre(self) -> float:
        """Mean of x under the curve as a density: where a histogram lies, whatever its bins are."""
        return float((self.x * self._mass).sum() / self._mass.sum())

    @property
    def spread(self) -> float:
        """Standard deviation of x under the curve as a density."""
        return float((((self.x - self.centre) ** 2 * self._mass).sum() / self._mass.sum()).sqrt())

    @property
    def _mass(self) -> Tensor:
        """Height times width, where x only grows; otherwise (steps drawn with two points each) the heights alone."""
        y = self.y.nan_to_num(0.0, 0.0, 0.0)
        gaps = self.x.diff()
        if len(gaps) == 0 or not (gaps > 0).all():
            return y
        return y * (torch.cat([gaps[:1], gaps]) + torch.cat([gaps, gaps[-1:]])) / 2


@dataclass(frozen=True)
class Drawing:
    """What stands on one pair of axes."""

    points: Tensor  # (n, 2) float64: where markers stand, in the order in which they were drawn
    texts: dict[str, Tensor]  # what is written beside the points, and where: (2,) float64
    curves: tuple[
        Curve, ...
    ]  # by the numbers in their labels ("layer 0", "layer 1", ...), otherwise as they were drawn
    levels: tuple[float, ...]  # where horizontal lines stand, such as `axhline` draws
    x_label: str
    y_label: str
    title: str
    legend: tuple[str, ...]  # its entries; empty if no legend was made

    def point_of(self, text: str) -> Tensor:
        """The point nearest to a text, (2,) float64; NaN if there is no such text or no point."""
        if text not in self.texts or not len(self.points):
            return torch.full((2,), torch.nan, dtype=torch.float64)
        size = self.points.amax(0) - self.points.amin(0)
        distance = ((self.points - self.texts[text]) / size.clamp_min(1e-12)).square().sum(1)
        return self.points[distance.argmin()]

    @property
    def labelled(self) -> tuple[Curve, ...]:
        """The curves that the legend, or at least a label, names."""
        return tuple(curve for curve in self.curves if curve.label)


def drawn(shown: Any) -> Drawing:
    """What a student has drawn.

    Args:
        shown: what the student's function returned: the ``Axes``, or whatever leads to one pair of axes with something
            on it, such as a ``Figure``, ``(figure, axes)``, the lines that ``plot`` returns, or ``plt`` itself.

    Raises:
        PictureError: it leads to no axes, to empty ones, or to several; with what to do.
    """
    stacked = _axes(shown)
    marks = [mark for axes in stacked for mark in marks_on(axes)]
    legends = legends_of(stacked)
    name_by_legends(marks, legends)
    curves = _curves(marks)
    name_by_words(curves)
    texts = [text for axes in stacked for text in axes.texts if seen(text) and text.get_text().strip()]
    return Drawing(
        _points(stacked),
        {text.get_text().strip(): _place(text) for text in texts},
        tuple(Curve(c.label, torch.from_numpy(c.x.copy()), torch.from_numpy(c.y.copy())) for c in in_order(curves)),
        tuple(_height(mark, curves) for mark in marks if mark.kind == "level"),
        _axis_label(stacked, "x"),
        _axis_label(stacked, "y"),
        next((axes.get_title().strip() for axes in stacked if axes.get_title().strip()), ""),
        tuple(text.get_text().strip() for legend in legends for text in legend.get_texts()),
    )


def _axes(shown: Any) -> list[Axes]:
    """The pair of axes that was drawn on, and its twins, which stand on the same place."""
    if shown is None:
        raise PictureError(
            "your function returns nothing. End it with `return` and the axes you drew on; those of pyplot are `plt.gca()`"
        )
    if shown is plt:
        shown = plt.gca() if plt.get_fignums() else []
    found = dict.fromkeys(_leads_to(shown))
    all_axes = [a for a in found if isinstance(a, Axes)] or [
        a for f in found for a in f.axes if a.get_label() != "<colorbar>"
    ]
    if not found:
        raise PictureError(f"your function returns {_told(shown)}, which is no picture. Return the axes you drew on")
    used = [axes for axes in all_axes if axes.has_data() or axes.texts]
    if not used:
        raise PictureError(
            "nothing is drawn on the axes that your function returns. Return those you drew on; plt.show() closes a figure, "
            "and after it plt.gca() is a new, empty one"
        )
    stacked = _twins(used[0])
    others = [axes for axes in used if axes not in stacked]
    if others:
        raise PictureError(
            f"there are {1 + len(others)} pairs of axes with something on them. {ONE_PICTURE}: draw all on one"
        )
    for axes in stacked:
        if _drawn_in.setdefault(axes, running_draw()) != running_draw() and running_draw():
            raise PictureError(
                "your function draws on the same axes each time it is called. Make new ones inside, with plt.subplots()"
            )
    return stacked


def _leads_to(shown: Any, depth: int = 0) -> Iterator[Any]:
    """All axes and figures in what was returned."""
    if isinstance(shown, (Axes, FigureBase)):
        yield shown
    elif isinstance(getattr(shown, "axes", None), Axes):  # lines, bars, texts, a legend
        yield shown.axes
    elif isinstance(getattr(shown, "figure", None), FigureBase):  # a legend of the figure, a grid of seaborn, a canvas
        yield shown.figure
    elif depth < 4 and not isinstance(shown, (str, bytes)):
        if hasattr(shown, "tolist"):  # arrays of axes, and what pandas makes of them
            shown = (
                shown.tolist()
                if not isinstance(shown, Tensor) and getattr(shown, "dtype", None) == np.dtype("O")
                else []
            )
        if isinstance(shown, dict):
            shown = list(shown.values())
        if isinstance(shown, (list, tuple)):
            for part in shown:
                yield from _leads_to(part, depth + 1)


def _told(shown: Any) -> str:
    name = type(shown).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _twins(axes: Axes) -> list[Axes]:
    place = axes.get_position().bounds
    figure = axes.figure
    return (
        [axes, *(a for a in figure.axes if a is not axes and np.allclose(a.get_position().bounds, place))]
        if figure
        else [axes]
    )


def _curves(marks: list[Mark]) -> list[Mark]:
    """What shows something of its own: not a fill under a line, dots along it, or an outline around the same histogram."""
    curves = [
        m
        for m in marks
        if m.kind in ("line", "bars", "outline", "area") or m.kind == "dots" and (np.diff(m.x) > 0).all()
    ]
    lines = [mark for mark in curves if mark.kind not in ("area", "dots")]
    kept: list[Mark] = []
    for mark in curves:
        shading = mark.kind in ("area", "dots") and not mark.label and lines
        if not shading and not any(_goes_with(mark, other, kept) for other in curves):
            kept.append(mark)
    return kept


def _goes_with(mark: Mark, other: Mark, kept: list[Mark]) -> bool:
    """It shows again what another shows that is named, or that has the same name and came first."""
    if mark is other or not other.label or mark.label and not (mark.label == other.label and other in kept):
        return False
    if mark.x.shape == other.x.shape and np.array_equal(mark.x, other.x) and np.array_equal(mark.y, other.y):
        return not mark.label or mark.kind != other.kind
    if mark.kind == other.kind:
        return False
    one, two = (Curve("", torch.from_numpy(m.x), torch.from_numpy(m.y)) for m in (mark, other))
    return abs(one.centre - two.centre) < 0.25 * two.spread and 0.5 * two.spread < one.spread < 2 * two.spread


def _points(stacked: list[Axes]) -> Tensor:
    """Where markers stand; two on one another are one."""
    found: dict[tuple[float, ...], None] = {}
    for axes in stacked:
        held = {part for container in axes.containers for part in container.get_children()}
        for artist in [*axes.collections, *axes.lines]:
            if artist in held or not seen(artist):
                continue
            if isinstance(artist, PathCollection):
                places: np.ndarray[Any, Any] = np.ma.filled(np.ma.asarray(artist.get_offsets(), dtype=float), np.nan)
            elif isinstance(artist, Line2D) and artist.get_marker() not in NOTHING:
                places = np.asarray(artist.get_xydata(), dtype=float)
            else:
                continue
            places = places.reshape(-1, 2)
            found.update((tuple(place), None) for place in places[in_view(axes, *places.T)].tolist())
    return torch.tensor(list(found), dtype=torch.float64).reshape(-1, 2)


def _place(text: Any) -> Tensor:
    """What a note points at, or where a text stands."""
    x, y = (float(part) for part in (text.xy if isinstance(text, Annotation) else text.get_position()))
    if not isinstance(text, Annotation):
        text.axes.get_xlim(), text.axes.get_ylim()  # matplotlib settles them when they are asked for
        x, y = text.axes.transData.inverted().transform(text.get_transform().transform((x, y)))
    return torch.tensor([x, y], dtype=torch.float64)


def _height(level: Mark, curves: list[Mark]) -> float:
    """Where a guide stands on the scale of the curves, though it may be drawn on a twin with another scale."""
    height = float(level.y[0])
    on = [curve.axes for curve in curves]
    if not on or level.axes in on:
        return height
    for axes in (level.axes, on[0]):
        axes.get_xlim(), axes.get_ylim()
    return round(float(on[0].transData.inverted().transform(level.axes.transData.transform((0.0, height)))[1]), 6)


def _axis_label(stacked: list[Axes], which: str) -> str:
    """The label of an axis that is seen; one of the whole figure, such as ``supxlabel`` gives, is as good."""
    for axes in stacked:
        axis = getattr(axes, f"{which}axis")
        if axes.axison and axis.get_visible() and axis.label.get_visible() and axis.get_label_text().strip():
            return str(axis.get_label_text()).strip()
    figure = stacked[0].figure
    return str(getattr(figure, f"get_sup{which}label", str)()).strip() if figure else ""
