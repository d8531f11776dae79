"""A course on disk: where its parts stand, and ``course.yml`` read with errors that name file, line and key."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from autograder.course.known import is_known
from autograder.course.schema import (
    Course,
    Data,
    Exercise,
    Late,
    Lecture,
    Limits,
    Loss,
    Model,
    Recipe,
    Seeds,
    Tolerance,
)
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course.names import Names

EXPECTED = "expected.safetensors"  # the public answers and their facts, beside every stub notebook


class CourseDirectory:
    """A validated course and where its parts stand on disk."""

    def __init__(self, root: Path, course: Course) -> None:
        self.root, self.course = root, course
        self.names = root / course.data.names
        self.build = root / "build"
        self._lectures: dict[tuple[str, int], Lecture] = {}  # as they hold for the list of that time

    def solution(self, lecture: str) -> Path:
        return self.root / "solutions" / f"{lecture}.py"

    def source(self, lecture: str) -> Path:
        return self.build / "source" / lecture / f"{lecture}.ipynb"

    def extras(self, lecture: str) -> Path:
        """The mistakes, variants and oracles of a lecture: beside the source notebooks, never in what is released."""
        return self.build / "extras" / f"{lecture}.json"

    def weights(self, lecture: str) -> Path:
        return self.build / "weights" / lecture

    def released(self, lecture: str) -> Path:
        return self.root / "assignments" / lecture

    def lecture(self, name: str) -> Lecture:
        """A lecture's entry, its losses' bands as they hold for the course's own list of names.

        Raises:
            UserError: there is none of that name, or the names cannot be read.
        """
        self._exists(name)
        key = (name, self.names.stat().st_mtime_ns if self.names.is_file() else 0)  # a server may live longer than a list
        if key not in self._lectures:
            self._lectures[key] = self._for_its_names(self.course.lectures[name])
        return self._lectures[key]

    def _exists(self, name: str) -> None:
        if name not in self.course.lectures:
            raise UserError(f"course.yml has no lecture {name!r}.{_suggest(name, self.course.lectures)}")

    def _for_its_names(self, lecture: Lecture) -> Lecture:
        losses = {name: rules.loss for name, rules in lecture.exercises.items() if rules.loss}
        if not losses or self.course.data.bands == "this_list":
            return lecture
        try:
            if is_known(self.names.read_text(encoding="ascii"), self.course.data.split_seed):
                return lecture
            from autograder.course.thresholds import for_list  # it loads torch

            names = self.read_names()
            moved = {name: lecture.exercises[name].model_copy(update={"loss": for_list(loss, names)}) for name, loss in losses.items()}
        except (ValueError, OSError) as error:
            raise UserError(f"the names of course.yml cannot be read: {error}") from None
        return lecture.model_copy(update={"exercises": {**lecture.exercises, **moved}})

    def lectures(self, wanted: list[str] | None = None) -> list[str]:
        """The lectures asked for, or all of them.

        Raises:
            UserError: one is not in ``course.yml``, or there are none.
        """
        for name in wanted or ():
            self._exists(name)
        found = list(wanted or self.course.lectures)
        if not found:
            raise UserError("course.yml has no lectures.")
        return found

    def read_names(self) -> Names:
        """The names, split as the course splits them.

        Raises:
            OSError, ValueError: they cannot be read.
        """
        # It loads torch, without which most commands start in half the time.
        from autograder.course.names import read_names

        return read_names(self.names, self.course.data.split_seed)

    def names_digest(self) -> str:
        return hashlib.sha256(self.names.read_bytes()).hexdigest()


def load_course(path: Path | str = "course.yml") -> CourseDirectory:
    """Read and validate ``course.yml``.

    Raises:
        UserError: one error, naming the file, the line, the key and what is allowed there.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file. Run this in the course's folder, or name it with --course.")
    text = path.read_text(encoding="utf-8")
    try:
        data, tree = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: this is not YAML: {getattr(error, 'problem', error)}.") from None
    repeated = _repeated_key(tree)
    if repeated:
        raise UserError(f"{path}:{repeated.start_mark.line + 1}: the key {repeated.value!r} stands here a second time.")
    if not isinstance(data, dict):
        raise UserError(
            f"{path}:1: the file must hold keys and values; allowed keys: {', '.join(Course.model_fields)}."
        )
    try:
        course = Course.model_validate(data)
    except ValidationError as error:
        first = min(
            error.errors(), key=lambda e: e["type"] != "extra_forbidden"
        )  # a misspelt key is also a missing one
        raise UserError(_explain(path, tree, first)) from None
    directory = CourseDirectory(path.parent.resolve(), course)
    if not directory.names.is_file():
        number = _line(tree, ("data", "names"))
        raise UserError(f"{path}:{number}: data.names: there is no file {course.data.names!r} beside {path.name}.")
    return directory


def _explain(path: Path, tree: yaml.Node | None, error: ErrorDetails) -> str:
    """One validation error as one sentence with file, line, key and what is allowed."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    key = ".".join(str(part) for part in where) or "the file"
    model = _model_at(where[:-1])
    allowed = model.model_fields if model else {}
    if error["type"] == "extra_forbidden":
        message = f"there is no such key.{_suggest(str(where[-1]), allowed)}"
    elif error["type"] == "missing":
        message = "this key is missing"
    elif error["type"] == "string_pattern_mismatch":
        message = f"{error['input']!r} has not the form {error['ctx']['pattern']}"
    elif error["type"] == "value_error":
        message = re.sub(r"^Value error, ", "", error["msg"])
    else:
        message = f"{error['input']!r} will not do: {error['msg'].lower()}"
    field = allowed.get(str(where[-1])) if where and error["type"] != "extra_forbidden" else None
    hint = f" Allowed: {_allowed(field)}." if field and _allowed(field) else ""
    return f"{path}:{_line(tree, where)}: {key}: {message.rstrip('.')}.{hint}"


def _allowed(field: Any) -> str:
    """What a key takes, in words; empty where the message has said it."""
    kind = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}.get(field.annotation, "")
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bounds = [
        f"{word} {getattr(m, name):g}" for m in field.metadata for name, word in words.items() if hasattr(m, name)
    ]
    return f"{kind} {' and '.join(bounds)}".strip() if kind else ""


def _model_at(where: tuple[int | str, ...]) -> type[Model] | None:
    model: Any = Course
    for part in where:
        if model is None:
            return None
        if model in _MEMBERS and part not in getattr(model, "model_fields", {}):
            return None
        model = _CHILDREN.get((model, str(part)), _CHILDREN.get((model, "*")))
    return model if isinstance(model, type) and issubclass(model, Model) else None


_MEMBERS = (Course, Lecture, Exercise)
_CHILDREN: dict[tuple[Any, str], Any] = {
    (Course, "data"): Data,
    (Course, "seeds"): Seeds,
    (Course, "tolerance"): Tolerance,
    (Course, "limits"): Limits,
    (Course, "late"): Late,
    (Course, "lectures"): "lectures",
    ("lectures", "*"): Lecture,
    (Lecture, "exercises"): "exercises",
    ("exercises", "*"): Exercise,
    (Exercise, "loss"): Loss,
    (Exercise, "tolerance"): Tolerance,
    (Loss, "notes"): Recipe,
}


def _suggest(word: str, allowed: Collection[str]) -> str:
    near = difflib.get_close_matches(word, list(allowed), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Allowed: {', '.join(allowed)}."


def _line(tree: yaml.Node | None, where: tuple[int | str, ...]) -> int:
    """The line of the deepest part of ``where`` that the file has."""
    line = 1
    for part in where:
        if not isinstance(tree, yaml.MappingNode):
            break
        found = [(k, v) for k, v in tree.value if str(k.value) == str(part)]
        if not found:
            break
        line, tree = found[0][0].start_mark.line + 1, found[0][1]
    return line


def _repeated_key(tree: yaml.Node | None) -> yaml.Node | None:
    """YAML keeps the last of two equal keys without a word; here it is an error."""
    if isinstance(tree, yaml.MappingNode):
        seen = set()
        for key, value in tree.value:
            if key.value in seen:
                return key
            seen.add(key.value)
            if (deeper := _repeated_key(value)) is not None:
                return deeper
    return None
