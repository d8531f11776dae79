"""What is said about a submission as a whole, on its first page; also the reason why one cannot be graded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from nbformat.v4 import new_markdown_cell

REFUSED = "refused"  # cell metadata: the reason why the submission cannot be graded
NOTE = re.compile(r'<div class="tex2jax_ignore"><b>About this submission\.</b> [^<>\n]*</div>')  # that add_note writes


def add_note(notebook: Any, note: str, refused: bool) -> None:
    """A first cell that says something about the submission, in which a stranger's words are neither HTML nor Markdown."""
    words = html.escape(" ".join(note.split()))
    cell = new_markdown_cell(
        f'<div class="tex2jax_ignore"><b>About this submission.</b> {words}</div>',
        metadata={"autograder": {REFUSED: note} if refused else {}},
    )
    notebook.cells.insert(0, cell)


def notes_of(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """The words of all that :func:`add_note` has put into a notebook, its cells as JSON or as nbformat has them."""
    texts = ["".join(cell["source"]) for cell in cells if cell.get("cell_type") == "markdown"]
    return [html.unescape(re.sub(r"<[^<>]*>", "", text)).strip() for text in texts if NOTE.fullmatch(text)]


def refused_for(nb: Any) -> str | None:
    """The reason why a submission cannot be graded, if there is one."""
    for cell in nb.cells:
        reason = cell.metadata.get("autograder", {}).get(REFUSED)
        if reason:
            return str(reason)
    return None
