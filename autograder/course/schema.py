"""``course.yml`` as a typed, validated model: everything an instructor may change, and nothing else."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from autograder.course.dates import CourseDate, zone_named
from autograder.course.gradebook import usable
from autograder.errors import CheckFailed

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    """A part of ``course.yml``: unknown keys are errors, a number is never made out of a string."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_from_text(cls, value: Any, info: ValidationInfo) -> Any:
        assert info.field_name is not None  # for a validator of fields pydantic names the field
        wants_number = cls.model_fields[info.field_name].annotation in (int, float, Positive)
        if wants_number and isinstance(value, (str, bool)):
            raise ValueError(f"{value!r} is not a number")
        return value


class Tolerance(Model):
    """How close a tensor has to be, as in ``torch.testing.assert_close``; the defaults suit float32."""

    rtol: float = Field(default=1e-4, ge=0)
    atol: float = Field(default=1e-6, ge=0)
    exact_type: bool = False  # also a tensor of the same dtype: for an exercise that is about the type and says so


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
    budget_seconds: float = Field(default=300, gt=0)  # that the reference's training may take; nobody stops a student's
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
    time: str | None = Field(default=None, pattern=r"^(\d+:)?\d+:\d\d$")  # where in the lecture's video
    bonus: bool | Positive = False  # all of its points are bonus points, or so many of them
    written: bool = False
    skip: bool = Field(default=False, exclude=True)  # left out of the stub, the points and the grading: no fact for students
    tolerance: Tolerance | None = None
    forbid: tuple[str, ...] = ()
    loss: Loss | None = None

    @property
    def bonus_points(self) -> float:
        """How many of the points are beyond the lecture's ordinary ones."""
        return self.points if self.bonus is True else float(self.bonus)

    @property
    def of_bonus(self) -> str:
        """What stands behind the number of its points where they are a bonus, or some of them are."""
        if not self.bonus_points:
            return ""
        return " (a bonus)" if self.bonus_points == self.points else f" ({round(self.bonus_points, 2):g} of these a bonus)"

    @property
    def loss_rules(self) -> Loss:
        """``loss``, for what deals with trained models alone.

        Raises:
            CheckFailed: the exercise asks for none.
        """
        if self.loss is None:
            raise CheckFailed(f"{self.title!r} has no loss in course.yml: it asks for no trained model.")
        return self.loss

    @property
    def gradients(self) -> bool:
        """Whether autograd may be used; where its names are forbidden, it is off."""
        return not {"backward", "autograd"} & set(self.forbid)

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
    grace_minutes: float = Field(default=0, ge=0)


class Lecture(Model):
    """One lecture: when its work is due, for everybody and for some, and its exercises."""

    title: str
    video: str | None = None
    skip: bool = False
    due: CourseDate | None = None
    extensions: dict[str, CourseDate] = {}  # of a student the later due date
    listed: dict[Identifier, Exercise] = Field(alias="exercises")

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """Those that are not skipped: all that students get, and all that counts."""
        return {name: exercise for name, exercise in self.listed.items() if not exercise.skip}


class Data(Model):
    names: str = "names.txt"
    split_seed: int = 42
    bands: Literal["known_list", "this_list"] = "known_list"  # which list the bands of the losses are written for


class Seeds(Model):
    """How often a probe is drawn: in sight of the student, and with seeds that no student has seen."""

    public_draws: int = Field(default=2, ge=1, le=8)
    hidden_draws: int = Field(default=3, ge=1, le=32)
    training: int = 42


WITH_OUTPUTS = 3  # times notebook_mb: plots are no reason, they are dropped before anything is judged


class Limits(Model):
    """What one submission may use while it is graded."""

    cell_seconds: float = Field(default=120, gt=0)  # on the wall: ends what hangs
    cell_cpu_seconds: float = Field(default=80, gt=0)  # of the processor, for all its processes and threads: ends what never ends
    notebook_seconds: float = Field(default=900, gt=0)
    notebook_cpu_seconds: float = Field(default=300, gt=0)
    training_steps: int = Field(default=1000, ge=1)  # for each model that was submitted without weights
    training_seconds: float = Field(default=120, gt=0)  # of the processor, for these steps
    memory_mb: int = Field(default=3000, ge=256)  # beyond what torch itself takes
    processes: int = Field(default=32, ge=1)  # and threads
    open_files: int = Field(default=256, ge=32)
    file_mb: int = Field(default=64, ge=1)  # of one file
    disk_mb: int = Field(default=256, ge=16)  # of all files that a submission writes
    output_kb: int = Field(default=1024, ge=16)  # text and pictures of one cell; the rest is left out
    notebook_output_mb: int = Field(default=16, ge=1)  # of all cells
    record_mb: int = Field(default=16, ge=1)  # what one check may hand over
    notebook_mb: int = Field(default=20, ge=1)

    @property
    def largest_bytes(self) -> int:
        """Of a file that is handed in, whatever it is: more is not read."""
        return max(WITH_OUTPUTS * self.notebook_mb, self.file_mb) << 20


def _place(name: str) -> str:
    zone_named(name)
    return name


class Course(Model):
    course: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    title: str
    data: Data = Data()
    seeds: Seeds = Seeds()
    tolerance: Tolerance = Tolerance()
    limits: Limits = Limits()
    late: Late | None = None
    resubmissions: Literal["latest", "best"] = "latest"  # which of a student's submissions counts
    gradebook: Annotated[str, AfterValidator(usable)] = "sqlite:///gradebook.db?timeout=60"
    timezone: Annotated[str, AfterValidator(_place)] | None = None  # of all dates without an offset of their own
    listed: dict[Identifier, Lecture] = Field(alias="lectures")

    @cached_property
    def lectures(self) -> dict[str, Lecture]:
        """Those that are not skipped: all that is built and graded."""
        return {name: lecture for name, lecture in self.listed.items() if not lecture.skip}
