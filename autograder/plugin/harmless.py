"""What a student wrote, without what a browser would run.

Done when a submission is read and graded, so that the autograded notebook is harmless for whoever shows it: the feedback page,
the formgrader, JupyterLab.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import bleach
from nbconvert.filters import markdown2html

PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}  # and how such a file begins
HIDDEN = "[an output that is not shown here]"
TAGS = "p br hr pre h1 h2 h3 h4 h5 h6 div span table thead tbody tr th td del details summary".split()
ATTRIBUTES = {**bleach.sanitizer.ALLOWED_ATTRIBUTES, "*": ["class", "id", "align"]}
DANGEROUS = re.compile(
    r"<\s*[a-z/!?]|!\[|(?:javascript|vbscript|data)\s*:|\\(?:href|url|unicode|style|cssId|class|require|html)", re.I
)


def output(found: dict[str, Any]) -> dict[str, Any]:
    """A cell's output: text, and pictures that are pictures."""
    if found.get("output_type") not in ("display_data", "execute_result"):
        return found
    data = {}
    for mime, value in found.get("data", {}).items():
        if mime == "text/plain" or (mime in PICTURES and is_picture(mime, value)):
            data[mime] = value
    return {**found, "data": data or {"text/plain": HIDDEN}, "metadata": {}}


def is_picture(mime: str, value: Any) -> bool:
    """Strict base64 (it goes into a page as it is) of a file that begins as its kind does."""
    try:
        return isinstance(value, str) and base64.b64decode(value.replace("\n", ""), validate=True).startswith(
            PICTURES[mime]
        )
    except (binascii.Error, ValueError):
        return False


def markdown(source: str) -> str:
    """A student's Markdown; where its page would hold more than text, its markup is shown instead of obeyed."""
    if not DANGEROUS.search(source):
        return source
    page = markdown2html(source)
    clean = bleach.clean(
        page, tags=[*bleach.sanitizer.ALLOWED_TAGS, *TAGS], attributes=ATTRIBUTES, protocols=["http", "https", "mailto"]
    )
    if "<img" not in page and not DANGEROUS.search(re.sub(r"<[^>]*>", "", page)) and _same(page, clean):
        return source
    source = re.sub(r"(?i)(java|vb)script\s*:|data\s*:", lambda found: found[0].replace(":", "&#58;"), source)
    return source.replace("<", "&lt;").replace("\\href", "\\text{href}").replace("](", "] (")


def _same(page: str, clean: str) -> bool:
    """Nothing was taken out of the page: as many tags, and every attribute."""
    return re.findall(r"<[^>]+>", page) == re.findall(r"<[^>]+>", clean)
