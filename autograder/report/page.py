"""The report on a class as one page that needs no other file, and as CSV files beside it."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.course.dates import duration
from autograder.files import write_whole
from autograder.plugin.spreadsheet import to_csv
from autograder.report import alike, counts, plots, training
from autograder.report.data import WAITS
from autograder.report.made import Report
from autograder.report.tables import tables

TEMPLATES = Path(__file__).parent / "templates"
MOST_MISTAKES, MOST_CLUSTERS, MOST_MODELS = 60, 60, 50  # on the page; the CSV files have all


def write(report: Report, folder: Path) -> Path:
    """Write the page and its CSV files, each whole or not at all.

    Returns:
        the page.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, rows in tables(report).items():
        write_whole(folder / f"{name}.csv", to_csv(rows, mark=True))
    path = folder / "report.html"
    write_whole(path, page(report).encode())
    return path


def page(report: Report) -> str:
    """The page; whatever a student wrote is escaped in it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    work = report.work
    script = (TEMPLATES / "copy.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = work.rules.values()
    bonus = sum(exercise.bonus_points for exercise in rules)
    regular = sum(exercise.points for exercise in rules) - bonus
    pairs = None if report.pairs is None else [{**vars(pair), "texts": [Markup(text) for text in pair.texts]} for pair in report.pairs]  # escaped there
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("report.html.j2").render(
        work=work,
        items=report.items,
        spread=report.spread,
        mistakes=report.mistakes,
        clusters=report.clusters,
        same=report.same,
        pairs=pairs,
        boards=[_shown(board) for board in report.boards],
        kinds=[kind for kind in counts.KINDS if any(item.counts[kind] for item in report.items)],
        summary=_summary(report),
        regular=regular,
        bonus=bonus,
        waiting=sum(item.counts[WAITS] for item in report.items),
        histogram=Markup(plots.histogram([one.points for one in work.graded], regular + bonus, "How many students have how many points")),
        late=sorted((one for one in work.works if one.seconds_late), key=lambda one: -one.seconds_late),
        missing=[one for one in work.works if not one.handed_in],
        notes=work.notes,
        refused=[one for one in work.works if one.refused],
        not_graded=[one for one in work.works if one.handed_in and not one.graded],
        remarks=[(one, said) for one in work.works for said in one.notes],
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        delay=duration,
        fewest=counts.FEWEST,
        most_mistakes=MOST_MISTAKES,
        most_clusters=MOST_CLUSTERS,
        most_models=MOST_MODELS,
        shared_by_all=f"{alike.NOT_THEIRS} students or 5 %",
        script=Markup(script),
        script_hash=f"sha256-{digest}",
    )


def _summary(report: Report) -> list[tuple[str, Any]]:
    work, spread = report.work, report.spread
    told: list[tuple[str, Any]] = [("students", len(work.works)), ("handed in", sum(one.handed_in for one in work.works)), ("graded", len(work.graded))]
    if spread:
        told += [("mean of the points", f"{spread.mean:.2f}"), ("median", f"{spread.median:.3g}")]
        told += [("least and most", f"{spread.least:.3g} – {spread.most:.3g}")]
    waiting = sum(item.counts[WAITS] for item in report.items)
    return told + ([("answers wait for a person", waiting)] if waiting else [])


def _shown(board: training.Board) -> dict[str, Any]:
    from markupsafe import Markup

    trainings = [(list(model.curve), float(model.steps or len(model.curve))) for model in board.models if model.curve]
    picture = plots.curves(trainings, f"Training curves of {board.exercise}") if trainings else ""
    return {**vars(board), "picture": Markup(picture), "curveless": len(board.models) - len(trainings)}
