"""Changes that only a wrong text needs: what is missing in it or stands there too much, said of the text as it is.

No mutant of a right answer needs them: what they undo, or add, no mutant has done. Operators like those of ``operators.py``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from autograder.changes.operators import DROPPED, MODULES, REDUCTIONS, Change, is_method
from autograder.changes.scope import Scope

MISSING_CALLS = ("exp", "log", "sqrt", "abs", "tanh", "sum", "mean", "clone", "square", "float", "double", "t")  # of a tensor
MISSING = {"sorted": "what comes here is not in order", "list": "", "set": "the same thing can come more than once here", "int": "", "float": "", "abs": ""}
MOST_NAMES = 12
MOST_PIECES, LONGEST_PIECE = 12, 60
KINDS = {"double": "float32 keeps too few digits, or too small numbers, for what comes out there", "float": "the kind of number (dtype) is not the right one"}
MISSED = "a step is missing there"
CONVERSIONS = ("float", "double", "long", "int", "bool", "item", "tolist")
OF_FLOATS = ("mean", "std", "var", "softmax", "log_softmax", "norm")  # methods that refuse whole numbers and truth values
SIZES = {"len", "size", "numel", "dim"}
OTHER = "another variable belongs there"


def calls(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Any call left out that stands there too much."""
    if not isinstance(node, ast.Call) or any(isinstance(a, ast.Starred) for a in node.args):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    words = f"the call of {name}() does not belong there"
    method = is_method(node)
    if method and isinstance(node.func, ast.Attribute) and (name not in DROPPED or not DROPPED[name]):
        yield node.func.value, words
    if not method and node.args and (name not in DROPPED or not DROPPED[name]):
        for argument in node.args[:2]:
            yield argument, words


def slips(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """One element in place of all, a condition, the kind of number: tried before all else, for what comes later mends these by chance, too."""
    if isinstance(node, ast.Subscript) and _is_read(node) and isinstance(node.slice, (ast.Constant, ast.UnaryOp)):
        yield node.value, "only a part of it is taken where all belongs"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:  # also of tensors: what is always true, and never
        yield ast.Compare(node.left, [ast.Eq()], [node.left]), "there is a condition that does not belong there"
        yield ast.Compare(node.left, [ast.NotEq()], [node.left]), "a case is treated on its own that should not be"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_method(node):
        name, base = node.func.attr, node.func.value
        if name in CONVERSIONS and not node.args:
            yield base, f"the call of {name}() does not belong there"
        if name in OF_FLOATS:
            floats = ast.Attribute(ast.Call(ast.Attribute(base, "float", ast.Load()), [], []), name, ast.Load())
            yield ast.Call(floats, node.args, node.keywords), f"{name}() works with floats, and there are none"


def names(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Any other name that is known where one stands."""
    if not _is_read(node) or _is_called(node, scope):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in MODULES:
        attributes = {n.attr for n in scope.parents if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
        for attribute in sorted(attributes - {node.attr})[:MOST_NAMES]:
            yield ast.Attribute(node.value, attribute, ast.Load()), "another attribute belongs there"
    if isinstance(node, ast.Name) and node.id not in MODULES and node.id in (known := _known(node, scope)):
        for other in [name for name in known if name != node.id][:MOST_NAMES]:
            yield ast.Name(other, ast.Load()), OTHER


def _is_read(node: ast.expr) -> bool:
    """Whether an expression stands for its value, and not for a place that gets one."""
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _is_called(node: ast.expr, scope: Scope) -> bool:
    return isinstance(parent := scope.parents.get(node), ast.Call) and parent.func is node


def _known(node: ast.AST, scope: Scope) -> list[str]:
    """Arguments and variables of the functions and comprehensions around a node, those that stand nearest to it first."""
    found: list[str] = []
    here: ast.AST | None = node
    while here is not None:
        if isinstance(here, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
            found += [n.id for g in here.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)]
        if isinstance(here, (ast.FunctionDef, ast.Lambda)):
            arguments = [a.arg for a in (*here.args.posonlyargs, *here.args.args, *here.args.kwonlyargs)]
            found += arguments + [n.id for n in ast.walk(here) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        here = scope.parents.get(here)
    return list(dict.fromkeys(found))


def numbers(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """An argument, or the length of one, where a fixed number stands."""
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float) or isinstance(scope.parents.get(node), ast.keyword):
        return
    here: ast.AST | None = node
    while here is not None and not isinstance(here, (ast.FunctionDef, ast.Lambda)):
        here = scope.parents.get(here)
    if here is None:
        return
    arguments = [a.arg for a in (*here.args.posonlyargs, *here.args.args, *here.args.kwonlyargs) if a.arg != "self"]
    for name in arguments:
        yield ast.Name(name, ast.Load()), "a fixed number stands where it depends on what is given"
    for name in arguments:
        yield ast.Call(ast.Name("len", ast.Load()), [ast.Name(name, ast.Load())], []), "a fixed number stands where it depends on what is given"


def operators(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Another operation of two numbers or matrices."""
    if isinstance(node, ast.BinOp):
        kinds: dict[type, tuple[type, ...]] = {
            ast.Add: (ast.Mult,), ast.Sub: (ast.Div,), ast.Div: (ast.FloorDiv, ast.Sub), ast.FloorDiv: (ast.Div,), ast.Mult: (ast.MatMult, ast.Pow, ast.Sub),
            ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,), ast.Mod: (ast.FloorDiv,),
        }  # fmt: skip
        for kind in kinds.get(type(node.op), ()):
            yield ast.BinOp(node.left, kind(), node.right), "another operation belongs there"
        if isinstance(node.op, (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.MatMult)):
            yield ast.BinOp(node.right, node.op, node.left), "the two sides of an operation have changed places"
        if isinstance(node.op, ast.Div) and isinstance(times := node.left, ast.BinOp) and isinstance(times.op, ast.Mult):
            for kept, factor in ((times.left, times.right), (times.right, times.left)):
                turned = ast.BinOp(ast.BinOp(kept, ast.Mult(), node.right), ast.Div(), factor)
                yield turned, "a factor and what it is divided by have changed places"
        if isinstance(node.op, ast.Pow):
            for operator in (ast.Sub(), ast.Add()):
                yield ast.BinOp(node.left, ast.Pow(), ast.BinOp(node.right, operator, ast.Constant(1))), "an exponent is one off"
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Tuple):
        yield node.value, "only a part of it is taken where all belongs"


def _counts(node: ast.expr) -> bool:
    """Whether it is a size, of which 1 minus it would be right by chance alone."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    return isinstance(node, ast.Call) and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in SIZES


def missing(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Something that is missing around what is returned, kept, summed up or handed on."""
    parent = scope.parents.get(node)
    if isinstance(node, (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Lambda, ast.Slice, ast.Starred)):
        return
    if _is_called(node, scope) or isinstance(parent, ast.Attribute) and isinstance(node, ast.Name):
        return
    if isinstance(node, ast.Name) and not isinstance(parent, (ast.Call, ast.BinOp, ast.Return, ast.Subscript, ast.For, ast.comprehension, ast.Assign)):
        return
    yield ast.UnaryOp(ast.USub(), node), "one of the terms has the wrong sign"
    if not _counts(node):
        yield ast.BinOp(ast.Constant(1), ast.Sub(), node), "a number stands where 1 minus that number belongs"
    for operator in (ast.Add(), ast.Sub()):
        yield ast.BinOp(node, operator, ast.Constant(1)), "it is one off there"
    yield ast.BinOp(ast.Constant(2), ast.Mult(), node), "a factor is missing there"
    yield ast.BinOp(node, ast.Div(), ast.Constant(2)), "a factor is missing there"
    yield ast.BinOp(node, ast.Pow(), ast.Constant(2)), "a power is missing there"
    for name, words in MISSING.items():
        yield ast.Call(ast.Name(name, ast.Load()), [node], []), words or MISSED
    for name in MISSING_CALLS:
        words = f"{DROPPED.get(name) or 'a step'} is missing there" if name not in KINDS else KINDS[name]
        yield ast.Call(ast.Attribute(node, name, ast.Load()), [], []), words
    for axis in (0, 1, -1):
        for name in ("unsqueeze", "squeeze"):
            yield ast.Call(ast.Attribute(node, name, ast.Load()), [ast.Constant(axis)], []), "an axis of length 1 is missing there, or one too many"
        yield ast.Call(ast.Attribute(node, "softmax", ast.Load()), [ast.Constant(axis)], []), "a softmax is missing there"
    yield ast.Call(ast.Attribute(node, "flatten", ast.Load()), [ast.Constant(1)], []), "an axis too many is left there"
    backwards = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
    yield ast.Subscript(node, backwards, ast.Load()), "it goes through a sequence in the wrong direction"


def options(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """An option that is missing in a call."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    given = {k.arg for k in node.keywords}
    torch = ast.Name("torch", ast.Load())
    if node.func.attr in ("tensor", "zeros", "ones", "arange", "linspace", "full", "empty", "randn", "rand") and "dtype" not in given:
        for dtype in ("float64", "float32", "int64"):
            keyword = ast.keyword("dtype", ast.Attribute(torch, dtype, ast.Load()))
            yield ast.Call(node.func, node.args, [*node.keywords, keyword]), "the kind of number (dtype) is not the right one"
    if node.func.attr in ("randn", "rand", "randint", "randperm", "multinomial", "bernoulli") and "generator" not in given:
        for name in ("g", "generator"):
            keyword = ast.keyword("generator", ast.Name(name, ast.Load()))
            yield ast.Call(node.func, node.args, [*node.keywords, keyword]), "the random numbers come from the wrong generator"
    if node.func.attr == "multinomial" and "replacement" not in given:
        yield ast.Call(node.func, node.args, [*node.keywords, ast.keyword("replacement", ast.Constant(True))]), "nothing can be drawn twice there"
    for place, keyword in enumerate(node.keywords):
        if keyword.arg == "dtype":
            for dtype in ("float64", "float32", "int64"):
                other = ast.keyword("dtype", ast.Attribute(torch, dtype, ast.Load()))
                rest = [*node.keywords[:place], other, *node.keywords[place + 1 :]]
                yield ast.Call(node.func, node.args, rest), "the kind of number (dtype) is not the right one"


def along(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Another axis, which stays or goes; the rest of what a call is given."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in REDUCTIONS:
        return
    name, word, before = node.func.attr, REDUCTIONS[node.func.attr], node.args[: 0 if is_method(node) else 1]
    found = len(node.args) > len(before) or any(k.arg in ("dim", "axis") for k in node.keywords)
    words = f"{word} runs along the wrong axis" if found else f"{word} runs over all axes where it should run along one"
    for axis in (1, 0, -1):
        for keep in ([ast.keyword("keepdim", ast.Constant(True))], []):
            called = ast.Attribute(node.func.value, {"max": "amax", "min": "amin"}.get(name, name), ast.Load())
            yield ast.Call(called, [*before, ast.Constant(axis)], keep), words


def brackets(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """``a - b / c`` for ``(a - b) / c``: what is computed first."""
    if not isinstance(node, ast.BinOp):
        return
    left, right, words = node.left, node.right, "brackets are missing there, or stand where none belong"
    if isinstance(right, ast.BinOp):
        yield ast.BinOp(ast.BinOp(left, node.op, right.left), right.op, right.right), words
    if isinstance(left, ast.BinOp):
        yield ast.BinOp(left.left, left.op, ast.BinOp(left.right, node.op, right)), words
    if isinstance(left, ast.BinOp) and isinstance(right, ast.BinOp):
        inner = ast.BinOp(left.right, node.op, right.left)
        yield ast.BinOp(ast.BinOp(left.left, left.op, inner), right.op, right.right), words
    if isinstance(left, ast.UnaryOp) and isinstance(node.op, ast.Pow):
        yield ast.BinOp(left.operand, ast.Pow(), right), words


def rounding(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Cut off, or rounded; from the end, or from the beginning."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("int", "round") and node.args:
        other = "round" if node.func.id == "int" else "int"
        words = "a number is cut off where it should be rounded" if other == "round" else "a number is rounded where it should be cut off"
        yield ast.Call(ast.Name(other, ast.Load()), node.args[:1], []), words
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and isinstance(node.value, ast.Name):
        upper = node.slice.upper
        if isinstance(upper, ast.UnaryOp) and isinstance(upper.op, ast.USub) and not isinstance(upper.operand, ast.Constant):
            length = ast.Call(ast.Name("len", ast.Load()), [node.value], [])
            cut = ast.Slice(node.slice.lower, ast.BinOp(length, ast.Sub(), upper.operand), node.slice.step)
            yield ast.Subscript(node.value, cut, ast.Load()), "a slice ends so far from the end, and where that is 0 nothing is left of it"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("norm", "std"):
        other = "std" if node.func.attr == "norm" else "norm"
        words = f"{REDUCTIONS[node.func.attr]} is taken where {REDUCTIONS[other]} belongs"
        yield ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords), words


def joined(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """A factor or a term that is missing: one of the names that are known, or a small number."""
    parent = scope.parents.get(node)
    if not isinstance(node, (ast.Name, ast.Call, ast.BinOp, ast.Attribute, ast.Subscript)) or not _is_read(node):
        return
    if not isinstance(parent, (ast.BinOp, ast.Return, ast.Assign, ast.AugAssign, ast.Dict, ast.Tuple, ast.List)):
        return
    known = [ast.Name(name, ast.Load()) for name in _known(node, scope)[:MOST_NAMES]]
    sizes = [ast.Call(ast.Name("len", ast.Load()), [name], []) for name in known[:3]]
    for factor in (*known, *sizes):
        yield ast.BinOp(node, ast.Mult(), factor), "a factor is missing there"
        yield ast.BinOp(node, ast.Div(), factor), "a factor is missing there"
    for term in known:
        for operator in (ast.Add(), ast.Sub()):
            yield ast.BinOp(node, operator, term), "something that has to be added or subtracted is missing there"
    yield ast.BinOp(node, ast.Add(), ast.Constant(1e-5)), "a small number (such as eps) is missing there"


def pieces(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Another expression of the same function where one stands."""
    if not isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) or not _is_read(node):
        return
    if _is_called(node, scope) or isinstance(scope.parents.get(node), ast.Attribute):
        return
    here: ast.AST | None = node
    while here is not None and not isinstance(here, ast.FunctionDef):
        here = scope.parents.get(here)
    found: dict[str, ast.expr] = {}
    for other in ast.walk(here) if here is not None else ():
        if isinstance(other, (ast.Call, ast.Attribute, ast.Subscript)) and _is_read(other) and not _is_called(other, scope):
            found.setdefault(ast.unparse(other), other)
    mine, around = ast.unparse(node), set(ast.walk(node))
    others = [o for text, o in found.items() if text != mine and len(text) <= LONGEST_PIECE and o not in around and node not in ast.walk(o)]
    for other in others[:MOST_PIECES]:  # listed before the first one is put in place: an expression within itself has no end
        yield other, "something else belongs there"


SPARE: tuple[Callable[[ast.expr, Scope], Iterator[Change]], ...] = (along, brackets, rounding, calls, names, numbers, operators, options)
LAST: tuple[Callable[[ast.expr, Scope], Iterator[Change]], ...] = (joined, missing, pieces)
