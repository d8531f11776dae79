"""The report's tables as CSV files."""

from __future__ import annotations

from typing import Any

from autograder.report import counts
from autograder.report.made import Report

Row = list[Any]


def tables(report: Report) -> dict[str, list[Row]]:
    """The CSV files by name, each with its heading."""
    work = report.work
    kinds = counts.KINDS
    columns = [part for name in work.rules for part in (name, f"{name}_is")]
    students: list[Row] = [["student", "name", "handed_in", "graded", "points", "penalty", "hours_late", *columns]]
    for one in work.works:
        answers = [one.answers.get(name) for name in work.rules]
        own = [part for answer in answers for part in ((answer.points, answer.kind) if answer else ("", ""))]
        about = [one.student, one.person, one.handed_in, one.graded, round(one.points, 4) if one.graded else "", one.penalty, round(one.seconds_late / 3600, 2)]
        students.append([*about, *own])
    exercises: list[Row] = [["exercise", "title", "points", "share_right", "mean_share", "discrimination", *kinds]]
    for item in report.items:
        shares = map(_rounded, (item.right, item.mean, item.discrimination))
        exercises.append([item.exercise, item.title, item.most, *shares, *(item.counts[kind] for kind in kinds)])
    mistakes: list[Row] = [["exercise", "students", "share", "in_the_lecture_file", "says", "who"]]
    mistakes += [[m.exercise, len(m.students), _rounded(m.share), m.listed, m.says, "; ".join(m.students)] for m in report.mistakes]
    clusters: list[Row] = [["exercise", "students", "share", "told", "cell", "who"]]
    clusters += [[c.exercise, len(c.students), _rounded(c.share), c.told, c.cell, "; ".join(c.students)] for c in report.clusters.found]
    found = {"students": students, "exercises": exercises, "mistakes": mistakes, "clusters": clusters}
    if report.boards:
        head: Row = ["exercise", "student", "loss", "loss_on_unseen_names", "parameters", "steps", "points"]
        models: list[Row] = [[b.exercise, m.student, m.loss, m.unseen, m.parameters, m.steps, m.points] for b in report.boards for m in b.models]
        found["models"] = [head, *models]
    return found


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
