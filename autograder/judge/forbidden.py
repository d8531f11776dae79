"""Names that an answer may not use, looked for in its syntax tree, not in its text."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
import warnings
from collections import Counter

MAGIC = re.compile(r"^\s*[%!?]|^[^#]*(\?\s*$|=\s*[%!])")  # a line that only IPython understands: %time f(), f?, x = !ls
HARMLESS_MAGIC = re.compile(r"^\s*%(time|timeit|matplotlib|config|precision|who|whos)\b|\?\s*$")
MODULES = "autograder collections itertools jaxtyping math matplotlib numpy random time torch tqdm typing".split()
TOO_DEEP = "Your code is nested too deeply to be read. Break up its longest expressions and its deepest blocks."

LOOKUPS = set(  # what finds or makes a name, or code, that no reader of the answer sees
    """
    eval exec compile __import__ import_module importlib __dict__ __getattribute__ __match_args__ attrgetter methodcaller vars globals locals
    f_globals f_locals f_builtins getmembers getattr_static inspect __builtins__ builtins get_ipython functools
    os sys subprocess ctypes ctypeslib cpp_extension multiprocessing open load loads pickle jit fx package serialization hub
    _C _functorch _dynamo _higher_order_ops
    """.split()
)


def forbidden_use(answer: str, others: list[str], forbid: tuple[str, ...]) -> str | None:
    """The first forbidden name in an answer, or in what it uses of the student's other cells; a sentence, or ``None``.

    Names count as variables, attributes, imports, and as strings (``getattr(loss, "backward")``); comments and docstrings
    do not.  A name that is made at run time could be any, so ``eval`` and its kind are refused as well, and ``getattr`` unless its
    name stands there, or is that of a loop over names that do; so are modules that could hold anything, such as a file beside
    the notebook.  Code that is nested too deeply to be looked through is told, not passed over.
    """
    if not forbid:
        return None
    try:
        tree, *trees = [_parse(source)[1] for source in (answer, *others)]
    except (RecursionError, MemoryError):
        return TOO_DEEP
    helpers: dict[str, list[ast.AST]] = {}
    for other in trees:
        for statement in other.body:
            for name in _defined(statement):
                helpers.setdefault(name, []).append(statement)
    todo: list[ast.AST] = [tree]
    seen: set[str] = set()
    while todo:
        node = todo.pop()
        if reason := _refusal(node, forbid):
            return reason
        for inner in ast.walk(node):
            used = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
            if used in helpers and used not in seen:
                seen.add(used)
                todo += helpers[used]
    return None


def without_forbidden(source: str, forbid: tuple[str, ...]) -> str:
    """Another cell without its statements that could do for an answer what the answer may not do itself.

    A student may compare with autograd anywhere else; what is run beside the answer when its points are given is this.
    """
    try:
        text, tree = _parse(source)
    except (RecursionError, MemoryError):
        return ""
    aside = [node for node in tree.body if _refusal(node, forbid)]
    lines = text.split("\n") if aside else [source]
    for node in reversed(aside):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        lines[first : node.end_lineno] = [_kept_imports(node), *[""] * (node.end_lineno - first - 1)]
    return "\n".join(lines)


def _kept_imports(node: ast.stmt) -> str:
    """Of ``import torch, os`` the part that is no way round."""
    kept = [a for a in node.names if a.name.partition(".")[0] in MODULES] if type(node) is ast.Import else []
    return ast.unparse(ast.Import(kept)) if kept else ""


def _refusal(tree: ast.AST, forbid: tuple[str, ...]) -> str | None:
    """Why a piece of code is not looked upon as free of the forbidden names, or ``None``."""
    docstrings, written_out = _docstrings(tree), _written_out(tree)
    for inner in ast.walk(tree):
        line = getattr(inner, "lineno", getattr(tree, "lineno", 1))
        for name in _names(inner):
            if (name in forbid or _holds(inner, name, forbid)) and inner not in docstrings:
                return f"`{name}` stands in line {line} of your answer; this exercise is to be solved without it."
        if made := _made_at_run_time(inner, written_out):
            advice = "in this exercise write names out, as in `for name in ('a', 'b')`"
            return f"`{made}` in line {line} of your answer uses a name that is made at run time; {advice}."
    for inner in ast.walk(tree):
        if isinstance(inner, (ast.Import, ast.ImportFrom)) and (module := _other_module(inner)):
            return f"`{module}` is imported in line {inner.lineno} of your answer; this exercise is to be solved with {', '.join(MODULES)} alone."
    return None


def _holds(node: ast.AST, name: str, forbid: tuple[str, ...]) -> bool:
    """Whether a name of torch's own has a forbidden one in it, as ``torch._log_softmax_backward_data`` has."""
    if not isinstance(node, (ast.Attribute, ast.alias)) or not set(re.split("_+", name)) & set(forbid):
        return False
    import torch

    return any(hasattr(place, name) for place in (torch, torch.Tensor, torch.nn.functional, torch.ops.aten))


def _other_module(node: ast.Import | ast.ImportFrom) -> str:
    """A module whose code nobody has looked through, such as a file beside the notebook, or nothing."""
    if isinstance(node, ast.Import):
        names = [a.name for a in node.names]
    else:
        names = [node.module or "."] if node.level == 0 else ["."]
    return next((name for name in names if name.partition(".")[0] not in MODULES), "")


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
    if isinstance(node, ast.MatchClass) and node.patterns:  # looked up by the names in __match_args__
        return "match"
    return next((name for name in _names(node) if name in LOOKUPS or name == "getattr"), "")


SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def _written_out(tree: ast.AST) -> set[ast.AST]:
    """Each ``getattr`` whose name is a string, or a local variable that only takes the strings of the loop it stands in."""
    found: set[ast.AST] = set()
    bound = _bindings(tree)

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
    found: Counter[str] = Counter()
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


def _parse(source: str) -> tuple[str, ast.Module]:
    """A cell and its tree, which is empty for what does not run either.

    Only if it is no Python, it may be IPython's: of a line with a magic the words are kept, as names. What is IPython's in
    another way (pasted prompts, magics of a whole cell) becomes the Python that IPython makes of it.
    """
    source = re.sub("\r\n?", "\n", source)  # as Python itself does, so that its line numbers are ours
    lines = [_words(line) if MAGIC.search(line) else line for line in source.split("\n")]
    for text in (source, textwrap.dedent("\n".join(lines))):
        try:
            return source, ast.parse(text)
        except (SyntaxError, ValueError):  # the latter for a NUL or half of a UTF-16 pair
            continue
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        with warnings.catch_warnings(action="ignore"):  # of lines that end in an odd way
            text = TransformerManager().transform_cell(source)
        return text, ast.parse(text)
    except (SyntaxError, ValueError):
        return source, ast.Module([], [])


def _words(line: str) -> str:
    """The words of a line with a magic, as names; of a magic that could run anything, with the name of what would."""
    words = [word for word in re.findall(r"[^\W\d]\w*", line) if not keyword.iskeyword(word)]
    words += [] if HARMLESS_MAGIC.search(line) else ["get_ipython"]
    return f"{line[: len(line) - len(line.lstrip())]}({', '.join([*words, ''])})"


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
    if isinstance(node, ast.MatchClass):
        return node.kwd_attrs
    return []


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    found: set[ast.AST] = set()
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
