import fcntl
import shutil
from pathlib import Path

import pytest

from autograder.building import build
from autograder.course import CourseDirectory, load_course
from autograder.demo import nbgrader
from autograder.parallel import each_lecture
from autograder.runner.host import Runner

GROUP = pytest.StashKey[str]()
ROOT = Path(__file__).parent.parent
TINY = "lecture_t_tiny"

# What workers begin with: training the references, and what takes longest, so that none is left alone with it at the end.
FIRST = ("test_verify.py-lecture_0", "test_gauntlet", "test_same_gradebook", "test_bad_submissions", "test_nbgrader", "test_jail")
APART = ("lecture", "graded", "answered")  # parameters each of whose values is work of its own


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a file share what they made, so one worker takes them all; except those of another parameter of ``APART``."""
    order = {}
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        group = "-".join([item.path.name, *(parameters[name] for name in APART if name in parameters)])
        item.add_marker(pytest.mark.xdist_group(group))
        rank = next((rank for rank, start in enumerate(FIRST) if group.startswith(start)), len(FIRST))
        order.setdefault(group, (rank, len(order)))
        item.stash[GROUP] = group
    items.sort(key=lambda item: order[item.stash[GROUP]])


@pytest.fixture(scope="session")
def course() -> CourseDirectory:
    """The course of this repository."""
    return load_course(ROOT / "course.yml")


@pytest.fixture(scope="session")
def runner():
    with Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def released(course, tmp_path_factory) -> Path:
    """The stubs of all lectures, built side by side; also leaves sources, answers and trained references in ``build/``."""
    folder = tmp_path_factory.mktemp("released")
    course.build.mkdir(exist_ok=True)
    with open(course.build / ".lock", "w") as lock:  # another worker of the tests trains them, or has
        fcntl.flock(lock, fcntl.LOCK_EX)
        each_lecture(list(course.course.lectures), lambda lecture, runner: build(course, lecture, runner, folder))
    return folder


def copy_tiny(folder: Path) -> CourseDirectory:
    """The tests' small course in a folder of its own, nothing built."""
    shutil.copytree(ROOT / "tests" / "tiny", folder, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "names.txt", folder / "names.txt")
    shutil.copyfile(ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    return load_course(folder / "course.yml")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, runner) -> CourseDirectory:
    """The small course, built. Tests do not change it, but copies of it."""
    tiny = copy_tiny(tmp_path_factory.mktemp("tiny"))
    build(tiny, TINY, runner)
    return tiny


@pytest.fixture(scope="session")
def assigned(tiny, tmp_path_factory) -> CourseDirectory:
    """The small course whose assignment nbgrader has generated, and nobody has handed in. Tests change copies of it."""
    assigned = copy_course(tiny, tmp_path_factory.mktemp("assigned"))
    nbgrader(assigned.root, "generate_assignment", TINY)
    return assigned


def copy_course(course: CourseDirectory, folder: Path) -> CourseDirectory:
    """All that a course's folder holds, in another folder."""
    shutil.copytree(course.root, folder, dirs_exist_ok=True)
    return load_course(folder / "course.yml")
