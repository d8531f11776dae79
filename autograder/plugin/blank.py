"""Cells as nbformat makes them, but that a notebook is held against its schema as a whole, and not cell by cell as it grows: 20 ms of a submission."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbformat.notebooknode import from_dict
from nbformat.v4.nbbase import random_cell_id


def cell(code: bool, source: str, metadata: dict[str, Any] | None = None) -> NotebookNode:
    """A code cell that has not run, or one of Markdown, with an id of its own."""
    made = NotebookNode(id=random_cell_id(), cell_type="code" if code else "markdown", metadata=from_dict(metadata or {}), source=source)
    if code:
        made.update(execution_count=None, outputs=[])
    return made
