"""A stranger's bytes -> a notebook: bounded before they are parsed, and rebuilt from nothing but what grading needs.

nbformat's own reader is not asked.  It validates all outputs, and 400 KB of damaged ones cost it a minute and 4 GB.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbformat.v4.nbbase import random_cell_id

from autograder.plugin import blank
from autograder.wall.record import storable

MAX_CELLS = 1_000  # our largest notebook has about 100
MAX_DEPTH = 64  # of brackets; a figure's JSON has about ten
MAX_VALUES = 1_000_000  # some 70 MB once parsed; a notebook of 20 MB of text has 400,000 lines
MAX_CODE = 500_000  # characters of all code, as JSON: the runner takes it in one message of 1 MB
MAX_PROSE = 500_000  # characters of all other cells
ATTACHED, MAX_ATTACHMENTS, MAX_ATTACHED = ("image/png", "image/jpeg"), 10, 6 << 20  # kinds; of one cell; characters of one
IDENTITY = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # of a cell, as nbformat wants it
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_notebook(data: bytes) -> NotebookNode:
    """A notebook of any version of the format, without outputs.

    Raises:
        ValueError: the bytes are not JSON, or not a notebook, or too much of it.
    """
    cells = [_tidy(cell, number) for number, cell in enumerate(_cells(bounded_json(as_utf8(data))))]
    if sum(len(json.dumps(cell.source)) for cell in cells if cell.cell_type == "code") > MAX_CODE:
        raise ValueError(f"its code has more than {MAX_CODE:,} characters")
    if sum(len(cell.source) for cell in cells if cell.cell_type != "code") > MAX_PROSE:
        raise ValueError(f"its text has more than {MAX_PROSE:,} characters")
    seen: set[str] = set()
    for cell in cells:
        if cell["id"] in seen:
            cell["id"] = random_cell_id()
        seen.add(cell["id"])
    return new_notebook(cells=cells, metadata=METADATA)


def as_utf8(data: bytes) -> bytes:
    """The same text in UTF-8, whatever an editor has saved it in: UTF-16 and UTF-32 tell themselves, and of what is no UTF-8 Windows' own is likely."""
    start = data[:4]
    for mark, encoding in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if start.startswith(mark):
            return data.decode(encoding, "replace").encode("utf-8", "surrogatepass")
    if start[1:2] == b"\0" or start[:1] == b"\0":
        return data.decode("utf-16-le" if start[1:2] == b"\0" else "utf-16-be", "replace").encode("utf-8", "surrogatepass")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").encode()
    return data


def bounded_json(data: bytes) -> Any:
    """JSON whose depth and number of values are known before a parser sees it.

    Raises:
        ValueError: it is not JSON in UTF-8, or too deep, or too long.
    """
    text = data.replace(rb"\\", b"").replace(rb"\"", b"")
    too_many = f"it holds more than {MAX_VALUES:,} values; clear its outputs"
    if text.count(b'"') > 4 * MAX_VALUES:
        raise ValueError(too_many)
    outside = b"".join(text.split(b'"')[::2])  # of strings
    brackets = outside.translate(None, NOT_BRACKETS)
    if len(brackets) // 2 + outside.count(b",") > MAX_VALUES:
        raise ValueError(too_many)
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    return json.loads(data.decode("utf-8-sig"))


def _cells(notebook: Any) -> list[Any]:
    """Before version 4 of the format, cells stood on worksheets."""
    if not isinstance(notebook, dict):
        raise ValueError("it is no JSON object")
    sheets = [notebook] if "cells" in notebook else notebook.get("worksheets")
    sheets = sheets if isinstance(sheets, list) else [None]
    parts: list[Any] = [sheet.get("cells") if isinstance(sheet, dict) else None for sheet in sheets]
    if not all(isinstance(part, list) for part in parts) or sum(map(len, parts)) > MAX_CELLS:
        raise ValueError(f"it has no list of at most {MAX_CELLS} cells")
    return [cell for part in parts for cell in part]


def _tidy(cell: Any, number: int) -> NotebookNode:
    """A cell with what nbformat demands of it, whatever a student's tools have left out."""
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        raise ValueError(f"cell {number} is not a cell")
    made = blank.cell(cell["cell_type"] == "code", _text(cell.get("source", cell.get("input"))), _metadata(cell.get("metadata")))
    if isinstance(cell.get("id"), str) and IDENTITY.fullmatch(cell["id"]):
        made["id"] = cell["id"]
    if made.cell_type == "markdown" and (pictures := _attached(cell.get("attachments"))):
        made["attachments"] = pictures
    return made


def _attached(value: Any) -> dict[str, dict[str, str]]:
    """What is attached to a cell and says that it is a picture; whether it is one is seen when it is shown."""
    files = [file for file in value.values() if isinstance(file, dict)] if isinstance(value, dict) else []
    found = [(kind, file[kind]) for file in files for kind in ATTACHED if isinstance(file.get(kind), str) and len(file[kind]) <= MAX_ATTACHED]
    return {f"picture-{number}": {kind: data} for number, (kind, data) in enumerate(found[:MAX_ATTACHMENTS])}


def _text(value: Any) -> str:
    """Of a source: a string, or a list of its lines."""
    lines = value if isinstance(value, list) else [value]
    return storable("".join(line for line in lines if isinstance(line, str))).replace("\0", "")


def _metadata(value: Any) -> dict[str, dict[str, Any]]:
    """What this kit and nbgrader read, as plain values."""
    parts = {key: value.get(key) for key in ("nbgrader", "autograder")} if isinstance(value, dict) else {}
    return {
        key: {_text(name): _text(v) if isinstance(v, str) else v for name, v in part.items() if _is_plain(v)}
        for key, part in parts.items()
        if isinstance(part, dict)
    }


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float))
