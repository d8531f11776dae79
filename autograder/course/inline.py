"""Code in our sentences: it stands between backticks, and HTML shows it as code."""

from __future__ import annotations

import re

CODE = re.compile(r"<svg.*?</svg>|`([^`<>\n]+)`", re.DOTALL)  # a picture stays as it is: HTML within it would end it


def in_code(html: str) -> str:
    """HTML in which what stands between backticks is shown as code.

    Args:
        html: escaped already.
    """
    return CODE.sub(lambda found: f"<code>{found[1]}</code>" if found[1] else found[0], html)
