"""The auto-graded companion to "Neural Networks: Zero to Hero": what a notebook imports.

``check`` and ``check_loss`` stand in the locked cells of a notebook, ``fit`` trains a model, ``hand_in`` is its last cell; ``autograder.names`` and
``autograder.figures`` hold what else a notebook needs.  All other modules stand in folders named by who may enter them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.student.check import check, check_loss
    from autograder.student.fit import fit
    from autograder.student.hand_in import hand_in
    from autograder.student.session import Session

__all__ = ["check", "check_loss", "fit", "hand_in"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What a notebook asks for, when it does: an nbgrader command that grades nothing starts without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autograder.student import check, fit, session

    if session.otherwise(_desk) and "IPython" in sys.modules:
        from autograder.student import desk  # it watches the cells of a student's notebook, from the first one on

        desk.watch()
    if name == "hand_in":
        from autograder.student.hand_in import hand_in

        return hand_in
    return getattr(fit if name == "fit" else check, name)


def _desk() -> Session:
    from autograder.student import desk  # only where a student works: what judges is never loaded in the jail

    return desk.here()
