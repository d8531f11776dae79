"""``check`` and ``check_loss``: what stands in a notebook's locked cells. They record; the verdict is somebody else's."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from autograder.student.again import quietly
from autograder.student.called import Fitted
from autograder.student.fit import fitted
from autograder.student.logits import record_of
from autograder.student.looks import Watch
from autograder.student.neutral import beside, neutral
from autograder.student.not_finite import FirstNotFinite
from autograder.student.open_figures import fresh_figures
from autograder.student.own_line import Given, failure_of
from autograder.student.plainly import OddError, is_finite
from autograder.student.repairs import Trial
from autograder.student.session import current
from autograder.wall.record import UNREADABLE, Draw, Failure, Record, RecordError, draw_from

ONCE_MORE = 1.0  # seconds for a probe that runs only to see where its numbers stop being finite


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
    gradients = session.facts.rules(exercise).gradients
    seeds, given = session.facts.seeds[exercise], session.given()
    if not session.looks:
        session.submit(Record(exercise, tuple(_drawn(probe, seeds, given, gradients))))
        return
    begun = time.process_time()
    with Watch(probe, given, keep=session.training == "student") as watch:
        draws = _drawn(probe, seeds, given, gradients, watch)
    took = time.process_time() - begun
    seen = watch.facts(draws[0], seeds[0], gradients, patient=session.training == "author", attempt=attempt)
    odd = next((number for number, draw in enumerate(draws) if not is_finite(list(draw.values.values()))), None)
    if odd is not None:
        seen |= _beginning_of_it(probe, seeds[odd], given, gradients)
    record = Record(exercise, tuple(draws), {"looks": seen} if seen else {})
    session.submit(record, watch.calls, Trial(probe, record, seeds, given, gradients, attempt, took))


def _drawn(probe: Callable[[torch.Generator], Any], seeds: Sequence[int], given: Given, gradients: bool, watch: Watch | None = None) -> list[Draw]:
    """What the probe returns for each seed, up to the first failure, which stands for the rest."""
    draws: list[Draw] = []
    for number, seed in enumerate(seeds):
        if watch:
            watch.begin(number)
        seen = watch.returned if watch else _as_it_is
        with fresh_figures(shown=not draws), neutral(beside(seed)), torch.set_grad_enabled(gradients):
            draws.append(attempt(probe, torch.Generator().manual_seed(seed), probe=probe, given=given, seen=seen))
        if draws[-1].failure:
            break
    return draws + draws[-1:] * (len(seeds) - len(draws))


def _as_it_is(value: Any) -> Any:
    return value


def _beginning_of_it(probe: Callable[[torch.Generator], Any], seed: int, given: Given, gradients: bool) -> dict[str, Any]:
    """Where numbers stop being finite, if that is seen when the probe runs once more."""
    first = FirstNotFinite(given)
    with contextlib.suppress(OddError), fresh_figures(shown=False), quietly(ONCE_MORE), neutral(beside(seed)), torch.set_grad_enabled(gradients), first:
        attempt(probe, torch.Generator().manual_seed(seed), probe=probe, given=given)
    return {"not finite": first.found} if first.found else {}


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

        draw = attempt(logits, given=session.given())
    session.submit(Record(exercise, (draw,), {} if draw.failure else found[0].facts))


def attempt(
    call: Callable[..., Any],
    *arguments: Any,
    probe: Callable[..., Any] | None = None,
    given: Given = frozenset(),
    seen: Callable[[Any], Any] = _as_it_is,
) -> Draw:
    """What a call returns, or the failure it ends in, told by the student's own line.

    Args:
        probe: of the check, if it has one, and the cells that are ``given``: for that line.
        seen: looks at what was returned, and hands it on.
    """
    try:
        return draw_from(seen(call(*arguments)))
    except RecordError as error:
        return Draw(failure=Failure(UNREADABLE, str(error)))
    except BaseException as error:  # noqa: BLE001  whatever a student's code raises is data
        if isinstance(error, KeyboardInterrupt) and not current().stops:
            raise
        return Draw(failure=failure_of(error, probe, given))
