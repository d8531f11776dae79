"""The last preprocessor of both stages of ``nbgrader autograde``: what is about to be written holds nothing that a browser runs."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from nbformat.notebooknode import from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder.plugin import harmless
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.notes import NOTE
from autograder.plugin.source import course_prose

LINK = re.compile(r"!\[[^\]\n]{0,200}\]\(\s*<?([^)>\s]+)")
DATA = re.compile(r"data:(image/(?:png|jpeg));base64,([A-Za-z0-9+/=]+)$")
KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
MAX_PICTURES, MAX_FILE = 10, 4 << 20  # of one cell; bytes of a file


class CleanCells(CoursePreprocessor):
    """Makes every cell harmless, whatever it was before and whoever made it.

    Only the course's own Markdown, the notes of this kit and the cards of this run's verdicts may hold markup.
    """

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        prose = set(course_prose(self.course.source(resources["nbgrader"]["assignment"])).values())
        cards = resources.get("autograder_cards", set())
        pictures = harmless.Pictures()
        last = "autograder" in resources  # then its cells have run; before that, a cell with pictures would run, too
        files = {path.name: path for path in Path(resources["metadata"]["path"]).glob("*") if path.suffix.lower() in KINDS} if last else {}
        cells = []
        for cell in nb.cells:
            handed_in = _pictures_of(cell, files, last)
            cells.append(_clean(cell, prose, cards, pictures))
            if last and handed_in:
                cells.append(_shown(handed_in, pictures))
            elif handed_in:
                cells[-1]["attachments"] = {f"picture-{number}": picture for number, picture in enumerate(handed_in)}
        nb.cells = cells
        return nb, resources


def _pictures_of(cell: Any, files: dict[str, Path], last: bool) -> list[dict[str, str]]:
    """The PNG and JPEG pictures of a student's Markdown, as data by their kind: attached and, in the last stage, written into it or in a file beside."""
    if cell.cell_type != "markdown":
        return []
    attached = cell.get("attachments") or {}
    found = [dict(data) for data in attached.values() if isinstance(data, dict)] if isinstance(attached, dict) else []
    for link in LINK.findall(cell.source)[:MAX_PICTURES] if last else ():
        if inside := DATA.match(link):
            found.append({inside[1]: inside[2]})
        elif (file := files.get(link.rpartition("/")[2])) and file.stat().st_size <= MAX_FILE:
            found.append({KINDS[file.suffix.lower()]: base64.b64encode(file.read_bytes()).decode()})
    return [{kind: data} for one in found[:MAX_PICTURES] for kind, data in one.items() if kind in harmless.PICTURES and harmless.pixels_of(kind, data)]


def _shown(handed_in: list[dict[str, str]], pictures: harmless.Pictures) -> Any:
    """The pictures below the text they came with, by the way that all pictures reach a page."""
    outputs = [harmless.output(new_output("display_data", {**picture, "text/plain": "a picture"}), pictures) for picture in handed_in]
    return new_code_cell("# handed in with the text above", outputs=[from_dict(output) for output in outputs])


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

