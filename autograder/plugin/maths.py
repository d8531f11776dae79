"""Formulas on pages as MathML, which browsers draw themselves: no script, and no other machine is asked for one."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.plugin.harmless import TooLong, at_most

MAX_TEX = 2_000  # characters of one formula
MAX_DEPTH = 40  # of elements in one another
SECONDS = 0.1  # of the processor for one; an honest one takes less than a millisecond
NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ELEMENTS = set(
    "math mrow mi mn mo mtext mspace ms msub msup msubsup mfrac msqrt mroot mtable mtr mtd mover munder munderover mstyle mpadded mphantom".split()
)
ATTRIBUTES = set(
    "display displaystyle scriptlevel stretchy fence form accent accentunder largeop movablelimits separator symmetric columnalign rowalign mathvariant".split()
)
SIZES = {"width", "linethickness", "rowspacing", "columnspacing", "lspace", "rspace"}
SIZE = re.compile(r"(-?[0-9](\.[0-9]+)?(em|ex|px|pt)? ?){1,4}")


def mathml(tex: str, display: str) -> str:
    """A formula as MathML; what cannot be read, or would be more than a formula, as it was typed.

    Args:
        display: ``inline`` or ``block``.
    """
    typed = f"<code>{html.escape(tex)}</code>"
    if len(tex) > MAX_TEX:
        return typed
    try:
        with at_most(SECONDS):
            made = ElementTree.fromstring(convert(tex, display=display))
    except (TooLong, Exception):  # noqa: BLE001  whatever the converter raises, a formula is no reason to show no page
        return typed
    if _depth(made) > MAX_DEPTH:
        return typed
    for element in made.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        if element.tag not in ELEMENTS:
            return typed
        element.attrib = {
            name: value
            for name, value in element.attrib.items()
            if name in ATTRIBUTES or name in SIZES and SIZE.fullmatch(value.strip())
        }
    made.set("xmlns", NAMESPACE)
    return ElementTree.tostring(made, encoding="unicode")


def _depth(element: ElementTree.Element) -> int:
    """How deep the deepest element stands."""
    level, depth = [element], 0
    while level:
        level, depth = [inner for outer in level for inner in outer], depth + 1
    return depth


class Renderer(IPythonRenderer):
    """nbconvert's, with formulas drawn."""

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def inline_math(self, body: str) -> str:
        return mathml(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


def markdown2html(source: str) -> str:
    """The page of a Markdown cell, without anchors: a heading's id would stand for a cell's."""
    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source)
