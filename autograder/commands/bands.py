"""What ``autograder build`` prints of the thresholds: the bands that hold for the course's own list of names, beside what counting gets."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from autograder.course.directory import CourseDirectory
from autograder.course.schema import Loss
from autograder.course.thresholds import counted_context, counting_loss


def bands_table(course: CourseDirectory, lectures: Iterable[str]) -> Table:
    """A row for each trained model of the lectures: its bands, and the loss and points of what it is measured by, the best table of counts, and of bigrams.

    Raises:
        UserError: the names cannot be read.
    """
    found = [(name, rules.loss) for lecture in lectures for name, rules in course.lecture(lecture).exercises.items() if rules.loss]
    table = Table("model", "loss at most: points", "counting", "bigram counts", title_justify="left")
    if not found:
        return table
    names = course.read_names()
    table.title = f"Bands for {course.course.data.names} with split_seed {names.seed}: " + _whose(course, names.known())
    for name, loss in found:
        bands = ", ".join(f"{_written(bound)}: {points:g}" for bound, points in loss.bands.items())
        best, bigrams = counting_loss(names, loss.split, counted_context(loss)), counting_loss(names, loss.split, 1)
        table.add_row(name, f"{loss.split} {bands}", _counted(best, loss), _counted(bigrams, loss))
    return table


def _whose(course: CourseDirectory, known: bool) -> str:
    if course.course.data.bands == "this_list":
        return "as course.yml has them"
    if known:
        return "as course.yml has them, for it is the known list"
    return "those of course.yml, moved by what counting reaches here beside the known list"


def _written(bound: float) -> str:
    """With two decimals at least, as people write a loss."""
    return f"{bound:.2f}" if round(bound, 2) == bound else f"{bound:g}"


def _counted(reached: float, loss: Loss) -> str:
    points = max((points for bound, points in loss.bands.items() if reached <= bound), default=0.0)
    return f"{reached:.4f}: {points:g}"
