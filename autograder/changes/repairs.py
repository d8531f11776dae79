"""Small changes of an answer that is wrong: one that makes it right shows where it is wrong, and how.

The operators are those that make mutants of right code, read backwards, and some that only a wrong text needs. What is said of a change says
what is wrong with the text as it stands, and never how it should read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import CodeType

from autograder.changes.mutants import Place, changes_of, places_in, short
from autograder.changes.operators import Change, axes, calls, conditions, constants, sizes, terms
from autograder.changes.places import PLACES
from autograder.changes.scope import Scope
from autograder.changes.spare import LAST, SPARE, slips
from autograder.changes.steps import further_changes, later_returns, missing_returns

LONGEST_TEXT = 20_000  # characters of a cell
DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
LONGEST = 60  # characters of a part of it that is shown

# What a mutant does -> what is wrong with the text that this change makes right; what is not here is said alike both ways.
BACKWARDS = (
    (r"(.+) runs along another axis", r"\1 runs along the wrong axis"),
    (r"(.+) runs over all axes in place of one", r"\1 runs along one axis where it should run over all"),
    (r"(.+) runs along one axis in place of all", r"\1 runs over all axes where it should run along one"),
    (r"(.+) runs along too few axes", r"\1 runs along too many axes"),
    (r"(.+) drops its axis.*", r"\1 keeps an axis (keepdim) that should go"),
    (r"(.+) keeps its axis.*", r"\1 drops its axis (no keepdim), and what follows lines up with other axes"),
    (r"a number is used where 1 minus that number belongs", "1 minus a number stands where that number itself belongs"),
    (r"1 minus a number is used where .*", "a number stands where 1 minus that number belongs"),
    (r"one of the parts that are added or subtracted is left out", "something is added or subtracted that does not belong there"),
    (r"one of the factors is left out", "there is a factor that does not belong there"),
    (r"one number divides where it should multiply", "one number multiplies where it should divide"),
    (r"one number divides where it should multiply, or the other way", "one number multiplies where it should divide, or the other way"),
    (r"one number multiplies where it should divide", "one number divides where it should multiply"),
    (r"two numbers are added where they should be multiplied", "two numbers are multiplied where they should be added"),
    (r"a division is left out", "there is a division that does not belong there"),
    (r"a number is rounded up where .*", "a number is rounded down where it should be rounded up"),
    (r"a power is left out", "there is a power that does not belong there"),
    (r"it is divided by n where n - 1 belongs", "it is divided by n - 1 where n belongs"),
    (r"it is divided by n - 1 where n belongs", "it is divided by n where n - 1 belongs"),
    (r"(.+) divides by n where n - 1 belongs", r"\1 divides by n - 1 where n belongs"),
    (r"(.+) divides by n - 1 where n belongs", r"\1 divides by n where n - 1 belongs"),
    (r"(.+) is applied once too often", r"\1 is missing there, on top of what is done"),
    (r"an option of a function is left as it is by default", "an option of a function is set that should be left as it is"),
    (r"a small number that is added .* is left out", "a small number is added that does not belong there"),
    (r"a number in the calculation is .*", "this is not the number that belongs there"),
    (r"one of the conditions is left out", "there is one condition too many"),
    (r"one of two cases is treated like the other", "two cases are told apart that should be treated alike"),
    (r"a range is one too short at its end", "a range goes on for one too long"),
    (r"a range is one too long at its end", "a range ends one too early"),
    (r"a range begins one too late", "a range begins one too early"),
    (r"a range begins one too early", "a range begins one too late"),
    (r"a slice goes further than it should.*", "a slice leaves something out at its beginning or end"),
    (r"the step of a slice is left out", "a slice has a step that does not belong there"),
    (r"the (first|last) element of a sequence is left out", r"the \1 element of a sequence takes part and should not"),
    (r"a sequence is gone through from its end", "a sequence is gone through in the wrong direction"),
    (r"(.+) stays at its default.*", "a default is made once, when the function is defined, and all calls share it"),
    (r"(.+) is used (in one place )?where (.+) belongs", "another variable belongs there"),
    (r"one variable stands where another belongs", "another variable belongs there"),
    (r"one of the elements that are put together is left out", "there is one element too many"),
    (r"a condition is left out", "there is a condition that does not belong there"),
    (r"a case is missing, or its condition is ignored", "there is a condition that does not belong there"),
    (r"each new part replaces what was there.*", "each part is joined to what was there, instead of replacing it"),
    (r"a value is added to what was there.*", "each new part replaces what was there, instead of being added to it"),
    (r"a case that needs its own treatment has none", "a case is treated on its own that should not be"),
    (r"a loop is left out", "there is a loop that should not be there"),
    (r"one of the steps is left out", "there is a step that should not be there"),
    (r"a step comes once behind a loop.*", "a step comes in each pass of a loop, and belongs behind it"),
    (r"a step comes once before a loop.*", "a step comes in each pass of a loop, and belongs before it"),
    (r"something is begun anew in each pass of a loop", "something is begun once before a loop, and has to be begun anew in each pass"),
    (r"the function returns after the first pass of a loop", "the function returns behind a loop, and should return within it"),
    (r"a loop goes on where it has to end", "a loop ends where it has to go on"),
    (r"(.+) is taken where (.+) belongs", r"\2 is taken where \1 belongs"),
    (r"(.+) is taken in place of (.+)", r"\2 is taken in place of \1"),
    (r"(.+) stands in place of (.+)", r"\2 stands in place of \1"),
    (r"(.+) stand where (.+) belong at the start", r"\2 stand where \1 belong at the start"),
    (r"there is a logarithm behind a softmax", "the logarithm behind a softmax is left out"),
    (r"the logarithm behind a softmax is left out", "there is a logarithm behind a softmax"),
    (r"all elements are asked for where one is enough", "one element is enough where all are asked for"),
    (r"one element is enough where all are asked for", "all elements are asked for where one is enough"),
    (r"a logarithm has the base \d+|1 is added inside a logarithm", "another logarithm belongs there"),
    (r"(uniform|normal) random numbers are drawn in place of (uniform|normal) ones", r"\2 random numbers are drawn in place of \1 ones"),
    (r"steps are equal where their ratios should be", "the ratios of steps are equal where the steps should be"),
    (r"the random numbers do not come from .*", "the random numbers come from the wrong generator"),
    (r"(.+) is left out", r"there is \1 that does not belong there"),
)
USUAL = (calls, axes, sizes, terms, constants, conditions, *PLACES)
# A text that reads an argument too often is wrong only where its default is shared.
ONLY_OF_MUTANTS = re.compile(r".+ (stays at its default|is \d)(, whatever is given for it| in one place)")
ADDING = ("added", "replaced")  # kinds of change: `=` for `+=`, or the other way, is a common slip and soon tried
ANYTHING = "something else belongs there"
PATTERNS = tuple((re.compile(pattern), words) for pattern, words in BACKWARDS)


@dataclass(frozen=True)
class Repair:
    """A change of one place of a text."""

    line: int  # from 1
    before: str  # what stands there
    says: str  # what is wrong with it


def backwards(clause: str) -> str:
    """What is wrong with a text that becomes right by what, done to a right one, has this effect."""
    for pattern, words in PATTERNS:
        if found := pattern.fullmatch(clause):
            return found.expand(words)
    return clause


def repairs(source: str, file: str) -> Iterator[tuple[Repair, CodeType]]:
    """Each change of a cell, and the cell with it, compiled; what is likely stands first.

    Args:
        file: as the cell's code is called.
    """
    if len(source) > LONGEST_TEXT:
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    tree.body = [statement for statement in tree.body if _only_defines(statement)]
    lines = set(range(1, source.count("\n") + 2))
    places = places_in(tree, lines)
    spare = [_expressions((operator,), str) for operator in SPARE]
    first = (_statements(later_returns), _statements(missing_returns, (ast.FunctionDef, ast.If)), _statements(partial(_usual_steps, adding=True)))
    usual = (_expressions((slips,), str), _expressions(USUAL, backwards), _statements(_usual_steps))
    for step in (*first, *usual, *spare, _statements(further_changes), _expressions(LAST, str)):
        for place in places:
            for repair in step(place, source):
                if (code := _compiled(tree, file)) is not None:
                    yield repair, code


def _only_defines(statement: ast.stmt) -> bool:
    """Whether a cell's statement may be run again and again: it calls nothing. What others did, such as a print or a command, is done."""
    if isinstance(statement, DEFINES):
        return True
    return isinstance(statement, (ast.Assign, ast.AnnAssign)) and not _calls_something(statement)


def _calls_something(node: ast.AST) -> bool:
    inside = [] if isinstance(node, ast.Lambda) else ast.iter_child_nodes(node)
    return isinstance(node, (ast.Call, ast.Await)) or any(map(_calls_something, inside))


Step = Callable[[Place, str], Iterator[Repair]]
Words = Callable[[str], str]  # from what is said of a change to what is wrong with the text


def _expressions(operators: tuple[Callable[[ast.expr, Scope], Iterator[Change]], ...], words: Words) -> Step:
    """A step that changes expressions. The tree holds a change while its repair is looked at."""

    def step(place: Place, source: str) -> Iterator[Repair]:
        if not isinstance(place.node, ast.expr):
            return
        shown = _part(place.node, source)
        for operator in operators:
            for new, clause in operator(place.node, place.scope):
                if ONLY_OF_MUTANTS.fullmatch(clause) and not isinstance(new, (ast.Call, ast.List, ast.Dict)):
                    continue
                place.put(new)
                yield Repair(place.node.lineno, shown, words(clause) if clause else _in_general(place.node, new))
        place.put(place.node)

    return step


def _usual_steps(node: ast.stmt, body: list[ast.stmt], index: int, adding: bool = False) -> Iterator[tuple[list[ast.stmt], str]]:
    return (
        (new, backwards(clause) or ANYTHING)
        for kind, new, clause in changes_of(node, body, index)
        if (kind in ADDING) == adding and not (kind == "order" and _same_names(node, body[index + 1]))
    )


def _same_names(node: ast.stmt, following: ast.stmt) -> bool:
    """Whether two steps give the same name a value, so that in the other order one of them does nothing."""
    stored = ({n.id for n in ast.walk(step) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} for step in (node, following))
    return not set.isdisjoint(*stored)


def _in_general(node: ast.expr, new: ast.expr) -> str:
    """What is wrong with a text that a change without words of its own makes right."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        if name and (new in node.args or isinstance(node.func, ast.Attribute) and new is node.func.value):
            return f"the call of {name}() does not belong there"
        if name and isinstance(new, ast.Call) and new.func is node.func and new.args == node.args[:-1]:
            return f"{name}() is given something that does not belong there"
        if name and isinstance(new, ast.Call) and isinstance(new.func, ast.Attribute) and new.func.attr != name:
            return "another function belongs there"
    return ANYTHING


def _statements(
    changes: Callable[[ast.stmt, list[ast.stmt], int], Iterator[tuple[list[ast.stmt], str]]], within: tuple[type[ast.AST], ...] = (ast.AST,)
) -> Step:
    """A step that changes a list of statements.

    Args:
        within: kinds of statements whose lists are looked at.
    """

    def step(place: Place, source: str) -> Iterator[Repair]:
        if not isinstance(place.node, ast.stmt) or place.index is None or not isinstance(place.holder, within):
            return
        body: list[ast.stmt] = getattr(place.holder, place.field)
        kept, shown = list(body), _part(place.node, source)
        for new, says in changes(place.node, kept, place.index):
            body[:] = new
            yield Repair(place.node.lineno, shown, says)
        body[:] = kept

    return step


def _part(node: ast.AST, source: str) -> str:
    """A piece of the text, on one line."""
    return short(ast.get_source_segment(source, node) or ast.unparse(node), LONGEST)


def _compiled(tree: ast.Module, file: str) -> CodeType | None:
    try:
        code = compile(ast.fix_missing_locations(tree), file, "exec")
    except (SyntaxError, ValueError, TypeError, RecursionError):
        return None
    assert isinstance(code, CodeType)
    return code
