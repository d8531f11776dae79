"""What stands below a cell that ends in an error: of a given cell one sentence with the student's own line, where a traceback would show the lecture's.

A student's own cell keeps its traceback. Below it stands what Python does not say of a name that nobody knows.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from autograder.student.misspelt import missing_name, probably
from autograder.student.own_line import Given, failure_of, is_cell
from autograder.wall.record import Failure


def explain_errors(shell: Any, given: Callable[[], Given], describe: Callable[[Failure], str], about_a_name: Callable[[str], str]) -> None:
    """Have errors of cells explained.

    Args:
        shell: IPython's.
        given: the lecture's own cells.
        describe: puts a failure into words.
        about_a_name: what to do about one that is not known, or nothing.
    """

    def told(_: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None) -> None:
        below = ""
        with contextlib.suppress(Exception):  # whatever a student's exception does when it is looked at: then there is the traceback
            name = missing_name(kind.__name__, str(error))
            known = about_a_name(name) if name else ""
            below = known or probably(error).strip()
            if not hasattr(error, "_render_traceback_") and _begins_in(trace, given()):
                sentence, below = f"{error}. {known}" if known else _in_words(failure_of(error, given=given()), describe), ""
                error._render_traceback_ = lambda: [f"\x1b[31m{kind.__name__}\x1b[0m: {sentence}"]  # type: ignore[attr-defined]
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        if below:
            print(below, file=sys.stderr)

    shell.set_custom_exc((Exception,), told)


def _begins_in(trace: TracebackType, given: Given) -> bool:
    cell = next((frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace) if is_cell(frame.f_code.co_filename)), None)
    return cell is not None and "".join(linecache.getlines(cell)).rstrip() in given


def _in_words(failure: Failure, describe: Callable[[Failure], str]) -> str:
    if failure.name == "NotImplementedError" and failure.message.isidentifier():  # the stub's
        return f"this comes when {failure.message} is written."
    return describe(failure).removeprefix(f"{failure.name}: ")
