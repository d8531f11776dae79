"""Mutants of a reference answer: the same code with one small change, as a hurried person might have written it.

They serve twice: ``autograder mutate`` asks whether a check would notice them, and those whose change can be told in general words stand,
with these words, in the catalogue of an exercise (``grading/catalogue.py``).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.changes.operators import OPERATORS
from autograder.changes.places import PLACES, throughout
from autograder.changes.precautions import PRECAUTIONS
from autograder.changes.scope import Parameter, Scope
from autograder.course.cells import BEGIN, END

LONGEST = 100  # characters of a change as it is shown


@dataclass(frozen=True)
class Mutant:
    """One change of an answer."""

    line: int  # of the answer cell, from 1
    kind: str  # of change: the operator's name
    before: str
    after: str
    source: str  # the whole cell
    clause: str  # what then happens, in general words; empty if it has none


@functools.lru_cache(maxsize=256)  # for the public seeds, for the hidden ones, and for whoever counts them
def mutants(source: str) -> tuple[Mutant, ...]:
    """All mutants of an answer cell, each text once; only what students write is changed.

    Args:
        source: of the cell, with its BEGIN and END.
    """
    tree = ast.parse(source)
    own = _own_lines(source)
    found: dict[str, Mutant] = {ast.unparse(tree): Mutant(0, "", "", "", "", "")}
    places = places_in(tree, own)
    for place in places:
        for mutant in _of(place, tree):
            found.setdefault(mutant.source, mutant)
    for mutant in _of_parameters(places, tree):
        found.setdefault(mutant.source, mutant)
    return tuple(mutant for mutant in found.values() if mutant.kind)


def draws_figures(source: str) -> bool:
    """An answer that does takes a tenth of a second for each draw."""
    return "plt." in source


@dataclass(frozen=True)
class Place:
    """An expression or a statement, and where it stands."""

    holder: ast.AST  # whose field holds the node, or the list in which it stands
    field: str
    index: int | None
    node: ast.AST
    scope: Scope

    def put(self, new: object) -> None:
        if self.index is None:
            setattr(self.holder, self.field, new)
        else:
            getattr(self.holder, self.field)[self.index] = new


def _own_lines(source: str) -> set[int]:
    own, inside = set[int](), False
    for number, line in enumerate(source.splitlines(), 1):
        inside = line.strip() == BEGIN or inside and line.strip() != END
        if inside:
            own.add(number)
    return own


def places_in(tree: ast.Module, own: set[int]) -> list[Place]:
    """Every expression and list of statements that students write, with what surrounds it."""
    places: list[Place] = []
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def walk(node: ast.AST, scope: Scope) -> None:
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            scope = scope.within(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "ctx", "op", "ops", "targets", "target", "args") and not isinstance(node, ast.Call):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.JoinedStr) or not isinstance(child, ast.AST):
                    continue
                line = getattr(child, "lineno", 0)
                if isinstance(child, (ast.expr, ast.stmt)) and line in own:
                    places.append(Place(node, name, index, child, scope))
                walk(child, scope)

    walk(tree, Scope(parents))
    return places


def _of(place: Place, tree: ast.Module) -> Iterator[Mutant]:
    if isinstance(place.node, ast.expr):
        before = ast.unparse(place.node)
        for operator in (*OPERATORS, *PLACES, *PRECAUTIONS):
            for new, clause in operator(place.node, place.scope):
                place.put(new)
                yield _mutant(tree, place.node.lineno, operator.__name__, before, new, clause)
        place.put(place.node)
    elif isinstance(place.node, ast.stmt) and place.index is not None:
        yield from _of_statement(place, tree)


def _of_parameters(places: list[Place], tree: ast.Module) -> Iterator[Mutant]:
    """A parameter replaced wherever it is read, which is what happens where it is not used at all."""
    reads: dict[Parameter, list[Place]] = {}
    for place in places:
        if isinstance(place.node, ast.Name) and place.node.id in place.scope.parameters:
            reads.setdefault(place.scope.parameters[place.node.id], []).append(place)
    for parameter, read in reads.items():
        name = read[0].node
        if len(read) != parameter.uses or len(read) < 2 or not isinstance(name, ast.Name):
            continue
        for new, clause in throughout(name.id, read[0].scope):
            for place in read:
                place.put(new)
            yield _mutant(tree, name.lineno, "throughout", name.id, new, clause)
        for place in read:
            place.put(place.node)


def _mutant(tree: ast.Module, line: int, kind: str, before: str, new: ast.AST, clause: str) -> Mutant:
    """The tree as it is now."""
    return Mutant(line, kind, short(before), short(ast.unparse(new)), ast.unparse(tree), clause)


def short(text: str, longest: int = LONGEST) -> str:
    """A text on one line, cut where it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _of_statement(place: Place, tree: ast.Module) -> Iterator[Mutant]:
    """A step left out, in another order, inside or outside of a loop; what is added up replaced."""
    assert isinstance(place.node, ast.stmt) and place.index is not None
    node, index, body = place.node, place.index, getattr(place.holder, place.field)
    kept, before = list(body), ast.unparse(node)
    for kind, new, clause in changes_of(node, kept, index):
        body[:] = new
        after = next((ast.unparse(s) for s, old in zip(new, kept) if s is not old), "(left out)") if kind != "left out" else "(left out)"
        yield Mutant(node.lineno, kind, short(before), short(after), ast.unparse(tree), clause)
        body[:] = kept


def changes_of(node: ast.stmt, body: list[ast.stmt], index: int) -> Iterator[tuple[str, list[ast.stmt], str]]:
    """Of a statement in a list of them: kinds of change, other lists, and what then happens."""

    def instead(*new: ast.stmt) -> list[ast.stmt]:
        return [*body[:index], *new, *body[index + 1 :]] or [ast.Pass()]

    if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Return, ast.Pass)):
        yield "left out", instead(), _left_out(node)
    following = body[index + 1] if index + 1 < len(body) else None
    if following is not None and not isinstance(following, ast.Return) and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield "order", [*body[:index], following, node, *body[index + 2 :]], "two steps stand in the other order"
    if isinstance(node, ast.AugAssign):
        goal = node.target
        if not (isinstance(goal, ast.Name) and isinstance(node.value, ast.Constant)):  # a counter joins nothing
            words = "each new part replaces what was there, instead of being joined to it"
            yield "replaced", instead(ast.Assign([goal], node.value, lineno=node.lineno)), words
        other = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}.get(type(node.op))
        if other:
            words = "one of the terms has the other sign" if other in (ast.Add, ast.Sub) else "one number divides where it should multiply, or the other way"
            yield "sign", instead(ast.AugAssign(goal, other(), node.value)), words
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(target := node.targets[0], (ast.Attribute, ast.Subscript)):
        yield "added", instead(ast.AugAssign(target, ast.Add(), node.value)), "a value is added to what was there, instead of replacing it"
    if isinstance(node, ast.With):
        yield "context", instead(*node.body), ""
    if isinstance(node, ast.If):
        yield "condition", instead(*node.body), "a case is missing, or its condition is ignored"
        if node.orelse:
            yield "condition", instead(*node.orelse), "a case is missing, or its condition is ignored"
    if isinstance(node, (ast.For, ast.While)):
        if isinstance(following, ast.Return):
            yield "return", instead(_loop(node, [*node.body, following])), "the function returns after the first pass of a loop"
        if len(node.body) > 1:
            yield "loop", instead(_loop(node, node.body[:-1]), node.body[-1]), "a step comes once behind a loop, instead of in each pass"
            yield "loop", instead(node.body[0], _loop(node, node.body[1:])), "a step comes once before a loop, instead of in each pass"
        if index and isinstance(body[index - 1], ast.Assign):
            inside = _loop(node, [body[index - 1], *node.body])
            yield "loop", [*body[: index - 1], inside, *body[index + 1 :]], "something is begun anew in each pass of a loop"
    if isinstance(node, ast.Break):
        yield "break", instead(ast.Continue()), "a loop goes on where it has to end"


def _loop(loop: ast.For | ast.While, body: list[ast.stmt]) -> ast.stmt:
    if isinstance(loop, ast.While):
        return ast.While(loop.test, body, [])
    return ast.For(loop.target, loop.iter, body, [], lineno=loop.lineno)


def _left_out(node: ast.stmt) -> str:
    if isinstance(node, ast.AugAssign):
        added = isinstance(node.op, (ast.Add, ast.Sub))
        return "one of the parts that are added or subtracted is left out" if added else "one of the factors is left out"
    if isinstance(node, ast.If):
        return "a case that needs its own treatment has none"
    if isinstance(node, (ast.For, ast.While)):
        return "a loop is left out"
    return "one of the steps is left out"
