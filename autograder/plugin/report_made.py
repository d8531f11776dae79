"""All that a class report says, computed once for the page and for its tables."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.course.directory import CourseDirectory
from autograder.plugin import report_alike, report_clusters, report_statistics, report_training
from autograder.plugin.report_data import ClassWork


@dataclass(frozen=True)
class Report:
    """Everything that is said about a class."""

    work: ClassWork
    items: list[report_statistics.Item]
    spread: report_statistics.Spread | None
    mistakes: list[report_statistics.Mistake]
    clusters: report_clusters.Clusters
    boards: list[report_training.Board]
    same: list[report_alike.Same]
    pairs: list[report_alike.Pair] | None


def make(course: CourseDirectory, work: ClassWork) -> Report:
    """Compute what the page shows."""
    return Report(
        work,
        report_statistics.items(work),
        report_statistics.spread(work),
        report_statistics.mistakes(work),
        report_clusters.find(work, course.course.tolerance),
        report_training.boards(work),
        report_alike.same_files(work),
        report_alike.similar(work),
    )
