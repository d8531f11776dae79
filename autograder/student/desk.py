"""The comparison on a student's own machine: the public answers beside the notebook, and the verdict at once.

The one place beside a student's code that judges; nobody else believes what it says.  It is never loaded in the jail.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

from autograder.changes.repairs import Repair
from autograder.course.directory import EXPECTED
from autograder.course.frame import CHECK
from autograder.course.schema import Exercise
from autograder.errors import CheckFailed
from autograder.judge.answers import Key
from autograder.judge.cards import as_html, as_text
from autograder.judge.errors import describe
from autograder.judge.forbidden import Notebook, importable
from autograder.judge.judging import not_finished, verdict_of
from autograder.judge.public import public_answers
from autograder.judge.repaired import Best, better_and_better, wants_a_repair, with_repair
from autograder.judge.shown import shown
from autograder.judge.verdict import Verdict, refuse
from autograder.student import own_notebook, rehearsal
from autograder.student.called import OTHER_CODE, trained_by_other_code
from autograder.student.cells import Cells
from autograder.student.copies import in_a_copy
from autograder.student.given import explain_errors
from autograder.student.misspelt import missing_name
from autograder.student.names import load_names
from autograder.student.own_line import DEFINES, locked_cells
from autograder.student.progress import in_notebook
from autograder.student.repairs import MOST_SECONDS
from autograder.student.session import Tried
from autograder.student.standing import Standing
from autograder.student.unknown import which_cell
from autograder.wall.calls import Call
from autograder.wall.record import Record

EDITED = "This answer was changed and saved after its cell ran, so there is nothing to say about it yet. Run the cell, then this check again."
EDITED_BESIDE = "`{}`, which this answer uses, was changed and saved after its cell ran. Run that cell, then this check again."
BESIDE = "`{}` is written in a cell of your own, but the cell that was handed out for it stands as it was, and has replaced it. Move your code there."
REPLACED = "`{}` was defined anew by a cell that does not stand in the notebook any more. Run the cell of this answer again, then this check."
IN_CHECK = "Your code stands in the check's own cell, and grading takes that one as it was handed out. Write it into the cell above, which is for it."
BELOW = "`{}` is defined by a cell below this check, and grading runs the cells from top to bottom. Move your code into the cell that was handed out for it."
LOCKED_CHECK = CHECK.partition(":")[0]
WAIT_SECONDS = 5.0  # on the clock, for small changes of an answer to be tried


class LocalSession:
    """Compares with the public answers at once and shows the verdict."""

    training, looks, stops = "student", True, True
    training_steps, training_seconds = 0, 0.0  # are for grading, and for a rehearsal of it

    def __init__(self, path: Path) -> None:
        self.answers, self.facts = public_answers(path)
        self.folder, self.lecture_cells = path.parent, frozenset[str]()
        if rehearsal.asked_for():
            self.training, self.training_steps, self.training_seconds = "grading", rehearsal.LIMITS.training_steps, rehearsal.LIMITS.training_seconds
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing:
        """How far the student is: what the cards in the saved notebook say, and what was checked since."""
        if self._standing is None:
            saved, exercises = own_notebook.of_this_kernel(self.folder, self.facts.exercises), self.facts.exercises
            ordered = saved.in_order(exercises) if saved else exercises
            watched, old = watch(), saved if not rehearsal.asked_for() else None
            changed = watched.changed if watched else set[str]()
            changed |= old.changed() if old else set()
            self._standing = Standing(ordered, old.cards() if old else {}, changed)
        return self._standing

    def given(self) -> frozenset[str]:
        self.lecture_cells = self.lecture_cells or locked_cells(self.folder, self.facts.lecture)  # they never change
        return self.lecture_cells

    def submit(self, record: Record, calls: Sequence[Call] = (), trial: Tried = ()) -> None:
        """Show the verdict on a record.

        Raises:
            CheckFailed: it has not full marks.
        """
        key, rules = self.answers.keys.get(record.exercise), self.facts.rules(record.exercise)
        verdict = verdict_of(record, self.facts, key, lambda: load_names(seed=self.facts.split_seed))
        saved, watched = own_notebook.of_this_kernel(self.folder, self.facts.exercises), watch()
        if watched and saved and (late := _not_as_it_stands(record.exercise, saved, watched)):
            verdict = refuse(record.exercise, rules, late)
        elif saved and (unfinished := _not_finished(record, rules, saved, watched)):
            verdict = unfinished
        elif watched and (why := self._why_nothing_came(watched, saved, record)):
            verdict = replace(verdict, message=why)
        elif rules.forbid and (used := forbidden_here(record.exercise, rules.forbid)):
            verdict = refuse(record.exercise, rules, used, "wrong")
        elif key and not rules.loss and verdict.status != "correct" and not verdict.recognised:
            if wants_a_repair(verdict, record):
                verdict = with_repair(verdict, self.repaired(record, key, trial))
            with contextlib.suppress(Exception):  # a student's own objects may do anything when they are shown; the verdict stands
                verdict = replace(verdict, shown=shown(record, key.reference, calls, self.facts.tolerance_of(record.exercise)))
        other = trained_by_other_code(record.exercise) if rules.loss else ""
        if verdict.status == "not attempted" and saved and (name := saved.defined_beside(record.exercise)):
            verdict = replace(verdict, message=f"{verdict.message} {BESIDE.format(name)}")
        if verdict.loss is not None:
            verdict = replace(verdict, compared=self._which_weights(record, other))
        answer = watched.text_of(record.exercise, saved) if watched and saved else ""
        self.standing.known[record.exercise] = verdict.status, verdict.points
        self.standing.changed.discard(record.exercise)
        try:
            show(verdict, rules.title, answer, other)
        finally:
            if in_notebook():
                print(self.standing.line(record.exercise))

    def before_training(self, exercise: str) -> str:
        """What its check will hold against a training, in a sentence, before it has taken an evening."""
        rules, watched, saved = self.facts.rules(exercise), watch(), own_notebook.of_this_kernel(self.folder, self.facts.exercises)
        if watched and saved and (edited := watched.edited(exercise, saved)):
            what = "the answer" if edited == exercise else f"`{edited}`"
            return f"Careful: {what} was changed and saved after its cell ran, and what is trained now is the earlier text."
        used = forbidden_here(exercise, rules.forbid) if rules.forbid else None
        return f"Careful, the check will refuse this: {used}" if used else ""

    def _which_weights(self, record: Record, other: str) -> str:
        """Of several trainings the best one counts, which need not be the last.

        Args:
            other: what is different in the code since they were trained.
        """
        file, steps = self.folder / f"{record.exercise}.safetensors", record.facts.get("steps")
        if not file.is_file():
            return "Looked at: what the code trains in a short while, for there are no weights."
        trained = f", trained in {steps:,} step{'' if steps == 1 else 's'}" if type(steps) is int else ""
        said = f" {OTHER_CODE.format(other)}" if other else ""
        return f"Looked at: the weights in `{file.name}`{trained}, saved {time.strftime('%d %B, %H:%M', time.localtime(file.stat().st_mtime))}.{said}"

    def edited(self, saved: own_notebook.Saved) -> set[str]:
        """Exercises whose answer was changed and saved after it ran here."""
        watched = watch()
        return {name for name in self.facts.exercises if watched.edited(name, saved)} if watched else set()

    def _why_nothing_came(self, watched: Cells, saved: own_notebook.Saved | None, record: Record) -> str:
        """Which cell has not run, if a check fails for that; else nothing."""
        failure = record.draws[0].failure if record.draws else None
        name = missing_name(failure.name, failure.message) if failure else ""
        return (_not_run(watched, saved, name, record.exercise) if name else "") or watched.explain(record.exercise, failure)

    def repaired(self, record: Record, key: Key, trial: Tried) -> Best | None:
        """The small change that makes most of an answer right; nothing where a process with threads is not safely copied (macOS, Windows)."""
        if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
            return None
        tolerance = self.facts.tolerance_of(record.exercise)

        def work(report: int) -> None:
            for found in better_and_better(record, key, tolerance, trial):
                os.write(report, json.dumps([*astuple(found.repair), sorted(found.right), found.whole]).encode() + b"\n")

        told = in_a_copy(work, seconds=WAIT_SECONDS, cpu_seconds=MOST_SECONDS).splitlines()
        if not told:
            return None
        line, before, says, right, whole = json.loads(told[-1])
        return Best(Repair(line, before, says), frozenset(right), whole)

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        """A student watches the loss curve instead."""


def _not_as_it_stands(exercise: str, saved: own_notebook.Saved, watched: Cells) -> str:
    """Why what runs here is not what stands in the notebook, or not in that order, if it is not."""
    if name := watched.replaced(exercise, saved):
        return REPLACED.format(name)
    if edited := watched.edited(exercise, saved):
        return EDITED if edited == exercise else EDITED_BESIDE.format(edited)
    if watched.running.startswith(LOCKED_CHECK) and DEFINES.search(watched.running) and saved.is_in_check(exercise, watched.running):
        return IN_CHECK
    return BELOW.format(name) if (name := watched.below(exercise, saved)) else ""


def _not_finished(record: Record, rules: Exercise, saved: own_notebook.Saved, watched: Cells | None) -> Verdict | None:
    """What is said of an answer that is empty, or not written to its end, as it ran or, if it has not, as it was saved."""
    ran = watched.answers.get(record.exercise) if watched else None
    answer = ran or saved.named(f"{record.exercise}{own_notebook.ANSWER}")
    return not_finished(record, rules, answer, saved.as_released(record.exercise, answer or ""))


def forbidden_here(exercise: str, forbid: tuple[str, ...]) -> str | None:
    """Why grading will not take an answer, by the cells that ran in this kernel; outside of IPython there is nothing to look at."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    ran = getattr(getattr(shell, "history_manager", None), "input_hist_raw", [])
    small = (
        p
        for p in Path().glob("*.*")
        if p.suffix in (".py", ".pyc", ".so") and p.is_file() and p.stat().st_size < 1_000_000
    )
    notebook = Notebook([str(cell) for cell in ran], importable({p.name: p.read_bytes() for p in small}) if ran else {})
    return notebook.refusal(forbid, notebook.asking(exercise))


_cache: dict[tuple[Path, int | None], LocalSession] = {}
_watched: list[Cells] = []  # of this process's one shell


def watch() -> Cells | None:
    """Whoever watches the cells of this kernel, from the first time that it is asked for."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and not _watched:
        cells = Cells(shell)
        _watched.append(cells)
        explain_errors(shell, lambda: here().given(), lambda failure: describe(failure, "this cell"), _about_a_name)
        if rehearsal.asked_for():
            rehearsal.begin(shell, lambda: here().given())
    return _watched[0] if _watched else None


def _about_a_name(name: str) -> str:
    """What to do about a name that is not known in a cell of this kernel, if a cell of the notebook defines it."""
    session, watched = here(), watch()
    saved = own_notebook.of_this_kernel(session.folder, session.facts.exercises)
    return (_not_run(watched, saved, name, watched.exercise) or watched.stopped(name, "run this one again")) if watched else ""


def _not_run(watched: Cells, saved: own_notebook.Saved | None, name: str, exercise: str) -> str:
    """Which cell above has to run first for a name, unless that cell has run and stopped."""
    wanted = watched.missing(name)
    if wanted in watched.gone and (told := watched.instead(wanted)):
        return told
    told = "" if wanted in watched.why else which_cell(wanted, saved, watched.running, exercise)
    return told and (watched.instead(wanted) or told)


def here() -> LocalSession:
    """The session of the assignment whose folder this process works in; its answers are read once while they do not change."""
    path = Path(EXPECTED).resolve()
    key = (path, path.stat().st_mtime_ns if path.is_file() else None)
    if key not in _cache:
        _cache.clear()
        _cache[key] = LocalSession(path)
        watch()
    return _cache[key]


def show(verdict: Verdict, title: str, answer: str = "", other_code: str = "") -> None:
    """Display the verdict under the exercise's title; one that did not pass also raises, so that ``nbgrader validate`` tells the truth.

    Args:
        answer: the text of the cell that it is about, if that is known.
        other_code: what is different in the code since its weights were trained.

    Raises:
        CheckFailed: the answer does not have full marks.
    """
    if in_notebook():
        from IPython.display import HTML, display

        about = {"exercise": verdict.exercise, "status": verdict.status, "points": verdict.points}
        about |= {"answer": own_notebook.digest(answer)} if answer else {}
        about |= {"other_code": other_code} if other_code else {}
        display(HTML(as_html(verdict, title, with_code=True)), metadata={own_notebook.MARK: about})
    elif verdict.status == "correct":
        print(as_text(verdict))
    if verdict.status != "correct":
        if not in_notebook():
            raise CheckFailed(as_text(verdict))
        raise CheckFailed(f"{verdict.exercise}: {verdict.message or 'see above'}", f"{verdict.exercise}: not all right yet, the card says why")
