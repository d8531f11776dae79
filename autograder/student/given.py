"""What a given cell says that ends in an error: one sentence and the student's own line, where a traceback would show the lecture's."""

from __future__ import annotations

import contextlib
import linecache
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from autograder.student.own_line import Given, failure_of, is_cell
from autograder.wall.record import Failure


def explain_given_cells(shell: Any, given: Callable[[], Given], describe: Callable[[Failure], str]) -> None:
    """Have errors of the lecture's own cells told in a sentence; those of a student's cells keep their traceback.

    Args:
        shell: IPython's.
        given: the lecture's own cells.
        describe: puts a failure into words.
    """

    def told(_: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None) -> None:
        with contextlib.suppress(Exception):  # whatever a student's exception does when it is looked at: then there is the traceback
            if not hasattr(error, "_render_traceback_") and _begins_in(trace, given()):
                sentence = _in_words(failure_of(error, given=given()), describe)
                error._render_traceback_ = lambda: [f"\x1b[31m{kind.__name__}\x1b[0m: {sentence}"]  # type: ignore[attr-defined]
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)

    shell.set_custom_exc((Exception,), told)


def _begins_in(trace: TracebackType, given: Given) -> bool:
    cell = next((frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace) if is_cell(frame.f_code.co_filename)), None)
    return cell is not None and "".join(linecache.getlines(cell)).rstrip() in given


def _in_words(failure: Failure, describe: Callable[[Failure], str]) -> str:
    if failure.name == "NotImplementedError" and failure.message.isidentifier():  # the stub's
        return f"this comes when {failure.message} is written."
    return describe(failure).removeprefix(f"{failure.name}: ")
