"""pyplot's open figures around the draws of a check, and what is said of a picture that cannot be read."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from typing import Any

from autograder.wall.record import RecordError

_numbers = itertools.count(1)
_running = 0


class PictureError(RecordError):
    """What a function returned is no picture, or one that shows nothing that can be read; the message says what to do."""


def running_draw() -> int:
    """A number for the draw of a check that is going on, each its own; 0 outside of a check."""
    return _running


@contextlib.contextmanager
def fresh_figures(shown: bool) -> Iterator[None]:
    """A draw begins as if no figure had ever been opened, whatever the notebook or an earlier draw has left open.

    Without ``plt.figure()`` pyplot draws on the figure that is there: a second draw would land on the first one's axes.

    Args:
        shown: leave the draw's figures open afterwards, so that they are shown below the cell.
    """
    global _running
    before, outer, _running = _set_aside(), _running, next(_numbers)
    try:
        yield
    finally:
        _running = outer
        made = _set_aside()
        for manager in before + (made if shown else []):
            _put_back(manager)
        for manager in [] if shown else made:
            _pyplot().destroy(manager)


def _pyplot() -> Any:
    """Where pyplot keeps its figures; ``None`` in a notebook that draws nothing, which does not import it."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return helpers.Gcf if helpers else None


def _set_aside() -> list[Any]:
    if (pyplot := _pyplot()) is None:
        return []
    managers = pyplot.get_all_fig_managers()
    pyplot.figs.clear()
    return managers


def _put_back(manager: Any) -> None:
    pyplot = _pyplot()
    if manager.num in pyplot.figs:  # two draws number their figures from 1
        manager.num = next(n for n in itertools.count(1) if n not in pyplot.figs)
    pyplot._set_new_active_manager(manager)
