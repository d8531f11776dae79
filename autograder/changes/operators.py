"""Small changes of one expression, each with what it does in general words: true of any code that behaves so.

An operator takes an expression and yields others that may stand in its place. A change without words is for ``autograder mutate`` alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from autograder.changes.scope import Scope

Change = tuple[ast.expr, str]  # another expression, and what then happens: "Your result is what comes out when ..."

MODULES = {"torch", "F", "np", "math", "nn", "functional", "random"}
REDUCTIONS = {
    **{"sum": "a sum", "mean": "a mean", "max": "a maximum", "min": "a minimum", "amax": "a maximum", "amin": "a minimum"},
    **{"prod": "a product", "std": "a standard deviation", "var": "a variance", "any": "an any()", "all": "an all()", "norm": "a length"},
    **{"argmax": "the place of a maximum", "argmin": "the place of a minimum", "logsumexp": "a sum of exponentials"},
}
ALONG = {
    **REDUCTIONS,
    **{"softmax": "a softmax", "log_softmax": "a softmax", "cumsum": "a running sum", "sort": "a sorting", "argsort": "a sorting"},
    **{"cat": "a concatenation", "stack": "a stacking", "unsqueeze": "a new axis", "squeeze": "a squeezing", "flatten": "a flattening"},
    **{"index_add_": "an adding by index", "gather": "a picking by index", "select": "a selection", "diff": "a difference"},
}
DROPPED = {
    **{"exp": "an exponential", "log": "a logarithm", "sqrt": "a square root", "abs": "an absolute value", "tanh": "a tanh", "relu": "a ReLU"},
    **{"sigmoid": "a sigmoid", "softmax": "a softmax", "log_softmax": "a softmax", "sorted": "a sorting", "reversed": "a reversal"},
    **{"set": "the removal of duplicates", "t": "a transpose", "transpose": "a transpose", "permute": "a reordering of the axes"},
    **{"float": "", "double": "", "long": "", "int": "a rounding down", "round": "a rounding", "square": "a square", "flip": "a reversal"},
    **{"detach": "", "clone": "", "contiguous": "", "copy": "", "squeeze": "", "unsqueeze": "", "flatten": "", "item": "", "list": ""},
    **{"cumsum": "a running sum", "sum": "a sum", "mean": "a mean", "clamp": "a bound on the numbers", "logsumexp": "a sum of exponentials"},
    **{"view": "", "reshape": "", "log1p": "a logarithm", "gelu": "a GELU", "requires_grad_": "", "pad": "a padding", "lower": ""},
}
SWAPS = {
    "sum": [("mean", "a mean is taken where a sum belongs")],
    "mean": [("sum", "a sum is taken where a mean belongs"), ("median", "a median is taken where a mean belongs")],
    "max": [("min", "the smallest is taken in place of the largest"), ("argmax", "a position is taken in place of the value there")],
    "min": [("max", "the largest is taken in place of the smallest"), ("argmin", "a position is taken in place of the value there")],
    "argmax": [("argmin", "the smallest is taken in place of the largest")],
    "argmin": [("argmax", "the largest is taken in place of the smallest")],
    "amax": [("amin", "the smallest is taken in place of the largest")],
    "log": [("log2", "a logarithm has the base 2"), ("log10", "a logarithm has the base 10"), ("log1p", "1 is added inside a logarithm")],
    "exp": [("exp2", "a power of 2 is taken in place of a power of e")],
    "tanh": [("sigmoid", "a sigmoid stands in place of a tanh"), ("relu", "a ReLU stands in place of a tanh")],
    "sigmoid": [("tanh", "a tanh stands in place of a sigmoid")],
    "relu": [("tanh", "a tanh stands in place of a ReLU")],
    "softmax": [("log_softmax", "there is a logarithm behind a softmax"), ("sigmoid", "a sigmoid stands in place of a softmax")],
    "log_softmax": [("softmax", "the logarithm behind a softmax is left out")],
    "any": [("all", "all elements are asked for where one is enough")],
    "all": [("any", "one element is enough where all are asked for")],
    "randn": [("rand", "uniform random numbers are drawn in place of normal ones")],
    "rand": [("randn", "normal random numbers are drawn in place of uniform ones")],
    "zeros": [("ones", "ones stand where zeros belong at the start")],
    "ones": [("zeros", "zeros stand where ones belong at the start")],
    "zeros_like": [("ones_like", "ones stand where zeros belong at the start")],
    "ones_like": [("zeros_like", "zeros stand where ones belong at the start")],
    "var": [("std", "a standard deviation is taken in place of a variance")],
    "std": [("var", "a variance is taken in place of a standard deviation")],
    "cos": [("sin", "a sine stands in place of a cosine")],
    "sin": [("cos", "a cosine stands in place of a sine")],
    "train": [("eval", "")],
    "eval": [("train", "")],
    "logspace": [("linspace", "steps are equal where their ratios should be")],
    "linspace": [("logspace", "")],
}
AVERAGING = ("momentum", "beta", "alpha", "decay", "rate", "keep")  # names of numbers of which 1 minus them is used as well


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def is_method(call: ast.Call) -> bool:
    """``x.sum(0)``, not ``torch.sum(x, 0)`` or ``sum(x)``."""
    if not isinstance(call.func, ast.Attribute):
        return False
    base = call.func.value
    return not (isinstance(base, ast.Name) and base.id in MODULES or isinstance(base, ast.Attribute) and base.attr in MODULES)


def _call(call: ast.Call, args: list[ast.expr] | None = None, keywords: list[ast.keyword] | None = None) -> ast.Call:
    return ast.Call(call.func, call.args if args is None else args, call.keywords if keywords is None else keywords)


def _number(node: ast.AST) -> float | int | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and (inner := _number(node.operand)) is not None:
        return -inner
    return None


def _as(number: float | int) -> ast.expr:
    return ast.Constant(number) if number >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-number))


def axes(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Another axis, none, or one where there was none; ``keepdim`` the other way."""
    if not isinstance(node, ast.Call) or (name := _name_of(node)) not in ALONG or not isinstance(node.func, ast.Attribute):
        return
    word, place = ALONG[name], 0 if is_method(node) else 1
    keyword = next((k for k in node.keywords if k.arg in ("dim", "axis")), None)
    found = keyword.value if keyword else node.args[place] if len(node.args) > place else None
    axis = _number(found) if found is not None else None
    others = [k for k in node.keywords if k is not keyword]

    def at(new: int) -> ast.Call:
        if keyword:
            return _call(node, keywords=[*others, ast.keyword(keyword.arg, _as(new))])
        return _call(node, args=[*node.args[:place], _as(new), *node.args[place + 1 :]])

    if isinstance(axis, int):
        for new in {0: (1, -1), 1: (0, 2, -1), -1: (0, 1), -2: (-1, 0)}.get(axis, (axis - 1, axis + 1)):
            yield at(new), f"{word} runs along another axis"
    if found is not None and name in REDUCTIONS:
        args = node.args if keyword else node.args[:place]
        yield _call(node, args=args, keywords=[k for k in others if k.arg != "keepdim"]), f"{word} runs over all axes in place of one"
        if any(k.arg == "keepdim" for k in node.keywords):
            bare = _call(node, keywords=[k for k in node.keywords if k.arg != "keepdim"])
            yield bare, f"{word} drops its axis (no keepdim), and what follows lines up with other axes"
        else:
            keeping = _call(node, keywords=[*node.keywords, ast.keyword("keepdim", ast.Constant(True))])
            yield keeping, f"{word} keeps its axis (keepdim) where it has to go"
    if found is None and name in REDUCTIONS and is_method(node) and name not in ("var", "std"):
        for new in (0, -1):
            yield _call(node, args=[_as(new)]), f"{word} runs along one axis in place of all"
    if isinstance(found, ast.Tuple) and found.elts:
        for part in found.elts:
            number = _number(part)
            if isinstance(number, int):
                yield at(number), f"{word} runs along too few axes"


def terms(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """A sign, a term, a factor, a division."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _number(node) is None:
        yield node.operand, "one of the terms has the other sign"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand, "a condition is turned round"
    if not isinstance(node, ast.BinOp):
        return
    left, right = node.left, node.right
    if isinstance(node.op, (ast.Add, ast.Sub)):
        other: ast.operator = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield ast.BinOp(left, other, right), "one of the terms has the other sign"
        if isinstance(node.op, ast.Sub) and _number(left) == 1:
            yield right, "a number is used where 1 minus that number belongs"
        else:
            yield left, "one of the parts that are added or subtracted is left out"
            yield right, "one of the parts that are added or subtracted is left out"
        if isinstance(node.op, ast.Sub):
            yield ast.BinOp(right, ast.Sub(), left), "a difference is taken the other way round"
        pair = (left, right)
        if all(isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult) for side in pair):
            a, b = left, right
            swapped = ast.BinOp(ast.BinOp(b.left, ast.Mult(), a.right), node.op, ast.BinOp(a.left, ast.Mult(), b.right))  # type: ignore[attr-defined]
            yield swapped, "the two weights of a weighted sum have changed places"
    if isinstance(node.op, ast.Mult):
        yield ast.BinOp(left, ast.Div(), right), "one number divides where it should multiply"
        yield ast.BinOp(left, ast.Add(), right), "two numbers are added where they should be multiplied"
        yield left, "one of the factors is left out"
        yield right, "one of the factors is left out"
    if isinstance(node.op, (ast.Div, ast.FloorDiv)):
        yield ast.BinOp(left, ast.Mult(), right), "one number multiplies where it should divide"
        yield left, "a division is left out"
        yield ast.BinOp(right, node.op, left), "a division is the other way round"
    if isinstance(node.op, ast.FloorDiv):
        yield ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), left), ast.FloorDiv(), right)), "a number is rounded up where it should be rounded down"
    if isinstance(node.op, ast.Pow):
        yield left, "a power is left out"
        yield ast.BinOp(left, ast.Pow(), ast.UnaryOp(ast.USub(), right)), "an exponent has the other sign"
    if isinstance(node.op, ast.MatMult):
        for one, two in ((ast.Attribute(left, "T"), right), (left, ast.Attribute(right, "T"))):
            yield ast.BinOp(one, ast.MatMult(), two), "one matrix of a product is transposed the other way"
        yield ast.BinOp(right, ast.MatMult(), left), "the two matrices of a product stand in the other order"


def sizes(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """n and n - 1."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        right = node.right
        if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Sub) and _number(right.right) == 1:
            yield ast.BinOp(node.left, ast.Div(), right.left), "it is divided by n where n - 1 belongs"
        elif isinstance(right, (ast.Name, ast.Subscript)) or isinstance(right, ast.Call) and _name_of(right) in ("len", "size", "numel"):
            yield ast.BinOp(node.left, ast.Div(), ast.BinOp(right, ast.Sub(), ast.Constant(1))), "it is divided by n - 1 where n belongs"
    if isinstance(node, ast.Call) and _name_of(node) in ("var", "std"):
        word = REDUCTIONS[_name_of(node)]
        plain = [k for k in node.keywords if k.arg not in ("unbiased", "correction")]
        if len(plain) < len(node.keywords):
            yield _call(node, keywords=plain), f"{word} divides by n - 1 where n belongs"
        else:
            yield _call(node, keywords=[*plain, ast.keyword("correction", ast.Constant(0))]), f"{word} divides by n where n - 1 belongs"
    if isinstance(node, ast.Call) and _name_of(node) == "mean":
        yield node, ""


def calls(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """A function left out, applied twice, or another one in its place."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield node.value, "a transpose is left out"
    if not isinstance(node, ast.Call) or not (name := _name_of(node)):
        return
    inner = node.func.value if is_method(node) and isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
    if inner is not None and name in DROPPED and not isinstance(inner, ast.Starred):
        yield inner, f"{DROPPED[name]} is left out" if DROPPED[name] else ""
    for new, words in SWAPS.get(name, ()):
        func: ast.expr = ast.Attribute(node.func.value, new) if isinstance(node.func, ast.Attribute) else ast.Name(new)
        yield ast.Call(func, node.args, node.keywords), words
    if inner is not None and name in ("softmax", "log_softmax", "exp", "tanh", "log"):
        again = ast.Call(ast.Attribute(node, node.func.attr), node.args, node.keywords) if is_method(node) else _call(node, args=[node, *node.args[1:]])  # type: ignore[attr-defined]
        yield again, f"{DROPPED[name]} is applied once too often"
    for keyword in node.keywords:
        if keyword.arg not in (None, "dim", "axis", "keepdim", "unbiased", "correction"):
            rest = [k for k in node.keywords if k is not keyword]
            words = "the random numbers do not come from the generator that is given" if keyword.arg == "generator" else ""
            yield _call(node, keywords=rest), words or "an option of a function is left as it is by default"
            if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool):
                flipped = ast.keyword(keyword.arg, ast.Constant(not keyword.value.value))
                yield _call(node, keywords=[*rest, flipped]), "an option of a function is switched the other way"
    if len(node.args) > 1:
        yield _call(node, args=node.args[:-1]), ""
        if not any(isinstance(a, ast.Starred) for a in node.args):
            yield _call(node, args=[node.args[1], node.args[0], *node.args[2:]]), "two inputs of a function have changed places"
    if name == "append" and isinstance(node.func, ast.Attribute) and node.args:
        yield ast.Call(ast.Attribute(node.func.value, "insert"), [ast.Constant(0), *node.args], []), "new elements are put in at the other end"


def constants(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Another number; of an index or the end of a range one more or one less."""
    number, parent = _number(node), scope.parents.get(node)
    if number is None or isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub):
        return
    if isinstance(parent, ast.Call) and _name_of(parent) in ALONG and isinstance(parent.func, ast.Attribute):
        return  # an axis
    if isinstance(parent, ast.keyword) and parent.arg in ("dim", "axis"):
        return
    if isinstance(parent, ast.Slice):
        words = ("a slice begins" if parent.lower is node else "a slice ends") + " one element off"
        words = "the steps of a slice have another length" if parent.step is node else words
        for other in (number + 1, number - 1):
            if (other < 0) == (number < 0):  # else it counts from the other end
                yield _as(other), words
        return
    if isinstance(parent, ast.Subscript) and parent.slice is node:
        yield _as(number + 1), "an index is one off"
        yield _as(-1 if number == 0 else 0), "another element is picked out (first and last, or the wrong one of two)"
        return
    if isinstance(number, float) and 0 < number <= 1e-3:
        yield ast.Constant(0.0), "a small number that is added (such as eps) is left out"
        yield ast.Constant(number * 10), ""
        yield ast.Constant(number / 10), ""
        return
    others: list[float | int] = [number + 1, number - 1, 0, 1, 2] if isinstance(number, int) else [0.5, 1.0, 0.0, 2 * number, 1 - number, number + 0.01]
    if isinstance(number, int) and number >= 2:
        others += [2 * number]
    for other in dict.fromkeys(others):
        if other != number:
            yield _as(other), f"a number in the calculation is {other:g} where another belongs"


def conditions(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """A boundary, a direction, one of two conditions."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        boundary: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
        turned: dict[type, type] = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
        turned |= {ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
        kind = type(node.ops[0])
        if kind in boundary:
            yield ast.Compare(node.left, [boundary[kind]()], node.comparators), "a comparison treats the boundary itself the other way (< and <=)"
        if kind in turned:
            yield ast.Compare(node.left, [turned[kind]()], node.comparators), "a condition is turned round"
    if isinstance(node, ast.BoolOp):
        other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other, node.values), "two conditions are joined the other way (and, or)"
        for left_out in range(len(node.values)):
            rest = [value for number, value in enumerate(node.values) if number != left_out]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest), "one of the conditions is left out"
    if isinstance(node, ast.IfExp):
        yield node.body, "one of two cases is treated like the other"
        yield node.orelse, "one of two cases is treated like the other"


OPERATORS: tuple[Callable[[ast.expr, Scope], Iterator[Change]], ...] = (axes, sizes, terms, calls, constants, conditions)
