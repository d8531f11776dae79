"""Names that an answer may not use, looked for in its syntax tree, not in its text."""

from __future__ import annotations

import ast


def forbidden_use(answer: str, others: list[str], forbid: tuple[str, ...]) -> str | None:
    """The first forbidden name in an answer, or in what it uses of the student's other cells; a sentence, or ``None``.

    Names count as variables, attributes, imports, and as strings (``getattr(loss, "backward")``); comments and docstrings
    do not.
    """
    if not forbid:
        return None
    tree = _parse(answer)
    if tree is None:
        return None
    helpers = {}
    for source in others:
        for node in getattr(_parse(source), "body", []):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                helpers[node.name] = node
            elif isinstance(node, ast.Assign):
                helpers |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    todo, seen = [tree], set()
    while todo:
        node = todo.pop()
        docstrings = _docstrings(node)
        for inner in ast.walk(node):
            for name in _names(inner):
                if name in forbid and inner not in docstrings:
                    return f"`{name}` stands in line {inner.lineno} of your answer; this exercise is to be solved without it."
            if isinstance(inner, ast.Name) and inner.id in helpers and inner.id not in seen:
                seen.add(inner.id)
                todo.append(helpers[inner.id])
    return None


def _parse(source: str) -> ast.Module | None:
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]  # IPython's magics
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


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
