"""Every limit of ``course.yml``, reached by a cell: it is told which and how much, and the cells before and after it run."""

import subprocess
import sys
from typing import Any

import pytest

from autograder.grading.secret import hidden_facts
from autograder.inside.warm import Clock
from autograder.inside.watch import Watch
from autograder.runner.host import Runner
from autograder.runner.job import Cell, Job

SMALL = {  # but for disk_mb, whose change starts another jail
    "cell_seconds": 15,
    "cell_cpu_seconds": 20,
    "notebook_seconds": 40,
    "notebook_cpu_seconds": 20,
    "memory_mb": 512,
    "processes": 8,
    "open_files": 64,
    "file_mb": 4,
    "output_kb": 64,
    "notebook_output_mb": 1,
    "record_mb": 1,
}
HOLD = "held = bytearray(b'x' * (60 << 20)); time.sleep(60)"
REACHED = {  # limit -> a value for it, how it is told, and a cell that reaches it
    "cell_seconds": (1, "1 seconds (the limit cell_seconds)", "while True: pass"),
    "cell_cpu_seconds": (1, "1 seconds of processor time (the limit cell_cpu_seconds)", "while True: pass"),
    "memory_mb": (400, "400 MB of memory (memory_mb)", "x = bytearray(600 << 20)"),
    "memory_mb of many": (
        300,
        "300 MB of memory (the limit memory_mb)",
        f"import os, time\nfor _ in range(7):\n    if os.fork() == 0:\n        {HOLD}\ntime.sleep(60)",
    ),
    "processes": (4, "4 processes and threads (processes)", "import os, signal\nwhile True:\n    if os.fork() == 0: signal.pause()"),
    "processes as threads": (
        4,
        "4 processes and threads (processes)",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ),
    "open_files": (40, "40 open files (open_files)", "files = [open('/dev/null') for _ in range(100)]"),
    "file_mb": (2, "2 MB a file (file_mb)", "with open('f', 'wb') as file: file.write(bytes(3 << 20))"),
    "disk_mb": (256, "256 MB of files (disk_mb)", "for i in range(100): open(str(i), 'wb').write(bytes(3 << 20))"),
    "disk_mb by empty files": (256, "(the limit disk_mb, 256 MB)", "i = 0\nwhile True: open(str(i), 'w').close(); i += 1"),
    "output_kb": (32, "32 KB of output: the limit output_kb", "for _ in range(100): print('x' * 1000)"),
}


def run(runner: Runner, tiny, cells: list[str], **limits: Any) -> list[tuple[str, bool]]:
    """What each cell shows, and whether it came to its end."""
    facts = hidden_facts(tiny, "lecture_t_tiny").to_json()
    job = Job([Cell(source) for source in cells], {}, facts, {**tiny.course.limits.model_dump(), **SMALL, **limits})
    found = []
    for cell in runner.run(job).cells:
        texts = [o.get("text", "") or f"{o.get('ename')}: {o.get('evalue')}" for o in cell.outputs]
        found.append((" ".join([*texts, cell.ended or ""]).strip(), cell.ran))
    return found


@pytest.mark.parametrize("case", REACHED)
def test_reaching_a_limit_is_told_and_costs_one_cell(case: str, tiny, runner):
    value, told, cell = REACHED[case]
    before, reached, after = run(runner, tiny, ["print('before')", cell, "print('after')"], **{case.partition(" ")[0]: value})
    assert told in reached[0]
    assert (before, after) == (("before", True), ("after", True))


@pytest.mark.parametrize(("limit", "seconds"), [("notebook_seconds", 2), ("notebook_cpu_seconds", 1)])
def test_a_limit_of_the_notebook_ends_what_comes_after(limit: str, seconds: int, tiny, runner):
    before, *rest = run(runner, tiny, ["print('before')", "while True: pass", "print('after')"], **{limit: seconds})
    assert before == ("before", True)
    assert all(f"{seconds} seconds" in said and f"(the limit {limit})" in said and not ran for said, ran in rest)


def test_whatever_it_does_a_submission_has_one_budget(tiny, runner):
    """One that kills itself late is run again, as a process may be killed from outside; but within the time that is left."""
    facts = hidden_facts(tiny, "lecture_t_tiny").to_json()
    cells = [Cell("import time; time.sleep(0.6)")] * 2 + [Cell("import os; os.kill(os.getpid(), 9)")]
    result = runner.run(Job(cells, {}, facts, {**tiny.course.limits.model_dump(), **SMALL, "notebook_seconds": 2}))
    assert 2 <= result.seconds < 3.4 and result.cpu_seconds < 3
    assert "(the limit notebook_seconds)" in result.cells[2].ended


class Waiting(Watch):
    """Processes that wait for a processor as long as a test says."""

    waited = used = 0.0

    def __init__(self) -> None:
        super().__init__(jailed=False)

    def cpu_seconds(self) -> float:
        return self.used

    def waited_seconds(self) -> float:
        return self.waited


def test_time_in_which_others_have_the_processor_is_not_a_cells(tiny):
    watch, limits = Waiting(), {**tiny.course.limits.model_dump(), "cell_seconds": 10, "notebook_seconds": 20}
    clock = Clock(limits, {"1": 15}, (0.0, 0.0), watch)
    clock.begin(0)
    for passed, waited, ended, whole in ((9, 0, "", ""), (11, 5, "", ""), (16, 5, "cell_seconds", ""), (26, 5, "cell_seconds", "notebook_seconds")):
        watch.waited = waited
        assert (clock.reached(clock.begun + passed), clock.cell_is_over()) == (whole, ended)
    watch.waited = 59.0
    assert clock.reached(clock.begun + 61) == "notebook_seconds"  # however long it waited


def test_a_cell_begins_once_and_in_its_order(tiny):
    clock = Clock(tiny.course.limits.model_dump(), {}, (0.0, 0.0), Waiting())
    clock.begin(3)
    end, clock.watch.used = clock.cell_end, 1.0
    for cell in (3, 2, -1, "4", None, True, 4.0):
        clock.begin(cell)
        assert (clock.cell, clock.cell_end) == (3, end)
    clock.begin(4)
    assert clock.cell == 4 and clock.cell_end > end


@pytest.mark.slow
def test_a_right_cell_beside_thirty_busy_neighbours_comes_to_its_end(tiny, runner):
    """Two seconds of work in a cell of four, while the machine is full."""
    work = "import time\nend = time.process_time() + 2\nwhile time.process_time() < end: pass\nprint('done')"
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(30)]
    try:
        assert run(runner, tiny, [work], cell_seconds=4, notebook_seconds=300) == [("done", True)]
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_too_much_output_of_a_notebook_is_left_out_and_stops_nothing(tiny, runner):
    cells = ["for _ in range(60): print('x' * 1000)"] * 20
    shown = run(runner, tiny, [*cells, "raise ValueError('seen')"])
    assert sum(len(text) for text, _ in shown) < 1.1 * 2**20
    assert sum("1 MB of output in this notebook: the limit notebook_output_mb" in text for text, _ in shown) == 1
    assert all(ran for _, ran in shown)
    assert "ValueError: seen" in shown[-1][0]


def test_a_record_that_is_too_large_is_refused_by_name(tiny, runner):
    facts = hidden_facts(tiny, "lecture_t_tiny").to_json()
    cells = [Cell("import torch"), Cell("check('double', lambda g: torch.zeros(1 << 20))", True, "double")]
    result = runner.run(Job(cells, {}, facts, {**tiny.course.limits.model_dump(), **SMALL}))
    assert "1 MB (the limit record_mb)" in result.refused["double"]
