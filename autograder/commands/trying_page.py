"""The page of ``autograder try``: the points to expect, and below them the notebook with its cards. One file, no script, no network."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.commands.trying import Tried

TEMPLATES = Path(__file__).parent / "templates"


def page_of(tried: Tried, name: str) -> str:
    """The page as HTML.

    Args:
        name: of the notebook's file.
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter
    from traitlets.config import Config

    config = Config()
    if importlib.util.find_spec("latex2mathml"):  # else formulas stand as they were typed
        config.HTMLExporter.filters = {"markdown2html": "autograder.plugin.maths.markdown2html"}
    config.HTMLExporter.exclude_anchor_links = True
    body, _ = HTMLExporter(template_name="basic", config=config).from_notebook_node(tried.notebook)
    styles = [HtmlFormatter(style=style).get_style_defs(where) for style, where in (("default", ".highlight"), ("github-dark", ".dark .highlight"))]
    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("try.html.j2")
    dark = styles[1].replace(".dark .highlight", ".highlight")
    return page.render(
        lecture=tried.facts.lecture,
        name=name,
        rows=tried.rows(),
        notes=tried.notes,
        sums=tried.standing.sums(),
        draws=max((len(seeds) for seeds in tried.facts.seeds.values()), default=0),
        when=time.strftime("%Y-%m-%d %H:%M"),
        body=Markup(body),  # nbconvert escapes what is text; scripts and other machines are closed by the page's own policy
        light=Markup(styles[0]),
        dark=Markup(dark),
    )
