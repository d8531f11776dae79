"""The trusted half of reading names: asks a jailed process, waits so long and no longer, and believes only a bounded answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from autograder.errors import UserError
from autograder.runner import jail

SECONDS = 20  # of the processor; half a megabyte of the worst text takes six
WAIT_SECONDS = 120.0  # beside busy neighbours
MEMORY = 2 << 30  # bytes; the tree of half a megabyte of code takes half of it
MAX_ANSWER = 16 << 20  # bytes
TOO_LONG = (
    f"Your code could not be read: looking for names that this exercise forbids took more than {SECONDS} seconds or {MEMORY >> 30} GB. "
    "Take away what is generated or repeated, and hand in what you wrote."
)


@dataclass(frozen=True)
class Asked:
    """What an exercise forbids, and the cells that ask for its answer."""

    forbid: tuple[str, ...]
    asking: tuple[int, ...]


class Read(BaseModel, strict=True):
    """What was found out for one exercise."""

    refused: str | None = None
    changed: dict[str, str] = {}  # cell -> its text without what the answer may not need
    aside: bool = False
    blame: str = ""


class _Answers(BaseModel, strict=True):
    answers: list[Read]


def read_names(cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked], unsafe: bool) -> list[Read]:
    """Of each exercise what a notebook's code does that it forbids.

    Args:
        cells: what the student sees, in the order in which it runs.
        beside: files beside the notebook that Python could import, by module; the text of those in Python, else ``None``.
        kept: cells that are the course's own.
        asked: of each exercise.
        unsafe: without the jail.

    Raises:
        UserError: nothing can be read here, whoever wrote it.
    """
    request = {"cells": cells, "beside": beside, "kept": sorted(kept)}
    request["asked"] = [{"forbid": one.forbid, "asking": one.asking} for one in asked]
    said = _ask(json.dumps(request).encode(), unsafe)
    try:
        answers = _Answers.model_validate_json(said).answers
    except ValidationError:
        answers = []
    if len(answers) == len(asked):
        return answers
    if not _ask(b'{"cells": [], "beside": {}, "kept": [], "asked": []}', unsafe):  # not this text: it is no student's fault
        raise UserError("Names cannot be looked for here, so exercises that forbid some are not graded. What is missing says: autograder doctor")
    return [Read(refused=TOO_LONG) for _ in asked]


def _ask(request: bytes, unsafe: bool) -> bytes:
    """What the process says; nothing if it did not come to its end."""
    program = ["-P", "-m", "autograder.judge.reader", str(SECONDS), str(MEMORY)]
    if unsafe:
        return _said([sys.executable, *program, str(os.getuid())], request)
    with jail.command([*program, str(jail.uid())], disk_mb=1, rooms=("judge", "wall")) as command:
        return _said(command.arguments, request, pass_fds=command.descriptors, env={})


def _said(command: list[str], request: bytes, **how: Any) -> bytes:
    try:
        ended = subprocess.run(command, input=request, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=WAIT_SECONDS, **how)
    except subprocess.TimeoutExpired:
        return b""
    return ended.stdout if ended.returncode == 0 and len(ended.stdout) <= MAX_ANSWER else b""
