"""A name that nobody knows yet, though one of the notebook's cells defines it: which cell has not run."""

from __future__ import annotations

import ast
from typing import Any

from autograder.student.own_line import DEFINES
from autograder.student.own_notebook import ANSWER, Saved, is_locked, name_of

RUN_ABOVE = "run all cells above (menu Run, Run All Above Selected Cell)"


def which_cell(name: str, saved: Saved | None, running: str, exercise: str) -> str:
    """What to do about an unknown name that a cell further up defines; nothing if none does, or it cannot be told which cells stand further up.

    Args:
        name: nobody knows it in this kernel.
        saved: the notebook.
        running: the text of the cell that runs.
        exercise: whose answer or check that is, if it is one: its text may have changed since the notebook was saved.
    """
    for cell in _above(saved, running, exercise):
        grade_id = name_of(cell)
        if grade_id.endswith(ANSWER) and name in DEFINES.findall(cell["source"]):
            of = grade_id.removesuffix(ANSWER)
            where = f"The cell of `{of}`" if name == of else f"`{name}` is defined in the cell of `{of}`, which"
            return f"{where} has not run to its end since the kernel started: {RUN_ABOVE}, then this one again."
        if cell["cell_type"] == "code" and is_locked(cell) and name in _defined(cell["source"]):
            return f"`{name}` comes from a given cell further up, which has not run since the kernel started: {RUN_ABOVE}, then this one again."
    return ""


def _above(saved: Saved | None, running: str, exercise: str) -> list[dict[str, Any]]:
    """The cells above the one that runs."""
    cells = saved.cells if saved else []
    at = next((place for place, cell in enumerate(cells) if cell["source"].strip() == running.strip()), None)
    if at is None and exercise:
        at = next((place for place, cell in enumerate(cells) if name_of(cell) == f"{exercise}{ANSWER}"), None)
    return cells[:at] if at is not None else []


def _defined(text: str) -> set[str]:
    """What a cell's own lines define: functions, classes, imports and values."""
    try:
        lines = ast.parse(text).body
    except SyntaxError:
        return set()
    found: set[str] = set()
    for line in lines:
        if isinstance(line, (ast.FunctionDef, ast.ClassDef)):
            found.add(line.name)
        elif isinstance(line, (ast.Import, ast.ImportFrom)):
            found |= {(entry.asname or entry.name).partition(".")[0] for entry in line.names}
        elif isinstance(line, (ast.Assign, ast.AnnAssign)):
            targets = line.targets if isinstance(line, ast.Assign) else [line.target]
            found |= {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return found
