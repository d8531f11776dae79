"""Small changes of ranges, names and sequences: operators like those of ``operators.py``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from autograder.changes.operators import AVERAGING, Change
from autograder.changes.scope import Scope

MOST_NAMES = 3  # others that a name is replaced by, one at a time
INNER = "an argument of an inner function"  # whose name is that of the reference


def bounds(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """A range, a slice or a sequence that is one longer or shorter."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and node.args:
        end = node.args[0] if len(node.args) == 1 else node.args[1]
        start: ast.expr = ast.Constant(0) if len(node.args) == 1 else node.args[0]
        for operator, words in ((ast.Sub(), "short"), (ast.Add(), "long")):
            moved = ast.BinOp(end, operator, ast.Constant(1))
            yield ast.Call(node.func, [start, moved, *node.args[2:]], []), f"a range is one too {words} at its end"
        for operator, words in ((ast.Add(), "late"), (ast.Sub(), "early")):
            yield ast.Call(node.func, [ast.BinOp(start, operator, ast.Constant(1)), end, *node.args[2:]], []), f"a range begins one too {words}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        cut = node.slice
        for lower, upper in ((None, cut.upper), (cut.lower, None)):
            if (lower, upper) != (cut.lower, cut.upper):
                yield ast.Subscript(node.value, ast.Slice(lower, upper, cut.step)), "a slice goes further than it should, to the first or the last element"
        if cut.step is not None:
            yield ast.Subscript(node.value, ast.Slice(cut.lower, cut.upper)), "the step of a slice is left out"
        for name in ("lower", "upper"):
            bound = getattr(cut, name)
            if bound is not None and not isinstance(bound, (ast.Constant, ast.UnaryOp)):
                for operator in (ast.Add(), ast.Sub()):
                    moved = ast.BinOp(bound, operator, ast.Constant(1))
                    new = ast.Slice(moved, cut.upper, cut.step) if name == "lower" else ast.Slice(cut.lower, moved, cut.step)
                    yield ast.Subscript(node.value, new), f"a slice {'begins' if name == 'lower' else 'ends'} one element off"
    parent = scope.parents.get(node)
    if isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is node:
        listed = ast.Call(ast.Name("list"), [node], [])
        yield ast.Subscript(listed, ast.Slice(ast.Constant(1), None)), "the first element of a sequence is left out"
        yield ast.Subscript(listed, ast.Slice(None, ast.UnaryOp(ast.USub(), ast.Constant(1)))), "the last element of a sequence is left out"
        yield ast.Subscript(listed, ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))), "a sequence is gone through from its end"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        first, second = node.slice.elts
        yield ast.Subscript(node.value, ast.Tuple([second, first])), "rows and columns have changed places in an index"


def names(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """An argument that is not used, or one name where another belongs."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and any(word in node.attr.lower() for word in AVERAGING):
        yield ast.BinOp(ast.Constant(1), ast.Sub(), node), "1 minus a number is used where that number itself belongs"
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    parent = scope.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    if any(word in node.id.lower() for word in AVERAGING):
        yield ast.BinOp(ast.Constant(1), ast.Sub(), node), "1 minus a number is used where that number itself belongs"
    if node.id in scope.parameters:
        yield from _instead(node.id, scope, everywhere=scope.parameters[node.id].uses == 1)
    elif node.id in scope.locals:
        place = scope.locals.index(node.id)
        near = [other for other in (scope.locals[place - 1 : place] if place else []) + scope.locals[place + 1 : place + 2] if other != node.id]
        for other in near[:MOST_NAMES]:
            yield ast.Name(other), "one variable stands where another belongs"


def throughout(name: str, scope: Scope) -> Iterator[Change]:
    """What a parameter may be replaced by wherever it is read."""
    return _instead(name, scope, everywhere=True)


def _instead(name: str, scope: Scope, everywhere: bool) -> Iterator[Change]:
    """Args: everywhere: all that reads the parameter is replaced; else one place of several is."""
    parameter = scope.parameters[name]
    where = ", whatever is given for it" if everywhere else " in one place"
    if parameter.default is not None:
        yield parameter.default, f"{INNER if parameter.of_helper else name} stays at its default{where}"
    if parameter.annotation in ("int", "float") and not parameter.of_helper:
        for number in (0, 1, 2):
            yield ast.Constant(number), f"{name} is {number}{where}"
    alike = [other for other, found in scope.parameters.items() if other != name and parameter.annotation and found.annotation == parameter.annotation]
    for other in alike[:MOST_NAMES]:
        if parameter.of_helper or scope.parameters[other].of_helper:
            yield ast.Name(other), "one variable stands where another belongs"
        else:
            yield ast.Name(other), f"{other} is used {'' if everywhere else 'in one place '}where {name} belongs"


def parts(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """An element of a list or tuple left out, two of them swapped; a condition of a comprehension left out."""
    if isinstance(node, (ast.List, ast.Tuple)) and isinstance(node.ctx, ast.Load) and not isinstance(scope.parents.get(node), (ast.Subscript, ast.Assign)):
        returned = isinstance(scope.parents.get(node), ast.Return)
        if len(node.elts) > 1 and not returned:
            for left_out in range(len(node.elts)):
                rest = [element for number, element in enumerate(node.elts) if number != left_out]
                yield type(node)(rest, ast.Load()), "one of the elements that are put together is left out"
        for first in range(len(node.elts) - 1):
            swapped = list(node.elts)
            swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
            words = "two of the returned values have changed places" if returned else "two elements of a list have changed places"
            yield type(node)(swapped, ast.Load()), words
    if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
        for number, generator in enumerate(node.generators):
            if generator.ifs:
                free = ast.comprehension(generator.target, generator.iter, [], 0)
                yield type(node)(node.elt, [*node.generators[:number], free, *node.generators[number + 1 :]]), "a condition is left out"


PLACES: tuple[Callable[[ast.expr, Scope], Iterator[Change]], ...] = (bounds, names, parts)
