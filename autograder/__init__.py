"""The auto-graded companion to "Neural Networks: Zero to Hero": what a notebook imports.

``check`` and ``check_loss`` stand in the locked cells of a notebook, ``fit`` trains a model.  Everything else belongs to
the instructor's side and is imported by its own name (``autograder.commands.cli``, ``autograder.runner.host`` and so on).
"""

from autograder.student.check import check, check_loss
from autograder.student.fit import fit

__all__ = ["check", "check_loss", "fit"]
__version__ = "0.1.0"
