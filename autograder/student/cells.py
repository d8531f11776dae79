"""What a kernel's cells leave behind when they do not run: an answer of yesterday must not stand for one that is broken today."""

from __future__ import annotations

import re
from typing import Any

from autograder.course.frame import YOUR_CODE
from autograder.student import fit
from autograder.student.own_line import DEFINES

VALUES = re.compile(r"^([A-Za-z_]\w*)[ \t]*(?::[^=\n]{0,200})?=(?!=)", re.MULTILINE)
OWN = YOUR_CODE.partition(":")[0]


class Cells:
    """Watches the cells of one IPython shell.

    A cell that is no Python, or an answer that stops before its end, defines nothing in a fresh kernel, and so it does while grading: what
    it would have defined becomes unknown here, too.

    Args:
        shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self.names: dict[str, Any] = shell.user_ns
        self.before: dict[str, Any] = {}
        self.why: dict[str, str] = {}  # by name of what is unknown
        self.trained: dict[str, str] = {}  # exercises whose training went with a name
        self.answers: dict[str, str] = {}  # the text of each exercise's answer when it ran last
        self.changed = set[str]()  # exercises whose answer has another text since
        shell.events.register("pre_run_cell", self.begin)
        shell.events.register("post_run_cell", self.end)

    def begin(self, info: Any) -> None:
        self.before = {name: self.names[name] for name in _defined(info) if name in self.names}

    def end(self, result: Any) -> None:
        """Forget what a cell has not defined, though it should have."""
        info, error = result.info, result.error_before_exec
        if info is None:
            return
        if exercise := _exercise_of(info):
            text = str(info.raw_cell).strip()
            if self.answers.get(exercise, text) != text:
                self.changed.add(exercise)
            self.answers[exercise] = text
        if error is None and _is_answer(info) and not isinstance(result.error_in_exec, KeyboardInterrupt):
            error = result.error_in_exec
        for name in _defined(info):
            self.why.pop(name, None)
            if error is not None and (name not in self.names or self.names[name] is self.before.get(name)):
                self.why[name] = _words(error)
                self.trained |= dict.fromkeys(fit.forget(self.names.pop(name, None)), name)
        self.before = {}

    def explain(self, exercise: str, failure: Any) -> str:
        """Why a check does not find an answer, if it is that its cell did not run; else nothing.

        Args:
            failure: of the check's first draw.
        """
        if failure is None:
            return ""
        found = re.match(r"name '(\w+)' is not defined", failure.message) if failure.name == "NameError" else None
        name = found[1] if found else self.trained.get(exercise, "") if "run the cell with fit(" in failure.message else ""
        if name not in self.why:
            return ""
        then = "run this check again" if found else "train again"
        return f"The cell that defines `{name}` did not run: it stops with {self.why[name]}. Mend it and run it, then {then}."


def _is_answer(info: Any) -> bool:
    return str(info.raw_cell).lstrip().startswith(OWN) or "-answer-" in str(getattr(info, "cell_id", ""))


def _exercise_of(info: Any) -> str:
    """Whose answer a cell is, by its first line; nothing if it has none of ours."""
    first = str(info.raw_cell).lstrip().partition("\n")[0]
    return first[len(OWN) + 1 :].strip() if first.startswith(f"{OWN}:") else ""


def _defined(info: Any) -> set[str]:
    """Functions and classes of a cell; of an answer its values, too."""
    text = str(info.raw_cell)
    return set(DEFINES.findall(text)) | (set(VALUES.findall(text)) if _is_answer(info) else set())


def _words(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError):
            line = f": {error.text.strip()}" if error.text else ""
            return f"{type(error).__name__}: {error.msg}" + (f", in line {error.lineno}{line}" if error.lineno else "")
        return f"{type(error).__name__}: {error}"[:300]
    except Exception:  # noqa: BLE001  a student's exception may raise when it is asked for its words
        return type(error).__name__
