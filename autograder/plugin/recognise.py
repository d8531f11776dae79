"""Which cell of a submission is which, when an editor has dropped, merged, moved or copied them.

A cell tells what it is by nbgrader's metadata; without them by its own id, by the text of what is locked, and by the names that an
answer defines.  Cells are nbformat's; nothing here reads code but by its lines.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from nbformat.v4 import new_code_cell

GIVEN = re.compile(r"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^([A-Za-z_]\w*)[ \t]*(?::[^=\n]{0,200})?=(?!=)", re.M)
WORDS = 3  # that a text has, to be somebody's answer
ELSEWHERE = "# This exercise is answered in another cell."
WITH_PICTURES = "(No text stands here, but pictures that were handed in with it.)"
LOOK_BELOW = "(No text stands here. Please look at the other text cells of this notebook, which its student wrote or changed.)"


@functools.lru_cache(maxsize=4096)
def names_given(source: str) -> frozenset[str]:
    """What a cell defines at its top level: functions, classes and values."""
    return frozenset(function or value for function, value in GIVEN.findall(source))


def give_back_metadata(nb: Any, released: dict[str, Any], ids: dict[str, str]) -> list[str]:
    """Tell cells that have lost nbgrader's metadata which ones they are.

    Args:
        released: the lecture's cells by their ``grade_id``.
        ids: of the released cells, the id and which ``grade_id`` it is of.

    Returns:
        Notes for the student and the instructor.
    """
    known = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
    lost = {name: cell for name, cell in released.items() if name not in known}
    bare = [cell for cell in nb.cells if "nbgrader" not in cell.metadata]
    texts = {text_of(cell): name for name, cell in lost.items() if cell.metadata["nbgrader"]["locked"]}
    found = 0

    def is_it(cell: Any, name: str) -> None:
        nonlocal found
        cell.metadata["nbgrader"] = {"grade_id": name}
        del lost[name]
        found += 1

    for cell in bare:
        if (name := texts.get(text_of(cell), "")) in lost:
            is_it(cell, name)
    for cell in reversed(bare):  # the last one counts
        name = ids.get(cell.get("id", ""), "")
        if name in lost and "nbgrader" not in cell.metadata and not lost[name].metadata["nbgrader"]["locked"]:
            is_it(cell, name)
    for name, original in list(lost.items()):
        given = names_given(original.source)
        same = [cell for cell in bare if "nbgrader" not in cell.metadata and cell.cell_type == "code" and given and given <= names_given(cell.source)]
        if same and not original.metadata["nbgrader"]["locked"]:
            is_it(same[-1], name)
    return [f"{found} cells had lost what nbgrader knows them by; they were recognised by their text."] if found else []


def text_of(cell: Any) -> str:
    """A cell's text, whatever an editor has made of the ends of its lines."""
    return "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def free_answers_from_locked_cells(nb: Any, found: dict[str, Any], released: dict[str, Any]) -> list[str]:
    """Where a locked cell holds an answer besides (somebody has merged them), run its text as a cell of the student's own.

    Args:
        found: the submission's cells by their ``grade_id``.
    """
    missing = {name: names_given(cell.source) for name, cell in released.items() if name not in found and not cell.metadata["nbgrader"]["locked"]}
    notes = []
    for name, cell in found.items():
        original = released[name]
        if not original.metadata["nbgrader"]["locked"] or text_of(cell) == text_of(original):
            continue
        given = names_given(cell.source)
        if any(names and names <= given for names in missing.values()):
            nb.cells.insert(_index(nb, cell) + 1, new_code_cell(cell.source))
            notes.append(f"The locked cell {name} held answers, too; they run in a cell of their own behind it.")
    return notes


def put_no_stub_over_an_answer(nb: Any, found: dict[str, Any], released: dict[str, Any], calls: dict[str, str]) -> list[str]:
    """An answer cell that is missing, or as it was released, must not undo what another cell defines: it runs as a remark instead.

    Args:
        calls: of each answer the cell that calls it first; what stands below that one runs in the answer's own place, too.
    """
    notes = []
    codes = [cell for cell in nb.cells if cell.cell_type == "code"]
    for name, original in reversed(released.items()):  # so that those behind one cell stand in their order
        if original.metadata["nbgrader"]["locked"] or original.cell_type != "code" or not (given := names_given(original.source)):
            continue
        own = found.get(name)
        if own is not None and text_of(own) != text_of(original):
            continue
        others = [cell for cell in codes if cell is not own and _defines(cell, given, found, released)]
        if not others:
            continue
        if own is None:
            own = new_code_cell(ELSEWHERE, metadata={"nbgrader": dict(original.metadata["nbgrader"])})
            nb.cells.insert(_index(nb, others[-1]) + 1, own)
            found[name] = own
        caller = found.get(calls.get(name, ""))
        late = caller is not None and all(_index(nb, cell) > _index(nb, caller) for cell in others)
        own.source = others[0].source if late else ELSEWHERE
        notes.append(f"The answer to {name.removesuffix('_answer')} stands in another cell; that one counts.")
    return notes[::-1]


def _defines(cell: Any, given: frozenset[str], found: dict[str, Any], released: dict[str, Any]) -> bool:
    """Whether a student's cell, no released one as it was released, defines all of these."""
    if not given <= names_given(cell.source):
        return False
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    if name in released and found.get(name) is cell:
        return not released[name].metadata["nbgrader"]["locked"] and text_of(cell) != text_of(released[name])
    return True


def _index(nb: Any, cell: Any) -> int:
    return next(i for i, other in enumerate(nb.cells) if other is cell)


def answers_before_checks(nb: Any, found: dict[str, Any], calls: dict[str, str]) -> list[str]:
    """An answer that was moved below its check runs before it.

    Args:
        calls: of each answer the cell that calls it first, by ``grade_id``.
    """
    notes = []
    for answer, check in calls.items():
        if answer in found and check in found:
            at, before = _index(nb, found[answer]), _index(nb, found[check])
            if at > before:
                nb.cells.insert(before, nb.cells.pop(at))
                notes.append(f"The cell {answer} stood below its check; it runs before it.")
    return notes


def ask_a_person(nb: Any, found: dict[str, Any], released: dict[str, Any], prose: dict[str, str]) -> list[str]:
    """A written answer that is empty, where the student has written text elsewhere: nobody but a person can say what it is.

    Args:
        prose: the course's own Markdown, by the id of its cell.
    """
    notes = []
    of_the_course = {*prose.values(), *(cell.source for cell in released.values())}
    own = [
        cell
        for cell in nb.cells
        if cell.cell_type == "markdown" and len(cell.source.split()) >= WORDS and cell.source not in of_the_course and cell.get("id") not in prose
        and "autograder" not in cell.metadata  # a note of ours
    ]
    for name, original in released.items():
        metadata = original.metadata["nbgrader"]
        cell = found.get(name)
        if cell is None or original.cell_type != "markdown" or not (metadata["grade"] and metadata["solution"]) or text_of(cell) != text_of(original):
            continue
        if cell.get("attachments"):
            cell.source = WITH_PICTURES
            continue
        others = [other for other in own if other is not cell and other.metadata.get("nbgrader", {}).get("grade_id") not in released]
        if others:
            cell.source = LOOK_BELOW
            notes.append(f"The written answer {name} is empty, but there is text in other cells: a person looks at it.")
    return notes
