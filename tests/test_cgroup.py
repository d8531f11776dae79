"""Where the kernel lets us make control groups: what a submission holds, however it holds it, and its share of the processors."""

import time

import pytest

from autograder.grading.secret import hidden_facts
from autograder.runner import cgroup
from autograder.runner.host import Runner
from autograder.runner.job import Cell, Job, Result

MEMORY_MB, DISK_MB = 200, 32
ALL_AT_ONCE = """
import os, time
for _ in range(8):
    if not os.fork():
        held = bytearray(150 << 20)  # each is below the limit, and all are there before anybody has looked
        time.sleep(30)
time.sleep(5)
"""
AT_WORK = """
import os, time
until = time.monotonic() + 2
for _ in range(3):
    if not os.fork():
        break
while time.monotonic() < until:
    pass
"""


@pytest.fixture(scope="module")
def grouped():
    """A runner whose jail has a group of its own."""
    group = cgroup.made()
    if group is None:
        pytest.skip("no control groups of version 2 may be made here: try it as root, or start the tests by systemd-run --user --scope")
    group.remove()
    with Runner() as runner:
        yield runner


def run(runner: Runner, tiny, *sources: str) -> Result:
    limits = {**tiny.course.limits.model_dump(), "memory_mb": MEMORY_MB, "disk_mb": DISK_MB, "cell_seconds": 10, "cell_cpu_seconds": 20}
    return runner.run(Job([Cell(source) for source in sources], {}, hidden_facts(tiny, "lecture_t_tiny").to_json(), limits))


def test_memory_that_comes_faster_than_anybody_looks_has_a_limit(grouped, tiny):
    first = run(grouped, tiny, "print('here')")
    assert first.cells[0].outputs[0]["text"] == "here\n"
    warm = grouped.process
    held = run(grouped, tiny, ALL_AT_ONCE, "print('after')")
    assert held.cells[0].ended == f"The processes of this cell together used more than {MEMORY_MB} MB of memory (the limit memory_mb) and were stopped."
    assert held.cells[1].outputs[0]["text"] == "after\n"
    assert grouped.process is warm and warm.poll() is None
    most = int((grouped.group.folder / "memory.max").read_text())
    assert most <= grouped.group.begun_with + (MEMORY_MB + 2 * DISK_MB << 20) + cgroup.SPARE
    peak = grouped.group.folder / "memory.peak"
    assert not peak.exists() or int(peak.read_text()) <= most + (1 << 20)


def test_one_submission_has_one_processor(grouped, tiny):
    run(grouped, tiny, "pass")
    used = lambda: grouped.group._fields("cpu.stat")["usage_usec"] / 1e6  # noqa: E731
    if not (grouped.group.folder / "cpu.max").exists():
        pytest.skip("the processors are not among what may be limited here")
    before, begun = used(), time.monotonic()
    run(grouped, tiny, AT_WORK)
    assert used() - before <= 1.1 * (time.monotonic() - begun) + 0.2


def test_a_group_ends_with_its_jail(grouped):
    folder = grouped.group.folder
    assert folder.is_dir()
    grouped.close()
    assert not folder.exists()
