import fcntl
import shutil
from pathlib import Path

import pytest

from autograder.building import build
from autograder.course import CourseDirectory, load_course
from autograder.parallel import each_lecture
from autograder.runner.host import Runner

ROOT = Path(__file__).parent.parent
TINY = "lecture_t_tiny"


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
    """The tests' small course in a folder of its own."""
    shutil.copytree(ROOT / "tests" / "tiny", folder, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "names.txt", folder / "names.txt")
    shutil.copyfile(ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    return load_course(folder / "course.yml")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, runner) -> CourseDirectory:
    """The small course, built. Tests do not change it."""
    tiny = copy_tiny(tmp_path_factory.mktemp("tiny"))
    build(tiny, TINY, runner)
    return tiny
