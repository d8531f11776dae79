"""The course's texts: UTF-8, and YAML in which a date or a student's number stays what was typed."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import ReaderError

from autograder.errors import UserError

TIMESTAMP, TEXT = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str"


def read_text(path: Path) -> str:
    """A text file of the course.

    Raises:
        UserError: it cannot be read, or is not UTF-8, with the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}:1: the file cannot be read: {error.strerror}.") from None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: this line is not UTF-8 text (byte {data[error.start]:#04x}). Save the file as UTF-8.") from None


def read_yaml(path: Path) -> tuple[Any, Node | None]:
    """The values of a YAML file, and the tree that knows their lines.

    Raises:
        UserError: it is no YAML, with the line.
    """
    text = read_text(path)
    with contextlib.suppress(yaml.YAMLError):  # told below, in the words of the slow parser
        tree = yaml.compose(text, _Fast)  # ten times as fast
        return _AsTyped("").construct_document(tree) if tree else None, tree
    try:
        return yaml.load(text, _AsTyped), yaml.compose(text, _AsTyped)  # noqa: S506  a SafeLoader
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}:{line}: this is not YAML: the character #x{error.character:04x} may not stand here.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        why = getattr(error, "problem", None) or error
        raise UserError(
            f"{path}:{line}: this is not YAML: {why}. Look at indentation, colons and quotes, here and in the line above: "
            "a text with a colon or a # in it stands between quotes."
        ) from None


def from_here(path: Path) -> Path:
    """As one would type a path: what lies below the current folder without the folders above it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question behind a sentence about a word that nobody knows; nothing where none of the known ones is near."""
    lower = {name.lower(): name for name in sorted(known, reverse=True)}
    near = difflib.get_close_matches(word.lower(), list(lower), n=1)
    return f" Did you mean {lower[near[0]]!r}?" if near else ""


class _AsTyped(yaml.SafeLoader):
    """YAML would make a date of ``2027-03-01`` and end on 30 February, and 83 of a student's number 0123."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, ScalarNode):
                key.tag = TEXT
        return super().construct_mapping(node, deep)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, OverflowError) as error:  # a value that is not what its tag says
            raise ConstructorError(None, None, str(error), node.start_mark) from None


_AsTyped.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != TIMESTAMP] for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Fast(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The parser in C, where PyYAML was built with it."""

    yaml_implicit_resolvers = _AsTyped.yaml_implicit_resolvers
