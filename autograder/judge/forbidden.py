"""Names that an answer may not use, looked for where Python would: in what the check calls, and in what that reaches."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import replace

from autograder.judge.reach import Names, Reach
from autograder.judge.reading import Source, Span, Statement, read
from autograder.judge.run_time import BUILTINS, CALLED_PLAINLY, KNOWN
from autograder.judge.uses import NOBODY_READ, Around, Path, Use, given_by, tops, use_in

TOO_DEEP = "Your code is nested too deeply to be read. Break up its longest expressions and its deepest blocks."
MANY = 16  # more meanings of one name are not looked through


class Notebook:
    """Cells in the order in which they ran, read once for all exercises that forbid names."""

    def __init__(self, cells: list[str], beside: dict[str, str | None] | None = None) -> None:
        """Read them.

        Args:
            cells: what the student sees, with IPython's magics.
            beside: files beside the notebook that Python could import, by module; the text of those in Python, else ``None``.
        """
        self.cells, self.beside = cells, beside or {}
        self.sources = [read(text, number) for number, text in enumerate(cells)]
        self.statements = [s for source in self.sources for s in source.statements]
        starts = [0]
        for source in self.sources:
            starts.append(starts[-1] + len(source.statements))
        self.of_cell = [range(start, end) for start, end in zip(starts, starts[1:])]
        self.deleted: set[str] = set()
        self.modules: dict[str, list[Path]] = {}
        self._collect()
        self.names = Names(self.statements)
        self.found: dict[tuple[str, ...], list[Use | None]] = {}

    def _collect(self) -> None:
        modules: dict[str, set[Path]] = {}
        for node in (n for s in self.statements for top in s.nodes for n in ast.walk(top)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for name, path in given_by(node):
                    modules.setdefault(name, set()).add(path)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
                self.deleted.add(node.id)
        self.modules = {
            name: sorted(paths) if len(paths) <= MANY else [("builtins",)] for name, paths in modules.items()
        }
        classes = {node.name for s in self.statements for node in s.nodes if isinstance(node, ast.ClassDef)}
        for number, statement in enumerate(self.statements):
            statement.number = number
            statement.gives |= {f".{name}" for name in _patched(statement, {*self.modules, *classes})}
            statement.later |= {
                f".{n.attr}" for top in statement.nodes for n in ast.walk(top) if isinstance(n, ast.Attribute)
            }

    def _own(self, name: str, statement: Statement) -> bool:
        """Whether a global name is the student's own wherever this statement looks it up, and not Python's."""
        places = self.names.places.get(name, [])
        if name not in BUILTINS | CALLED_PLAINLY and "*" not in self.modules:
            return bool(places)
        before = (n for n in places[:MANY] if n < statement.number)
        return name not in self.deleted and any(self.names.is_certain(n, name) for n in before)

    def uses(self, forbid: tuple[str, ...]) -> list[Use | None]:
        """What each statement does that is not allowed, also by the head of the block it stands in, or by a file that it imports."""
        if forbid not in self.found:
            around = Around(self.modules, self.names.places, self._own, self.beside)
            files = self._files(forbid) if self.beside else {}
            found: list[Use | None] = []
            for statement in self.statements:
                head = None if statement.block is None else found[self.of_cell[statement.cell].start + statement.block]
                imported = next((files[top] for top in _imported(statement) if top in files), None) if files else None
                found.append(head or use_in(statement, forbid, around) or imported)
            self.found[forbid] = found
        return self.found[forbid]

    def _files(self, forbid: tuple[str, ...]) -> dict[str, Use]:
        """Of each file beside the notebook what it, or one that it imports, does that is not allowed."""
        found: dict[str, Use] = {}
        users: dict[str, list[str]] = {}
        for module, text in self.beside.items():
            if text is None:
                continue
            file = Notebook([text])
            around = Around(file.modules, file.names.places, file._own, self.beside)
            for statement in file.statements:
                for top in _imported(statement):
                    users.setdefault(top, []).append(module)
                if module not in found and (use := use_in(statement, forbid, around)):
                    found[module] = replace(use, place=f"line {use.line} of {module}.py")
            if file.sources[0].too_deep:
                found[module] = Use(1, module, NOBODY_READ, f"{module}.py")
        todo = list(found)
        while todo:
            name = todo.pop()
            for user in users.get(name, ()):
                if user not in found:
                    found[user] = found[name]
                    todo.append(user)
        return found

    def refusal(self, forbid: tuple[str, ...], asking: list[int]) -> str | None:
        """Why an answer is not taken, in a sentence, or ``None``.

        Args:
            asking: the cells that call for the answer: an exercise's check, and the ``fit`` of a model.
        """
        uses = self.uses(forbid)
        texts = {self.cells[cell] for cell in asking}
        again = [cell for cell, text in enumerate(self.cells) if text in texts]  # a student runs a check more than once
        asked = {number for cell in again for number in self.of_cell[cell]}
        names = self._asked(asked)
        for cell in asking:
            for number in Reach(self.names, asked).of(names, self.of_cell[cell].start):
                if use := uses[number]:
                    return self._sentence(use, self.statements[number])
        unknown = any(
            name not in self.names.places and not name.startswith(".") and not hasattr(builtins, name) for name in names
        )
        return TOO_DEEP if unknown and any(source.too_deep for source in self.sources) else None

    def asking(self, exercise: str) -> list[int]:
        """The last cells that call ``fit`` and ``check`` for an exercise, where no ids of cells tell which they are."""
        found: dict[bool, int] = {}
        for statement in self.statements:
            for node in (n for top in statement.nodes for n in ast.walk(top) if isinstance(n, ast.Call)):
                called = node.func.id if isinstance(node.func, ast.Name) else ""
                named = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
                if called in ("fit", "check", "check_loss") and named == [exercise]:
                    found[called == "fit"] = statement.cell
        return sorted(found.values())

    def _sentence(self, use: Use, statement: Statement) -> str:
        stands = "stands in" if use.says.endswith("without it") else "is used in"
        return f"`{use.word}` {stands} {self.place(use, statement)}, which your answer uses; {use.says}."

    def place(self, use: Use, statement: Statement) -> str:
        return use.place or f"line {use.line} of the cell that begins with `{self.sources[statement.cell].begins}`"

    def without(self, forbid: tuple[str, ...], kept: set[int]) -> tuple[list[str], list[int]]:
        """The cells without what could do for an answer what it may not do itself, and the numbers of those statements.

        Args:
            kept: cells that are the course's own.
        """
        uses = self.uses(forbid)
        aside = self._aside(uses, kept)
        texts = []
        for number, (cell, source) in enumerate(zip(self.cells, self.sources)):
            cut = {
                s.span: _kept_imports(s, uses[s.number], self.beside) for s in source.statements if s.number in aside
            }
            text = cell if number in kept else _cut(source, cut)
            texts.append(cell if text == re.sub("\r\n?", "\n", cell) else text)
        return texts, sorted(aside)

    def blamed(self, forbid: tuple[str, ...], asking: list[int], aside: list[int]) -> str:
        """Where the statement stands that an answer most likely misses: one that has to do with what the answer reaches."""
        asked = {number for cell in asking for number in self.of_cell[cell]}
        reach = Reach(self.names, asked)
        reached = [n for cell in asking for n in reach.of(self._asked(asked), self.of_cell[cell].start)]
        names = {
            name
            for n in reached
            for name in self.statements[n].now | self.statements[n].later | self.statements[n].gives
        }
        uses = self.uses(forbid)
        candidates = [n for n in aside if uses[n]]
        near = [n for n in candidates if not names.isdisjoint(self._touched(n) - set(self.modules))]
        near += [n for n in candidates if not names.isdisjoint(self._touched(n))] + candidates
        return self.place(use, self.statements[near[0]]) if near and (use := uses[near[0]]) else ""

    def _touched(self, number: int) -> set[str]:
        statement = self.statements[number]
        return {name for name in statement.gives | statement.now if not hasattr(builtins, name)}

    def _asked(self, asked: set[int]) -> set[str]:
        return {name for n in asked for name in self.statements[n].now | self.statements[n].later}

    def _aside(self, uses: list[Use | None], kept: set[int]) -> set[int]:
        """Statements that use something, and those that could not run without them."""
        theirs = [n for n, s in enumerate(self.statements) if s.cell not in kept]
        aside = {n for n in theirs if uses[n]}
        left = {name: len(places) for name, places in self.names.places.items()}
        readers: dict[str, list[int]] = {}
        for n in theirs:
            for name in self.statements[n].now | self.statements[n].later:
                readers.setdefault(name, []).append(n)
        todo = list(aside)
        while todo:
            for name in self.statements[todo.pop()].gives:
                left[name] -= 1
                if left[name] == 0 and not name.startswith("."):
                    fresh = [n for n in readers.get(name, ()) if n not in aside]
                    aside.update(fresh)
                    todo += fresh
        gone: set[str] = set()
        for n, statement in enumerate(self.statements):
            if statement.cell not in kept and not statement.now.isdisjoint(gone):
                aside.add(n)
            if n in aside:
                gone |= statement.gives
            else:
                gone -= statement.gives
        return aside


def importable(files: dict[str, bytes]) -> dict[str, str | None]:
    """Of files beside a notebook those that Python could import, by module: the text of those in Python, else ``None``; also for a package."""
    found: dict[str, str | None] = {}
    for name, data in files.items():
        module, _, kind = name.partition(".")
        if "/" in name:
            found[name.partition("/")[0]] = None
        elif kind == "py":
            found.setdefault(module, data.decode("utf-8", "replace"))
        elif kind == "pyc" or kind.rpartition(".")[2] == "so":
            found[module] = None
    return found


def _imported(statement: Statement) -> Iterator[str]:
    for node in (n for top in statement.nodes for n in ast.walk(top)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from tops(node)


def _patched(statement: Statement, others: set[str]) -> Iterator[str]:
    """Attributes that a statement gives to a class or module, as ``torch.Tensor.slope = …`` does."""
    for node in (n for top in statement.nodes for n in ast.walk(top)):
        base: ast.AST = node
        attribute = ""
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            attribute, base = node.attr, node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "setattr"
            and len(node.args) > 1
        ):
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                attribute, base = name.value, node.args[0]
        while attribute and isinstance(base, ast.Attribute):
            base = base.value
        if (
            attribute
            and isinstance(base, ast.Name)
            and base.id in others
            and base.id in statement.now | statement.later
        ):
            yield attribute


def _kept_imports(statement: Statement, use: Use | None, beside: dict[str, str | None]) -> str:
    """Of ``import torch, helper`` what may stay, or ``pass``."""
    node = statement.nodes[0] if len(statement.nodes) == 1 else None
    if not isinstance(node, ast.Import) or not use:
        return "pass"
    kept = [a for a in node.names if a.name.partition(".")[0] in KNOWN and a.name.partition(".")[0] not in beside]
    return ast.unparse(ast.Import(kept)) if kept else "pass"


def _cut(source: Source, spans: dict[Span, str]) -> str:
    """A cell's text with something else in place of some statements; each other keeps its line."""
    text = source.text.encode()
    starts = [0]
    for line in text.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    parts: list[bytes] = []
    done = missing = 0  # bytes of the text; ends of lines that were cut out and are put back at the next one
    for span in sorted(spans, key=lambda s: (s[0], s[1], -s[2], -s[3])):
        first, start, last, end = span
        here = starts[first - 1] + start
        if here < done:  # inside a block that is gone
            continue
        between = text[done:here]
        if missing and b"\n" in between:
            between, missing = between.replace(b"\n", b"\n" * (missing + 1), 1), 0
        parts += [between, spans[span].encode()]
        missing += last - first
        done = starts[last - 1] + end
    return b"".join([*parts, text[done:].replace(b"\n", b"\n" * (missing + 1), 1)]).decode()
