"""``autograder bench --grade``: the same class graded by nbgrader alone, by nbgrader with this kit, and by ``autograder grade``, by turns."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from rich.table import Table

from autograder.commands.demo import nbgrader
from autograder.commands.demo_class import Submission, hand_in, make_class, make_course
from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.plugin import own_commands_first
from autograder.runner.host import Runner

FEW = 2  # submissions of the smaller class: what more of them cost is told by the difference
ALONE = 'c = get_config()\nc.CourseDirectory.course_id = "alone"\nc.ExecutePreprocessor.timeout = 600\n'
BEFORE = "gradebook.before"  # in a course that a bench has made
OTTERS = "otter.json"  # what otter-grader leaves of a submission
LAST_LINES = 8  # of a command that failed


@dataclass
class Way:
    """One way to grade, and what it took in each round: seconds for the smaller class and for the larger one."""

    name: str
    command: tuple[str, ...]
    alone: bool = False  # without this kit
    leaves: str | None = None  # of each submission a file of this name in autograded/; nothing where nothing is graded
    few: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)  # MB, of the process that grades

    def further(self, students: int) -> float:
        """Seconds for one more submission: the median of the rounds."""
        return statistics.median((many - few) / (students - FEW) for few, many in zip(self.few, self.many))

    def start(self, students: int) -> float:
        """Seconds before the first one."""
        return statistics.median(self.few) - FEW * self.further(students)


def ways_to_grade(
    course: CourseDirectory, lecture: str, students: int, rounds: int, folder: Path, advance: Callable[[str], None], otter: bool = False
) -> list[Way]:
    """Grade a made-up class of a lecture in each way, every round in another order.

    Args:
        students: in the larger class; more than ``FEW``.
        folder: for the courses; it is emptied.
        advance: told what is measured, before each way of each round.
        otter: also by otter-grader.

    Raises:
        UserError: the lecture is not built, or a command fails or leaves somebody out, or otter-grader is not installed.
    """
    if otter and not find_spec("otter"):
        raise UserError("otter-grader is not installed: pip install 'otter-grader[grading]'")
    ways = _ways(lecture, otter)
    class_of = mixed_class(course, lecture, students)
    places = {(alone, size): place_of(course, lecture, folder, class_of[:size], alone) for alone in (True, False) for size in (FEW, students)}
    for number in range(rounds):
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            advance(way.name)
            for size, seconds in ((FEW, way.few), (students, way.many)):
                took, held = graded(places[way.alone, size], way, lecture, size)
                seconds.append(took)
            way.memory.append(held)
    return ways


def mixed_class(course: CourseDirectory, lecture: str, students: int) -> list[Submission]:
    """The reference, and what is right here and wrong there, as often as it takes: nobody's own cells are another's.

    Raises:
        UserError: the lecture is not built.
    """
    own_commands_first()  # nbgrader alone looks for alembic on the path
    with Runner() as runner:
        answers = answer_key(course, lecture, runner, hidden_facts(course, lecture))
    made = [some for some in make_class(course, lecture, answers) if some.student == "reference" or some.student.startswith("mixed")]
    return [_own(made[number % len(made)], f"student_{number:05}") for number in range(students)]


def _own(some: Submission, student: str) -> Submission:
    """The same answers in a student's own words: what was kept of another's run is no use."""
    return replace(some, student=student, answers={name: text and f"{text}\n# {student}" for name, text in some.answers.items()})


def _ways(lecture: str, otter: bool) -> list[Way]:
    jobs = sorted({1, os.cpu_count() or 1})
    graded = f"{lecture}.ipynb"
    others = [Way("otter-grader, without its containers", ("-m", "autograder.commands.bench_otter", lecture), alone=True, leaves=OTTERS)]
    return [
        Way("nbgrader alone", ("-m", "nbgrader", "autograde", lecture), alone=True, leaves=graded),
        *(others if otter else []),
        Way("nbgrader autograde with this kit", ("-m", "nbgrader", "autograde", lecture), leaves=graded),
        *(Way(f"autograder grade --jobs {some}", ("-m", "autograder", "grade", lecture, "--jobs", str(some)), leaves=graded) for some in jobs),
        Way("the cells alone, in bare forks on one core", ("-m", "autograder.commands.bench_floor", lecture)),  # what no way can save
    ]


def steps(lectures: int, rounds: int, otter: bool) -> int:
    """How often :func:`ways_to_grade` will tell what is measured, for so many lectures."""
    return lectures * rounds * len(_ways("", otter))


def place_of(course: CourseDirectory, lecture: str, folder: Path, submissions: Sequence[Submission], alone: bool = False) -> Path:
    """A course that has released the lecture, and got these submissions."""
    place = folder / f"{'alone' if alone else 'kit'}-{len(submissions)}"
    make_course(course, place, [lecture])
    if alone:
        (place / "nbgrader_config.py").write_text(ALONE)
        shutil.copytree(course.source(lecture).parent, place / "source" / lecture)
    nbgrader(place, "generate_assignment", lecture)
    for submission in submissions:
        hand_in(course, place, lecture, submission)
    shutil.copyfile(place / "gradebook.db", place / BEFORE)
    return place


def graded(place: Path, way: Way, lecture: str, size: int, anew: bool = True) -> tuple[float, float]:
    """Seconds and MB of a command that grades a class.

    Args:
        anew: from its beginning, as if nothing had been graded before.
    """
    if anew:
        for left in (place / "autograded", place / "build" / "runs"):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copyfile(place / BEFORE, place / "gradebook.db")
    with (place / "said.log").open("w+") as said:
        begun = time.perf_counter()
        process = subprocess.Popen([sys.executable, *way.command], cwd=place, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        last = "".join(said.readlines()[-LAST_LINES:])
    found = len(list(place.glob(f"autograded/*/{lecture}/{way.leaves}"))) if way.leaves else size
    if process.returncode or found != size:
        raise UserError(f"`{' '.join(way.command[1:])}` graded {found} of {size} in {place}:\n{last}")
    return took, used.ru_maxrss / 1024


def ways_table(ways: list[Way], lecture: str, students: int) -> Table:
    """What one more submission costs in each way, and before the first one."""
    columns = ("grading", "start", "one more", "a minute", "as many as nbgrader alone", "memory")
    table = Table(*columns, title=f"{lecture}, {students} submissions", title_justify="left")
    first = ways[0].further(students)
    for way in ways:
        more = way.further(students)
        table.add_row(
            way.name, f"{way.start(students):.1f} s", f"{more:.2f} s", f"{60 / more:,.0f}", f"{first / more:.1f}", f"{statistics.median(way.memory):.0f} MB"
        )
    return table
