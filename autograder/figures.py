"""What a notebook's check imports to read a figure."""

from autograder.student.figures import Curve, Drawing, drawn

__all__ = ["Curve", "Drawing", "drawn"]
