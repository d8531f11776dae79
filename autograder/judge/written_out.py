"""Variables whose every value is a text that stands in the code: a name that is taken from one is not made at run time."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Container, Iterator

MOST_TEXTS = 64  # that one variable may be, so that looking at each costs little

IsBuiltin = Callable[
    [ast.AST, Container[str]], bool
]  # whether a node is one of Python's own functions, which nobody has replaced
Columns = Iterator[tuple[str, list[str]]]


def literal_names(nodes: list[ast.AST], is_builtin: IsBuiltin) -> dict[str, list[str]]:
    """Variables that are given nothing but texts that are written out in a loop, and all of these."""
    given: dict[str, set[str]] = {}
    loops: Counter[str] = Counter()
    for loop in nodes:
        if isinstance(loop, (ast.For, ast.comprehension)):
            for name, texts in _columns(loop.target, loop.iter, is_builtin):
                given.setdefault(name, set()).update(texts)
                loops[name] += 1
    bound = _bindings(nodes) if given else Counter()
    return {
        name: sorted(texts) for name, texts in given.items() if bound[name] == loops[name] and len(texts) <= MOST_TEXTS
    }


def _columns(target: ast.AST, rows: ast.AST, is_builtin: IsBuiltin) -> Columns:
    """``a`` and ``b`` of ``for a, b in [('x', 1), ('y', 2)]`` with their texts; ``b`` has none here."""
    targets = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    if isinstance(rows, ast.Call):
        if isinstance(rows.func, ast.Attribute) and rows.func.attr == "split" and not rows.args:
            text = rows.func.value
            if isinstance(target, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield target.id, text.value.split()
        elif is_builtin(rows.func, ("enumerate",)) and len(targets) == 2 and len(rows.args) == 1:
            yield from _columns(targets[1], rows.args[0], is_builtin)
        elif is_builtin(rows.func, ("zip",)) and len(targets) == len(rows.args):
            for inner, column in zip(targets, rows.args):
                yield from _columns(inner, column, is_builtin)
        return
    items = rows.elts if isinstance(rows, (ast.Tuple, ast.List, ast.Set)) else []
    if isinstance(target, ast.Name):
        yield from _texts_of(target, items)
        return
    whole = [i.elts for i in items if isinstance(i, (ast.Tuple, ast.List)) and len(i.elts) == len(targets)]
    if len(whole) == len(items) and not any(isinstance(e, ast.Starred) for row in (*whole, targets) for e in row):
        for number, inner in enumerate(targets):
            if isinstance(inner, ast.Name):
                yield from _texts_of(inner, [row[number] for row in whole])


def _texts_of(target: ast.Name, items: list[ast.expr]) -> Columns:
    texts = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if texts and len(texts) == len(items):
        yield target.id, texts


def _bindings(nodes: list[ast.AST]) -> Counter[str]:
    """How many times a piece of code gives each name a value, in any scope and by any kind of statement."""
    found: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] += 1
        elif isinstance(node, ast.arg):
            found[node.arg] += 1
        elif isinstance(node, ast.alias):
            found[(node.asname or node.name).partition(".")[0]] += 1
        elif isinstance(node, (ast.Global, ast.Nonlocal)):  # another piece of code may change it meanwhile
            found.update(2 * node.names)
        else:  # def, class, except, match
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if isinstance(name, str):
                found[name] += 1
    return found
