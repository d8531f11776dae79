"""What all submissions begin with is run once: what comes after it finds the same state as if it had just run, and nobody begins with another's."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, TINY, copy_course, daily

from autograder.grading import cells as given_cells
from autograder.grading.cells import built_notebook, cells_of, shared, with_names
from autograder.grading.secret import hidden_facts
from autograder.runner.frozen import MORE, FrozenRunner
from autograder.runner.job import Cell, Job, Result
from autograder.runner.kept import digest

LECTURES = sorted(path.name for path in (ROOT / "assignments").iterdir() if path.is_dir())
WITHOUT = " without autograd"
DAILY = tuple(lecture + WITHOUT * (lecture == "lecture_4_backprop") for lecture in LECTURES)  # as most submissions of it run
STATE = """
import asyncio as _asyncio, gc as _gc, hashlib as _hash, json as _json, os as _os, re as _re, resource as _resource, signal as _signal
import sys as _sys, threading as _threads, warnings as _warnings
import matplotlib as _mpl, torch as _torch
from matplotlib import pyplot as _pyplot

def _of(value):
    if isinstance(value, _torch.Tensor):
        return [str(value.dtype), list(value.shape), value.requires_grad, _hash.sha256(value.detach().contiguous().numpy().tobytes()).hexdigest()]
    if isinstance(value, (int, float, str, bool, list, tuple)):
        return repr(value)
    return type(value).__name__

def _descriptors():
    # not the fonts of figures, which matplotlib closes wherever it is forked
    targets = [_os.path.realpath(f"/proc/self/fd/{number}") for number in _os.listdir("/proc/self/fd")]
    return sorted(_re.sub(r"tmp\\w+|\\d+", "", target) for target in targets if not target.endswith(".ttf"))

_shell = get_ipython()
print(_json.dumps({
    "names": {name: _of(value) for name, value in sorted(_shell.user_ns.items()) if name not in ("_i", "_ii", "_iii", "_oh", "_dh")},
    "hidden": sorted(_shell.user_ns_hidden),
    "history": [_shell.execution_count, list(_shell.history_manager.input_hist_raw), sorted(_shell.user_ns["Out"])],
    "random": _hash.sha256(repr(_torch.get_rng_state().tolist()).encode()).hexdigest(),
    "modules": sorted(_sys.modules), "path": _sys.path, "arguments": _sys.argv, "place": _os.getcwd(), "folder": sorted(_os.listdir()),
    "environment": dict(_os.environ), "descriptors": _descriptors(), "threads": _threads.active_count(),
    "tasks": len(_os.listdir("/proc/self/task")), "nice": _os.getpriority(_os.PRIO_PROCESS, 0),
    "signals": [str(_signal.getsignal(number)) for number in (2, 13, 14, 15, 25)],
    "limits": [_resource.getrlimit(which) for which in range(16) if which not in (_resource.RLIMIT_DATA, _resource.RLIMIT_AS)],
    "figures": [_pyplot.get_fignums(), dict(_mpl.rcParams) == _mpl.rcParamsDefault, _mpl.get_backend(), _mpl.is_interactive()],
    "torch": [_torch.get_num_threads(), str(_torch.get_default_dtype()), _torch.is_grad_enabled(), _torch.are_deterministic_algorithms_enabled()],
    "warnings": [str(rule) for rule in _warnings.filters], "loop": str(_asyncio.get_event_loop().is_running()),
    "standard": [type(stream).__name__ for stream in (_sys.stdin, _sys.stdout, _sys.stderr)], "input": _sys.stdin.read(),
}, default=str))
"""


UNFIT = {
    "an error": "1/0",
    "an open file": "file = open('names.txt')\nprint(file.readline())",
    "a thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(3,), daemon=True).start()",
    "a process": "import subprocess\nsleeping = subprocess.Popen(['sleep', '3'])",
    "its own end": "import os\nos._exit(1)",
    "memory that processes share": "import torch\nt = torch.from_file('/dev/shm/m.bin', shared=True, size=3)",
    "a file": "open('made.txt', 'w').close()",
    "a file elsewhere": "import os\nos.makedirs(os.path.expanduser('~/.cache/mine'))",
    "a changed file": "open('names.txt', 'a').write('zoe')",
    "another folder": "import os\nos.chdir('/')",
    "a task": "import asyncio\ntask = asyncio.get_running_loop().create_task(asyncio.sleep(1))",
    "a handler": "import signal\nhandler = signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "a clock": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 30)[0]",
    "no folder in the path": "import sys\nsys.path.remove('')",
    "a check": "from autograder import check\ncheck('vectors')",
}


@pytest.fixture(scope="module")
def frozen():
    with FrozenRunner() as runner:
        yield runner


def state(result: Result) -> dict:
    shown = "".join(output.get("text", "") for output in result.cells[-1].outputs)
    assert shown.startswith("{"), result.cells[-1]
    return json.loads(shown)


def shown(result: Result) -> list[list[dict]]:
    assert all(cell.ran and not cell.ended for cell in result.cells)
    return [cell.outputs for cell in result.cells]


def small(tiny, *first: str, own: str = "print('mine')", **more) -> Job:
    cells = [*(Cell(source, locked=True, given=True) for source in first), Cell(own)]
    facts = hidden_facts(tiny, TINY).for_a_run().to_json()
    return Job(cells, {"names.txt": tiny.names.read_bytes()}, facts, tiny.course.limits.model_dump(), **{"shared": len(first), **more})


@pytest.mark.parametrize("kind", daily(DAILY, [*LECTURES, *(lecture + WITHOUT for lecture in LECTURES)]))
def test_the_state_is_the_same_as_if_it_had_run(course, frozen, kind):
    """Of the cells that each lecture's stub begins with."""
    lecture = kind.removesuffix(WITHOUT)
    cells = cells_of(built_notebook(ROOT / "assignments" / lecture / f"{lecture}.ipynb"), course, lecture)
    count = next(number for number, cell in enumerate(cells) if not cell.locked)
    assert count >= 2
    job = Job([*cells[:count], Cell(STATE)], with_names({}, course), hidden_facts(course, lecture).for_a_run().to_json(), course.course.limits.model_dump())
    frozen.stop()
    frozen.asked.clear()
    job = replace(job, shared=count, autograd=lecture == kind)
    first, *others = [frozen.run(job) for _ in range(4)]  # of one process, whose random numbers begin somewhere
    assert frozen.frozen
    for other in others:
        assert shown(other)[:-1] == shown(first)[:-1]
        assert state(other) == state(first)


def test_a_beginning_is_frozen_when_it_comes_again_and_each_submission_starts_from_it(frozen, tiny):
    frozen.stop()
    seeded = "import random, numpy, torch\nrandom.seed(3)\nnumpy.random.seed(3)\nseen = []\nprint(random.random(), numpy.random.rand(), torch.rand(1))"
    job = small(tiny, seeded, own="seen.append(1)\nprint(seen, random.random(), numpy.random.rand(), torch.rand(1))")
    first = frozen.run(job)
    assert not frozen.frozen
    others = [frozen.run(job) for _ in range(3)]
    assert frozen.frozen
    assert all(shown(other) == shown(first) for other in others)
    assert "[1]" in others[-1].cells[1].outputs[0]["text"]


def test_the_first_cells_run_once(frozen, tiny):
    frozen.stop()
    frozen.asked.clear()
    job = small(tiny, "import time\nprint(time.time_ns())")
    times = [frozen.run(job).cells[0].outputs[0]["text"] for _ in range(4)]
    assert len({*times[1:]}) == 1 and times[0] != times[1]


def test_who_begins_otherwise_begins_in_a_process_that_has_run_nothing(frozen, tiny):
    frozen.stop()
    job = small(tiny, "kind = 'the course'")
    for _ in range(2):
        frozen.run(job)
    assert frozen.frozen and frozen.process is not None
    process = frozen.process
    own = small(tiny, "print('kind' in globals())", shared=0)
    assert frozen.run(own).cells[0].outputs[0]["text"] == "False\n"
    assert frozen.process is process and frozen.run(small(tiny, "kind = 'the course'", own="print(kind)")).cells[1].outputs[0]["text"] == "the course\n"


def test_another_beginning_takes_its_place_where_it_is_asked_for_more_often(frozen, tiny):
    frozen.stop()
    frozen.asked.clear()
    one, two = small(tiny, "kind = 1", own="print(kind)"), small(tiny, "kind = 2", own="print(kind)")
    for _ in range(2):
        frozen.run(one)
    first = frozen.frozen
    for _ in range(2 * 2 + MORE):
        assert frozen.run(two).cells[1].outputs[0]["text"] == "2\n"
    assert frozen.frozen not in ("", first)
    assert frozen.run(one).cells[1].outputs[0]["text"] == "1\n"


@pytest.mark.parametrize("what", daily(("memory that processes share", "a file", "its own end"), UNFIT))
def test_what_cannot_be_frozen_runs_as_before(frozen, tiny, what):
    frozen.stop()
    job = small(tiny, UNFIT[what], own="print('mine')")
    runs = [frozen.run(job) for _ in range(3)]
    assert not frozen.frozen
    assert [[cell.outputs, cell.ended] for cell in runs[0].cells] == [[cell.outputs, cell.ended] for cell in runs[2].cells], what
    assert runs[2].cells[1].outputs[0]["text"] == "mine\n"


def test_what_a_cell_prints_by_number_is_kept(frozen, tiny):
    frozen.stop()
    job = small(tiny, "import os\nos.system('echo below')\nprint('above')", own="import os\nos.system('echo mine')\nprint(open('/dev/null').read())")
    runs = [frozen.run(job) for _ in range(3)]
    assert frozen.frozen and shown(runs[0]) == shown(runs[2])
    assert "below" in str(shown(runs[2])[0]) and "mine" in str(shown(runs[2])[1])


def test_what_the_first_cells_take_of_memory_is_each_submissions(frozen, tiny):
    frozen.stop()
    limits = {**tiny.course.limits.model_dump(), "memory_mb": 1000}
    job = replace(small(tiny, "import torch\nheld = torch.ones(100_000_000)", own="more = torch.ones(200_000_000)\nprint('got it')"), limits=limits)
    runs = [frozen.run(job) for _ in range(3)]
    assert frozen.frozen
    ends = [[output["ename"] for output in run.cells[1].outputs if output["output_type"] == "error"] for run in runs]
    assert ends[0] and ends[0] == ends[1] == ends[2]


def test_what_is_imported_late_takes_nothing_of_a_submissions_memory(frozen, tiny):
    frozen.stop()
    limit = "import resource\nprint(resource.getrlimit(resource.RLIMIT_DATA)[0] - int(open('/proc/self/statm').read().split()[5]) * resource.getpagesize())"
    left = [int(frozen.run(small(tiny, "import torch", own=limit)).cells[1].outputs[0]["text"]) for _ in range(3)]
    assert frozen.frozen
    late = [int(frozen.run(small(tiny, "import torch", own=f"# torch.optim\n{limit}")).cells[1].outputs[0]["text"]) for _ in range(2)]
    assert frozen.frozen and max(abs(found - left[0]) for found in [*left, *late]) < 24 << 20


def test_unseeded_numbers_stay_others_in_each_submission(frozen, tiny):
    frozen.stop()
    job = small(tiny, "import random", own="print(random.random())")
    assert len({frozen.run(job).cells[1].outputs[0]["text"] for _ in range(4)}) == 4 and frozen.frozen


def test_parts_of_torch_that_come_late_come_also_where_nothing_is_differentiated(frozen, tiny):
    frozen.stop()
    late = "import torch\nw = torch.zeros(1, requires_grad=True)\ntorch.optim.AdamW([w])\nprint((w * 2).grad_fn)"
    for _ in range(2):
        frozen.run(small(tiny, "import torch", autograd=False))
    assert frozen.frozen
    ran = frozen.run(small(tiny, "import torch", own=late, autograd=False))
    assert frozen.other is None or frozen.frozen
    assert ran.cells[1].outputs[0]["text"] == "None\n"


def test_after_the_process_is_lost_the_next_one_is_frozen_again(frozen, tiny):
    frozen.stop()
    job = small(tiny, "kind = 3", own="print(kind)")
    for _ in range(2):
        frozen.run(job)
    frozen.process.kill()
    time.sleep(0.1)
    assert frozen.run(job).cells[1].outputs[0]["text"] == "3\n"
    assert frozen.frozen and frozen.process.poll() is None


def test_only_cells_of_the_course_byte_for_byte_are_shared(tiny, tmp_path):
    course = copy_course(tiny, tmp_path / "course")
    path = course.source(TINY)
    notebook = built_notebook(path)
    cells = cells_of(notebook, course, TINY)
    count = shared(cells, {}, course, TINY)
    assert count == next(number for number, cell in enumerate(cells) if not cell.locked) > 0
    assert shared([replace(cells[0], source=cells[0].source + "\nimport os"), *cells[1:]], {}, course, TINY) == 0
    assert shared([Cell("mine = 1", own=True), *cells], {}, course, TINY) == 0
    assert shared([cells[0], Cell("mine = 1", own=True), *cells[1:]], {}, course, TINY) == 1
    assert shared([replace(cells[0], locked=False), *cells[1:]], {}, course, TINY) == 0
    assert shared(cells, {"torch.py": b""}, course, TINY) == 0
    exercise = next(iter(course.lecture(TINY).exercises))
    assert shared(cells, {f"{exercise}.safetensors": b"", "names.txt": b"mine"}, course, TINY) == count
    path.unlink()
    assert shared(cells, {}, course, TINY) == 0
    given_cells._first_given.cache_clear()


def test_where_the_first_cells_run_is_nothing_that_a_run_depends_on(tiny):
    job = small(tiny, "kind = 3")
    assert digest(job, False) == digest(replace(job, shared=0), False)
    assert digest(job, False) != digest(replace(job, autograd=False), False)


def test_a_beginning_is_another_with_other_names_limits_or_facts(tiny, tmp_path: Path):
    from autograder.runner.frozen import beginning

    job = small(tiny, "kind = 3")
    limits = {**job.limits, "output_kb": job.limits["output_kb"] + 1}
    facts = json.loads(json.dumps(job.facts))
    facts["split_seed"] = facts.get("split_seed", 0) + 1
    others = [
        replace(job, limits=limits),
        replace(job, facts=facts),
        replace(job, files={"names.txt": b"ann\nbob\n"}),
        replace(job, autograd=False),
        replace(job, beside_first=False),
        replace(job, cells=[replace(job.cells[0], source="kind = 4"), job.cells[1]]),
    ]
    assert len({beginning(other) for other in [job, *others]}) == 1 + len(others)
    assert beginning(replace(job, cells=[job.cells[0], Cell("other")])) == beginning(replace(job, pictures=False)) == beginning(job) != ""
    assert beginning(replace(job, shared=0)) == beginning(replace(job, cells=[replace(job.cells[0], known="it ended")])) == ""
