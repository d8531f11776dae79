"""The last cell of a notebook: what is right, missing or unwritten, and one file that holds all that is handed in."""

from __future__ import annotations

import io
import shlex
import sys
import time
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from autograder.course.cells import is_as_released
from autograder.course.frame import HANDED_IN
from autograder.errors import CheckFailed
from autograder.files import write_whole
from autograder.student import session
from autograder.student.called import trained_by_other_code
from autograder.student.own_line import DEFINES
from autograder.student.own_notebook import ANSWER, Saved, of_lecture, of_this_kernel
from autograder.student.standing import Standing

MAX_MODULE = 1_000_000  # bytes of a module beside the notebook that goes along
UNSAVED = (
    "Nothing was packed: the notebook on the disk is older than what runs here: {what}. Save it (Ctrl-S, or Cmd-S on a Mac), and run this cell again."
)
WHICH = (
    'Which file is this notebook? Nothing here says so. Save it, and run in a cell of your own, with its name: hand_in("{lecture}.ipynb"). '
    "In Google Colab: File, Download .ipynb; hand that in, with the .safetensors files of the folder."
)


def hand_in(notebook: str | None = None) -> None:
    """Say what a notebook holds and lacks, and pack it and its weights into one zip beside it.

    While grading this does nothing.

    Args:
        notebook: the file's name, where the kernel cannot tell.

    Raises:
        CheckFailed: the answers that come with the assignment are missing, or there is no such notebook.
    """
    here = session.current()
    if here.training != "student":
        return
    exercises, lecture, folder = here.facts.exercises, here.facts.lecture, Path(getattr(here, "folder", "."))
    saved = of_lecture(folder / notebook, exercises) if notebook else of_this_kernel(folder, exercises)
    if notebook and saved is None:
        raise CheckFailed(f"{notebook} is no notebook of {lecture} in {folder}.")
    standing = getattr(here, "standing", None) or Standing(exercises)
    if saved is None:
        _show(_Told([], WHICH.format(lecture=lecture), [f"{standing.sums()}."]))
        return
    standing.rules = saved.in_order(exercises)
    edited = getattr(here, "edited", lambda _: set[str]())(saved)
    standing.changed |= edited
    rows = [(name, rules.title, *_state(name, saved, standing, folder)) for name, rules in standing.rules.items()]
    lines = [f"{standing.sums()}."]
    if questions := [name for name, rules in standing.rules.items() if rules.written and saved.is_unwritten(name, rules)]:
        lines.append(f"Questions without an answer in what was saved last: {', '.join(questions)}.")
    if newer := _unsaved(saved, edited):
        outcome = UNSAVED.format(what=newer)
    else:
        outcome, held = _pack(saved, folder / f"{lecture}{HANDED_IN}", [name for name, rules in exercises.items() if rules.loss])
        lines.insert(0, held)
    lines.append(f"To see which points to expect, type in a terminal: {shlex.join([sys.executable, '-m', 'autograder', 'try', str(saved.path.resolve())])}")
    _show(_Told(rows, outcome, lines))


def _state(name: str, saved: Saved, standing: Standing, folder: Path) -> tuple[str, str]:
    """What is to be said of an exercise, and its points."""
    rules = standing.rules[name]
    status, points = standing.known.get(name, ("", 0.0))
    most = f"of {rules.points:g}{rules.of_bonus}"
    of = f"{points:g} {most}" if status else most
    if rules.written:
        return "unwritten" if saved.is_unwritten(name, rules) else "written", f"{most}, from a person"
    if name in standing.changed:
        return f"changed since its check: run its cell{', its training' if rules.loss else ''}, then its check", f"0 {most}"
    if status != "correct" and saved.is_unwritten(name, rules):
        returned = status in ("wrong", "partly correct")  # an error may be that nothing has run
        return f"{status}; the answer is not saved yet" if returned else "not attempted", of
    if rules.loss and not (folder / f"{name}.safetensors").is_file():
        return f"{name}.safetensors is missing: run the cell with fit; without it there are hardly any points", of
    told = {"": "not checked yet: run its check", "error": "error: see its card"}.get(status, status)
    if rules.loss and (other := trained_by_other_code(name)):
        return f"{told}; other code has trained its weights ({other}): run the cell with fit again", of
    if (check := saved.cell(name)) is None:
        return f"{status or 'not checked'}; its check is not in the notebook (grading puts it back)", of
    return f"{told}; its check was edited (grading runs it as it was handed out)" if is_as_released(check) is False else told, of


def _unsaved(saved: Saved, edited: set[str]) -> str:
    """What has run in this kernel and does not stand in the saved notebook, in words; nothing if all does.

    Args:
        edited: exercises whose answer is newer on the disk than in this kernel.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    ran = [str(text) for text in getattr(getattr(shell, "history_manager", None), "input_hist_raw", [])]
    texts = {cell["source"].strip() for cell in saved.cells}
    for cell in saved.cells:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if not name.endswith(ANSWER) or name.removesuffix(ANSWER) in edited or not (names := set(DEFINES.findall(cell["source"]))):
            continue
        latest = next((text for text in reversed(ran) if names <= set(DEFINES.findall(text))), None)
        if latest is not None and latest.strip() not in texts:
            return f"the answer to {name.removesuffix(ANSWER)} that you ran last is not in it"
    return ""


def _pack(saved: Saved, target: Path, trained: list[str]) -> tuple[str, str]:
    """Make the zip; which file it is, and what it holds."""
    folder = target.parent
    files = [saved.path, *(path for name in trained if (path := folder / f"{name}.safetensors").is_file()), *_modules(folder)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.name)
    write_whole(target, packed.getvalue())
    at = time.strftime("%H:%M:%S", time.localtime(saved.when))
    size = len(packed.getvalue())
    weight = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(1, size // 1000)} kB"
    held = f"It holds {', '.join(path.name for path in files)}; the notebook is as you saved it at {at}."
    return f"Hand in this one file: {target.name} ({weight}), in {folder}.", f"{held} Changed something since? Save, and run this cell again."


def _modules(folder: Path) -> list[Path]:
    """Python files beside the notebook that it has imported."""
    found = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and Path(file).resolve().parent == folder.resolve() and Path(file).is_file():
            found.add(Path(file))
    return sorted(path for path in found if path.stat().st_size <= MAX_MODULE)


@dataclass(frozen=True)
class _Told:
    """What the cell shows: what comes of handing in, lines on that and on the whole, and a row for each exercise."""

    rows: list[tuple[str, str, str, str]]
    outcome: str
    lines: list[str]

    def __repr__(self) -> str:
        return "\n".join([*(f"{name:<24} {points:>10}  {state}" for name, _, state, points in self.rows), *self.lines, self.outcome])

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><td style="text-align:left"><code>{escape(name)}</code></td><td style="text-align:left">{escape(title)}</td>'
            f'<td style="text-align:left">{escape(state)}</td><td style="text-align:right">{escape(points)}</td></tr>'
            for name, title, state, points in self.rows
        )
        head = "".join(f'<th scope="col" style="text-align:left">{word}</th>' for word in ("exercise", "task", "state", "points"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>" if self.rows else ""
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.lines)
        return f'<div class="tex2jax_ignore"><p><b>{escape(self.outcome)}</b></p>{lines}{table}</div>'


def _show(told: Any) -> None:
    if "IPython" in sys.modules:
        from IPython.display import display

        display(told)
    else:
        print(told)
