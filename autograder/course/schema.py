"""``course.yml`` as a typed, validated model: everything an instructor may change, and nothing else."""

from __future__ import annotations

import difflib
import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from autograder.errors import UserError

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    """A part of ``course.yml``: unknown keys are errors, a number is never made out of a string."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_from_text(cls, value: Any, info) -> Any:
        wants_number = cls.model_fields[info.field_name].annotation in (int, float, Positive)
        if wants_number and isinstance(value, (str, bool)):
            raise ValueError(f"{value!r} is not a number")
        return value


class Tolerance(Model):
    """How close a tensor has to be, as in ``torch.testing.assert_close``; the defaults suit float32."""

    rtol: float = Field(1e-4, ge=0)
    atol: float = Field(1e-6, ge=0)


class Recipe(Model):
    """What the notes that this course follows reached: the number to beat, and what it cost."""

    loss: float
    steps: int | None = None
    seconds: float | None = None  # of one core; measured here, where their recipe was repeated


class Loss(Model):
    """A trained model's exercise: mean negative log-likelihood (nats a symbol) on a split decides the band of points."""

    context: int = Field(ge=1, le=64)  # T: symbols before the one to predict
    split: Literal["dev", "test"]
    bands: dict[float, float]  # loss reached -> points
    max_parameters: int = Field(ge=1)
    budget_seconds: float = Field(300, gt=0)  # of one training on a student's machine
    too_good: float | None = None  # below it the instructor is asked to look; costs nothing
    notes: Recipe | None = None

    @field_validator("bands")
    @classmethod
    def _bands_rise(cls, bands: dict[float, float]) -> dict[float, float]:
        losses = sorted(bands, reverse=True)
        points = [bands[loss] for loss in losses]
        if not bands or any(p <= 0 for p in points) or points != sorted(set(points)):
            raise ValueError("bands need at least one loss, and a lower loss must earn more points than a higher one")
        return {loss: bands[loss] for loss in losses}


class Exercise(Model):
    """One exercise: its id is the check cell's ``grade_id``, the key here, and the name in the lecture file."""

    title: str
    points: float = Field(gt=0)
    minutes: int = Field(ge=1)
    difficulty: int = Field(ge=1, le=3)
    time: str | None = Field(None, pattern=r"^(\d+:)?\d+:\d\d$")  # where in the lecture's video
    bonus: bool | Positive = False  # all of its points are bonus points, or so many of them
    written: bool = False
    tolerance: Tolerance | None = None
    forbid: tuple[str, ...] = ()
    loss: Loss | None = None

    @property
    def bonus_points(self) -> float:
        """How many of the points are beyond the lecture's ordinary ones."""
        return self.points if self.bonus is True else float(self.bonus)

    @model_validator(mode="after")
    def _bonus_within_points(self) -> Exercise:
        if self.bonus_points > self.points:
            raise ValueError(f"{self.bonus_points:g} bonus points are more than the exercise's {self.points:g}")
        return self

    @model_validator(mode="after")
    def _bands_end_at_points(self) -> Exercise:
        if self.loss and max(self.loss.bands.values()) != self.points:
            raise ValueError(
                f"the best band gives {max(self.loss.bands.values()):g} points, the exercise has {self.points:g}"
            )
        return self


class Late(Model):
    """What a day of delay costs, in per cent of the points reached, beginning after the grace period."""

    percent_per_day: float = Field(ge=0, le=100)
    grace_minutes: float = Field(0, ge=0)


class Lecture(Model):
    title: str
    video: str | None = None
    due: datetime | None = None
    exercises: dict[Identifier, Exercise]


class Data(Model):
    names: str = "names.txt"
    split_seed: int = 42


class Seeds(Model):
    """How often a probe is drawn: in sight of the student, and with seeds that no student has seen."""

    public_draws: int = Field(2, ge=1, le=8)
    hidden_draws: int = Field(3, ge=1, le=32)
    training: int = 42


class Limits(Model):
    """What one submission may use while it is graded."""

    cell_seconds: float = Field(20, gt=0)
    cell_cpu_seconds: float = Field(40, gt=0)  # of all its processes and threads together
    notebook_seconds: float = Field(240, gt=0)
    notebook_cpu_seconds: float = Field(300, gt=0)
    training_seconds: float = Field(20, gt=0)  # for each model that was submitted without weights
    memory_mb: int = Field(3000, ge=256)  # beyond what torch itself takes
    processes: int = Field(32, ge=1)  # and threads
    open_files: int = Field(256, ge=32)
    file_mb: int = Field(64, ge=1)  # of one file
    disk_mb: int = Field(256, ge=16)  # of all files that a submission writes
    output_kb: int = Field(1024, ge=16)  # text and pictures of one cell
    notebook_output_mb: int = Field(16, ge=1)  # of all cells
    record_mb: int = Field(16, ge=1)  # what one check may hand over
    notebook_mb: int = Field(20, ge=1)


class Course(Model):
    course: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    title: str
    data: Data = Data()
    seeds: Seeds = Seeds()
    tolerance: Tolerance = Tolerance()
    limits: Limits = Limits()
    late: Late | None = None
    gradebook: str = "sqlite:///gradebook.db?timeout=60"
    lectures: dict[Identifier, Lecture]


class CourseDirectory:
    """A validated course and where its parts stand on disk."""

    def __init__(self, root: Path, course: Course):
        self.root, self.course = root, course
        self.names = root / course.data.names
        self.build = root / "build"

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
        if name not in self.course.lectures:
            raise UserError(f"course.yml has no lecture {name!r}.{_suggest(name, self.course.lectures)}")
        return self.course.lectures[name]

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
        line = _line(tree, ("data", "names"))
        raise UserError(f"{path}:{line}: data.names: there is no file {course.data.names!r} beside {path.name}.")
    return directory


def _explain(path: Path, tree: yaml.Node, error: dict) -> str:
    """One validation error as one sentence with file, line, key and what is allowed."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    key = ".".join(str(part) for part in where) or "the file"
    allowed = _model_at(where[:-1]).model_fields if _model_at(where[:-1]) else {}
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


def _model_at(where: tuple) -> type[Model] | None:
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


def _suggest(word: str, allowed) -> str:
    near = difflib.get_close_matches(word, list(allowed), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Allowed: {', '.join(allowed)}."


def _line(tree: yaml.Node | None, where: tuple) -> int:
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
