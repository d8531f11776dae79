"""What stands on a pair of axes, artist by artist: lines, bars, outlines, areas, guides, and how each of them looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.container import BarContainer, ErrorbarContainer, StemContainer
from matplotlib.lines import AxLine, Line2D
from matplotlib.patches import FancyArrow, Patch, Polygon, StepPatch

Array = np.ndarray[Any, Any]
Kind = Literal["line", "dots", "bars", "outline", "area", "level", "other"]
NOTHING = ("None", "none", " ", "", None)  # ways to say "no line" or "no marker"
THIN = 0.03  # of the picture's height: a span that is drawn as a line
MOST_CORNERS = 2000  # of an outline that is read; a histogram has a few hundred


@dataclass(eq=False)
class Mark:
    """One thing that a legend can name."""

    kind: Kind
    label: str  # empty if it has none
    look: tuple[Any, ...]  # colour, line style, marker, width: most telling first
    x: Array
    y: Array
    axes: Axes


def marks_on(axes: Axes) -> list[Mark]:
    """Everything on the axes that is seen, in the order in which it was drawn."""
    named, parts = _containers(axes)
    marks: list[Mark] = []
    for artist in axes.get_children():
        if artist in named:
            marks += _read(named[artist], axes)
        elif artist not in parts and seen(artist):
            marks += _read(artist, axes)
    return [mark for mark in marks if mark.kind in ("level", "other") or _reaches_into_view(mark)]


def _reaches_into_view(mark: Mark) -> bool:
    if mark.kind in ("line", "dots"):
        return bool(in_view(mark.axes, mark.x, mark.y).any())
    return any((low <= mark.x).any() and (mark.x <= high).any() for low, high in map(sorted, (mark.axes.get_xlim(), mark.axes.get_ylim())))


def in_view(axes: Axes, x: Array, y: Array) -> Any:
    """Which points lie within the limits of the axes, a bool each."""
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    return (left <= x) & (x <= right) & (low <= y) & (y <= high)


def label_of(artist: Any) -> str:
    label = str(artist.get_label() or "").strip()
    return "" if label.startswith("_") else label  # matplotlib's own names for what has no label


def look_of(artist: Any) -> tuple[Any, ...]:
    """Colour, line style, marker and width of an artist, or of its picture in a legend."""
    if isinstance(artist, Line2D):
        style = artist.get_linestyle()
        marker = "" if artist.get_marker() in NOTHING else str(artist.get_marker())
        return (_rgb(artist.get_color()), "" if style in NOTHING else style, marker, artist.get_linewidth())
    if isinstance(artist, Patch):
        face = to_rgba(artist.get_facecolor())
        return (_rgb(face if artist.get_fill() and face[3] else artist.get_edgecolor()), artist.get_hatch())
    if isinstance(artist, Collection):
        for colours in (artist.get_facecolor(), artist.get_edgecolor()):
            if len(colours):
                return (_rgb(colours[0]),)
    return (None,)


def _rgb(colour: Any) -> tuple[float, ...]:
    return tuple(round(float(part), 3) for part in to_rgba(colour)[:3])


def seen(artist: Any) -> bool:
    """Whether it leaves a trace in the picture: it is not hidden, transparent, without width, or of the colour behind it."""
    alpha = artist.get_alpha()
    if not artist.get_visible() or isinstance(alpha, (int, float)) and alpha == 0:
        return False
    if isinstance(artist, Line2D) and artist.get_marker() in NOTHING:
        colour = to_rgba(artist.get_color())
        behind = artist.axes.get_facecolor() if artist.axes else None
        return artist.get_linewidth() > 0 and colour[3] > 0 and (behind is None or _rgb(colour) != _rgb(behind))
    if isinstance(artist, Patch):
        filled = artist.get_fill() and to_rgba(artist.get_facecolor())[3] > 0
        return bool(filled or artist.get_linewidth() > 0 and to_rgba(artist.get_edgecolor())[3] > 0)
    return True


def _containers(axes: Axes) -> tuple[dict[Any, Any], set[Any]]:
    """Each container by its first artist, and the artists that are parts of one: a hundred bars are one histogram."""
    named: dict[Any, Any] = {}
    parts: set[Any] = set()
    for container in axes.containers:
        inner = [part for part in container.get_children() if part is not None]
        if inner and isinstance(container, (BarContainer, ErrorbarContainer, StemContainer)):
            named[inner[0]] = container
            parts.update(inner)
    return named, parts


def _read(artist: Any, axes: Axes) -> Iterator[Mark]:
    if isinstance(artist, BarContainer):
        yield from _bars(artist, axes)
    elif isinstance(artist, (ErrorbarContainer, StemContainer)):
        line = next((part for part in artist.get_children() if isinstance(part, Line2D)), None)
        if line is not None and seen(line):
            yield from _line(line, axes, label_of(artist) or label_of(line))
    elif isinstance(artist, Line2D):
        yield from _line(artist, axes, label_of(artist))
    elif isinstance(artist, (StepPatch, Polygon)) and not isinstance(artist, FancyArrow):
        yield from _outline(artist, axes)
    elif isinstance(artist, Patch) and artist in axes.patches:
        yield _span(artist, axes)
    elif isinstance(artist, PolyCollection):
        yield from _area(artist, axes)
    elif isinstance(artist, LineCollection):
        yield from _segments(artist, axes)
    elif isinstance(artist, PathCollection):
        places = _numbers(artist.get_offsets()).reshape(-1, 2)
        kind: Kind = "dots" if len(places) > 2 else "other"
        yield Mark(kind, label_of(artist), look_of(artist), places[:, 0], places[:, 1], axes)


def _line(line: Line2D, axes: Axes, label: str) -> Iterator[Mark]:
    look = look_of(line)
    if isinstance(line, AxLine):
        (x0, y0), other = line.get_xy1() or (0, 0), line.get_xy2()
        level = other[1] == y0 if other else line.get_slope() == 0
        yield Mark("level" if level else "other", label, look, np.array([x0]), np.array([y0], dtype=float), axes)
        return
    x, y = (_numbers(data) for data in line.get_data(orig=False))
    if not len(x) or not any(line.get_transform().contains_branch_seperately(axes.transData)):
        return  # the empty lines that legends are made of, and ornaments beside the data
    if line.get_linestyle() in NOTHING:
        if line.get_marker() not in NOTHING:
            yield Mark("dots" if len(x) > 2 else "other", label, look, x, y, axes)
    elif len(x) > 1 and _flat(y):
        yield Mark("level", label, look, x, y, axes)
    else:
        curve = len(x) > 2 and not _flat(x)
        yield Mark("line" if curve else "other", label, look, _middles(line, x) if curve else x, y, axes)


def _middles(line: Line2D, x: Array) -> Array:
    """Where the heights of a line stand: of one that goes in steps, in the middle of each step."""
    half = np.diff(x) / 2
    if line.get_drawstyle() == "steps-post":
        return x + np.append(half, 0.0)
    return x - np.insert(half, 0, 0.0) if line.get_drawstyle() in ("steps", "steps-pre") else x


def _numbers(data: Any) -> Array:
    filled: Array = np.ma.filled(np.ma.asarray(data, dtype=float), np.nan)
    return filled


def _flat(values: Array) -> bool:
    return bool(np.ptp(values) <= 1e-6 * max(1.0, abs(float(values[0]))))


def _bars(bars: BarContainer, axes: Axes) -> Iterator[Mark]:
    shown = [bar for bar in bars.patches if seen(bar)]
    if not shown:
        return
    low = np.array([(bar.get_x(), bar.get_y()) for bar in shown], dtype=float)
    size = np.array([(bar.get_width(), bar.get_height()) for bar in shown], dtype=float)
    # bars that lie: where one ends the next begins, along y and not along x
    lying = bars.orientation == "horizontal" if getattr(bars, "orientation", None) else False
    along = 1 if lying else 0
    x, y = low[:, along] + size[:, along] / 2, size[:, 1 - along]
    yield Mark("bars", label_of(bars) or label_of(bars.patches[0]), look_of(shown[0]), x, y, axes)


def _outline(patch: Any, axes: Axes) -> Iterator[Mark]:
    """``hist`` with steps, ``stairs``, and ``fill``."""
    corners = np.asarray(patch.get_path().vertices, dtype=float)
    if len(corners) <= 5:  # a box: a span in older matplotlibs
        yield _span(patch, axes)
        return
    if isinstance(patch, StepPatch):
        lying = patch.orientation == "horizontal"
    else:  # steps of equal width along y
        lying = _steps(corners[:, 1]) > _steps(corners[:, 0])
    x, y = _heights([corners[:, ::-1] if lying else corners])
    yield Mark("outline", label_of(patch), look_of(patch), x, y, axes)


def _steps(values: Array) -> float:
    """The share of distinct values that are as far from the next as most of them: 1 for the borders of equal bins."""
    gaps = np.diff(np.unique(values.round(12)))
    return float(np.isclose(gaps, np.median(gaps), rtol=1e-3).mean()) if len(gaps) else 0.0


def _area(area: PolyCollection, axes: Axes) -> Iterator[Mark]:
    """``fill_between``, and with it what pandas and seaborn fill."""
    paths = [np.asarray(path.vertices, dtype=float) for path in area.get_paths()]
    paths = [path for path in paths if len(path) > 5]
    if not paths:
        return
    if getattr(area, "t_direction", "x") == "y":
        paths = [path[:, ::-1] for path in paths]
    x, y = _heights(paths)
    yield Mark("area", label_of(area), look_of(area), x, y, axes)


def _heights(outlines: list[Array]) -> tuple[Array, Array]:
    """Middles between the corners of an outline, and how high it is there. One that is open stands on zero."""
    found = []
    for corners in outlines:
        corners = corners[np.isfinite(corners).all(1)][:: 1 + len(corners) // MOST_CORNERS]
        borders = np.unique(corners[:, 0])
        middles = (borders[:-1] + borders[1:]) / 2
        (x0, y0), (x1, y1) = corners[:-1].T, corners[1:].T
        with np.errstate(divide="ignore", invalid="ignore"):
            at = y0 + (middles[:, None] - x0) * (y1 - y0) / (x1 - x0)  # (middles, edges)
        over = (np.minimum(x0, x1) < middles[:, None]) & (middles[:, None] < np.maximum(x0, x1))
        top = np.where(over, at, -np.inf).max(1, initial=-np.inf)
        base = np.where(over.sum(1) > 1, np.where(over, at, np.inf).min(1, initial=np.inf), 0.0)
        found.append(np.stack([middles, top - base])[:, over.any(1)])
    x, y = np.concatenate(found, 1)
    return x, y


def _span(patch: Patch, axes: Axes) -> Mark:
    """A box: thin and all across it is a guide, otherwise it shades a part of the picture."""
    box = patch.get_path().get_extents(patch.get_patch_transform())
    low, high = sorted(axes.get_ylim())
    across = box.height < THIN * (high - low) and box.width > 20 * box.height
    middle = np.array([(box.y0 + box.y1) / 2])
    return Mark("level" if across else "other", label_of(patch), look_of(patch), np.array([box.x0]), middle, axes)


def _segments(lines: LineCollection, axes: Axes) -> Iterator[Mark]:
    """``hlines`` and ``vlines``; curves, if they are drawn as a collection."""
    segments = [np.asarray(segment, dtype=float) for segment in lines.get_segments()]
    flat = [segment for segment in segments if len(segment) > 1 and _flat(segment[:, 1])]
    curves = [
        segment for segment in segments if len(segment) > 2 and not _flat(segment[:, 1]) and not _flat(segment[:, 0])
    ]
    for kind, found in (("level", flat), ("line", curves)):
        for number, segment in enumerate(found):
            colours = lines.get_edgecolor()
            look = (_rgb(colours[number % len(colours)]),) if len(colours) else (None,)
            yield Mark(kind, label_of(lines), look, segment[:, 0], segment[:, 1], axes)  # type: ignore[arg-type]
