"""Submissions that run on other machines: bytes there and back, the same gradebook, and nothing lost when a worker dies."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import TINY
from hostile import orphans
from test_at_once import course, handed_in, plain  # noqa: F401  fixtures
from test_same_gradebook import cards_of, gradebook_of
from typer.testing import CliRunner

from autograder.commands.cli import app
from autograder.course.directory import load_course
from autograder.errors import UserError
from autograder.grading.secret import hidden_facts
from autograder.plugin.at_once import Graded, Outcome, grade_class
from autograder.runner import there
from autograder.runner.carried import apart, job_of, job_to_bytes, result_of, result_to_bytes, with_json
from autograder.runner.cluster import Cluster
from autograder.runner.crew import Crew
from autograder.runner.job import Cell, Job
from autograder.runner.reading import Asked

CHECK = 'from autograder import check\ncheck("double", lambda g: 2 * g.initial_seed())'
WORDS = "print('ä', '\\ud800')\nimport torch\ntorch.ones(2)"


@pytest.fixture
def job(tiny) -> Job:
    facts = hidden_facts(tiny, TINY).to_json()
    return Job([Cell(WORDS, own=True), Cell("1 / 0"), Cell(CHECK, True, "double")], {"a.bin": b"\0\xff", "b.txt": b""}, facts, tiny.course.limits.model_dump())


@pytest.fixture
def worker(runner) -> Iterator[None]:
    """What a worker does is done by this process's runner."""
    there._idle.put(runner)
    yield
    assert there._idle.get_nowait() is runner


def told(result) -> object:
    cells = [(cell.outputs, cell.ended, cell.ran, cell.fatal) for cell in result.cells]
    values = {name: [draw.values for draw in record.draws] for name, record in result.records.items()}
    return cells, values, result.refused


def test_a_job_and_its_result_are_the_same_there(job, worker, runner):
    assert job_of(job_to_bytes(job)) == job
    told_there, behind = apart(there.done_here(there.to_run(job)))
    assert told_there == {there.DONE: None}
    found, own = result_of(behind, job), runner.run(job)
    assert found is not None and told(found) == told(own) and own.records


def test_names_are_read_there(job, worker, runner):
    cells, asked = ["x.backward()", "check()"], [Asked(("backward",), (1,))]
    about, _ = apart(there.done_here(there.to_read(cells, {}, {1}, asked)))
    assert about[there.DONE] == [read.model_dump() for read in runner.names.read(cells, {}, {1}, asked)]
    assert about[there.DONE][0]["refused"] or about[there.DONE][0]["aside"]


def test_a_worker_with_another_kit_says_so(job):
    about, behind = apart(there.to_run(job))
    answer, _ = apart(there.done_here(with_json({**about, "versions": {**about["versions"], "torch": "1.0"}}, behind)))
    assert "torch" in answer[there.OTHER] and "1.0" in answer[there.OTHER]


def test_a_result_of_something_else_is_not_taken(job, runner):
    data = result_to_bytes(runner.run(job))
    assert result_of(data, Job(job.cells[:1], {}, job.facts, job.limits)) is None  # other cells
    assert result_of(data[:-20], job) is None
    about, behind = apart(data)
    assert result_of(with_json({**about, "seconds": ["long", 1]}, behind), job) is None


def test_without_a_scheduler_dask_is_not_imported():
    program = "import sys, autograder.commands.grade, autograder.plugin.at_once\nprint({'distributed', 'dask'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"


def test_a_scheduler_that_is_not_there_is_told_in_a_sentence(course, monkeypatch):  # noqa: F811
    monkeypatch.setattr("autograder.runner.cluster.CONNECT_SECONDS", 0.5)
    monkeypatch.chdir(course)
    ended = CliRunner().invoke(app, ["grade", TINY, "--scheduler", "tcp://127.0.0.1:1"])
    assert isinstance(ended.exception, UserError) and "tcp://127.0.0.1:1 cannot be reached" in str(ended.exception), ended.output


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match="pip install distributed"):
        Cluster("tcp://127.0.0.1:1")


def test_a_worker_without_a_jail_says_so_before_anything_is_sent(monkeypatch):
    def no_jail(runner, disk_mb):
        raise UserError("There is no bubblewrap here.")

    monkeypatch.setattr(there.Runner, "ready", no_jail)
    assert there.ready(64) == {there.CANNOT: "There is no bubblewrap here."}
    there._idle.get_nowait()


def test_a_submission_that_cannot_be_run_ends_nothing_but_its_own_grading(job, worker, monkeypatch):
    """As on one machine; a worker that cannot run any ends the command."""

    def fails(runner, what):
        raise UserError("The runner ended before the first cell.")

    cluster = Cluster.__new__(Cluster)  # its tasks are done in this process
    with ThreadPoolExecutor(1) as here:
        cluster.address = "tcp://here"
        cluster.client = SimpleNamespace(submit=lambda work, task, **_: here.submit(work, task))
        monkeypatch.setattr(there.Runner, "run", fails)
        with pytest.raises(UserError, match="ended before the first cell"):
            cluster.done(there.to_run(job), lambda: False)
        monkeypatch.setattr(there.Runner, "ready", fails)
        with pytest.raises(SystemExit, match="tcp://here cannot go on: The runner"):
            cluster.done(there.to_run(job), lambda: False)


class Processes:
    """A scheduler and workers as an operator starts them: each in a folder of its own, with TLS."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running = folder, list[subprocess.Popen]()
        self.tls = {"ca-file": folder / "cert.pem", "cert": folder / "cert.pem", "key": folder / "key.pem"}
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=class"]
        subprocess.run([*made, "-keyout", self.tls["key"], "-out", self.tls["cert"]], check=True, capture_output=True)
        known = folder / "scheduler.json"
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", "tls", "--no-dashboard", "--scheduler-file", str(known))
        until = time.monotonic() + 120
        while not known.exists():
            assert time.monotonic() < until and self.running[0].poll() is None
            time.sleep(0.1)
        self.address = json.loads(known.read_text())["address"]

    def start(self, what: str, *options: str) -> subprocess.Popen:
        place = self.folder / f"{what} {len(self.running)}"
        place.mkdir()
        tls = [word for name, path in self.tls.items() for word in (f"--tls-{name}", str(path))]
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options, *tls]
        with open(place / "log", "w") as log:
            self.running.append(subprocess.Popen(command, cwd=place, stdout=log, stderr=log, start_new_session=True))
        return self.running[-1]

    def worker(self) -> subprocess.Popen:
        return self.start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def end_workers(self) -> None:
        for process in self.running[1:]:
            process.kill()
            process.wait()

    def end(self) -> None:
        self.end_workers()
        self.running[0].kill()
        self.running[0].wait()


@pytest.fixture(scope="module")
def processes(tmp_path_factory) -> Iterator[Processes]:
    import dask

    found = Processes(tmp_path_factory.mktemp("cluster"))
    files = {"ca-file": "ca-file", "client.cert": "cert", "client.key": "key"}
    settings = {f"distributed.comm.tls.{name}": str(found.tls[file]) for name, file in files.items()}
    try:
        with dask.config.set({**settings, "distributed.comm.require-encryption": True}):
            yield found
    finally:
        found.end()


@pytest.mark.slow
def test_a_worker_of_another_torch_is_refused(processes, monkeypatch):
    processes.worker()
    monkeypatch.setattr(there, "version", lambda name: "9.9")  # here; the worker knows its own
    with Cluster(processes.address) as cluster, pytest.raises(UserError, match="torch 2.*here 9.9.*Install the same"):
        cluster.ready(64)


@pytest.mark.slow
def test_a_worker_that_is_busy_keeps_nobody_from_grading(processes, monkeypatch):
    processes.end_workers()
    monkeypatch.setattr("autograder.runner.cluster.START_SECONDS", 1.0)
    with Cluster(processes.address) as cluster:
        while cluster._workers():
            time.sleep(0.1)
        processes.worker()
        cluster.client.wait_for_workers(1)
        busy = cluster.client.submit(time.sleep, 600, workers=list(cluster._workers()), pure=False)
        with pytest.raises(UserError, match="No worker .* has answered for 1 s"):
            cluster.ready(64)
        processes.worker()
        cluster.client.wait_for_workers(2)
        monkeypatch.setattr("autograder.runner.cluster.START_SECONDS", 40.0)  # of which all is waited for the busy one
        cluster.ready(64)
        assert not busy.done()
    processes.end_workers()  # one would sleep on


def graded_there(address: str, folder: Path, done: Callable[[Graded | str], object]) -> Outcome:
    before, found = os.getcwd(), load_course(folder / "course.yml")
    with Cluster(address) as cluster, contextlib.chdir(before):
        cluster.ready(found.course.limits.disk_mb)
        with Crew(2, make=cluster.runner) as crew:
            return grade_class(found, TINY, ["*"], crew, False, lambda total: None, done)


@pytest.mark.slow
def test_without_any_worker_left_the_command_ends_and_the_next_one_goes_on(processes, course, plain, monkeypatch):  # noqa: F811
    monkeypatch.setattr("autograder.runner.cluster.WORKERS_SECONDS", 3.0)
    processes.worker()

    def done(what: Graded | str) -> None:
        processes.end_workers()

    with pytest.raises(SystemExit) as ended:
        graded_there(processes.address, course, done)
    assert "are gone" in str(ended.value.code) and "\n" not in str(ended.value.code)
    monkeypatch.undo()
    processes.worker()
    outcome = graded_there(processes.address, course, lambda what: None)
    assert not outcome.failed and outcome.skipped >= 1
    assert gradebook_of(course) == gradebook_of(plain) and cards_of(course) == cards_of(plain)


@pytest.mark.slow
def test_an_interrupt_in_the_middle_of_runs_there_loses_nothing(processes, course, plain):  # noqa: F811
    """Beside the worker that is there, which lives on and takes the next command's work."""
    settings = {"ca_file": "ca-file", "client__cert": "cert", "client__key": "key"}
    tls = {f"DASK_DISTRIBUTED__COMM__TLS__{name.upper()}": str(processes.tls[file]) for name, file in settings.items()}
    words = [sys.executable, "-m", "autograder", "grade", TINY, "--scheduler", processes.address, "--jobs", "2"]
    pipe = subprocess.PIPE
    grader = subprocess.Popen(words, cwd=course, env={**os.environ, **tls}, stdout=pipe, stderr=subprocess.STDOUT, text=True)
    while grader.poll() is None and len(list(course.glob(f"autograded/*/{TINY}/{TINY}.ipynb"))) < 2:
        time.sleep(0.02)
    begun = time.monotonic()
    grader.send_signal(signal.SIGINT)
    said = grader.communicate()[0]
    assert grader.returncode == 130 and "Stopped: " in said and "Traceback" not in said, said
    assert time.monotonic() - begun < 20 and processes.running[-1].poll() is None
    outcome = graded_there(processes.address, course, lambda what: None)
    assert not outcome.failed and len(outcome.graded) + outcome.skipped == len(list(course.glob(f"submitted/*/{TINY}")))
    assert gradebook_of(course) == gradebook_of(plain) and cards_of(course) == cards_of(plain)


@pytest.mark.slow
def test_a_cluster_over_tls_leaves_the_same_gradebook_when_a_worker_dies(processes, course, plain):  # noqa: F811
    one, _ = processes.worker(), processes.worker()  # beside the one that is there

    def done(what: Graded | str) -> None:
        if one.poll() is None:
            os.kill(one.pid, signal.SIGKILL)
            one.wait()

    outcome = graded_there(processes.address, course, done)
    assert not outcome.failed and len(outcome.graded) > 4
    assert gradebook_of(course) == gradebook_of(plain) and cards_of(course) == cards_of(plain)
    processes.end()
    assert orphans() == set()
