"""Which name belongs to which curve: read as a person does, by the look of a legend's entries, and from words beside a curve."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from autograder.student.marks import Mark, look_of

NUMBER = re.compile(r"(?<![\d.])\d+(?!\.?\d)")  # whole ones: not the 0.23 of "spread 0.23"


def legends_of(stacked: Sequence[Axes]) -> list[Legend]:
    """All legends of these axes, and those of their figure."""
    found: dict[Legend, None] = {}
    for axes in stacked:
        own = [axes.get_legend(), *(artist for artist in axes.artists if isinstance(artist, Legend))]
        figures = [axes.figure, axes.get_figure(root=True)] if hasattr(axes.figure, "figure") else [axes.figure]
        for legend in [*own, *(legend for figure in figures if figure for legend in figure.legends)]:
            if legend is not None and legend.get_visible():
                found[legend] = None
    return list(found)


def name_by_legends(marks: list[Mark], legends: list[Legend]) -> None:
    """Give each mark the text of its legend entry.

    An entry belongs to the mark that has its text for a label. One that no mark has, such as one of ``legend(["a", "b"])``,
    belongs to what looks like the picture beside it; of things that look alike, to the first.
    """
    for legend in legends:
        entries = [(text, handle) for text, handle in _entries(legend) if text]
        free = [mark for mark in marks if mark.kind != "other" or mark.label]
        taken: list[Mark] = []

        def pair(same: Callable[[Mark, str, Any], bool]) -> None:
            for entry in list(entries):
                for mark in free:
                    if same(mark, *entry):
                        mark.label = entry[0]
                        taken.append(mark)
                        free.remove(mark)
                        entries.remove(entry)
                        break

        pair(lambda mark, text, handle: mark.label == text and mark.look[:1] == look_of(handle)[:1])
        free = [mark for mark in marks if mark not in taken]  # a list may also name what has no label of its own
        for kinds in (("line", "bars", "outline", "area", "level", "other"), ("dots",)):
            for length in (4, 2, 1):
                pair(lambda m, _, handle: m.kind in kinds and m.look[:length] == look_of(handle)[:length])
        pair(lambda mark, text, handle: mark.label == text)
        for guides in (("other",), ("other", "level")):
            unnamed = [mark for mark in free if not mark.label and mark.kind not in guides]
            if entries and len(unnamed) == len(entries):  # recoloured after the legend was made
                for mark, (text, _) in zip(unnamed, entries):
                    mark.label = text
                break


def _entries(legend: Legend) -> list[tuple[str, Any]]:
    handles = getattr(legend, "legend_handles", None) or getattr(legend, "legendHandles", [])
    return [(text.get_text().strip(), handle) for text, handle in zip(legend.get_texts(), handles)]


def name_by_words(curves: list[Mark]) -> None:
    """Where there is no legend: a word beside each curve, at its end or its top, is its name."""
    unnamed = [curve for curve in curves if not curve.label]
    words = [(axes, text) for axes in {curve.axes: None for curve in unnamed} for text in axes.texts if text.get_text().strip()]
    if not unnamed or len(words) < len(unnamed):
        return
    names: dict[int, str] = {}
    for axes, text in words:
        where = _on_screen(axes, *(np.array([part], dtype=float) for part in getattr(text, "xy", text.get_position())))
        distances = [np.nanmin(np.hypot(*(_on_screen(c.axes, c.x, c.y) - where))) for c in unnamed]
        names.setdefault(int(np.argmin(distances)), text.get_text().strip())
    if len(names) == len(unnamed):
        for number, name in names.items():
            unnamed[number].label = name


def _on_screen(axes: Axes, x: Any, y: Any) -> Any:
    axes.get_xlim(), axes.get_ylim()  # matplotlib settles them when they are asked for
    return axes.transData.transform(np.stack([x, y], 1)).T


def in_order(curves: list[Mark]) -> list[Mark]:
    """By the numbers that the labels count with ("layer 0", "layer 1", ...), otherwise as they were drawn."""
    numbers = [[int(n) for n in NUMBER.findall(curve.label)[:8] if len(n) < 9] for curve in curves]
    for place in range(min(map(len, numbers), default=0)):
        column = [found[place] for found in numbers]
        gaps = {b - a for a, b in zip(sorted(column), sorted(column)[1:])}
        if len(gaps) == 1 and 0 not in gaps:
            return [curve for _, curve in sorted(zip(column, curves), key=lambda pair: pair[0])]
    return curves
