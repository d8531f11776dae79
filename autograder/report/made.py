"""All that a class report says, computed once for the page and for its tables."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.course.directory import CourseDirectory
from autograder.report import alike, clusters, counts, training
from autograder.report.data import ClassWork


@dataclass(frozen=True)
class Report:
    """Everything that is said about a class."""

    work: ClassWork
    items: list[counts.Item]
    spread: counts.Spread | None
    mistakes: list[counts.Mistake]
    clusters: clusters.Clusters
    boards: list[training.Board]
    same: list[alike.Same]
    pairs: list[alike.Pair] | None


def make(course: CourseDirectory, work: ClassWork) -> Report:
    """Compute what the page shows."""
    return Report(
        work,
        counts.items(work),
        counts.spread(work),
        counts.mistakes(work),
        clusters.find(work, course.course.tolerance),
        training.boards(work),
        alike.same_files(work),
        alike.similar(work),
    )
