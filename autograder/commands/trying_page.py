"""The page of ``autograder try``: the points to expect, and below them the notebook with its cards. One file, no script, no network."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

NOT_JUDGED = {"no verdict": ("○", "#768390"), "unwritten": ("○", "#768390"), "written": ("✎", "#768390")}  # signs and colours, beside those of the cards
TEMPLATES = Path(__file__).parent / "templates"


def page_of(notebook: Any, name: str, lecture: str, sums: str, rows: list[tuple[str, str, str, str, str]], notes: list[str], draws: int) -> str:
    """The page as HTML.

    Args:
        notebook: as it has run.
        name: of its file.
        sums: points and exercises in words.
        rows: of each exercise its id, title, state, points and why.
        draws: on how many the answers were compared.
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup, escape
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter
    from traitlets.config import Config

    from autograder.course.inline import in_code
    from autograder.judge.cards import MARKS, WRONG

    ids = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.get("id", "") for cell in notebook.cells}
    anchors = {row[0]: f"cell-id={ids[row[0]]}" for row in rows if ids.get(row[0])}
    config = Config()
    if importlib.util.find_spec("latex2mathml"):  # else formulas stand as they were typed
        config.HTMLExporter.filters = {"markdown2html": "autograder.plugin.maths.markdown2html"}
    config.HTMLExporter.exclude_anchor_links = True
    body, _ = HTMLExporter(template_name="basic", config=config).from_notebook_node(notebook)
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    pages.filters["mark"] = lambda state: MARKS.get(state, NOT_JUDGED.get(state, WRONG))
    pages.filters["with_code"] = lambda text: Markup(in_code(str(escape(text))))
    return pages.get_template("try.html.j2").render(
        lecture=lecture,
        name=name,
        rows=rows,
        anchors=anchors,
        notes=notes,
        sums=sums,
        draws=draws,
        when=time.strftime("%Y-%m-%d %H:%M"),
        body=Markup(body),  # nbconvert escapes what is text; scripts and other machines are closed by the page's own policy
        light=Markup(light),
        dark=Markup(dark),
    )
