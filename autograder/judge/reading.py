"""A notebook's code as Python sees it: its statements, the global names that each loads and gives, and what its magics run.

Nothing here takes more time than the text is long, and no text makes it raise: it was written by a stranger.
"""

from __future__ import annotations

import _symtable  # type: ignore[import-not-found]
import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

Span = tuple[int, int, int, int]  # first line (from 1) and byte, last line and byte behind the end

COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}  # they run where they stand
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
PROMPT = re.compile(r"^(\s*)(In \[\d+\]: ?|>>> ?|\.\.\.(?: |:|$|\.+: ?))")
FREE_CELLS = re.compile(r"^%%(time|timeit|capture|prun)\b")  # their body is Python
OTHER_LANGUAGES = re.compile(r"^%%(html|HTML|svg|SVG|latex|markdown|javascript|js)\b")
RUNS_PYTHON = re.compile(r"%(?:time|timeit|prun)\b(?:\s+-\w+(?:\s+\d+)?)*\s*")
HARMLESS = re.compile(
    r"%(matplotlib|config|precision|who|whos|load_ext|reload_ext|autoreload|pip|conda|pwd|cd|ls|env|time|timeit)\b[^{$]*$"
)
HELP = re.compile(r"\?{1,2}[\w.*% ]*$|[%\w.*]+\s?\?{1,2}$")
RUNS_ANYTHING = "get_ipython()"  # what stands for a magic that no reader of Python follows


@dataclass
class Statement:
    """A statement that stands in no function or class; of a block its head alone, for what is in it stands for itself."""

    cell: int
    line: int
    span: Span  # what to take out of the cell to be rid of it
    nodes: list[ast.AST]
    now: set[str] = field(default_factory=set)  # global names that it loads when it runs
    later: set[str] = field(default_factory=set)  # and those that its functions load when they are called
    gives: set[str] = field(default_factory=set)  # global names that it gives a value
    whenever: set[str] = field(default_factory=set)  # those of them that its functions give, whenever they are called
    certain: bool = True  # it stands in no block, so that what it gives is there afterwards
    block: int | None = None  # the head of the block it stands in, as a number of the cell's statements
    number: int = 0  # in the notebook


@dataclass
class Source:
    """One cell as Python: what runs if it is run as it was read, and its statements; none if nobody can read it."""

    text: str
    statements: list[Statement] = field(default_factory=list)
    begins: str = ""
    too_deep: bool = False


def read(source: str, cell: int) -> Source:
    """Read one cell; what is no Python, even after IPython's magics are translated, has no statements and does not run."""
    source = re.sub("\r\n?", "\n", source)  # as Python itself does, so that its line numbers are ours
    begins = next((line.strip() for line in source.split("\n") if line.strip()), "")[:70]
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in strings
            for text in _readings(source):
                if (tree := _parsed(text)) is not None:
                    return Source(text, _statements(text, tree, cell), begins)
    except (RecursionError, MemoryError):
        return Source("", [], begins, too_deep=True)
    except (SyntaxError, ValueError):  # what only the compiler refuses does not run either
        pass
    return Source("", [], begins)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # the latter for a NUL or half of a UTF-16 pair
        return None


def _readings(source: str) -> Iterator[str]:
    """The text itself, or the Python that IPython would make of it."""
    yield source
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if OTHER_LANGUAGES.match(lines[first]):
        yield ""
        return
    if FREE_CELLS.match(lines[first]):
        lines[first] = ""
    if PROMPT.match(lines[first]):
        lines = [PROMPT.sub(r"\1", line) for line in lines]
    indent = next((line for line in lines if line.strip()), "")
    indent = indent[: len(indent) - len(indent.lstrip())]
    lines = [line.removeprefix(indent) for line in lines]
    if lines[first].startswith("%%"):
        yield RUNS_ANYTHING
        return
    yield "\n".join(lines)
    yield "\n".join(_translated(lines))


def _translated(lines: list[str]) -> Iterator[str]:
    """Magics as Python, in their lines: code that a magic runs as that code, what does nothing to the answer as ``pass``."""
    continued = False
    for line in lines:
        target, magic = ("", "") if continued else _magic(line)
        continued = line.endswith("\\") and (continued or bool(magic))
        indent = line[: len(line) - len(line.lstrip())]
        if not magic:
            yield "" if continued else line
        elif runs := RUNS_PYTHON.match(magic):
            yield f"{indent}{target}{magic[runs.end() :] or 'pass'}"
        else:
            yield f"{indent}pass" if HARMLESS.match(magic) and not target else f"{indent}{target}{RUNS_ANYTHING}"


def _magic(line: str) -> tuple[str, str]:
    """Of ``x = !ls`` the parts ``x = `` and ``!ls``; nothing of what is no magic."""
    text = line.strip()
    if text.startswith(("%", "!")):
        return "", text
    if HELP.match(text):
        return "", "%who"
    target, equals, value = text.partition("=")
    value = value.lstrip()
    return (f"{target}{equals} ", value) if value.startswith(("%", "!")) and value[1:2] != "=" else ("", "")


def _statements(text: str, tree: ast.Module, cell: int) -> list[Statement]:
    lines = [line.encode() for line in text.split("\n")]
    found: list[Statement] = []
    todo: list[tuple[ast.stmt, int | None, Span | None]] = [(node, None, None) for node in reversed(tree.body)]
    while todo:
        node, block, owner = todo.pop()
        span = _span(node)
        if isinstance(node, BLOCKS):
            elif_of = owner if isinstance(node, ast.If) and lines[span[0] - 1][span[1] :].startswith(b"elif") else None
            head = Statement(cell, span[0], elif_of or span, _head(node), certain=block is None, block=block)
            _names(head, "\n".join(_head_text(node, span, lines)))
            found.append(head)
            inner = len(found) - 1
            parts = [
                node.body,
                *[h.body for h in getattr(node, "handlers", [])],
                getattr(node, "orelse", []),
                getattr(node, "finalbody", []),
            ]
            todo += [(child, inner, head.span) for part in reversed(parts) for child in reversed(part)]
            continue
        statement = Statement(cell, span[0], span, [node], certain=block is None, block=block)
        _names(statement, _segment(span, lines))
        found.append(statement)
    return found


def _span(node: ast.stmt) -> Span:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return first, node.col_offset, node.end_lineno or first, node.end_col_offset or 0


def _segment(span: Span, lines: list[bytes]) -> str:
    first, start, last, end = span
    if first == last:
        return lines[first - 1][start:end].decode()
    return b"\n".join([lines[first - 1][start:], *lines[first : last - 1], lines[last - 1][:end]]).decode()


def _head(node: ast.stmt) -> list[ast.AST]:
    """What of a block is looked at with its head: all but the statements in it."""
    nodes: list[ast.AST] = [
        part for name in ("test", "target", "iter") if isinstance(part := getattr(node, name, None), ast.AST)
    ]
    return nodes + list(getattr(node, "items", [])) + [h.type for h in getattr(node, "handlers", []) if h.type]


def _head_text(node: ast.stmt, span: Span, lines: list[bytes]) -> Iterator[str]:
    """The head alone, as statements that load and give what it does."""
    if isinstance(node, (ast.Try, ast.TryStar)):
        for handler in node.handlers:
            if handler.type:
                yield f"({_segment((handler.type.lineno, handler.type.col_offset, handler.type.end_lineno or 0, handler.type.end_col_offset or 0), lines)})"
            if handler.name:
                yield f"{handler.name} = 0"
        return
    within: ast.stmt = node.body[0]  # type: ignore[attr-defined]
    inner = _span(within)
    text = _segment((span[0], span[1], inner[0], inner[1]), lines)
    if isinstance(node, (ast.AsyncFor, ast.AsyncWith)):
        text = text.removeprefix("async").lstrip()
    yield text.removeprefix("el" if isinstance(node, ast.If) else "") + "pass"


def _names(statement: Statement, text: str) -> None:
    """Fill in the global names by Python's own scoping (of the module ``symtable`` the part that is not quadratic)."""
    todo = [(_symtable.symtable(text, "cell", "exec"), True)]
    while todo:
        table, runs_now = todo.pop()
        for name, flags in table.symbols.items():
            scope = (flags >> _symtable.SCOPE_OFF) & _symtable.SCOPE_MASK
            given = flags & (_symtable.DEF_LOCAL | _symtable.DEF_IMPORT)
            top, is_global = (
                table.type == _symtable.TYPE_MODULE,
                scope in (_symtable.GLOBAL_IMPLICIT, _symtable.GLOBAL_EXPLICIT),
            )
            in_class = (
                table.type == _symtable.TYPE_CLASS
            )  # a name that the class does not have yet is looked up outside
            if flags & _symtable.USE and (top or is_global or (in_class and scope == _symtable.LOCAL)):
                (statement.now if runs_now else statement.later).add(name)
            if given and (top or is_global):
                statement.gives.add(name)
            if given and is_global and not runs_now:
                statement.whenever.add(name)
        for child in table.children:
            at_once = child.type == _symtable.TYPE_CLASS or child.name in COMPREHENSIONS
            todo.append((child, runs_now and at_once))
