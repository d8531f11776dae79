"""What a notebook imports of the course's names."""

from autograder.course.names import SPLITS, SYMBOLS, Names, contexts_of
from autograder.student.names import load_names

__all__ = ["SPLITS", "SYMBOLS", "Names", "contexts_of", "load_names"]
