"""A course on disk: where its parts stand, and ``course.yml`` read with errors that name file, line and key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node

from autograder.course.gradebook import file_of
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
from autograder.course.text import did_you_mean, read_yaml
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course.names import Names

EXPECTED = "expected.safetensors"  # the public answers and their facts, beside every stub notebook


class CourseDirectory:
    """A validated course and where its parts stand on disk."""

    def __init__(self, root: Path, course: Course) -> None:
        self.root, self.course, self.file = root, course, root / "course.yml"
        self.names = root / course.data.names
        self.build = root / "build"
        self._lectures: dict[tuple[str, int], Lecture] = {}  # as they hold for the list of that time

    def make_private(self) -> None:
        """Create ``build/`` for its owner alone: it holds the answers, and others may see the course's folder."""
        self.build.mkdir(mode=0o700, exist_ok=True)

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

    @property
    def skipped(self) -> list[str]:
        """The lectures that are left out."""
        return [name for name in self.course.listed if name not in self.course.lectures]

    def lecture(self, name: str) -> Lecture:
        """A lecture's entry, its losses' bands as they hold for the course's own list of names.

        Raises:
            UserError: there is none of that name, it is left out, or the names cannot be read.
        """
        self._exists(name)
        return self.entry(name)

    def entry(self, name: str) -> Lecture:
        """The same, also of a lecture that is left out."""
        key = (name, self.names.stat().st_mtime_ns if self.names.is_file() else 0)  # a server may live longer than a list
        if key not in self._lectures:
            self._lectures[key] = self._for_its_names(self.course.listed[name])
        return self._lectures[key]

    def _exists(self, name: str) -> None:
        if name in self.skipped:
            raise UserError(f"course.yml leaves the lecture {name!r} out: it says `skip: true`.")
        if name not in self.course.lectures:
            if self.solution(name).is_file():
                entry = f"`{name}: {{title: …, exercises: {{…}}}}`"
                raise UserError(f"solutions/{name}.py has no entry in course.yml. Write one below `lectures:`, of the form {entry}.")
            raise UserError(f"course.yml has no lecture {name!r}.{_suggest(name, self.course.lectures)}")

    def _for_its_names(self, lecture: Lecture) -> Lecture:
        losses = {name: rules.loss for name, rules in lecture.listed.items() if rules.loss}
        if not losses or self.course.data.bands == "this_list":
            return lecture
        try:
            if is_known(self.names.read_text(encoding="ascii"), self.course.data.split_seed):
                return lecture
            from autograder.course.thresholds import for_list  # it loads torch

            names = self.read_names()
            moved = {name: lecture.listed[name].model_copy(update={"loss": for_list(loss, names)}) for name, loss in losses.items()}
        except (ValueError, OSError) as error:
            raise UserError(f"the names of course.yml cannot be read: {error}") from None
        made = lecture.model_copy(update={"listed": {**lecture.listed, **moved}})
        made.__dict__.pop("exercises", None)  # of the entry as it was written
        return made

    def lectures(self, wanted: list[str] | None = None) -> list[str]:
        """The lectures asked for, or all of them.

        Raises:
            UserError: one is not in ``course.yml``, or there are none.
        """
        for name in wanted or ():
            self._exists(name)
        found = list(wanted or self.course.lectures)
        if not found:
            raise UserError(f"course.yml has no lectures{' that it does not skip' if self.skipped else ''}.")
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
    data, tree = read_yaml(path)
    repeated = _repeated_key(tree)
    if repeated:
        raise UserError(f"{path}:{repeated.start_mark.line + 1}: the key {repeated.value!r} stands here a second time.")
    if not isinstance(data, dict):
        raise UserError(
            f"{path}:1: the file must hold keys and values; allowed keys: {', '.join(_keys(Course))}."
        )
    try:
        course = Course.model_validate(data, context={"timezone": data.get("timezone")})
    except ValidationError as error:
        first = min(
            error.errors(), key=lambda e: e["type"] != "extra_forbidden"
        )  # a misspelt key is also a missing one
        raise UserError(_explain(path, tree, first)) from None
    directory = CourseDirectory(path.parent.resolve(), course)
    directory.file = directory.root / path.name
    if not directory.names.is_file():
        number = _line(tree, ("data", "names"))
        raise UserError(f"{path}:{number}: data.names: there is no file {course.data.names!r} beside {path.name}.")
    for where, message in _misfits(directory):
        raise UserError(f"{path}:{_line(tree, where)}: {'.'.join(where)}: {message}.")
    return directory


def _misfits(directory: CourseDirectory) -> Iterator[tuple[tuple[str, ...], str]]:
    """Values that are good alone, and not together: where the first stands, and what is wrong."""
    file = file_of(directory.course.gradebook, directory.root)
    if file and not file.parent.is_dir():
        yield ("gradebook",), f"there is no folder {str(file.parent)!r} for the file {file.name!r}"
    if file and file.is_dir():
        yield ("gradebook",), f"{str(file)!r} is a folder, not a file"
    for name, lecture in directory.course.listed.items():
        where = ("lectures", name)
        if lecture.listed and not lecture.exercises and not lecture.skip:
            yield (*where, "exercises"), "no exercise is left. Write `skip: true` for the lecture"
        for student, extended in lecture.extensions.items():
            if lecture.due is None:
                yield (*where, "extensions", student), "an extension needs the lecture's own date; write `due: 2027-03-01`"
            elif extended < lecture.due:
                yield (*where, "extensions", student), f"{extended} is before the lecture is due ({lecture.due})"


def _explain(path: Path, tree: Node | None, error: ErrorDetails) -> str:
    """One validation error as one sentence with file, line, key and what is allowed."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    key = ".".join(str(part) for part in where) or "the file"
    model = _model_at(where[:-1])
    allowed = _keys(model) if model else {}
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
    said = error["type"] == "value_error" and field is not None and field.annotation is str
    hint = f" Allowed: {_allowed(field)}." if field and _allowed(field) and not said else ""
    return f"{path}:{_line(tree, where)}: {key}: {message.rstrip('.')}.{hint}"


def _keys(model: type[Model]) -> dict[str, Any]:
    """Its fields, by the names that they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


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
        if model in _MEMBERS and part not in _keys(model):
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
    return f"{did_you_mean(word, allowed)} Allowed: {', '.join(allowed)}."


def line_of(path: Path, where: tuple[int | str, ...]) -> int:
    """The line of ``course.yml`` in which something stands, for what is found out later.

    Raises:
        UserError: the file cannot be read any more.
    """
    return _line(read_yaml(path)[1], where)


def _line(tree: Node | None, where: tuple[int | str, ...]) -> int:
    """The line of the deepest part of ``where`` that the file has."""
    line = 1
    for part in where:
        if not isinstance(tree, MappingNode):
            break
        found = [(k, v) for k, v in tree.value if str(k.value) == str(part)]
        if not found:
            break
        line, tree = found[0][0].start_mark.line + 1, found[0][1]
    return line


def _repeated_key(tree: Node | None) -> Node | None:
    """YAML keeps the last of two equal keys without a word; here it is an error."""
    if isinstance(tree, MappingNode):
        seen = set()
        for key, value in tree.value:
            if key.value in seen:
                return key
            seen.add(key.value)
            if (deeper := _repeated_key(value)) is not None:
                return deeper
    return None
