"""What people add so that nothing can go wrong, and what changes by it: operators like those of ``operators.py``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from autograder.changes.operators import MODULES, Change
from autograder.changes.scope import Scope

INSIDE = {"log": ("a logarithm", 1e-8), "sqrt": ("a square root", 1e-6)}
BELOW = 1e-6  # added to what is divided by


def small_numbers(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """A small number against the logarithm of zero, the slope of a root at zero, or a division by zero."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in INSIDE:
        words, number = INSIDE[node.func.attr]
        base, small = node.func.value, ast.Constant(number)
        clause = f"a small number (such as eps) is added inside {words}"
        if not (isinstance(base, ast.Name) and base.id in MODULES):
            yield ast.Call(ast.Attribute(ast.BinOp(base, ast.Add(), small), node.func.attr), node.args, node.keywords), clause
        elif node.args:
            yield ast.Call(node.func, [ast.BinOp(node.args[0], ast.Add(), small), *node.args[1:]], node.keywords), clause
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not isinstance(node.right, ast.Constant):
        below = ast.BinOp(node.right, ast.Add(), ast.Constant(BELOW))
        yield ast.BinOp(node.left, ast.Div(), below), "a small number (such as eps) is added to what is divided by"


def short_axes(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Axes of length 1 dropped from a returned tensor, as ``squeeze`` does with all of them."""
    if isinstance(scope.parents.get(node), ast.Return) and not isinstance(node, (ast.Tuple, ast.List, ast.Constant)) and _returns_a_tensor(node, scope):
        yield ast.Call(ast.Attribute(node, "squeeze"), [], []), "all axes of length 1 are dropped from the result (squeeze)"


def _returns_a_tensor(node: ast.AST, scope: Scope) -> bool:
    while not isinstance(node, ast.FunctionDef):
        if node not in scope.parents:
            return False
        node = scope.parents[node]
    said = ast.unparse(node.returns) if node.returns else ""
    return "Tensor" in said and not said.startswith(("tuple", "list", "dict"))


PRECAUTIONS: tuple[Callable[[ast.expr, Scope], Iterator[Change]], ...] = (small_numbers, short_axes)
