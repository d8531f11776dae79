"""``check`` and ``check_loss``: what stands in a notebook's locked cells. They record; the verdict is somebody else's."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable
from typing import Any

import torch

from autograder.student.fit import Fitted, fitted
from autograder.student.logits import record_of
from autograder.student.neutral import neutral
from autograder.student.open_figures import fresh_figures
from autograder.student.session import current
from autograder.wall.record import MAX_TEXT, Draw, Failure, Record, RecordError, draw_from


def check(exercise: str, probe: Callable[[torch.Generator], Any]) -> None:
    """Call ``probe`` with seeded generators and hand over what it returns.

    On a student's machine the record is compared with the public answers at once and the verdict shown; while grading
    it leaves the process with seeds that the student has never seen.

    Args:
        exercise: the id, as in ``course.yml``.
        probe: draws plain inputs from the generator, calls the student's function, and returns a tensor, number,
            string, list, or a dict or tuple of them.

    Raises:
        CheckFailed: the answer is not right, on a student's machine only.
    """
    session = current()
    rules = session.facts.rules(exercise)
    draws: list[Draw] = []
    for seed in session.facts.seeds[exercise]:
        with fresh_figures(shown=not draws), neutral(seed), torch.set_grad_enabled(rules.gradients):
            draws.append(attempt(probe, torch.Generator().manual_seed(seed)))
        if draws[-1].failure:
            break
    draws += draws[-1:] * (len(session.facts.seeds[exercise]) - len(draws))  # one failure stands for the rest
    session.submit(Record(exercise, tuple(draws)))


def check_loss(exercise: str) -> None:
    """Hand over the logits that the weights which ``fit(exercise, ...)`` saved give in a fresh model, on rows of the names in random order.

    Raises:
        CheckFailed: the loss does not reach the last band, or the model is not what was asked for; on a student's
            machine only.
    """
    session = current()
    rules = session.facts.rules(exercise)
    seed = session.facts.seeds[exercise][0]
    with neutral(seed), torch.no_grad():
        found: list[Fitted] = []

        def logits() -> dict[str, torch.Tensor]:
            found.append(fitted(exercise))
            return record_of(found[0], rules, session.facts, seed)

        draw = attempt(logits)
    session.submit(Record(exercise, (draw,), {} if draw.failure else found[0].facts))


def attempt(call: Callable[..., Any], *arguments: Any) -> Draw:
    """What a call returns, or the failure it ends in, told by the student's own line."""
    try:
        return draw_from(call(*arguments))
    except RecordError as error:
        return Draw(failure=Failure("The answer cannot be read", str(error)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a student's code raises is data
        return Draw(failure=failure_of(error))


def failure_of(error: BaseException) -> Failure:
    """The exception, with the innermost line that stands in a cell of the notebook (and not in the check's own)."""
    line, number = "", 0
    for frame in traceback.extract_tb(error.__traceback__):
        in_cell = "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input")
        if in_cell and not any(call in _cell(frame.filename) for call in ("check(", "check_loss(")):
            line, number = (frame.line or "").strip(), frame.lineno or 0
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  a student's __str__ may raise anything
        message = "(its message cannot be read)"
    return Failure(type(error).__name__[:100], message[: MAX_TEXT // 4], line[:200], number)


def _cell(filename: str) -> str:
    return "".join(linecache.getlines(filename))
