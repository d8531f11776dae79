"""Names that an answer may not use, looked for in its syntax tree, not in its text."""

from __future__ import annotations

import ast
import re
import textwrap

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
)


def forbidden_use(answer: str, others: list[str], forbid: tuple[str, ...]) -> str | None:
    """The first forbidden name in an answer, or in what it uses of the student's other cells; a sentence, or ``None``.

    Names count as variables, attributes, imports, and as strings (``getattr(loss, "backward")``); comments and docstrings
    do not.  A name that is made at run time could be any, so ``eval`` and its kind are refused as well; and code that is nested
    too deeply to be looked through is told, not passed over.
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
        docstrings = _docstrings(node)
        for inner in ast.walk(node):
            for name in _names(inner):
                if name in forbid and inner not in docstrings:
                    line = getattr(inner, "lineno", getattr(node, "lineno", 1))
                    return f"`{name}` stands in line {line} of your answer; this exercise is to be solved without it."
            if made := _made_at_run_time(inner):
                return f"`{made}` in line {inner.lineno} of your answer uses a name that is made at run time; in this exercise write names out."
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


def _made_at_run_time(node: ast.AST) -> str:
    """What looks a name up that no reader of the answer sees, or nothing."""
    if isinstance(node, ast.Name) and node.id in LOOKUPS:
        return node.id
    if isinstance(node, ast.Attribute) and node.attr in LOOKUPS:
        return node.attr
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr"):
        name = node.args[1] if len(node.args) > 1 else None
        return "" if isinstance(name, ast.Constant) else node.func.id
    return ""


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
