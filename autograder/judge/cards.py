"""A verdict as a student reads it: HTML in JupyterLab and in the feedback, plain text in a terminal."""

from __future__ import annotations

from html import escape

from autograder.judge.verdict import Verdict

COLOURS = {"correct": "#1a7f37", "partly correct": "#9a6700", "not attempted": "#57606a", "could not run": "#57606a"}
WRONG = "#cf222e"


def number(points: float) -> str:
    """Points as people write them: at most two decimals."""
    return f"{round(points, 2):g}"


def of_points(points: float | None, most: float) -> str:
    """As in "2 of 3 points"; without the first number where it is not known."""
    return f"{'' if points is None else f'{number(points)} '}of {number(most)} {_unit(most)}"


def _unit(most: float) -> str:
    return "point" if most == 1 else "points"


def as_html(verdict: Verdict, title: str = "") -> str:
    """A small card: status and points, the diagnosis, and a row for each named value.

    Everything in it is escaped, from HTML and from MathJax, whose ``\\href`` can run a script.
    """
    colour = COLOURS.get(verdict.status, WRONG)
    head = (
        f'<div class="tex2jax_ignore" style="border-left:4px solid {colour};padding:6px 12px;margin:4px 0;max-width:860px">'
        f'<div><b style="color:{colour}">{escape(verdict.status.capitalize())}</b> · '
        f"<b>{number(verdict.points)} / {number(verdict.max_points)}</b> {_unit(verdict.max_points)} · {escape(title or verdict.exercise)} "
        f"<code>{escape(verdict.exercise)}</code></div>"
    )
    message = f'<div style="margin-top:4px">{escape(verdict.message)}</div>' if verdict.message else ""
    rows = [row for row in verdict.rows if row.name]
    table = ""
    if rows:
        lines = "".join(
            f'<tr><td style="text-align:left;padding-right:16px"><code>{escape(row.name)}</code></td>'
            f'<td style="text-align:left;padding-right:16px;color:{COLOURS["correct"] if row.right else WRONG}">{"right" if row.right else "wrong"}</td>'
            f'<td style="text-align:left">{escape(row.note if row.note != verdict.message else "")}</td></tr>'
            for row in rows
        )
        table = f'<table style="margin:4px 0"><tbody>{lines}</tbody></table>'
    return f"{head}{message}{table}{verdict.shown.html if verdict.shown else ''}</div>"


def as_text(verdict: Verdict) -> str:
    """The same in plain text."""
    lines = [f"{verdict.exercise}: {verdict.status}, {of_points(verdict.points, verdict.max_points)}"]
    if verdict.message:
        lines.append(f"  {verdict.message}")
    for row in verdict.rows:
        if row.name:
            note = f"  {row.note}" if row.note and row.note != verdict.message else ""
            lines.append(f"  {'right' if row.right else 'wrong'}  {row.name}{note}")
    if verdict.shown:
        lines += [f"  {line}" for line in verdict.shown.text.split("\n")]
    return "\n".join(lines)
