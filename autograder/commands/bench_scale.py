"""``autograder bench --scale``: classes of growing size, and what one more submission costs in each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from autograder.commands.bench_ways import Way, graded, mixed_class, place_of
from autograder.course.directory import CourseDirectory


@dataclass(frozen=True)
class Size:
    """A class that was graded from its beginning, and once more when nothing had changed."""

    students: int
    seconds: float
    memory: float  # MB, of the largest process
    again: float


def scaled(course: CourseDirectory, lecture: str, sizes: list[int], folder: Path, advance: Callable[[str], None]) -> list[Size]:
    """Grade classes of these sizes with ``autograder grade`` on all cores, nobody's own cells another's.

    Args:
        folder: for the courses, one after the other.
        advance: told what is measured, before each.

    Raises:
        UserError: the lecture is not built, or a command fails or leaves somebody out.
    """
    way = Way("", ("-m", "autograder", "grade", lecture, "--jobs", str(os.cpu_count() or 1)), leaves=f"{lecture}.ipynb")
    everybody = mixed_class(course, lecture, max(sizes))
    found = []
    for size in sorted(sizes):
        advance(f"{size:,} submissions")
        place = place_of(course, lecture, folder, everybody[:size])
        seconds, memory = graded(place, way, lecture, size)
        found.append(Size(size, seconds, memory, graded(place, way, lecture, size, anew=False)[0]))
        shutil.rmtree(place)
    return found


def line_through(sizes: list[Size]) -> tuple[float, float]:
    """Seconds before the first submission, and for one more: the straight line that is nearest, each class by its own measure."""
    students = np.array([size.students for size in sizes], dtype=float)
    seconds = np.array([size.seconds for size in sizes])
    more, start = np.polyfit(students, seconds, 1, w=1 / seconds)
    return float(start), float(more)


def scale_table(sizes: list[Size], lecture: str) -> Table:
    """What each class took, also when nothing had changed since, and one more of its submissions beyond those of the class before."""
    columns = ("submissions", "seconds", "one more", "a minute", "memory", "nothing changed", "one more")
    table = Table(*columns, title=f"{lecture}, autograder grade on {os.cpu_count()} cores", title_justify="left")
    for before, size in zip([None, *sizes], sizes):
        row = (f"{size.students:,}", f"{size.seconds:,.1f}", f"{60 * size.students / size.seconds:,.0f}", f"{size.memory:.0f} MB", f"{size.again:.1f}")
        further = ("", "")
        if before is not None:
            students = size.students - before.students
            further = f"{(size.seconds - before.seconds) / students:.3f} s", f"{1000 * (size.again - before.again) / students:.1f} ms"
        table.add_row(*row[:2], further[0], *row[2:], further[1])
    return table
