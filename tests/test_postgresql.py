"""A gradebook on a PostgreSQL server: one line of ``course.yml``, and several graders at once."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TINY
from converters import convert
from test_at_once import course, handed_in, plain  # noqa: F401  fixtures
from test_same_gradebook import gradebook_of, rows_of

from autograder.commands import doctor
from autograder.course.directory import load_course

NOBODY = 65534  # PostgreSQL does not run as root


def programs() -> Path | None:
    """Where the server's own programs are: Debian keeps them off the path."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *(Path(place).parent for place in [shutil.which("initdb")] if place)]
    return next((place for place in found if (place / "initdb").exists()), None)


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of the empty database of a server that listens at a socket in a folder of its own."""
    pytest.importorskip("psycopg")
    place = programs()
    if place is None:
        pytest.skip("no PostgreSQL server is installed: sudo apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    becomes = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
    if becomes:
        os.chown(folder, NOBODY, NOBODY)
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        with open(folder / "said", "w") as said:
            done = subprocess.run([*becomes, str(place / program), *arguments], cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, (folder / "said").read_text()

    try:
        run("initdb", "-D", str(folder / "data"), "-U", "grader", "-A", "trust", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", settings, "-w", "start")
        yield f"postgresql+psycopg://grader@/postgres?host={folder}"
    finally:
        subprocess.run([*becomes, str(place / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"], cwd=folder, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def moved_to(url: str, folder: Path) -> None:
    """One line of course.yml."""
    file = folder / "course.yml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("gradebook:")]
    file.write_text("\n".join([*lines, f"gradebook: {url}"]) + "\n")
    (folder / "gradebook.db").unlink()


@pytest.mark.slow
def test_two_graders_on_two_machines_lose_nothing_and_write_nothing_twice(server, course, plain, runner, tmp_path):  # noqa: F811
    moved_to(server, course)
    convert(course, "generate_assignment", TINY, runner, force=True)
    other = tmp_path / "another machine"
    shutil.copytree(course, other)
    students = sorted(path.name for path in (course / "submitted").iterdir())
    for number, student in enumerate(students):
        shutil.rmtree((other if number % 2 else course) / "submitted" / student)
    command = [sys.executable, "-m", "autograder", "grade", TINY, "--jobs", "1"]
    graders = [subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for folder in (course, other)]
    said = [grader.communicate(timeout=300)[0] for grader in graders]
    assert [grader.returncode for grader in graders] == [0, 0], said
    assert rows_of(server) == gradebook_of(plain)
    assert doctor._gradebook(load_course(course / "course.yml")).endswith(": 1 assignments")


def test_a_password_is_never_shown(course, monkeypatch):  # noqa: F811
    pytest.importorskip("psycopg")
    url = "postgresql+psycopg://grader:sesame@127.0.0.1:1/gradebook?connect_timeout=1"
    moved_to(url, course)
    with pytest.raises(doctor.UserError) as raised:
        doctor._gradebook(load_course(course / "course.yml"))
    assert "sesame" not in str(raised.value) and "127.0.0.1:1" in str(raised.value)
