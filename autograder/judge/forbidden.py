"""Names that an answer may not use, looked for where Python would: in what the check calls, and in what that reaches."""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace

from autograder.judge.reading import Source, Span, Statement, read
from autograder.judge.run_time import BUILTINS, CALLED_PLAINLY
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
        self.places: dict[str, list[int]] = {}  # the numbers of the statements that give a global name
        self.whenever: set[str] = set()  # global names that functions give
        self.deleted: set[str] = set()
        self.modules: dict[str, list[Path]] = {}
        self._collect()
        self.found: dict[tuple[str, ...], list[Use | None]] = {}

    def _collect(self) -> None:
        modules: dict[str, set[Path]] = {}
        for node in (n for s in self.statements for top in s.nodes for n in ast.walk(top)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for name, path in given_by(node):
                    modules.setdefault(name, set()).add(path)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
                self.deleted.add(node.id)
        self.modules = {name: sorted(paths) if len(paths) <= MANY else [("builtins",)] for name, paths in modules.items()}
        classes = {node.name for s in self.statements for node in s.nodes if isinstance(node, ast.ClassDef)}
        for number, statement in enumerate(self.statements):
            statement.number = number
            statement.gives |= {f".{name}" for name in _patched(statement, {*self.modules, *classes})}
            statement.later |= {f".{n.attr}" for top in statement.nodes for n in ast.walk(top) if isinstance(n, ast.Attribute)}
            self.whenever |= statement.whenever
            for name in statement.gives:
                self.places.setdefault(name, []).append(number)

    def is_certain(self, number: int, name: str) -> bool:
        """Whether nothing but this statement tells what a name is right behind it."""
        return self.statements[number].certain and name not in self.whenever and not name.startswith(".")

    def _own(self, name: str, statement: Statement) -> bool:
        """Whether a global name is the student's own wherever this statement looks it up, and not Python's."""
        places = self.places.get(name, [])
        if name not in BUILTINS | CALLED_PLAINLY and "*" not in self.modules:
            return bool(places)
        before = (n for n in places[:MANY] if n < statement.number)
        return name not in self.deleted and any(self.is_certain(n, name) for n in before)

    def uses(self, forbid: tuple[str, ...]) -> list[Use | None]:
        """What each statement does that is not allowed, also by the head of the block it stands in, or by a file that it imports."""
        if forbid not in self.found:
            around = Around(self.modules, self.places, self._own, self.beside)
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
            around = Around(file.modules, file.places, file._own, self.beside)
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
        asked = {number for cell in asking for number in self.of_cell[cell]}
        names = {name for n in asked for name in self.statements[n].now | self.statements[n].later}
        for cell in asking:
            for number in _Reach(self, asked).of(names, self.of_cell[cell].start):
                if use := uses[number]:
                    return self._sentence(use, self.statements[number])
        unknown = any(name not in self.places and not name.startswith(".") and not hasattr(builtins, name) for name in names)
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

    def without(self, forbid: tuple[str, ...], kept: set[int]) -> tuple[list[str], str]:
        """The cells without what could do for an answer what it may not do itself, and the first place where that was.

        Args:
            kept: cells that are the course's own.
        """
        uses = self.uses(forbid)
        aside = self._aside(uses, kept)
        texts = []
        for number, cell in enumerate(self.cells):
            text = cell
            if number not in kept:
                text = _cut(self.sources[number], [self.statements[n].span for n in self.of_cell[number] if n in aside])
                text = cell if text == cell.replace("\r\n", "\n").replace("\r", "\n") else text
            texts.append(text)
        first = next(((use, self.statements[n]) for n in sorted(aside) if (use := uses[n])), None)
        return texts, self.place(*first) if first else ""

    def _aside(self, uses: list[Use | None], kept: set[int]) -> set[int]:
        """Statements that use something, and those that could not run without them."""
        theirs = [n for n, s in enumerate(self.statements) if s.cell not in kept]
        aside = {n for n in theirs if uses[n]}
        left = {name: len(places) for name, places in self.places.items()}
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
    """Of files beside a notebook those that Python could import, by module: the text of those in Python, else ``None``."""
    found: dict[str, str | None] = {}
    for name, data in files.items():
        module, _, kind = name.partition(".")
        if kind == "py":
            found.setdefault(module, data.decode("utf-8", "replace"))
        elif kind == "pyc" or kind.rpartition(".")[2] == "so":
            found[module] = None
    return found


class _Reach:
    """What names lead to, each statement once: a name leads to whatever may have given it its value by then."""

    def __init__(self, notebook: Notebook, exempt: set[int]) -> None:
        self.book, self.exempt = notebook, exempt
        self.walked: set[tuple[str, int, bool]] = set()
        self.seen: set[tuple[int, bool]] = set()
        self.todo: list[tuple[int, bool]] = []

    def of(self, names: set[str], when: int) -> Iterator[int]:
        """Statements by number.

        What functions look up they look up at the time ``when``; but those that ran while a statement was made that is in use
        at that time (``table = make()``) may have looked things up at any time before.
        """
        for name in sorted(names):
            self._follow(name, when, early=False)
        asked: set[tuple[str, bool]] = set()
        for number, early in self.todo:
            yield number
            statement = self.book.statements[number]
            for name in sorted(statement.now):
                self._follow(name, number, early=True)
            for name in sorted(statement.later):
                if (name, early) not in asked:
                    asked.add((name, early))
                    self._follow(name, when, early, any_time=early)

    def _follow(self, name: str, when: int, early: bool, any_time: bool = False) -> None:
        places = self.book.places.get(name, [])
        at = bisect_left(places, when)
        any_time = any_time or name in self.book.whenever
        while at > 0 and (name, at, any_time) not in self.walked:
            self.walked.add((name, at, any_time))
            at -= 1
            self._add(places[at], early)
            if not any_time and self.book.is_certain(places[at], name):
                break

    def _add(self, number: int, early: bool) -> None:
        if number not in self.exempt and (number, early) not in self.seen:
            self.seen.add((number, early))
            self.todo.append((number, early))


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
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) > 1:
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                attribute, base = name.value, node.args[0]
        while attribute and isinstance(base, ast.Attribute):
            base = base.value
        if attribute and isinstance(base, ast.Name) and base.id in others and base.id in statement.now | statement.later:
            yield attribute


def _cut(source: Source, spans: list[Span]) -> str:
    """A cell's text with ``pass`` in place of some statements; each other keeps its line."""
    text = source.text.encode()
    starts = [0]
    for line in text.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    parts: list[bytes] = []
    done = missing = 0  # bytes of the text; ends of lines that were cut out and are put back at the next one
    for first, start, last, end in [*sorted(set(spans), key=lambda s: (s[0], s[1], -s[2], -s[3])), (0, 0, 0, 0)]:
        here = starts[first - 1] + start if first else len(text)
        if here < done:  # inside a block that is gone
            continue
        between = text[done:here]
        if missing and b"\n" in between:
            between, missing = between.replace(b"\n", b"\n" * (missing + 1), 1), 0
        parts += [between, b"pass" if first else b""]
        missing += last - first
        done = starts[last - 1] + end if first else here
    return b"".join(parts).decode()
