"""A cell's outputs as they come out of the jail, rebuilt field by field: a stranger wrote them."""

from __future__ import annotations

import json
from typing import Any

from autograder.runner.limits import raised

FACTOR = 8  # bytes for a character of the limit: JSON's escapes, and tracebacks beyond it
MOST = 1000  # outputs of one cell


def rebuilt(payload: bytes, limits: dict[str, Any], shown: int = 0) -> list[dict[str, Any]]:
    """nbformat's outputs with the fields that they should have, and no others.

    Args:
        shown: characters of the outputs of the cells before this one.
    """
    made = _rebuilt(payload, limits)
    if shown + size(made) > limits["notebook_output_mb"] << 20:
        errors = [output for output in made if output["output_type"] == "error"][-1:]  # why it stopped is told in any case
        note = f"[more than {limits['notebook_output_mb']} MB of output in this notebook: the limit notebook_output_mb]"
        return [_note(note), *errors]
    return made


def size(outputs: list[dict[str, Any]]) -> int:
    """Characters of all that some outputs show."""
    return len(json.dumps(outputs, ensure_ascii=False))


def _rebuilt(payload: bytes, limits: dict[str, Any]) -> list[dict[str, Any]]:
    if len(payload) > FACTOR * limits["output_kb"] * 1024 + (1 << 20):
        return [_note(f"[the outputs are larger than {limits['output_kb']} KB (the limit output_kb)]")]
    try:
        return [made for output in json.loads(payload)[:MOST] if (made := _one(output))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [_note("[the outputs cannot be read]")]


def _one(output: dict[str, Any]) -> dict[str, Any] | None:
    kind = output["output_type"]
    if kind == "stream":
        return {
            "output_type": kind,
            "name": "stderr" if output["name"] == "stderr" else "stdout",
            "text": _text(output["text"]),
        }
    if kind in ("display_data", "execute_result"):
        data = {_text(key): _text(value) for key, value in output["data"].items()}
        count = {"execution_count": None} if kind == "execute_result" else {}
        return {"output_type": kind, "data": data, "metadata": {}, **count}
    if kind == "error":
        lines = [_text(line) for line in output["traceback"]]
        return {
            "output_type": kind,
            "ename": _text(output["ename"]),
            "evalue": _text(output["evalue"]),
            "traceback": lines,
        }
    return None


def _text(value: Any) -> str:
    """Text that any file and any database takes: no lone surrogates, no NUL."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "")


def _note(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stderr", "text": f"{text}\n"}


def named_limits(outputs: list[dict[str, Any]], limits: dict[str, Any]) -> list[dict[str, Any]]:
    """The same outputs, with a line behind each error that a limit has raised."""
    found = []
    for output in outputs:
        found.append(output)
        if output["output_type"] == "error" and (said := raised(f"{output['ename']}: {output['evalue']}", limits)):
            found.append(_note(said))
    return found
