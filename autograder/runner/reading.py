"""The trusted half of reading names: asks a jailed process, waits so long and no longer, and believes only a bounded answer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from autograder.errors import UserError
from autograder.runner import jail
from autograder.wall.frames import Reader, WireError, send

ROOMS = ("judge", "wall")  # of this package, that it sees
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


class NameReader:
    """A process in a jail of its own that reads one notebook after the other, each in a fork. Use it as a context manager.

    Args:
        unsafe: without the jail: only where somebody has typed it.
    """

    def __init__(self, unsafe: bool) -> None:
        self.unsafe = unsafe
        self.process: subprocess.Popen[bytes] | None = None
        self.socket: socket.socket | None = None

    def __enter__(self) -> NameReader:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def read(self, cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> list[Read]:
        """Of each exercise what a notebook's code does that it forbids.

        Args:
            cells: what the student sees, in the order in which it runs.
            beside: files beside the notebook that Python could import, by module; the text of those in Python, else ``None``.
            kept: cells that are the course's own.
            asked: of each exercise.

        Raises:
            UserError: nothing can be read here, whoever wrote it.
        """
        request = {"cells": cells, "beside": beside, "kept": sorted(kept)}
        request["asked"] = [{"forbid": one.forbid, "asking": one.asking} for one in asked]
        text = json.dumps(request).encode()
        said = self._ask(text)
        if said is None:  # the process itself was ended, perhaps by somebody else
            said = self._ask(text)
        try:
            answers = _Answers.model_validate_json(said or b"").answers
        except ValidationError:
            answers = []
        if len(answers) == len(asked):
            return answers
        if not self._ask(b'{"cells": [], "beside": {}, "kept": [], "asked": []}'):  # not this text: it is no student's fault
            raise UserError("Names cannot be looked for here, so exercises that forbid some are not graded. What is missing says: autograder doctor")
        return [Read(refused=TOO_LONG) for _ in asked]

    def start(self) -> None:
        """Start the process, if there is none."""
        if self.socket is not None:
            return
        self.socket, theirs = socket.socketpair()
        program = ["-P", "-m", "autograder.judge.reader", str(theirs.fileno()), str(SECONDS), str(MEMORY), str(MAX_ANSWER)]
        with theirs:
            self.process = self._launched(program, theirs.fileno())

    def close(self) -> None:
        """End the process, if there is one."""
        if self.socket is not None:
            self.socket.close()
        if self.process is not None:
            with self.process:  # waits for its end and closes its stderr
                self.process.kill()
        self.process = self.socket = None

    def _ask(self, request: bytes) -> bytes | None:
        """What the process says, which is nothing if the reading did not come to its end; ``None`` if the process is gone or silent."""
        try:
            self.start()
            assert self.socket is not None
            send(self.socket.fileno(), {}, request)
            frame = Reader(self.socket.fileno(), MAX_ANSWER).receive(time.monotonic() + WAIT_SECONDS)
        except (WireError, OSError):
            frame = None
        if frame is None:
            self.close()  # an answer that is late must not be taken for the next one's
            return None
        return frame[1]

    def _launched(self, program: list[str], fd: int) -> subprocess.Popen[bytes]:
        if self.unsafe:
            own = jail.Command([sys.executable, *program, str(os.getuid())], ())
            return jail.started(own, fd, dict(os.environ), own_session=True)
        with jail.command([*program, str(jail.uid())], disk_mb=1, rooms=ROOMS) as command:
            return jail.started(command, fd, {}, own_session=False)
