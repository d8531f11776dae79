"""Three small pictures of numbers on one scale: expected, yours, and the difference. Readable on light and on dark ground, and without a script."""

from __future__ import annotations

import torch
from torch import Tensor

CELL = 10  # pixels of a number
LINE = 13  # pixels of a line of text
LEVELS = 6  # of opacity: enough to see a pattern
COLOURS = {1: "#2f81f7", -1: "#e5534b"}  # above and below zero; readable on white and on black


def drawn_side_by_side(value: Tensor, expected: Tensor, wrong: Tensor, part: str = "") -> str:
    """Expected, yours and their difference as inline SVG, a few kilobytes.

    Args:
        value: (rows, columns), at most a dozen each.
        expected: of the same shape.
        wrong: which of them differ.
        part: of what they are, as an index, if they are not all of it.
    """
    value, expected = value.double(), expected.double()
    finite = torch.cat([side[side.isfinite()] for side in (value, expected)])
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    scale = largest or 1.0
    difference = torch.where(wrong, value - expected, torch.zeros_like(value))
    sides = {"expected": expected, "yours": value, "difference": difference}
    panels = "".join(_panel(name, side, scale, number) for number, (name, side) in enumerate(sides.items()))
    rows, columns = value.shape
    width, height = 3 * _step(columns), rows * CELL + 18
    below = [f"blue above 0, red below; full colour is {scale:.3g}", *([f"elements {part}"] if part else [])]
    texts = "".join(f'<text x="1" y="{height + 10 + LINE * number}" opacity=".7">{line}</text>' for number, line in enumerate(below))
    label = ", ".join(["expected, yours and their difference", *below[1:]])
    return (
        f'<svg role="img" aria-label="{label}" width="{width}" height="{height + 1 + LINE * len(below)}" fill="currentColor" '
        f'font-size="10" font-family="sans-serif" style="max-width:100%">{panels}{texts}</svg>'
    )


def _step(columns: int) -> int:
    return max(columns * CELL, 60) + 16


def _panel(name: str, side: Tensor, scale: float, number: int) -> str:
    """One square a number; those of a shade are one path."""
    rows, columns = side.shape
    paths: dict[tuple[int, int], list[str]] = {}
    crosses = []
    for r, row in enumerate(side.tolist()):
        for c, x in enumerate(row):
            square = f"M{c * CELL} {r * CELL}h{CELL}v{CELL}h-{CELL}z"
            if x - x != 0:  # NaN or infinity
                crosses.append(f"M{c * CELL + 2} {r * CELL + 2}l6 6m0-6l-6 6")
            elif level := min(LEVELS, -int(-abs(x) / scale * LEVELS // 1)):
                paths.setdefault((1 if x > 0 else -1, level), []).append(square)
    shades = "".join(
        f'<path fill="{COLOURS[sign]}" opacity="{level / LEVELS:.2g}" d="{"".join(squares)}"/>' for (sign, level), squares in paths.items()
    )
    cross = f'<path stroke="currentColor" fill="none" d="{"".join(crosses)}"/>' if crosses else ""
    return (
        f'<g transform="translate({number * _step(columns) + 1} 15)"><text y="-4">{name}</text>{shades}{cross}'
        f'<rect width="{columns * CELL}" height="{rows * CELL}" fill="none" stroke="currentColor" opacity=".4"/></g>'
    )
