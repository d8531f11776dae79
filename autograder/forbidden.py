"""Names that an answer may not use, looked for in its syntax tree, not in its text."""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter

MAGIC = re.compile(r"^\s*[%!?]|^[^#]*(\?\s*$|=\s*[%!])")  # a line that only IPython understands: %time f(), f?, x = !ls
TOO_DEEP = "Your code is nested too deeply to be read. Break up its longest expressions and its deepest blocks."

LOOKUPS = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "import_module",
    "__dict__",
    "__getattribute__",
    "attrgetter",
    "methodcaller",
    "vars",
    "globals",
    "locals",
    "f_globals",
    "f_locals",
    "f_builtins",
    "getmembers",
    "getattr_static",
    "__builtins__",
    "builtins",
)


def forbidden_use(answer: str, others: list[str], forbid: tuple[str, ...]) -> str | None:
    """The first forbidden name in an answer, or in what it uses of the student's other cells; a sentence, or ``None``.

    Names count as variables, attributes, imports, and as strings (``getattr(loss, "backward")``); comments and docstrings
    do not.  A name that is made at run time could be any, so ``eval`` and its kind are refused as well, and ``getattr`` unless its
    name stands there, or is that of a loop over names that do; code that is nested too deeply to be looked through is told, not
    passed over.
    """
    if not forbid:
        return None
    try:
        tree, *trees = [_parse(source) for source in (answer, *others)]
    except (RecursionError, MemoryError):
        return TOO_DEEP
    helpers: dict[str, list[ast.AST]] = {}
    for other in trees:
        for node in other.body:
            for name in _defined(node):
                helpers.setdefault(name, []).append(node)
    todo, seen = [tree], set()
    while todo:
        node = todo.pop()
        docstrings, written_out = _docstrings(node), _written_out(node)
        for inner in ast.walk(node):
            for name in _names(inner):
                if name in forbid and inner not in docstrings:
                    line = getattr(inner, "lineno", getattr(node, "lineno", 1))
                    return f"`{name}` stands in line {line} of your answer; this exercise is to be solved without it."
            if made := _made_at_run_time(inner, written_out):
                line = getattr(inner, "lineno", 1)
                advice = "in this exercise write names out, as in `for name in ('a', 'b')`"
                return f"`{made}` in line {line} of your answer uses a name that is made at run time; {advice}."
            used = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
            if used in helpers and used not in seen:
                seen.add(used)
                todo += helpers[used]
    return None


def _defined(node: ast.AST) -> list[str]:
    """The names, and the attributes of other objects, that a statement of another cell gives a meaning."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [
            alias.asname or alias.name.partition(".")[0]
            for alias in node.names
            if alias.asname or isinstance(node, ast.ImportFrom)
        ]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [t.id if isinstance(t, ast.Name) else t.attr for t in targets if isinstance(t, (ast.Name, ast.Attribute))]


def _made_at_run_time(node: ast.AST, written_out: set[ast.AST]) -> str:
    """What looks a name up that no reader of the answer sees, or nothing."""
    if node in written_out or isinstance(node, ast.Constant):
        return ""
    return next((name for name in _names(node) if name in (*LOOKUPS, "getattr")), "")


SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def _written_out(tree: ast.AST) -> set[ast.AST]:
    """Each ``getattr`` whose name is a string, or a local variable that only takes the strings of the loop it stands in."""
    found, bound = set(), _bindings(tree)

    def visit(node: ast.AST, local: bool, loops: frozenset[str]) -> None:
        if isinstance(
            node, SCOPES
        ):  # a function inside a loop may run when, and a class where, the variable is another
            local, loops = not isinstance(node, ast.ClassDef), frozenset()
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "getattr"
            and len(node.args) > 1
        ):
            name = node.args[1]
            if isinstance(name, ast.Constant) or isinstance(name, ast.Name) and name.id in loops:
                found.add(node.func)
        generators = getattr(node, "generators", [node] if isinstance(node, ast.For) and local else [])
        inner = loops | {loop.target.id for loop in generators if _over_strings(loop) and bound[loop.target.id] == 1}
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.comprehension):  # what it runs over is looked up outside it
                visit(child.iter, local, loops)
                for condition in child.ifs:
                    visit(condition, local, inner)
            else:
                visit(child, local, inner)

    visit(tree, False, frozenset())
    return found


def _over_strings(loop: ast.For | ast.comprehension) -> bool:
    items = loop.iter.elts if isinstance(loop.iter, (ast.Tuple, ast.List)) else []
    strings = all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in items)
    return bool(items) and strings and isinstance(loop.target, ast.Name)


def _bindings(tree: ast.AST) -> Counter[str]:
    """How many times a piece of code gives each name a value, in any scope and by any kind of statement."""
    found = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] += 1
        elif isinstance(node, ast.arg):
            found[node.arg] += 1
        elif isinstance(node, ast.alias):
            found[(node.asname or node.name).partition(".")[0]] += 1
        elif isinstance(node, (ast.Global, ast.Nonlocal)):  # another piece of code may change it meanwhile
            found.update(2 * node.names)
        elif isinstance(
            name := getattr(node, "name", None) or getattr(node, "rest", None), str
        ):  # def, class, except, match
            found[name] += 1
    return found


def _parse(source: str) -> ast.Module:
    """The tree of a cell; empty for what does not run either.

    Only if it is no Python, it may be IPython's: of a line with a magic its words are kept, as a list of strings.
    """
    lines = [_words(line) if MAGIC.search(line) else line for line in source.split("\n")]
    for text in (source, textwrap.dedent("\n".join(lines))):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):  # the latter for a NUL or half of a UTF-16 pair
            continue
    return ast.Module([], [])


def _words(line: str) -> str:
    return line[: len(line) - len(line.lstrip())] + repr(re.findall(r"\w+", line))


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.alias):
        return [*node.name.split("."), node.asname or ""]
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.split(".")
    return []


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    found = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            found.add(body[0].value)
    return found
