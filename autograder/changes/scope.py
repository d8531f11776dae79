"""What surrounds an expression: the functions in which it stands, and their parameters."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Parameter:
    """Of a function, as its signature and its body show it."""

    annotation: str  # empty if it has none
    default: ast.expr | None
    of_helper: bool  # its name is then that of whoever wrote the helper, and tells others nothing
    uses: int  # places that read what was given for it; 0 where another value may bear its name


@dataclass(frozen=True)
class Scope:
    """What surrounds an expression."""

    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    locals: list[str] = field(default_factory=list)

    def within(self, function: ast.FunctionDef | ast.Lambda) -> Scope:
        """That of the function's body."""
        arguments = function.args.posonlyargs + function.args.args
        defaults = [None] * (len(arguments) - len(function.args.defaults)) + list(function.args.defaults)
        pairs = [*zip(arguments, defaults), *zip(function.args.kwonlyargs, function.args.kw_defaults)]
        helper = isinstance(function, ast.Lambda) or self._in_a_function(function)
        parameters = {
            argument.arg: Parameter(ast.unparse(argument.annotation) if argument.annotation else "", default, helper, _uses(argument, function))
            for argument, default in pairs
            if argument.arg != "self"
        }
        stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id not in parameters]
        return Scope(self.parents, {**self.parameters, **parameters}, list(dict.fromkeys(stored)))

    def _in_a_function(self, node: ast.AST) -> bool:
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                return True
        return False


def _uses(parameter: ast.arg, function: ast.FunctionDef | ast.Lambda) -> int:
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == parameter.arg]
    inner = [node for node in ast.walk(function) if isinstance(node, ast.arg) and node.arg == parameter.arg and node is not parameter]
    return 0 if inner or not all(isinstance(name.ctx, ast.Load) for name in names) else len(names)
