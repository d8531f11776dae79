"""Whether ``course.yml``, what was built of it, and the gradebook say the same of a lecture.  Only then is anybody graded.

A term changes points, texts and exercises.  nbgrader grades on with what its gradebook has copied once, and nobody is told.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry

from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER, built
from autograder.errors import UserError

DECIDES = ("points", "bonus", "written", "tolerance", "forbid", "loss")  # of an exercise in course.yml: about points
SHOWN = 6  # differences in one message


@dataclass
class Differences:
    """What the gradebook says of a lecture's cells, and the built source says otherwise; by id of the cell."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    points: dict[str, tuple[float, float]] = field(default_factory=dict)  # that the gradebook gives, and the course
    texts: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # graded, locked, code or not: none of the above

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.points, self.texts, self.kinds))

    def sentences(self) -> list[str]:
        """One for each difference that a person would name; an exercise is one, whatever cells it has."""
        said = [f"{name} has {ours:g} points in course.yml, {theirs:g} in the gradebook" for name, (theirs, ours) in self.points.items()]
        said += [f"{name} is not in the gradebook" for name in _whole(self.added)]
        said += [f"{name} is in the gradebook, and no longer in the lecture" for name in _whole(self.removed)]
        said += [f"the locked cell {name} has another text in the gradebook" for name in self.texts]
        return said + [f"the cell {name} is of another kind in the gradebook" for name in self.kinds]


def _whole(names: list[str]) -> list[str]:
    return [name for name in names if not (name.endswith(ANSWER) and name.removesuffix(ANSWER) in names)]


def check(course: CourseDirectory, lecture: str, gradebook: str) -> None:
    """Make sure that grading would use what ``course.yml`` and the lecture file say now.

    Args:
        gradebook: its URL.

    Raises:
        UserError: it would not; with the command that mends it.
    """
    build = f"autograder build {lecture}"
    if not course.source(lecture).is_file():
        raise UserError(f"Nothing is graded: {lecture} has not been built on this machine. Build it: {build}")
    if course.solution(lecture).is_file() and any(_other(path, text) for path, text in built(course, lecture).items()):
        raise UserError(f"Nothing is graded: course.yml or {course.solution(lecture).name} has changed since {lecture} was built. Build it again: {build}")
    with Gradebook(gradebook, course.course.course) as open_gradebook:
        found = differences(course, lecture, open_gradebook)
    if found is None:
        raise UserError(f"Nothing is graded: {lecture} is not in the gradebook. Put it there: nbgrader generate_assignment {lecture}")
    if found:
        said = found.sentences()
        more = f", and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
        raise UserError(f"Nothing is graded: {'; '.join(said[:SHOWN])}{more}. Bring the gradebook up to date, which keeps what was graded by hand: {build}")


def _other(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != text


def check_or_end(course: CourseDirectory, lecture: str, gradebook: str) -> None:
    """The same for a command of nbgrader's: it ends before anything is touched, with the sentence and no traceback."""
    try:
        check(course, lecture, gradebook)
    except UserError as error:
        sys.exit(str(error))


def differences(course: CourseDirectory, lecture: str, gradebook: Gradebook) -> Differences | None:
    """Between the built source and the gradebook; nothing if the gradebook does not know the lecture."""
    try:
        notebook = gradebook.find_notebook(lecture, lecture)
    except MissingEntry:
        return None
    ours = {cell.metadata.nbgrader.grade_id: cell for cell in nbformat.read(course.source(lecture), as_version=4).cells if "nbgrader" in cell.metadata}
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    theirs = {cell.name: cell for cell in notebook.source_cells}
    found = Differences([name for name in ours if name not in theirs], [name for name in theirs if name not in ours])
    for name, cell in ours.items():
        if name in theirs:
            about, known = cell.metadata.nbgrader, theirs[name]
            kind = (name in points, name in solutions, known.cell_type)
            if kind != (about.grade, about.solution, cell.cell_type):
                found.kinds.append(name)
            elif about.grade and points[name] != about.points:
                found.points[name] = points[name], about.points
            if known.locked and known.source != cell.source:
                found.texts.append(name)
    return found


def digest(course: CourseDirectory, lecture: str) -> str:
    """Of all that decides about points and is not of the student: points, tolerances, bands, forbidden names, locked cells."""
    rules = {name: exercise.model_dump(mode="json", include=set(DECIDES)) for name, exercise in course.lecture(lecture).exercises.items()}
    cells = nbformat.read(course.source(lecture), as_version=4).cells
    texts = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("locked")]
    decides = [rules, texts, course.course.tolerance.model_dump(mode="json"), course.course.seeds.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]

