"""Changes of steps that only a wrong text needs: a step in another place, inside or outside of a loop, a condition or a with."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

LONGEST_BLOCK = 25  # statements


def later_returns(node: ast.stmt, body: list[ast.stmt], index: int) -> Iterator[tuple[list[ast.stmt], str]]:
    """A return at the end of a loop, or of one within it, that comes behind the loop. What then runs may take long: it does all the passes."""
    if not isinstance(node, (ast.For, ast.While)):
        return
    loop = copy.deepcopy(node)
    for inner in ast.walk(loop):
        if isinstance(inner, (ast.For, ast.While)) and isinstance(last := inner.body[-1], ast.Return):
            inner.body[-1] = ast.Pass()
            behind = "it" if inner is loop else "all loops"
            yield [*body[:index], loop, last, *body[index + 1 :]], f"the function returns in the first pass of a loop, and its return belongs behind {behind}"
            return


def missing_returns(node: ast.stmt, body: list[ast.stmt], index: int) -> Iterator[tuple[list[ast.stmt], str]]:
    """A return of what the last step of a function, or of a case, comes to."""
    if index != len(body) - 1 or not isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)) or node.value is None:
        return
    if isinstance(node, ast.Expr):
        if not isinstance(node.value, (ast.Constant, ast.Yield, ast.YieldFrom)):
            yield [*body[:index], ast.Return(node.value)], "what comes out there is not returned"
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) == 1 and isinstance(target := targets[0], ast.Name):
        yield [*body, ast.Return(ast.Name(target.id, ast.Load()))], "nothing is returned behind it"


def further_changes(node: ast.stmt, body: list[ast.stmt], index: int) -> Iterator[tuple[list[ast.stmt], str]]:
    """Of a statement in a list of them: other lists, and what is wrong with the one there is."""

    def instead(*new: ast.stmt, until: int = 1) -> list[ast.stmt]:
        return [*body[:index], *new, *body[index + until :]] or [ast.Pass()]

    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple) and len(node.targets[0].elts) == 2:
        first, second = node.targets[0].elts
        swapped = ast.Assign([ast.Tuple([second, first], ast.Store())], node.value, lineno=node.lineno)
        yield instead(swapped), "two names have changed places"
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(target := node.targets[0], ast.Name):
        yield instead(ast.AugAssign(target, ast.Add(), node.value)), "each new part replaces what was there, instead of being added to it"
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        load = ast.Name(node.target.id, ast.Load())
        fresh = ast.Assign([node.target], ast.BinOp(load, node.op, node.value), lineno=node.lineno)
        yield instead(fresh), "something is changed in place that others still use"
    following = body[index + 1] if index + 1 < len(body) else None
    if isinstance(node, (ast.For, ast.While)) and following is not None and not isinstance(following, ast.Return):
        yield instead(_longer(node, following), until=2), "a step comes once behind a loop, and belongs in each pass of it"
    if isinstance(node, ast.If) and not node.orelse and following is not None:
        yield instead(ast.If(node.test, node.body, [following]), until=2), "a step is done in every case, and should be done in one"
    if isinstance(node, ast.If) and len(node.body) > 1:
        yield instead(ast.If(node.test, node.body[:-1], node.orelse), node.body[-1]), "a step is done in one case, and should be done in every one"
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
        first, second = node.value.elts
        yield instead(ast.Return(ast.Tuple([second, first], ast.Load()))), "two of the returned values have changed places"
    if isinstance(node, ast.Break):
        yield instead(ast.Pass()), "a loop ends where it has to go on"
    if isinstance(node, ast.Continue):
        yield instead(ast.Pass()), "a pass of a loop is left where it has to go on"
    if isinstance(node, ast.With) and len(node.body) > 1:
        for cut in range(1, len(node.body)):
            inner = ast.With(node.items, node.body[cut:], lineno=node.lineno)
            yield instead(*node.body[:cut], inner), "steps stand inside of a with that belong before it"
            inner = ast.With(node.items, node.body[:cut], lineno=node.lineno)
            yield instead(inner, *node.body[cut:]), "steps stand inside of a with that belong behind it"
    if not isinstance(node, (ast.Return, ast.FunctionDef, ast.ClassDef, ast.Pass)):
        rest = [*body[:index], *body[index + 1 :]]
        for place in range(len(body)):
            if place not in (index - 1, index, index + 1) and len(body) <= LONGEST_BLOCK:
                yield [*rest[:place], node, *rest[place:]], "this step stands at the wrong place"


def _longer(loop: ast.For | ast.While, last: ast.stmt) -> ast.stmt:
    body = [*loop.body, last]
    if isinstance(loop, ast.While):
        return ast.While(loop.test, body, loop.orelse)
    return ast.For(loop.target, loop.iter, body, loop.orelse, lineno=loop.lineno)
