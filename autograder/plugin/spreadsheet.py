"""What a spreadsheet would take for a formula, and run, when somebody opens a table of grades."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@")  # begin one
NUMBER = re.compile(r"-?\d+([.,]\d+)?%?|-")


def harmless(cell: str) -> str:
    """The text of a cell; where a spreadsheet would run it, behind an apostrophe."""
    cell = re.sub(r'^="(.*)"$', r"\1", cell, flags=re.DOTALL)  # a spreadsheet's way to keep zeros
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) and not NUMBER.fullmatch(cell.strip()) or cell[:1] in ("\t", "\r") else cell


def to_csv(rows: Iterable[Iterable[object]], mark: bool) -> bytes:
    """A CSV file in which nothing is a formula.

    Args:
        mark: begin with UTF-8's mark, by which spreadsheets know it; platforms do without.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig" if mark else "utf-8", "replace")
