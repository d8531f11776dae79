"""A verdict on a student's screen; a check that did not pass also raises, so that ``nbgrader validate`` tells the truth."""

from __future__ import annotations

from autograder.judge.cards import as_html, as_text
from autograder.judge.verdict import Verdict
from autograder.student.progress import in_notebook
from autograder.student.session import CheckFailed, Facts


def show(verdict: Verdict, facts: Facts) -> None:
    """Display the verdict.

    Raises:
        CheckFailed: the answer does not have full marks.
    """
    if in_notebook():
        from IPython.display import HTML, display

        display(HTML(as_html(verdict, facts.rules(verdict.exercise).title)))
    elif verdict.status == "correct":
        print(as_text(verdict))
    if verdict.status != "correct":
        first = verdict.message or "see above"
        raise CheckFailed(f"{verdict.exercise}: {first}" if in_notebook() else as_text(verdict))
