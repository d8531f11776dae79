"""The jail holds and says so; where it cannot be had nothing is graded, unless somebody types that it shall be."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import ordinary_user
import pytest
from conftest import ROOT, TINY, copy_course, copy_tiny
from converters import convert
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder import plugin
from autograder.commands.cli import main
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.commands.doctor import ESCAPES, jail_findings
from autograder.grading.secret import hidden_facts
from autograder.inside.watch import Folders
from autograder.plugin.running import UNSAFE_NOTE, SubmissionRunner
from autograder.runner.host import Runner
from autograder.runner.job import Cell, Job

REACHED_WITHOUT = (  # by any user, on any machine
    "no file of the course can be read",
    "nothing outside can be written",
    "there is no network",
    "no other process is seen",
    "the process that starts a submission cannot be killed",
)


def test_every_promise_holds_here(tiny):
    with Runner() as other:  # they are tried in a jail with another disk; the worker's stays as it is
        findings = jail_findings(tiny, other)
    assert len(findings) == len(ESCAPES) + 1
    assert [finding for finding in findings if not finding.good] == []


LISTING = """
import hashlib, os
for root in ("/tmp", "/dev/shm"):
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not os.path.ismount(f"{folder}/{name}")]
        for path in (folder, *(f"{folder}/{name}" for name in sorted(files))):
            found = os.lstat(path)
            held = hashlib.sha256(open(path, "rb").read()).hexdigest()[:8] if os.path.isfile(path) else ""
            print(path, oct(found.st_mode), found.st_uid, held, os.listxattr(path))
    print(root, os.statvfs(root).f_bavail)
"""
LITTER = """
import os, shutil
shutil.rmtree("/tmp/home")
for root in ("/tmp", "/dev/shm"):
    os.makedirs(f"{root}/home/.cache/left/deep")
    open(f"{root}/home/.cache/left/file", "w").write("left")
    open(f"{root}/large", "wb").write(b"0" * 20_000_000)
    os.symlink("/proc/self", f"{root}/link"), os.mkfifo(f"{root}/fifo"), os.chmod(f"{root}/home", 0o777)
    if os.stat(root).st_uid == os.getuid():
        os.chmod(root, 0o700)
"""


def test_a_submission_finds_the_disk_as_the_one_before_it_did(tiny, runner):
    """Every folder and file that can be written to, before and after."""
    facts = hidden_facts(tiny, TINY).to_json()
    listings = []
    for source in (LISTING, LITTER, LISTING):
        result = runner.run(Job([Cell(source)], {}, facts, tiny.course.limits.model_dump()))
        assert result.cells[0].ran and not any(output["output_type"] == "error" for output in result.cells[0].outputs)
        listings.append("".join(output["text"] for output in result.cells[0].outputs))
    assert listings[0] == listings[2] and "/tmp/home" in listings[0]


def test_what_is_mounted_where_submissions_write_stays(tmp_path):
    """An interpreter below ``/tmp``, say: neither its files nor the folders above it are a submission's."""
    (tmp_path / "clone" / ".venv" / "lib").mkdir(parents=True)
    (tmp_path / "clone" / ".venv" / "lib" / "torch.py").write_text("x")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "README").write_text("begin")
    folders = Folders(str(tmp_path), mounted=["/proc", str(tmp_path / "clone" / ".venv"), f"{tmp_path}2"])
    assert [path for path, _, _ in folders.begin_with] == [f"{tmp_path}/home", f"{tmp_path}/home/README"]
    for left in ("clone/left", "home/left", "left"):
        (tmp_path / left).write_text("x")
    (tmp_path / "home" / "README").write_text("changed")
    folders.renew()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {"clone/.venv/lib/torch.py", "home/README"}
    assert (tmp_path / "home" / "README").read_text() == "begin"


@pytest.mark.slow
def test_without_the_jail_the_doctor_sees_it(tmp_path):
    """So a promise that holds is no accident of how it is tried."""
    tiny = copy_tiny(tmp_path)
    (tmp_path / ".autograder_secret").write_text("0123456789abcdef" * 2)
    with Runner(unsafe=True) as runner:
        findings = {finding.what.removeprefix("jail: "): finding for finding in jail_findings(tiny, runner)}
    assert [what for what in REACHED_WITHOUT if findings[what].good] == []
    assert "Do not grade submissions here" in findings["there is no network"].remedy


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory, assigned) -> Path:
    """A course with one right submission; tests change copies of it."""
    folder = tmp_path_factory.mktemp("handed_in")
    tiny = copy_course(assigned, folder)
    hand_in(tiny, folder, TINY, Submission("ann", dict(solution_texts(tiny, TINY)), {}))
    return folder


@pytest.fixture
def one_submission(handed_in, tmp_path) -> Path:
    shutil.copytree(handed_in, tmp_path, dirs_exist_ok=True)
    return tmp_path


def without_bubblewrap(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """A command that sees this machine as if bubblewrap had never been installed."""
    hidden = [word for path in {shutil.which("bwrap"), "/usr/bin/bwrap"} for word in ("--ro-bind", "/dev/null", path)]
    user = [] if os.getuid() == 0 else ["--unshare-user"]
    return subprocess.run(
        ["bwrap", *user, "--dev-bind", "/", "/", *hidden, "--", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_without_bubblewrap_nothing_is_graded(one_submission):
    said = without_bubblewrap(one_submission, sys.executable, "-m", "nbgrader", "autograde", TINY)
    assert said.returncode == 1
    assert "apt install bubblewrap" in said.stdout and "Traceback" not in said.stdout
    assert not (one_submission / "autograded").exists()
    with Gradebook(f"sqlite:///{one_submission}/gradebook.db", "tiny") as gradebook:
        assert gradebook.assignment_submissions(TINY) == []


@pytest.mark.slow
def test_no_command_runs_a_notebook_without_bubblewrap(tmp_path):
    copy_tiny(tmp_path)
    commands = [["build"], ["verify"], ["demo"], ["bench", "--jail"], ["doctor"]]
    program = f"from autograder.commands.cli import main; print('codes', [main(command) for command in {commands}])"
    said = without_bubblewrap(tmp_path, sys.executable, "-c", program).stdout
    assert "codes [1, 1, 1, 1, 1]" in said
    assert said.count("apt install bubblewrap") == 5 and "Traceback" not in said


def test_a_course_that_submissions_would_see_is_not_graded(one_submission, runner, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(one_submission))
    with pytest.raises(SystemExit, match="which every submission sees"):
        convert(one_submission, "autograde", TINY, runner)
    assert not (one_submission / "autograded").exists()


@pytest.mark.slow
def test_a_course_that_is_a_virtual_environment_is_not_graded(one_submission):
    """A virtual environment made of the course's own folder is bound into the jail, and with it the answers."""
    venv.create(one_submission, with_pip=False)
    found = os.pathsep.join([str(ROOT), *(p for p in sys.path if p)])
    assert "which every submission sees" in nothing_graded(one_submission, one_submission / "bin" / "python", {"PYTHONPATH": found})


def nothing_graded(course: Path, python: Path | str, environment: dict[str, str]) -> str:
    """What ``nbgrader autograde`` ends with."""
    said = subprocess.run([python, "-m", "nbgrader", "autograde", TINY], cwd=course, env={**os.environ, **environment}, capture_output=True, text=True)
    assert said.returncode == 1 and "Traceback" not in said.stderr
    assert not (course / "autograded").exists()
    return said.stderr


def test_without_the_kit_nbgrader_does_not_grade_in_its_own_way(one_submission, tmp_path):
    """Its configuration would be passed over with a line in the log, and every submission run outside of the jail."""
    (tmp_path / "autograder.py").write_text("")  # another project of that name
    said = nothing_graded(one_submission, sys.executable, {"PYTHONPATH": str(tmp_path)})
    assert "this course is graded by zero-to-hero-autograder, which the Python that runs nbgrader here lacks" in said


def test_a_course_that_cannot_be_set_up_is_not_graded_in_nbgraders_way(one_submission, monkeypatch, capsys):
    monkeypatch.setattr(plugin, "own_templates_first", lambda: 1 / 0)
    with pytest.raises(SystemExit, match="could not be set up"):
        plugin.configure(Config(), str(one_submission / "nbgrader_config.py"))
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.slow
def test_typed_it_is_graded_without_and_says_so(one_submission, runner):
    said = without_bubblewrap(
        one_submission, sys.executable, "-m", "nbgrader", "autograde", TINY, "--SubmissionRunner.unsafe=True"
    )
    assert said.returncode == 0, said.stdout
    assert UNSAFE_NOTE in said.stdout
    convert(one_submission, "generate_feedback", TINY, runner)
    assert "Graded without the jail" in (one_submission / "feedback" / "ann" / TINY / f"{TINY}.html").read_text()
    with Gradebook(f"sqlite:///{one_submission}/gradebook.db", "tiny") as gradebook:
        assert gradebook.find_submission(TINY, "ann").score == 14


def test_it_cannot_be_configured_away():
    with pytest.raises(SystemExit, match="must be typed"):
        SubmissionRunner(config=Config({"SubmissionRunner": {"unsafe": True}}))


@pytest.mark.slow
def test_nor_by_a_line_in_nbgraders_own_file(one_submission):
    config = one_submission / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.SubmissionRunner.unsafe = True\n")
    said = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", TINY], cwd=one_submission, capture_output=True, text=True
    )
    assert said.returncode == 1
    assert "must be typed" in said.stderr
    assert not (one_submission / "autograded").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="of root's doctor only the manner of starting the jail differs: test_every_promise_holds_here")
def test_doctor_finds_this_machine_good(tiny, capsys, monkeypatch):
    monkeypatch.chdir(tiny.root)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "bad" not in said and "there is no network" in said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user; for others the test above is this one")
@pytest.mark.slow
def test_doctor_finds_it_good_for_an_ordinary_user(one_submission):
    ordinary_user.give(one_submission)
    said = ordinary_user.run([sys.executable, "-m", "autograder", "doctor"], one_submission)
    assert said.returncode == 0, said.stdout
    assert all(f"good jail: {promise}" in said.stdout for promise in ESCAPES)
