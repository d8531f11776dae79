"""Two graders on one lecture take turns: the second waits, and says for whom."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import IO, Any

from autograder.course.directory import CourseDirectory


@contextlib.contextmanager
def take_turns(converter: Any, course: CourseDirectory, lecture: str) -> Iterator[None]:
    """Wait until no other process grades the lecture, and keep others waiting until this converter is done.

    What is done within prepares its ``convert_notebooks``, with which the turn ends; it ends at once if that fails.

    Args:
        converter: of nbgrader.
    """
    folder = course.build / "turns"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        turn = (folder / lecture).open("a+")
    except OSError as error:
        converter.log.warning("Two graders of %s at the same time would not notice each other: %s", lecture, error)
        yield
        return
    convert = converter.convert_notebooks

    def convert_notebooks() -> None:
        with turn:  # closed, it is free
            convert()

    try:
        _wait(turn, converter.log, lecture)
        turn.truncate(0)
        turn.write(str(os.getpid()))
        turn.flush()
        yield
    except BaseException:
        turn.close()
        raise
    converter.convert_notebooks = convert_notebooks


def _wait(turn: IO[str], log: Any, lecture: str) -> None:
    with contextlib.suppress(BlockingIOError):
        return fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    turn.seek(0)
    log.warning("Another grader works on %s (process %s). This one goes on when it is done.", lecture, turn.read().strip() or "unknown")
    return fcntl.flock(turn, fcntl.LOCK_EX)
