"""What a kernel's cells leave behind when they do not run: an answer of yesterday must not stand for one that is broken today."""

from __future__ import annotations

import dis
import re
import time
from dataclasses import dataclass
from typing import Any

from autograder.course.frame import YOUR_CODE
from autograder.student import called
from autograder.student.misspelt import missing_name
from autograder.student.own_line import DEFINES, codes_in
from autograder.student.own_notebook import ANSWER, Saved, name_of

VALUES = re.compile(r"^([A-Za-z_]\w*)[ \t]*(?::[^=\n]{0,200})?=(?!=)", re.MULTILINE)
OWN = YOUR_CODE.partition(":")[0]
ID = "-answer-"  # in the id of an answer's cell, before its exercise


@dataclass(frozen=True)
class Ran:
    """A cell that ran."""

    text: str
    when: float  # it began, seconds since 1970


class Cells:
    """Watches the cells of one IPython shell.

    A cell that is no Python, or an answer that stops before its end, defines nothing in a fresh kernel, and so it does while grading: what
    it would have defined becomes unknown here, too. So does what an earlier text of an answer has defined and the one that runs now does not.

    Args:
        shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self.names: dict[str, Any] = shell.user_ns
        self.before: dict[str, Any] = {}
        self.why: dict[str, str] = {}  # by name of what is unknown
        self.stopped_in: dict[str, str] = {}  # of these names, whose answer stopped
        self.trained: dict[str, str] = {}  # exercises whose training went with a name
        self.cells: dict[str, str] = {}  # the id of the cell in which each exercise's answer ran last
        self.gone: dict[str, str] = {}  # by name: the exercise whose answer has defined it before, and does not any more
        self.ran: dict[str, Ran] = {}  # by name: the cell that was to define it last
        self.answers: dict[str, str] = {}  # the text of each exercise's answer when it ran last
        self.changed = set[str]()  # exercises whose answer has another text than when it was checked
        self.begun, self.running, self.exercise = time.time(), "", ""  # of the cell that runs, now one that imports this kit: when, its text, whose answer
        for text in getattr(getattr(shell, "history_manager", None), "input_hist_raw", []):  # what ran before anybody watched
            self._note(str(text), _exercise_in(str(text)))
        shell.events.register("pre_run_cell", self.begin)
        shell.events.register("post_run_cell", self.end)

    def begin(self, info: Any) -> None:
        self.begun, self.running, self.exercise = time.time(), str(info.raw_cell), _exercise_of(info)
        if self.exercise:
            self._forget_what_left(self.exercise, self.running, _id(info))
        self.before = {name: self.names[name] for name in _defined(info) if name in self.names}

    def _note(self, text: str, exercise: str) -> None:
        """A cell that has run."""
        self.ran |= {name: Ran(text.strip(), self.begun) for name in _names(text) if name in self.names}
        if exercise:
            self.answers[exercise] = text.strip()

    def _forget_what_left(self, exercise: str, text: str, cell: str) -> None:
        """An answer that bears another name now is not there under its old one; what stands in another cell of its own is."""
        before = self.answers.get(exercise, "") if cell and self.cells.get(exercise) == cell else ""
        self.cells[exercise] = cell
        for name in _names(before) - _names(text):
            if name in self.ran and self.ran[name].text == before:  # no other cell has defined it since
                del self.ran[name]
                self.gone[name] = exercise
                self.trained |= dict.fromkeys(called.forget(self.names.pop(name, None)), name)

    def end(self, result: Any) -> None:
        """Forget what a cell has not defined, though it should have."""
        info, error = result.info, result.error_before_exec
        if info is None:
            return
        exercise = _exercise_of(info)
        if exercise:
            text = str(info.raw_cell).strip()
            if self.answers.get(exercise, text) != text:
                self.changed.add(exercise)
            self.answers[exercise] = text
        if error is None and _is_answer(info) and not isinstance(result.error_in_exec, KeyboardInterrupt):
            error = result.error_in_exec
        if exercise and error is None and result.error_in_exec is None:  # what an earlier text of this answer has not come to is no reason any more
            for name in [name for name, of in self.stopped_in.items() if of == exercise]:
                del self.stopped_in[name]
                self.why.pop(name, None)
        self.ran |= dict.fromkeys(_names(str(info.raw_cell)), Ran(str(info.raw_cell).strip(), self.begun))
        for name in _defined(info):
            self.why.pop(name, None)
            self.gone.pop(name, None)
            if error is not None and (name not in self.names or self.names[name] is self.before.get(name)):
                self.why[name] = _words(error)
                self.stopped_in |= {name: exercise} if exercise else {}
                self.trained |= dict.fromkeys(called.forget(self.names.pop(name, None)), name)
        self.before = {}

    def latest(self, exercise: str, saved: Saved) -> set[Ran]:
        """The cells that ran last of those that define what an exercise's answer does."""
        return {self.ran[name] for name in _names(saved.named(f"{exercise}{ANSWER}") or "") if name in self.ran}

    def text_of(self, exercise: str, saved: Saved) -> str:
        """The answer that ran last; nothing if it stands in several cells, or in none."""
        texts = {cell.text for cell in self.latest(exercise, saved)}
        return texts.pop() if len(texts) == 1 else ""

    def edited(self, exercise: str, saved: Saved) -> str:
        """What was written anew and saved, and has not run since, so that what runs here is an earlier one: the exercise itself if it is its
        answer, or the name of something of the student's own that the answer uses; nothing if all is as it ran."""
        ran, texts = self.latest(exercise, saved), {cell["source"].strip() for cell in saved.cells}
        if ran and max(cell.when for cell in ran) < saved.when and not {cell.text for cell in ran} & texts:
            return exercise
        written = {name for cell in saved.cells for name in _names(cell["source"])}
        for name in sorted(self._used({cell.text for cell in ran})):
            if self.ran[name].when < saved.when and self.ran[name].text not in texts and name in written:
                return name
        return ""

    def replaced(self, exercise: str, saved: Saved) -> str:
        """A name of an answer that stands as it ran, which a cell has defined since that does not stand in the notebook any more."""
        text, texts = (saved.named(f"{exercise}{ANSWER}") or "").strip(), {cell["source"].strip() for cell in saved.cells}
        if self.answers.get(exercise) != text:
            return ""
        ran = ((name, self.ran[name]) for name in sorted(_names(text)) if name in self.ran)
        return next((name for name, cell in ran if cell.text not in texts and cell.when < saved.when), "")

    def below(self, exercise: str, saved: Saved) -> str:
        """A name of an answer that a cell below its check has defined, and runs too late from top to bottom."""
        places = {cell["source"].strip(): place for place, cell in reversed(list(enumerate(saved.cells)))}
        check = next((place for place, cell in enumerate(saved.cells) if name_of(cell) == exercise), len(saved.cells))
        names = sorted(_names(saved.named(f"{exercise}{ANSWER}") or ""))
        return next((name for name in names if name in self.ran and places.get(self.ran[name].text, -1) > check), "")

    def _used(self, texts: set[str]) -> set[str]:
        """The names of cells that ran, and that these need, each with what it needs itself."""
        found, left = set[str](), set(texts)
        while left:
            new = {name for name in _asked_for(left.pop()) if name in self.ran} - found
            found |= new
            left |= {self.ran[name].text for name in new}
        return found

    def explain(self, exercise: str, failure: Any) -> str:
        """Why a check does not find an answer, if it is that a student's cell stopped before its end; else nothing.

        Args:
            failure: of the check's first draw.
        """
        if failure is None:
            return ""
        if name := missing_name(failure.name, failure.message):
            return self.stopped(name, "run this check again")
        return self.stopped(self.trained.get(exercise, ""), "train again") if "run the cell with fit(" in failure.message else ""

    def stopped(self, name: str, then: str) -> str:
        """Why a name is not known, if it is that a student's cell stopped before its end; else nothing.

        Args:
            then: what to do when that cell is mended.
        """
        first = self.first_cause(name)
        if not first:
            return ""
        between = "" if first == name else f", then the cell that defines `{name}`"
        return f"The cell that defines `{first}` did not run to its end: it stops with {self.why[first]}. Mend it and run it{between}, then {then}."

    def instead(self, name: str) -> str:
        """What an answer that has run defines in place of what it is asked for; nothing if it has not run, or stopped."""
        exercise = self.gone.get(name, name)
        defined = sorted(_names(self.answers.get(exercise, "")))
        if name in defined or any(other in self.why for other in (name, *defined)):
            return ""
        others = ", ".join(f"`{other}`" for other in defined[:3])
        if name in self.gone and name != exercise:
            now = f"defines {others}" if defined else "defines nothing"
            mend = "Is the name mistyped? Mend it, run that cell, then this one again."
            return f"An earlier text of the cell of `{exercise}` defined `{name}`; now it {now}. {mend}"
        return "" if not defined else f"The cell of `{name}` ran, but defines {others} and not `{name}`. Name it `{name}`, run it, then this one again."

    def first_cause(self, name: str) -> str:
        """The name whose cell stopped first: where one stops for want of another, it is that other; nothing if the name is none of these."""
        seen = set[str]()
        while name in self.why and (needed := self._wants(name)) in self.why and needed not in seen:
            seen.add(name)
            name = needed
        return name if name in self.why else ""

    def missing(self, name: str) -> str:
        """Whose cell has to run first for a name that is not known: its own, or that of what it stopped for want of."""
        first = self.first_cause(name)
        wanted = self._wants(first) if first else ""
        return wanted if wanted and wanted not in self.names else first or name

    def _wants(self, name: str) -> str:
        return missing_name("NameError", self.why[name].removeprefix("NameError: "))


def _is_answer(info: Any) -> bool:
    return str(info.raw_cell).lstrip().startswith(OWN) or ID in _id(info)


def _exercise_of(info: Any) -> str:
    """Whose answer a cell is, by its first line or its id; nothing if it is none of ours."""
    return _exercise_in(str(info.raw_cell)) or _id(info).partition(ID)[2].replace("-", "_")


def _exercise_in(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return first[len(OWN) + 1 :].strip() if first.startswith(f"{OWN}:") else ""


def _id(info: Any) -> str:
    return str(getattr(info, "cell_id", None) or "")


def _defined(info: Any) -> set[str]:
    """Functions and classes of a cell; of an answer its values, too."""
    text = str(info.raw_cell)
    return set(DEFINES.findall(text)) | (set(VALUES.findall(text)) if _is_answer(info) else set())


def _names(text: str) -> set[str]:
    """By which cells are known to define the same: functions and classes, or the values of a cell that has none."""
    return set(DEFINES.findall(text)) or set(VALUES.findall(text))


def _asked_for(text: str) -> set[str]:
    """The names that a cell takes from elsewhere; a function's own variables are none."""
    try:
        code = compile(text, "cell", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # IPython's own lines are no Python
        return set()
    steps = (step for inner in codes_in(code) for step in dis.get_instructions(inner))
    return {str(step.argval) for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}


def _words(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError):
            line = f": {error.text.strip()}" if error.text and error.text.strip() else ""
            return f"{type(error).__name__}: {error.msg}" + (f", in line {error.lineno}{line}" if error.lineno else "")
        return f"{type(error).__name__}: {error}"[:300]
    except Exception:  # noqa: BLE001  a student's exception may raise when it is asked for its words
        return type(error).__name__
