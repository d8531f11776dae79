"""The auto-graded companion to "Neural Networks: Zero to Hero": what a notebook imports.

``check`` and ``check_loss`` stand in the locked cells of a notebook, ``fit`` trains a model; ``autograder.names`` and
``autograder.figures`` hold what else a notebook needs.  All other modules stand in folders named by who may enter them.
"""

from autograder.student import session
from autograder.student.check import check, check_loss
from autograder.student.fit import fit

__all__ = ["check", "check_loss", "fit"]
__version__ = "0.1.0"


def _desk() -> session.Session:
    from autograder.student import desk  # only where a student works: what judges is never loaded in the jail

    return desk.here()


session.otherwise(_desk)
