"""``skip: true`` in ``course.yml``: what leaves a lecture with an exercise, and what of it stays because something else needs it."""

from __future__ import annotations

import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from autograder.course.cells import EXTRA, LectureCell
from autograder.course.schema import Lecture
from autograder.errors import UserError

MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)  # IPython's own
NAMED = re.compile(r"`+([^`\n]+)`+")  # what prose calls by its name


def without_skipped(path: Path, cells: list[LectureCell], lecture: Lecture) -> list[LectureCell]:
    """A lecture's cells without those of skipped exercises.

    Where what students get needs what a skipped answer defines, the reference stands in its place as a locked cell; where only
    an oracle, a mistake or a variant does, it is put before that alone. Of a skipped training nothing is left to ask an oracle about.

    Raises:
        UserError: another exercise needs the model that a skipped one trains.
    """
    kept: list[LectureCell] = []
    for cell in reversed(cells):
        shipped = [other for other in kept if other.role not in EXTRA]
        if cell.exercise in lecture.exercises or not cell.exercise:
            kept.insert(0, cell)
        elif cell.role == "answer":
            reference = MARKER.sub("", cell.source)
            if needed_by(cell, shipped):
                kept.insert(0, replace(cell, role="provided", source=reference))
            else:
                kept = [replace(c, source=f"{reference}\n\n\n{c.source}") if c.role in EXTRA and needed_by(cell, [c]) else c for c in kept]
        elif cell.role == "fit":
            if other := needed_by(cell, (c for c in shipped if c.exercise and c.code)):
                trained = f"{other.role} of {other.exercise!r} needs what {cell.exercise!r} trains"
                raise UserError(f"{path}:{other.line}: this {trained}: skip both, or none.")
            kept = [other for other in kept if other.role not in EXTRA or not needed_by(cell, [other])]
    return kept


def needed_by(cell: LectureCell, later: Iterable[LectureCell]) -> LectureCell | None:
    """The first later cell that uses a name which this cell defines, before another one has defined it again."""
    names = set(_defined(cell.source))
    for other in later:
        used = set(_used(other.source)) if other.code else {word for part in NAMED.findall(other.source) for word in re.findall(r"(?<![\w.])\w+", part)}
        defined = set(_defined(other.source)) if other.code else set()
        if names & (used - defined | set(_read_at_once(other.source) if other.code else ())):
            return other
        if other.role not in EXTRA:
            names -= defined
    return None


def _defined(source: str) -> Iterator[str]:
    """The names that a cell gives a value at its top level."""
    if table := _table(source):
        yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported())


def _used(source: str) -> Iterator[str]:
    """The global names that a cell reads, in its functions and classes too."""
    tables = [table] if (table := _table(source)) else []
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global()))
        tables += table.get_children()


def _read_at_once(source: str) -> Iterator[str]:
    """The names that a cell reads outside of functions and classes, such as the base of a class that takes its base's name."""
    if table := _table(source):
        yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced())


def _table(source: str) -> symtable.SymbolTable | None:
    try:
        return symtable.symtable(MAGIC.sub("", source), "a cell", "exec")
    except SyntaxError:  # told when the cell runs
        return None
