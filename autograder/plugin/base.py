"""What the preprocessors of this plug-in share: the course they work for."""

from __future__ import annotations

from pathlib import Path

from nbgrader.preprocessors.base import NbGraderPreprocessor
from traitlets import Unicode

from autograder.course.directory import CourseDirectory, load_course

_courses: dict[tuple[str, int], CourseDirectory] = {}


class CoursePreprocessor(NbGraderPreprocessor):
    """A preprocessor that knows ``course.yml``."""

    course_file = Unicode("course.yml", help="The course.yml of the course").tag(config=True)

    @property
    def course(self) -> CourseDirectory:
        return course_at(self.course_file)


def course_at(path: str) -> CourseDirectory:
    """The course of a file, read once while the file does not change."""
    key = (path, Path(path).stat().st_mtime_ns if Path(path).is_file() else 0)
    if key not in _courses:
        _courses[key] = load_course(path)
    return _courses[key]
