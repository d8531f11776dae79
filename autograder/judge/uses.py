"""Why a statement is not looked upon as free of the forbidden names: what it uses of them, or how it could make any name."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from itertools import chain

from autograder.judge.reading import Statement
from autograder.judge.run_time import ATTRIBUTES, BUILTINS, BY_NAME, CLASS_HOOKS, KNOWN, PACKAGES, made_by
from autograder.judge.written_out import literal_names

WRITE_OUT = "in this exercise write names out, as in `for name in ('a', 'b')`"
SWITCHES = {"set_grad_enabled"}  # called with False they switch off what is off anyway
ONLY_ASK = {
    "hasattr",
    "getattr",
    "dir",
    "help",
    "print",
    "type",
    "str",
    "repr",
    "id",
    "setattr",
}  # of a module that is handed to them

FORBIDDEN = "this exercise is to be solved without it"
MADE_AT_RUN_TIME = f"with it a name is made at run time that could be any; {WRITE_OUT}"
NOBODY_READ = "this exercise is to be solved with Python's own modules, NumPy, PyTorch, Matplotlib, and .py files that you hand in"

TAKEN = "an installed module has that name too, so give your own file another one"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Use:
    """Of something that an exercise does not allow."""

    line: int
    word: str
    says: str
    place: str = ""  # of what stands in another file


@dataclass(frozen=True)
class Around:
    """What a statement has to be read with: the rest of its notebook."""

    modules: dict[str, list[Path]]  # what each name stands for that an import gives, anywhere
    given: Container[str]  # global names that get a value anywhere
    own: Callable[[str, Statement], bool]  # whether a global name is the student's own wherever a statement looks it up
    beside: dict[str, str | None]  # the files beside the notebook that could be imported; the text of those in Python


def use_in(statement: Statement, forbid: tuple[str, ...], around: Around) -> Use | None:
    """The first use in a statement that an exercise does not allow; of a forbidden name rather than of another way."""
    nodes = [inner for node in statement.nodes for inner in ast.walk(node)]
    looker = _Looker(statement, nodes, forbid, around)
    return next(chain(looker.forbidden(), looker.made(), looker.unknown()), None)


class _Looker:
    def __init__(self, statement: Statement, nodes: list[ast.AST], forbid: tuple[str, ...], around: Around) -> None:
        self.statement, self.nodes, self.forbid, self.around = statement, nodes, set(forbid), around
        self.loads = statement.now | statement.later
        imported = {
            name for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for name, _ in given_by(node)
        }
        self.modules = {name: around.modules[name] for name in self.loads | imported if name in around.modules}
        self.calls: dict[ast.AST, ast.Call] = {node.func: node for node in nodes if isinstance(node, ast.Call)}
        self.bases = {node.value for node in nodes if isinstance(node, ast.Attribute)}
        self.asked = {a for f, c in self.calls.items() if self._is_builtin(f, ONLY_ASK) for a in c.args[:1]}
        self.literals = literal_names(nodes, self._is_builtin)
        self.paths = {node: paths for node in nodes if node not in self.bases and (paths := list(self._paths(node)))}

    def _own(self, name: str) -> bool:
        return self.around.own(name, self.statement)

    def _is_builtin(self, node: ast.AST, names: Container[str]) -> bool:
        return (
            isinstance(node, ast.Name)
            and node.id in names
            and node.id in self.loads
            and node.id not in self.around.given
        )

    def _line(self, node: ast.AST) -> int:
        return getattr(node, "lineno", self.statement.line)

    def _paths(self, node: ast.AST) -> Iterator[Path]:
        """What ``torch.nn.functional.relu`` stands for, if it begins with a module."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in self.modules:
            for module in self.modules[node.id]:
                yield (*module, *reversed(parts[-8:]))

    # what is forbidden by name

    def forbidden(self) -> Iterator[Use]:
        for node in self.nodes:
            for name in self._used(node):
                if name in self.forbid or _holds(node, name, self.forbid):
                    yield Use(self._line(node), name, FORBIDDEN)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                for path in self.around.modules.get(node.id, ()) if node.id in self.modules else ():
                    if any(part in self.forbid or _holds(None, part, self.forbid) for part in path):
                        yield Use(self._line(node), ".".join(path), FORBIDDEN)

    def _used(self, node: ast.AST) -> list[str]:
        """Names that are really looked up: not those that are given, of local variables, or in texts."""
        call = self.calls.get(node)
        if (
            call
            and _name(node) in SWITCHES
            and not call.keywords
            and [getattr(a, "value", 0) for a in call.args] == [False]
        ):
            return []
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return [node.id] if node.id in self.loads and not self._own(node.id) else []
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            return [node.attr]
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            return (node.module or "").split(".")
        if isinstance(node, ast.MatchClass):
            return node.kwd_attrs
        if isinstance(node, ast.Call) and (_name(node.func) == "getattr" or self._asks_by_name(node.func)):
            texts = (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
            named = (text for a in node.args if isinstance(a, ast.Name) for text in self.literals.get(a.id, ()))
            return [part for text in (*texts, *named) for part in text.split(".")]
        return []

    # what is made at run time

    def made(self) -> Iterator[Use]:
        for node in self.nodes:
            if word := self._maker(node):
                yield Use(self._line(node), word, MADE_AT_RUN_TIME)

    def _maker(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return self._made_by_name(node)
        if isinstance(node, ast.Attribute) and node.attr == "__dict__":
            return "" if self._is_local(node.value) else "__dict__"
        if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES | CLASS_HOOKS:
            return node.attr
        if isinstance(node, ast.Name) and node.id in CLASS_HOOKS:
            return node.id
        if isinstance(node, ast.FunctionDef) and node.name in CLASS_HOOKS:
            return node.name
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            return made_by(tuple((node.module or "").split(".")))
        if isinstance(node, ast.Attribute) and node in self.paths:
            return next((made for path in self.paths[node] if (made := self._made_by_path(node, path))), "")
        if isinstance(node, ast.Call) and _name(node.func) == "getattr" and len(node.args) > 1:
            return next(
                (made for text in self._texts(node.args[1]) if (made := self._made_by_text(node.args[0], text))), ""
            )
        return ""

    def _made_by_name(self, node: ast.Name) -> str:
        name = node.id
        for path in self.paths.get(node, ()):
            if made := self._made_by_path(node, path):
                return made
            if (
                ".".join(path) in sys.modules and node not in self.asked
            ):  # handed on, and then asked for names elsewhere
                return name
        if name not in self.loads or self._own(name):
            return ""
        call = self.calls.get(node)
        if name == "locals":
            return "" if call and name not in self.statement.now else name
        if name == "vars":
            return (
                "" if call and (self._is_local(call.args[0]) if call.args else name not in self.statement.now) else name
            )
        if name == "getattr":
            return "" if call and len(call.args) > 1 and self._texts(call.args[1]) else name
        return name if name in BUILTINS else ""

    def _asks_by_name(self, node: ast.AST) -> bool:
        return any(".".join(path[:2]) in BY_NAME for path in self.paths.get(node, ()))

    def _made_by_path(self, node: ast.AST, path: Path) -> str:
        if ".".join(path[:2]) not in BY_NAME:
            return made_by(path)
        call = self.calls.get(node)
        names = [
            self._texts(a) for a in (call.args if call and path[1] == "attrgetter" else call.args[:1] if call else ())
        ]
        if not names or not all(names):
            return path[1]
        return next(
            (made for texts in names for text in texts if (made := self._made_by_text(ast.Name("torch"), text))), ""
        )

    def _made_by_text(self, base: ast.AST, text: str) -> str:
        parts = tuple(text.split("."))
        if set(parts) & (ATTRIBUTES | CLASS_HOOKS | {"__dict__"}):
            return text
        return next((made for path in (*self._paths(base), ("torch",)) if (made := made_by((*path, *parts)))), "")

    def _texts(self, node: ast.AST) -> list[str]:
        """What a name that is handed to ``getattr`` can be, if it is written out."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, ast.Name) and node.id not in self.loads:
            return self.literals.get(node.id, [])
        return []

    def _is_local(self, node: ast.AST) -> bool:
        """A local variable, or what it holds: a student's own object, no module and no class of torch's."""
        while isinstance(node, ast.Attribute) and not node.attr.startswith("__"):
            node = node.value
        return (
            isinstance(node, ast.Name)
            and (node.id not in self.loads or self._own(node.id))
            and node.id not in self.modules
        )

    # modules that nobody has read

    def unknown(self) -> Iterator[Use]:
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                yield Use(self._line(node), "from .", NOBODY_READ)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                for top in tops(node):
                    if top in self.around.beside and top in KNOWN and top not in PACKAGES:  # these are found first
                        yield Use(self._line(node), top, TAKEN)
                    elif self.around.beside.get(top, "" if top in KNOWN or top in self.around.beside else None) is None:
                        yield Use(self._line(node), top, NOBODY_READ)


def tops(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules whose code an import runs, without their parts."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return [name.partition(".")[0] for name in names]


def given_by(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Path]]:
    """Each name that an import gives, and what it stands for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (*(node.module or "").split("."), alias.name)
        elif alias.asname:
            yield alias.asname, tuple(alias.name.split("."))
        else:
            yield alias.name.partition(".")[0], (alias.name.partition(".")[0],)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _holds(node: ast.AST | None, name: str, forbid: set[str]) -> bool:
    """Whether a name of torch's own has a forbidden one in it, as ``torch._log_softmax_backward_data`` has."""
    if isinstance(node, ast.Name) or not set(re.split("_+", name)) & forbid:
        return False
    import torch

    return any(hasattr(place, name) for place in (torch, torch.Tensor, torch.nn.functional, torch.ops.aten))
