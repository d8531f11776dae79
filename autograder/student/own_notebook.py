"""The notebook that a kernel belongs to, as it was saved: which file it is, its cells, and the cards that stand in it.

A student's own file on a student's own machine: nothing here is asked while grading.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course.cells import has_code, is_as_released
from autograder.course.frame import UNWRITTEN
from autograder.course.schema import Exercise
from autograder.student.own_line import DEFINES

MAX_BYTES = 1 << 27  # of a notebook that is looked through
MARK = "autograder"  # in the metadata of a card's output: what it says, for whoever reads the saved notebook
ANSWER = "_answer"


@dataclass(frozen=True)
class Saved:
    """A notebook as it stands on the disk."""

    path: Path
    cells: list[dict[str, Any]]
    when: float  # it was saved, seconds since 1970

    def named(self, grade_id: str) -> str | None:
        """The text of a cell."""
        found = self.cell(grade_id)
        return found["source"] if found else None

    def cell(self, grade_id: str) -> dict[str, Any] | None:
        """A cell; of several of that name the last, which counts."""
        return next((cell for cell in reversed(self.cells) if name_of(cell) == grade_id), None)

    def in_order(self, exercises: dict[str, Exercise]) -> dict[str, Exercise]:
        """Exercises as they stand in it; those that do not stand there last."""
        places = {name_of(cell): place for place, cell in reversed(list(enumerate(self.cells)))}
        return dict(sorted(exercises.items(), key=lambda entry: places.get(entry[0], len(self.cells))))

    def cards(self) -> dict[str, tuple[str, float]]:
        """What the cards in it say: status and points by exercise."""
        return {about["exercise"]: (str(about.get("status")), float(about["points"])) for about in self._abouts()}

    def _abouts(self) -> Iterator[dict[str, Any]]:
        for output in (output for cell in self.cells for output in cell["outputs"]):
            about = output.get("metadata", {}).get(MARK) if isinstance(output, dict) and isinstance(output.get("metadata"), dict) else None
            if isinstance(about, dict) and isinstance(about.get("exercise"), str) and isinstance(about.get("points"), (int, float)):
                yield about

    def changed(self) -> set[str]:
        """Exercises whose card is about an answer that does not stand in it any more."""
        texts, found = {digest(cell["source"]) for cell in self.cells}, set[str]()
        for about in self._abouts():
            (found.discard if str(about.get("answer", "")) in {"", *texts} else found.add)(str(about["exercise"]))
        return found

    def is_unwritten(self, exercise: str, rules: Exercise) -> bool:
        """Whether the place of an answer still holds what it was handed out with."""
        text = self.named(exercise if rules.written else f"{exercise}{ANSWER}")
        if text is None:
            return rules.written  # a person has nothing to read; code may stand in a cell of the student's own
        return (UNWRITTEN in text or not text.strip()) if rules.written else bool(self.as_released(exercise, text)) or not has_code(text)

    def as_released(self, exercise: str, answer: str) -> bool | None:
        """Whether an answer's text is the one that was handed out; ``None`` if its cell is not there.

        Args:
            answer: as it is on the disk, or as it ran.
        """
        if (cell := self.cell(f"{exercise}{ANSWER}")) is None:
            return None
        known = is_as_released({**cell, "source": answer})
        return f'raise NotImplementedError("{exercise}")' in answer if known is None else known

    def is_in_check(self, exercise: str, check: str) -> bool:
        """Whether a check's cell defines what its answer is to define.

        Args:
            check: the cell as it ran.
        """
        return not set(DEFINES.findall(self.named(f"{exercise}{ANSWER}") or "")).isdisjoint(DEFINES.findall(check))

    def defined_beside(self, exercise: str) -> str:
        """A name that the cell of an answer defines and that a cell of the student's own defines, too; nothing if there is none."""
        own = {name for cell in self.cells if cell["cell_type"] == "code" and not name_of(cell) for name in DEFINES.findall(cell["source"])}
        return next((name for name in DEFINES.findall(self.named(f"{exercise}{ANSWER}") or "") if name in own), "")


def digest(text: str) -> str:
    """By which a card knows the answer that it is about."""
    return hashlib.sha256(text.strip().encode(errors="replace")).hexdigest()[:16]


def name_of(cell: dict[str, Any]) -> str:
    """A cell's ``grade_id``, or nothing."""
    about = cell["metadata"].get("nbgrader", {})
    return str(about.get("grade_id", "")) if isinstance(about, dict) else ""


def is_locked(cell: dict[str, Any]) -> bool:
    """Whether a cell is the lecture's own."""
    about = cell["metadata"].get("nbgrader", {})
    return isinstance(about, dict) and bool(about.get("locked"))


def read_saved(path: Path) -> Saved | None:
    """A notebook; nothing if it cannot be read as one."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        cells = []
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            outputs = cell.get("outputs", [])
            cells.append({"cell_type": cell["cell_type"], "metadata": dict(cell["metadata"]), "source": source, "outputs": list(outputs)})
        return Saved(path, cells, path.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_lecture(path: Path, exercises: Iterable[str]) -> Saved | None:
    """A notebook, if it holds cells of these exercises."""
    saved, wanted = read_saved(path), set(exercises)
    return saved if saved and any(name_of(cell) in wanted for cell in saved.cells) else None


def notebooks_in(folder: Path, exercises: Iterable[str]) -> list[Saved]:
    """All notebooks of a lecture in a folder, by name."""
    wanted = set(exercises)
    return [saved for path in sorted(folder.glob("*.ipynb")) if (saved := of_lecture(path, wanted))]


def of_this_kernel(folder: Path, exercises: Iterable[str]) -> Saved | None:
    """The notebook in which this process works: by what its editor says of it, else the only one of the lecture in the folder."""
    wanted = set(exercises)
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    names = getattr(shell, "user_ns", {})
    for told in (names.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"), names.get("__session__")):
        if isinstance(told, str) and told.endswith(".ipynb") and (saved := of_lecture(folder / told, wanted)):
            return saved
    found = notebooks_in(folder, wanted)
    return found[0] if len(found) == 1 else None
