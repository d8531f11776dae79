"""A verdict as a student reads it: HTML in JupyterLab and in the feedback, plain text in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from html import escape

from autograder.course.inline import in_code
from autograder.judge.verdict import Row, Verdict
from autograder.wall.plain import PLACE

MARKS = {  # of a status: a sign, and a colour for it and the edge; words are in the page's own colour, whatever its ground
    "correct": ("✓", "#2f9e44"),
    "partly correct": ("◐", "#b7791f"),
    "not attempted": ("○", "#768390"),
    "could not run": ("○", "#768390"),
}
WRONG = ("✗", "#e5534b")
CELL = "text-align:left;padding:1px 16px 1px 0"
QUIET = "opacity:.8;font-size:.92em"


def number(points: float) -> str:
    """Points as people write and round them: at most two decimals, and half of one upwards."""
    rounded = Decimal(repr(float(points))).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{float(rounded) + 0.0:.2f}".rstrip("0").rstrip(".")


def of_points(points: float | None, most: float) -> str:
    """As in "2 of 3 points"; without the first number where it is not known."""
    return f"{'' if points is None else f'{number(points)} '}of {number(most)} {_unit(most)}"


def _unit(most: float) -> str:
    return "point" if most == 1 else "points"


def as_html(verdict: Verdict, title: str = "", with_code: bool = False) -> str:
    """A small card: status and points, the diagnosis, and a row for each named value.

    Everything in it is escaped, from HTML and from MathJax, whose ``\\href`` can run a script.

    Args:
        with_code: what stands between backticks is shown as code; else sentences stay as they are, so that whoever reads a graded notebook finds them.
    """
    prose = _with_code if with_code else escape
    sign, colour = MARKS.get(verdict.status, WRONG)
    points = f"<b>{number(verdict.points)} / {number(verdict.max_points)}</b> {_unit(verdict.max_points)}"
    said = escape(f"{verdict.status}, {of_points(verdict.points, verdict.max_points)}", quote=True)
    parts = [
        f'<div><span aria-hidden="true" style="color:{colour}">{sign}</span> <b>{escape(verdict.status.capitalize())}</b> · {points} · '
        f"{escape(title or verdict.exercise)} <code>{escape(verdict.exercise)}</code></div>"
    ]
    if verdict.message:
        parts.append(f'<div style="margin-top:4px">{prose(verdict.message)}</div>')
    parts.append(_rows(verdict, prose))
    if verdict.shown:
        parts.append(verdict.shown.html)
    if verdict.compared:
        parts.append(f'<div style="margin-top:4px;{QUIET}">{prose(verdict.compared)}</div>')
    edge = f"border-left:4px solid {colour};padding:6px 12px;margin:4px 0;max-width:860px"
    return f'<div class="tex2jax_ignore" role="group" aria-label="{said}" style="{edge}">{"".join(parts)}</div>'


def _with_code(text: str) -> str:
    """A sentence, escaped; what stands between backticks as code."""
    return in_code(escape(text))


def _rows(verdict: Verdict, prose: Callable[[str], str]) -> str:
    """A line for each named value; what the message says is not said again."""
    lines = []
    for right, name, note in _worth_a_line(verdict):
        sign, colour = MARKS["correct"] if right else WRONG
        lines.append(
            f'<tr><th scope="row" style="{CELL};font-weight:normal"><code>{escape(name)}</code></th><td style="{CELL};white-space:nowrap">'
            f'<span aria-hidden="true" style="color:{colour}">{sign}</span> {_word(verdict, right)}</td>'
            f'<td style="{CELL}">{prose(note)}</td></tr>'
        )
    return f'<table style="margin:4px 0"><tbody>{"".join(lines)}</tbody></table>' if lines else ""


def _word(verdict: Verdict, right: bool) -> str:
    """A value is right or wrong; the band of a loss is reached or not."""
    if verdict.loss is not None:
        return "reached" if right else "not reached"
    return "right" if right else "wrong"


def _worth_a_line(verdict: Verdict) -> list[tuple[bool, str, str]]:
    """Whether it is right, its name, and what is said of it: of values that have a name, or of which something is to be told apart.

    Values that have only a place are worth a line where one is right and another wrong, or something is said of one.
    """
    named = [row for row in verdict.rows if row.name]
    told = [row.note for row in named if row.note and row.note not in verdict.message]
    if not told and len({row.right for row in named}) == 1 and all(PLACE.fullmatch(row.name) for row in named):
        return []
    first: dict[str, str] = {}  # which value a note was said of
    return [(row.right, row.called or row.name, _note(row, first, verdict.message)) for row in named]


def _note(row: Row, first: dict[str, str], message: str) -> str:
    """What is said of a value; where it was said before, above the table or in it, that."""
    if not row.note:
        return ""
    if not row.right and row.note in message:
        return "see above"
    name = row.called or row.name
    before = first.setdefault(row.note, name)
    return row.note if before == name else f"as {before}"


def as_text(verdict: Verdict) -> str:
    """The same in plain text."""
    lines = [f"{verdict.exercise}: {verdict.status}, {of_points(verdict.points, verdict.max_points)}"]
    if verdict.message:
        lines.append(f"  {verdict.message}")
    for right, name, note in _worth_a_line(verdict):
        lines.append(f"  {_word(verdict, right)}  {name}  {note}".rstrip())
    if verdict.shown:
        lines += [f"  {line}" for line in verdict.shown.text.split("\n")]
    if verdict.compared and verdict.status != "correct":
        lines.append(f"  ({verdict.compared})")
    return "\n".join(lines)
