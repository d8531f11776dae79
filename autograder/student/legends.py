"""Which name belongs to which curve: read as a person does, by the look of a legend's entries, and from words beside a curve."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from autograder.student.marks import Mark, look_of

Entry = tuple[str, tuple[Any, ...]]  # of a legend: its text, and how the picture beside it looks
NUMBER = re.compile(r"(?<![\d.])\d+(?!\.?\d)")  # whole ones: not the 0.23 of "spread 0.23"


def legends_of(stacked: Sequence[Axes]) -> list[Legend]:
    """All legends of these axes, and those of their figure."""
    found: dict[Legend, None] = {}
    for axes in stacked:
        own = [axes.get_legend(), *(artist for artist in axes.artists if isinstance(artist, Legend))]
        figures = (axes.figure, getattr(axes.figure, "figure", None))  # a part of a figure, and the whole
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
        entries = [(text, look_of(handle)) for text, handle in _entries(legend) if text]
        named = [mark for mark in marks if mark.label]
        entries, free = _pair(entries, named, lambda mark, text, look: mark.label == text and mark.look[:1] == look[:1])
        free += [mark for mark in marks if mark not in named]
        free.sort(key=marks.index)
        for dots in (False, True):  # markers along a line have its colour
            for length in (4, 2, 1):
                same = partial(_looks_like, dots=dots, length=length)
                entries, free = _pair(entries, free, same)
        entries, free = _pair(entries, free, lambda mark, text, look: mark.label == text)
        for guides in (("other",), ("other", "level")):
            unnamed = [mark for mark in free if not mark.label and mark.kind not in guides]
            if entries and len(unnamed) == len(entries):  # recoloured after the legend was made
                entries, free = _pair(entries, unnamed, lambda *_: True)


def _looks_like(mark: Mark, text: str, look: tuple[Any, ...], dots: bool, length: int) -> bool:
    return (mark.kind == "dots") == dots and mark.look[:length] == look[:length]


def _pair(entries: list[Entry], marks: list[Mark], fit: Callable[..., bool]) -> tuple[list[Entry], list[Mark]]:
    """Name the first mark that fits each entry; returns the entries and marks that are left."""
    left, free = [], list(marks)
    for text, look in entries:
        mark = next((mark for mark in free if fit(mark, text, look)), None)
        if mark is None:
            left.append((text, look))
        else:
            mark.label = text
            free.remove(mark)
    return left, free


def _entries(legend: Legend) -> list[tuple[str, Any]]:
    handles = getattr(legend, "legend_handles", None) or getattr(legend, "legendHandles", [])
    return [(text.get_text().strip(), handle) for text, handle in zip(legend.get_texts(), handles)]


def name_by_words(curves: list[Mark]) -> None:
    """Where there is no legend: a word beside each curve, at its end or its top, is its name."""
    unnamed = [curve for curve in curves if not curve.label]
    words = [
        (axes, text)
        for axes in {curve.axes: None for curve in unnamed}
        for text in axes.texts
        if text.get_text().strip()
    ]
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
