"""The last preprocessor of both stages of ``nbgrader autograde``: what is about to be written holds nothing that a browser runs."""

from __future__ import annotations

from typing import Any

from nbformat.notebooknode import from_dict
from nbformat.v4 import new_markdown_cell

from autograder.plugin import harmless
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.notes import NOTE
from autograder.plugin.source import course_prose


class CleanCells(CoursePreprocessor):
    """Makes every cell harmless, whatever it was before and whoever made it.

    Only the course's own Markdown, the notes of this kit and the cards of this run's verdicts may hold markup.
    """

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        prose = set(course_prose(self.course.source(resources["nbgrader"]["assignment"])).values())
        cards = resources.get("autograder_cards", set())
        pictures = harmless.Pictures()
        nb.cells = [_clean(cell, prose, cards, pictures) for cell in nb.cells]
        return nb, resources


def _clean(cell: Any, prose: set[str], cards: set[str], pictures: harmless.Pictures) -> Any:
    if cell.cell_type == "code":
        cell.outputs = [output if _is_card(output, cards) else from_dict(harmless.output(output, pictures)) for output in cell.outputs]
        return cell
    if cell.cell_type == "markdown":
        cell.pop("attachments", None)
    else:  # raw, or a type to come: a page shows some of those as they are
        cell = new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)
    if cell.source not in prose and not NOTE.fullmatch(cell.source):
        cell.source = harmless.markdown(cell.source)
    return cell


def _is_card(output: Any, cards: set[str]) -> bool:
    data = output.get("data", {})
    return data.keys() == {"text/html", "text/plain"} and data["text/html"] in cards

