"""What a matplotlib figure shows, as plain values: labelled points, labelled curves, axis labels; never its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from torch import Tensor


@dataclass(frozen=True)
class Curve:
    """One line, or the outline of one histogram."""

    label: str  # as in the legend; empty if it has none
    x: Tensor  # (n,) float64
    y: Tensor  # (n,) float64

    @property
    def centre(self) -> float:
        """Mean of x under the curve as a density: where a histogram lies, whatever its bins are."""
        return float((self.x * self.y).sum() / self.y.sum())

    @property
    def spread(self) -> float:
        """Standard deviation of x under the curve as a density."""
        return float((((self.x - self.centre) ** 2 * self.y).sum() / self.y.sum()).sqrt())


@dataclass(frozen=True)
class Drawing:
    """What stands on one pair of axes."""

    points: Tensor  # (n, 2) float64: markers, in the order in which they were drawn
    texts: dict[str, Tensor]  # what is written beside the points, and where: (2,) float64
    curves: tuple[Curve, ...]
    levels: tuple[float, ...]  # horizontal lines, such as `axhline` draws
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
        shown: the matplotlib ``Axes`` (or ``Figure`` with one pair of axes) that the student's function returned.

    Raises:
        TypeError: it returned something else, with what to return.
        ValueError: the figure has no axes, or several.
    """
    axes = _axes(shown)
    legend, lines = axes.get_legend(), _lines(axes)
    return Drawing(
        _points(axes),
        {text.get_text().strip(): _place(text) for text in axes.texts if text.get_text().strip()},
        (*(curve for curve in lines if not _level(curve) and len(curve.x) > 2), *_histograms(axes)),
        tuple(float(curve.y[0]) for curve in lines if _level(curve)),
        axes.get_xlabel().strip(),
        axes.get_ylabel().strip(),
        axes.get_title().strip(),
        tuple(text.get_text().strip() for text in legend.get_texts()) if legend else (),
    )


def _axes(shown: Any) -> Axes:
    if isinstance(shown, np.ndarray) and shown.size == 1:
        shown = shown.item()
    if isinstance(shown, Figure):
        if len(shown.axes) != 1:
            raise ValueError(f"the figure has {len(shown.axes)} pairs of axes; draw on one")
        shown = shown.axes[0]
    if not isinstance(shown, Axes):
        raise TypeError(f"a matplotlib Axes is expected, not {type(shown).__name__}: return the axes you drew on")
    return shown


def _points(axes: Axes) -> Tensor:
    found = [np.asarray(c.get_offsets(), dtype=float) for c in axes.collections if isinstance(c, PathCollection)]
    for line in axes.lines:
        if line.get_linestyle() in ("None", "none", " ", ""):
            found.append(np.asarray(line.get_xydata(), dtype=float))
    found = [points.reshape(-1, 2) for points in found if len(points)]
    return torch.from_numpy(np.concatenate(found)) if found else torch.empty(0, 2, dtype=torch.float64)


def _place(text: Any) -> Tensor:
    where = text.xy if isinstance(text, Annotation) else text.get_position()
    return torch.tensor([float(where[0]), float(where[1])], dtype=torch.float64)


def _lines(axes: Axes) -> list[Curve]:
    labels = [_label(line) for line in axes.lines]
    legend = axes.get_legend()
    if legend and not any(labels):  # legend(["layer 0", ...]) names the lines in the order they were drawn
        texts = [text.get_text().strip() for text in legend.get_texts()]
        labels = [*texts, *labels[len(texts) :]]
    curves = []
    for line, label in zip(axes.lines, labels):
        x, y = (np.array(data, dtype=float) for data in line.get_data(orig=False))
        if len(x) and line.get_linestyle() not in ("None", "none", " ", ""):
            curves.append(Curve(label, torch.from_numpy(x), torch.from_numpy(y)))
    return curves


def _level(curve: Curve) -> bool:
    return bool((curve.y == curve.y[0]).all())


def _histograms(axes: Axes) -> list[Curve]:
    """What ``hist`` has drawn: bars, or a stepped outline."""
    curves = []
    for bars in axes.containers:
        if isinstance(bars, BarContainer) and len(bars):
            x = torch.tensor([bar.get_x() + bar.get_width() / 2 for bar in bars], dtype=torch.float64)
            y = torch.tensor([float(bar.get_height()) for bar in bars], dtype=torch.float64)
            curves.append(Curve(_label(bars) or _label(bars[0]), x, y))
    held = {id(bar) for bars in axes.containers if isinstance(bars, BarContainer) for bar in bars}
    for patch in axes.patches:
        outline = np.asarray(patch.get_path().vertices, dtype=float)
        if id(patch) not in held and len(outline) > 4:
            corners = torch.from_numpy(outline)
            left, right = corners[:-1], corners[1:]
            level = (left[:, 1] == right[:, 1]) & (left[:, 1] > 0) & (left[:, 0] < right[:, 0])
            curves.append(Curve(_label(patch), ((left + right) / 2)[level, 0], left[level, 1]))
    return curves


def _label(artist: Any) -> str:
    label = str(artist.get_label() or "").strip()
    return "" if label.startswith("_") else label  # matplotlib's own names for what has no label
