"""What a lecture's text says of the course's list of names: numbers are put in when it is built, and what holds for one list only is said there only.

In a text cell, and in what a mistake says, ``{{ … }}`` stands for a number and ``{% if known %} … {% else %} … {% endif %}`` for what is said of the known
list and of every other.
"""

from __future__ import annotations

import math
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError

from autograder.course import thresholds
from autograder.course.names import Names
from autograder.course.schema import Lecture

_ENVIRONMENT = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # notebooks escape their Markdown themselves


def words_of(names: Names, lecture: Lecture) -> dict[str, Any]:
    """The words that a lecture's text may use, for a list of names:

    - ``known``: whether it is the known list;
    - ``band(exercise, points, decimals)``: the loss that earns so many points;
    - ``table(split, T, decimals)``: what a table of T symbols reaches, smoothed by 0.13;
    - ``entropy``: of single symbols, to two decimals;
    - ``rows``: how many predictions the training names give; ``names``: the list itself;
    - ``number(x)``: with commas; ``about(x, digits)``: the same, rounded to so many digits.
    """

    def band(exercise: str, points: float, decimals: int = 2) -> str:
        bands = lecture.exercises[exercise].loss_rules.bands
        loss = next((loss for loss, earned in bands.items() if earned == points), None)
        if loss is None:
            raise ValueError(f"no band of {exercise} gives {points:g} points; they give {', '.join(f'{p:g}' for p in bands.values())}")
        said = f"{loss:.{decimals}f}"
        return said if float(said) == loss else f"{loss:g}"  # never a threshold that does not hold

    def table(split: str, T: int, decimals: int = 4) -> str:
        return f"{thresholds.table_loss(names, split, T):.{decimals}f}"

    return {
        "known": names.known(),
        "band": band,
        "table": table,
        "entropy": f"{thresholds.entropy(names):.2f}",
        "rows": len(names.contexts("train", 1)[1]),
        "names": names,
        "number": lambda x: f"{x:,}",
        "about": lambda x, digits=2: f"{round(x, digits - 1 - math.floor(math.log10(x))):,.0f}",
    }


def worded(text: str, words: dict[str, Any]) -> str:
    """A text with its numbers.

    Raises:
        ValueError: it asks for what there is not, or is no template, in a sentence.
    """
    if "{{" not in text and "{%" not in text:
        return text
    try:
        return _ENVIRONMENT.from_string(text).render(words)
    except (TemplateError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this text cannot be made for this list of names: {error}") from None
