"""The half that holds a student's code: a warm process that forks for each submission and runs its cells in IPython's shell.

It gets cells, files, seeds and limits, and returns bytes.  Nothing here decides about points.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

import matplotlib.pyplot  # noqa: E402  imported once, here, for every submission
import matplotlib_inline.backend_inline  # noqa: E402
import torch  # noqa: E402
from matplotlib_inline.config import InlineBackend  # noqa: E402

import autograder  # noqa: E402
from autograder import fit as _fit  # noqa: E402, F401
from autograder import loss as _loss  # noqa: E402, F401  warm before the first submission
from autograder import names, session  # noqa: E402
from autograder.record import Record, encode  # noqa: E402
from autograder.runner import wire  # noqa: E402
from autograder.runner.shell import RecordingShell  # noqa: E402

GRACE_SECONDS = 2.0  # between the polite interrupt of a cell and its end


class WireSession:
    """Sends each record out at once, so that a later crash costs nothing earlier."""

    def __init__(self, job: dict[str, Any], out: int):
        self.facts = session.Facts.from_json(job["facts"])
        self.training = job["training"]
        self.training_seconds = job["limits"]["training_seconds"]
        self.max_bytes = int(job["limits"]["record_mb"] * 2**20)
        self.out, self.cell, self.fork = out, -1, -1

    def submit(self, record: Record) -> None:
        data = encode({"record": record})
        header = {"type": "record", "cell": self.cell, "fork": self.fork}
        if len(data) > self.max_bytes:
            wire.send(self.out, {**header, "too_large": len(data)})
        else:
            wire.send(self.out, header, data)

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        wire.send(self.out, {"type": "progress", "exercise": exercise, "step": step, "steps": steps, "loss": loss})


def warm_up() -> None:
    """Pay once for what every submission would pay for: first error, first figure, first gradient."""
    torch.set_num_threads(1)
    shell = RecordingShell.instance()
    for source in (
        "1/0",
        "import numpy as np",
        "import torch\nw = torch.randn(3, 3, requires_grad=True)\n(w @ w).tanh().sum().backward()",
        "o = torch.optim.AdamW([w])\ntorch.optim.lr_scheduler.OneCycleLR(o, 1.0, 10)\no.step()",  # imports for a second
        "torch.nn.functional.cross_entropy(torch.nn.Linear(3, 3)(w), torch.tensor([0, 1, 2])).backward()",
    ):
        shell.run(source)
    matplotlib.interactive(True)  # as in a notebook: a figure is shown below its cell without plt.show()
    matplotlib_inline.backend_inline.configure_inline_support(shell, os.environ["MPLBACKEND"])
    InlineBackend.instance(parent=shell).print_figure_kwargs = {
        "bbox_inches": None
    }  # a tight one draws every figure twice
    shell.run(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='0'); plt.legend(); plt.show()\nplt.imshow([[0, 1]]); plt.show()"
    )
    shell.run(
        "from autograder import check, check_loss, fit\nfrom jaxtyping import Float, Int\nfrom torch import Tensor"
    )
    shell.reset(new_session=True)
    shell.execution_count = 1
    gc.collect()
    gc.freeze()


def serve(fd: int) -> None:
    """Jobs in, frames out, until the trusted half closes the connection."""
    warm_up()
    wire.send(fd, {"type": "ready", "torch": torch.__version__})
    while True:
        try:
            header, payload = wire.receive(fd)
        except wire.WireError:
            return
        run_job(fd, header, payload)


def run_job(fd: int, job: dict[str, Any], files: bytes) -> None:
    """Fork, relay the child's frames with time limits, and clean up."""
    prepare(job, files)
    folder = tempfile.mkdtemp(prefix="submission-")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(fd)
            os.close(reading)
            os.setsid()
            child(job, files, folder, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    try:
        reason = relay(reading, fd, pid, job["limits"], job["seconds"])
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(reading)
        shutil.rmtree(folder, ignore_errors=True)
    wire.send(fd, {"type": "end", "reason": reason, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0})


def prepare(job: dict[str, Any], files: bytes) -> None:
    """Split the names and cut the contexts once, before the fork: they are the course's own, the same for every submission."""
    facts = session.Facts.from_json(job["facts"])
    position = 0
    for name, size in job["files"]:
        if name == "names.txt":
            known = names.names_of(files[position : position + size].decode("ascii"), name, facts.split_seed)
            for rules in facts.exercises.values():
                if rules.loss:
                    known.contexts("train", rules.loss.context)
                    known.contexts("dev", rules.loss.context)
                    known.contexts("test", rules.loss.context)
        position += size


def relay(reading: int, fd: int, pid: int, limits: dict[str, Any], seconds: dict[str, float]) -> str:
    """Pass frames on until the child is done; ``"done"``, ``"died"``, ``"cell time"`` or ``"notebook time"``."""
    end = time.monotonic() + limits["notebook_seconds"]
    cell_end, interrupted = time.monotonic() + limits["cell_seconds"], False
    while True:
        wait = max(0.0, min(end, cell_end) - time.monotonic())
        ready, _, _ = select.select([reading], [], [], wait)
        if ready:
            try:
                header, payload = wire.receive(reading)
            except wire.WireError:
                return "died"
            if header.get("type") == "cell":
                cell_end = time.monotonic() + seconds.get(str(header.get("cell")), limits["cell_seconds"])
                interrupted = False
            if header.get("type") == "done":
                return "done"
            wire.send(fd, header, payload)
        elif time.monotonic() >= end:
            return "notebook time"
        elif time.monotonic() >= cell_end:
            if interrupted:
                return "cell time"
            os.kill(pid, signal.SIGINT)  # a loop that does not catch it leaves the process alive for the cells to come
            wire.send(fd, {"type": "interrupted"})
            interrupted, cell_end = True, time.monotonic() + GRACE_SECONDS


def child(job: dict[str, Any], files: bytes, folder: str, out: int) -> None:
    """Run the cells of one submission; never returns to the warm process's loop."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    view = memoryview(files)
    for name, size in job["files"]:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(view[:size])
        view = view[size:]
    os.chdir(folder)
    set_limits(job["limits"])
    wired = WireSession(job, out)
    session.use(wired)
    shell = RecordingShell.instance()
    shell.max_bytes = int(job["limits"]["output_kb"] * 1024)
    for index, cell in enumerate(job["cells"]):
        if cell.get("skip"):
            continue
        wire.send(out, {"type": "cell", "cell": index})
        wired.cell = index
        with _at_home(folder, shell, cell):
            outputs = shell.run(cell["source"])
        wire.send(out, {"type": "outputs", "cell": index}, _bounded(outputs))
        for number, source in enumerate(cell.get("forks", ())):
            in_a_fork(shell, wired, cell["source"], source, number)
    for name in job.get("wanted", ()):
        if os.path.isfile(name):
            with open(name, "rb") as file:
                wire.send(out, {"type": "file", "name": name}, file.read())
    wire.send(out, {"type": "done"})


def in_a_fork(shell: RecordingShell, wired: WireSession, check: str, source: str, number: int) -> None:
    """Another answer (a mistake, a variant, an oracle) and the check again, in a copy of the process: nothing leaks."""
    pid = os.fork()
    if pid == 0:
        try:
            wired.fork = number
            wired.training = "grading"  # another way to write a model is tried on the weights that the reference has
            failed = [o for o in shell.run(source) if o["output_type"] == "error"]
            if failed:
                text = f"{failed[0]['ename']}: {failed[0]['evalue']}"
                wire.send(wired.out, {"type": "fork failed", "cell": wired.cell, "fork": number, "error": text})
            else:
                shell.run(check)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _bounded(outputs: list[dict[str, Any]]) -> bytes:
    return json.dumps(outputs).encode()


@contextlib.contextmanager
def _at_home(folder: str, shell: RecordingShell, cell: dict[str, Any]) -> Iterator[None]:
    """A locked cell runs in the notebook's folder and with the kit's own functions, whatever an answer has made of them."""
    if cell.get("locked"):
        os.chdir(folder)
        torch.set_num_threads(1)
        for name in ("check", "check_loss", "fit"):
            if name in shell.user_ns or name in cell["source"]:
                shell.user_ns[name] = getattr(autograder, name)
    yield


def set_limits(limits: dict[str, Any]) -> None:
    """Bounds that the kernel keeps: memory beyond what is in use, file size, processor time, no core dumps."""
    with open("/proc/self/statm") as statm:
        data_in_use = int(statm.read().split()[5]) * resource.getpagesize()
    memory = data_in_use + int(limits["memory_mb"]) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    file_size = int(limits["file_mb"]) * 2**20
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing more is an OSError then, not the end
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.stdin = io.StringIO()  # input() in a notebook that nobody watches: end of file at once
    serve(int(sys.argv[1]))
