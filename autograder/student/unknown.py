"""A name that nobody knows yet, though one of the notebook's cells defines it: which cell has not run."""

from __future__ import annotations

import ast

from autograder.student.own_line import DEFINES, Given
from autograder.student.own_notebook import ANSWER, Saved, name_of

RUN_ABOVE = "run all cells above (menu Run, Run All Above Selected Cell)"


def which_cell(name: str, given: Given, saved: Saved | None) -> str:
    """What to do about an unknown name that one of the notebook's cells defines; nothing if none does.

    Args:
        name: nobody knows it in this kernel.
        given: the lecture's own cells.
        saved: the notebook, whose answers define names, too.
    """
    if any(name in _defined(text) for text in given):
        return f"`{name}` comes from a given cell further up, which has not run since the kernel started: {RUN_ABOVE}, then this one again."
    for cell in saved.cells if saved else ():
        grade_id = name_of(cell)
        if grade_id.endswith(ANSWER) and name in DEFINES.findall(cell["source"]):
            of = grade_id.removesuffix(ANSWER)
            where = f"The cell of `{of}`" if name == of else f"`{name}` is defined in the cell of `{of}`, which"
            return f"{where} has not run to its end since the kernel started: {RUN_ABOVE}, then this one again."
    return ""


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
