"""What runs in the fork of one submission: its cells, in IPython's shell. Whatever it sends is data from a stranger."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import torch

from autograder.inside import no_autograd
from autograder.inside.many import try_many, try_together
from autograder.inside.shell import RecordingShell
from autograder.student import session
from autograder.student.check import check, check_loss
from autograder.student.copies import in_a_copy
from autograder.student.fit import fit
from autograder.student.hand_in import hand_in
from autograder.student.repairs import MOST_SECONDS, PATIENCE
from autograder.student.session import Tried
from autograder.wall.calls import Call
from autograder.wall.facts import Facts
from autograder.wall.frames import send
from autograder.wall.record import Record, encode

KIT: dict[str, Callable[..., Any]] = {"check": check, "check_loss": check_loss, "fit": fit, "hand_in": hand_in}  # before any submission
THREADS = 1  # of the warm process; they count as processes too


@dataclass(frozen=True)
class Frozen:
    """What a fork needs to know of the first cells, where the warm process has run them.

    Args:
        outputs: of each cell, as they are sent.
        path: where in ``sys.path`` the notebook's folder stands.
        random: the state of Python's generator, which begins anew in each fork; nothing where the cells have not used it.
        pages: that the warm process held before, as of :func:`pages_held`: memory that these cells take is a submission's.
        memory: bytes that it has held more since.
    """

    outputs: list[bytes]
    path: int
    random: tuple[Any, ...] | None
    pages: tuple[int, int]
    memory: int


class WireSession:
    """Sends each record out at once, so that a later crash costs nothing earlier."""

    looks, stops = True, False

    def __init__(self, job: dict[str, Any], out: int) -> None:
        self.facts = Facts.from_json(job["facts"])
        self.training = job["training"]
        self.training_steps, self.training_seconds = job["limits"]["training_steps"], job["limits"]["training_seconds"]
        self.max_bytes = int(job["limits"]["record_mb"] * 2**20)
        self.out, self.cell, self.fork, self.repair = out, -1, -1, False
        self.lecture_cells = frozenset(cell["source"].rstrip() for cell in job["cells"] if cell.get("given"))

    def given(self) -> frozenset[str]:
        return self.lecture_cells

    def submit(self, record: Record, calls: Sequence[Call] = (), trial: Tried = ()) -> None:
        data = encode({"record": record})
        header = {"type": "record", "cell": self.cell, "fork": self.fork}
        if len(data) > self.max_bytes:
            send(self.out, {**header, "too_large": len(data)})
        else:
            send(self.out, header, data)
        if self.repair:
            in_a_copy(self.try_repairs, trial, seconds=PATIENCE * MOST_SECONDS, cpu_seconds=MOST_SECONDS)

    def try_repairs(self, _: int, trial: Tried) -> None:
        """Send what comes out with small changes of the answer: each result once."""
        seen: set[bytes] = set()
        for repair, record in trial:
            data = encode({"record": record})
            if len(data) <= self.max_bytes and data not in seen:
                seen.add(data)
                send(self.out, {"type": "repair", "cell": self.cell, "repair": astuple(repair)}, data)

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        send(self.out, {"type": "progress", "exercise": exercise, "step": step, "steps": steps, "loss": loss})


def run_cells(job: dict[str, Any], files: bytes, folder: str, out: int, jailed: bool, frozen: Frozen | None) -> None:
    """Run the cells of one submission; never returns to the warm process's loop."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    without_a_terminal()
    many = hand_out(job, files, folder)
    if frozen is None:
        as_in_a_kernel(beside_first=job["beside_first"])
        if not job["autograd"]:
            no_autograd.switch_off()
    else:
        sys.path.insert(frozen.path, "")
        if frozen.random is not None:
            random.setstate(frozen.random)
    set_limits(job["limits"], jailed, frozen.pages if frozen else pages_held())
    wired = WireSession(job, out)
    session.use(wired)
    shell = RecordingShell.instance()
    outputs_within(job["limits"], shell)
    if not job["pictures"]:
        shell.draw_nothing()
    shell.raw.open()
    for index, cell in enumerate(job["cells"]):
        if cell.get("skip"):
            continue
        send(out, {"type": "cell", "cell": index})
        if frozen and index < len(frozen.outputs):
            send(out, {"type": "outputs", "cell": index}, frozen.outputs[index])
            continue
        wired.cell, wired.repair = index, bool(cell.get("repair"))
        with at_home(folder, shell, cell):
            outputs = shell.run(cell["source"])
        send(out, {"type": "outputs", "cell": index}, as_bytes(outputs))
        others = cell.get("forks", ())
        patient = frozenset(cell.get("patient", ()))
        apart = try_together(shell.user_ns, wired, cell["source"], others, patient) if cell.get("together") else range(len(others))
        for number in apart:
            in_a_fork(shell, wired, cell["source"], others[number], number, number in patient)
        if str(index) in many:
            try_many(shell.user_ns, wired, cell["source"], many[str(index)], len(others))
    for name in job.get("wanted", ()):
        if os.path.isfile(name):
            with open(name, "rb") as file:
                send(out, {"type": "file", "name": name}, file.read())
    send(out, {"type": "done"})


def without_a_terminal() -> None:
    """Nothing comes in, and what goes out by number is nobody's until :meth:`Raw.open <autograder.inside.streams.Raw.open>`."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)


def hand_out(job: dict[str, Any], files: bytes, folder: str) -> dict[str, Any]:
    """Put a submission's files into its folder and go there; what comes behind them, of an author's run."""
    view = memoryview(files)
    for name, size in job["files"]:
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(view[:size])
        view = view[size:]
    os.chdir(folder)
    return json.loads(bytes(view)) if len(view) else {}


def outputs_within(limits: dict[str, Any], shell: RecordingShell) -> None:
    shell.recorder.max_cell = int(limits["output_kb"]) << 10
    shell.recorder.max_notebook = int(limits["notebook_output_mb"]) << 20


def as_in_a_kernel(beside_first: bool) -> None:
    """What a process with a notebook finds around it.

    Args:
        beside_first: a file beside the notebook is found before an installed module of its name, as in a kernel; else behind it.
    """
    sys.path.insert(0 if beside_first else len(sys.path), "")
    sys.argv = ["ipykernel_launcher.py", "-f", "kernel.json"]  # argparse in a notebook is told to expect an -f
    sys.stdin = open(os.devnull)  # nobody types here: the end of the file at once
    sys.breakpointhook = lambda *_, **__: None  # without a frontend, as in ipykernel with its debugger
    # There is no network, and pip says so at once.
    os.environ.update(PIP_RETRIES="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")


def as_bytes(outputs: list[dict[str, Any]]) -> bytes:
    """JSON of at most six bytes a character, also of those that are no characters alone."""
    return json.dumps(outputs, ensure_ascii=False).encode("utf-8", "surrogatepass")


def in_a_fork(shell: RecordingShell, wired: WireSession, check: str, source: str, number: int, patient: bool) -> None:
    """Another answer (a mistake, a variant, an oracle) and the check again, in a copy of the process: nothing leaks."""
    pid = os.fork()
    if pid == 0:
        try:
            wired.fork = number
            wired.training = "author" if patient else "grading"  # another way to write a model is tried on the weights that the reference has
            failed = [o for o in shell.run(source) if o["output_type"] == "error"]
            if failed:
                text = f"{failed[0]['ename']}: {failed[0]['evalue']}"
                send(wired.out, {"type": "fork failed", "cell": wired.cell, "fork": number, "error": text})
            else:
                shell.run(check)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


@contextlib.contextmanager
def at_home(folder: str, shell: RecordingShell, cell: dict[str, Any]) -> Iterator[None]:
    """A locked cell runs in the notebook's folder and with the kit's own functions, whatever an answer has made of them."""
    redirected, run_code = shell.standard, shell.run_code
    if cell.get("locked"):
        os.chdir(folder)
        torch.set_num_threads(1)
        shell.standard = shell.own
        for name, own in KIT.items():
            if name in shell.user_ns or name in cell["source"]:
                shell.user_ns[name] = own

    async def run_and_go_on(*arguments: Any, **named: Any) -> bool:
        await run_code(*arguments, **named)
        return False  # whether the rest of the cell is left out

    if cell.get("goes_on"):
        shell.run_code = run_and_go_on
    yield
    if cell.get("locked"):
        shell.standard = redirected
    shell.run_code = run_code


def pages_held() -> tuple[int, int]:
    """Pages of this process: in all, and of data."""
    with open("/proc/self/statm") as statm:
        pages = statm.read().split()
    return int(pages[0]), int(pages[5])


def set_limits(limits: dict[str, Any], jailed: bool, held: tuple[int, int]) -> None:
    """Bounds that the kernel keeps for each process; what is reached raises an error where it can, and ends the process where not.

    Args:
        held: of :func:`pages_held`, before the first cell.
    """
    budget = int(limits["memory_mb"]) * 2**20
    _limit(resource.RLIMIT_DATA, held[1] * resource.getpagesize() + budget)
    _limit(resource.RLIMIT_AS, held[0] * resource.getpagesize() + budget)  # shared memory is no data
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing more is an OSError then, not the end
    _limit(resource.RLIMIT_FSIZE, int(limits["file_mb"]) * 2**20)
    _limit(resource.RLIMIT_NOFILE, int(limits["open_files"]))
    _limit(resource.RLIMIT_CPU, int(limits["notebook_cpu_seconds"]) + 5)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    if jailed:  # outside of a jail the user's other processes would count
        _limit(resource.RLIMIT_NPROC, int(limits["processes"]) + 1 + THREADS)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))
