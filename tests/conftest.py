import os

# Workers share the cores: threads of one that wait for another's turn burn what it needs. Read when torch is imported, and by what is started.
os.environ["OMP_NUM_THREADS"] = "1"

import contextlib
import fcntl
import functools
import re
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import nbgrader.api
import pytest
from converters import convert
from xdist.scheduler import LoadScopeScheduling

from autograder.commands.build import build
from autograder.course.directory import CourseDirectory, load_course
from autograder.runner import parallel
from autograder.runner.host import Runner
from autograder.runner.parallel import each_lecture

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background: then nothing that is tested would hear an interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)

nbgrader.api.get_alembic_version = functools.cache(nbgrader.api.get_alembic_version)  # a process of half a second for each new gradebook

ROOT = Path(__file__).parent.parent
TINY = "lecture_t_tiny"

# What workers begin with: training the references, and what takes longest, so that none is left alone with it at the end.
LONG = ("verify.py lecture_0", "gauntlet", "same_gradebook", "bad_submissions", "nbgrader", "jail", "verify", "demo", "as_in_a_kernel")
LONG += ("lectures", "which", "hostile_folders", "gradescope", "misleading", "own_value", "student_side", "training_styles", "harmless")
FIRST = tuple(f"test_{name}" for name in LONG)
APART = re.compile(r"\[(lecture_[a-z0-9_]+(?: \d(?=\]))?|root \d|an ordinary user \d)")  # tests of a file that have something costly to themselves


def group_of(nodeid: str) -> str:
    """Tests of a file share what they made, and one worker takes them all; those of a lecture or of a grader stand apart."""
    apart = APART.search(nodeid)
    return f"{Path(nodeid.partition('::')[0]).name} {apart[1] if apart else ''}"


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "released" in getattr(item, "fixturenames", ()):  # all lectures built, with trained references
            item.add_marker("lectures")

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, start in enumerate(FIRST) if group_of(item.nodeid).startswith(start)), len(FIRST))

    items.sort(key=rank)


class InGroups(LoadScopeScheduling):
    """Gives each worker whole groups, in their order. (xdist's own ``loadgroup`` marks nothing with this version of pytest.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InGroups:
    return InGroups(config, log)


def daily(chosen: str | tuple[str, ...], table: Iterable[str]) -> list[Any]:
    """A table's rows as parameters of a test: of each kind a chosen one or two every day, all of them in the nightly run.

    Args:
        chosen: their names, or one text with blanks between the names.
    """
    rows, found = list(table), chosen.split() if isinstance(chosen, str) else chosen
    assert set(found) <= set(rows), set(found) - set(rows)
    return [pytest.param(row, marks=[] if row in found else pytest.mark.slow) for row in rows]


def asked_for(request: pytest.FixtureRequest, argument: str, table: Iterable[str]) -> list[str]:
    """The rows of a table that tests of this run ask for by an argument, for a fixture that grades many at once; all if none does."""
    calls = [item.callspec.params for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    asked = {params[argument] for params in calls if argument in params}
    return [row for row in table if row in asked or not asked]


@pytest.fixture(scope="session")
def course() -> CourseDirectory:
    """The course of this repository."""
    return load_course(ROOT / "course.yml")


@pytest.fixture(scope="session")
def runner():
    with Runner() as runner:
        yield runner


@pytest.fixture
def lent(runner, monkeypatch) -> None:
    """Commands of this package that would start a warm process of their own are lent the worker's, one at a time."""
    monkeypatch.setattr(parallel, "Runner", lender(runner))


def lender(runner: Runner) -> Callable[[bool], contextlib.AbstractContextManager[Runner]]:
    """Makes runners: the first to ask has this one, whoever asks meanwhile one of its own."""
    free = [runner]

    @contextlib.contextmanager
    def lend(unsafe: bool) -> Iterator[Runner]:
        if unsafe or not free:
            with Runner(unsafe) as own:
                yield own
            return
        try:
            yield (taken := free.pop())
        finally:
            free.append(taken)

    return lend


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker makes who needs it, while the others wait; no test changes it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            begun = shared / f"{name}.begun"
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(folder)
    return folder


@pytest.fixture(scope="session")
def released(course, tmp_path_factory, runner) -> Path:
    """The stubs of all lectures, built side by side; also leaves sources, answers and trained references in ``build/``."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parallel, "Runner", lender(runner))
            each_lecture(list(course.course.lectures), lambda lecture, runner: build(course, lecture, runner, folder))

    return made_once(tmp_path_factory, "released", make)


def copy_tiny(folder: Path) -> CourseDirectory:
    """The tests' small course in a folder of its own, nothing built."""
    shutil.copytree(ROOT / "tests" / "tiny", folder, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "names.txt", folder / "names.txt")
    shutil.copyfile(ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    return load_course(folder / "course.yml")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, runner) -> CourseDirectory:
    """The small course, built. Tests change copies of it."""
    folder = made_once(tmp_path_factory, "tiny", lambda folder: build(copy_tiny(folder), TINY, runner))
    return load_course(folder / "course.yml")


@pytest.fixture(scope="session")
def assigned(tiny, tmp_path_factory, runner) -> CourseDirectory:
    """The small course whose assignment nbgrader has generated, and nobody has handed in. Tests change copies of it."""

    def make(folder: Path) -> None:
        copy_course(tiny, folder)
        convert(folder, "generate_assignment", TINY, runner)

    return load_course(made_once(tmp_path_factory, "assigned", make) / "course.yml")


def copy_course(course: CourseDirectory, folder: Path) -> CourseDirectory:
    """All that a course's folder holds, in another folder."""
    shutil.copytree(course.root, folder, dirs_exist_ok=True)
    return load_course(folder / "course.yml")
