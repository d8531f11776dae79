"""What grading found out about a submission, as data beside its notebook's cells: for whoever looks at the whole class.

A card is for people and may look otherwise tomorrow.  This stands in the notebook's metadata, where no submission can put it: it is written
anew with each grading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, get_args

from autograder.grading.submission import Graded
from autograder.judge.verdict import Status, Verdict
from autograder.wall.record import storable

KEY = "told"  # notebook metadata, below "autograder"
LONGEST = 1000  # characters of a sentence
STATUS = re.compile(rf">({'|'.join(map(str.capitalize, get_args(Status)))})<")  # on a card


@dataclass(frozen=True)
class Outcome:
    """Of one exercise."""

    status: str
    message: str = ""
    recognised: tuple[str, ...] = ()  # the sentences of the mistakes found
    loss: float | None = None
    unseen: float | None = None


@dataclass
class Told:
    """Of one submission."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)  # for the instructor
    run: str = ""  # the kept run in which the checks were given what they judged


def to_metadata(graded: Graded) -> dict[str, Any]:
    """As JSON has it."""
    outcomes = {name: _outcome(verdict) for name, verdict in graded.verdicts.items()}
    return {"outcomes": outcomes, "remarks": [_short(remark) for remark in graded.remarks], "run": graded.run}


def _outcome(verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {"status": verdict.status, "message": _short(verdict.message), "recognised": [_short(says) for says in verdict.recognised]}
    losses = {"loss": verdict.loss, "unseen": verdict.unseen}
    return found | {name: round(loss, 6) for name, loss in losses.items() if loss is not None}


def _short(text: str) -> str:
    return storable(text[:LONGEST])


def from_metadata(metadata: Mapping[str, Any]) -> Told | None:
    """Of a graded notebook's metadata; ``None`` where an older kit has graded it, or something else has been at it."""
    try:
        told = metadata["autograder"][KEY]
        outcomes = {
            str(name): Outcome(str(o["status"]), str(o["message"]), tuple(map(str, o["recognised"])), _number(o.get("loss")), _number(o.get("unseen")))
            for name, o in told["outcomes"].items()
        }
        return Told(outcomes, [str(remark) for remark in told["remarks"]], str(told["run"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def from_cards(cells: list[dict[str, Any]], sentences: Mapping[str, list[str]]) -> Told:
    """As far as the cards tell it, of a notebook that an older kit has graded.

    Args:
        cells: of the notebook, as JSON.
        sentences: of each exercise's known mistakes.
    """
    found = Told()
    for cell in cells:
        name, outputs = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id"), cell.get("outputs")
        if name not in sentences or not outputs:
            continue
        card = "".join(outputs[-1].get("data", {}).get("text/html", ""))
        if status := STATUS.search(card):
            says = tuple(sentence for sentence in sentences[name] if escape(sentence) in card)
            found.outcomes[name] = Outcome(status[1].lower(), says[0] if says else "", says)
    return found
