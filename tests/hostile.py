"""The gauntlet's hostile submissions: how a file of ``tests/gauntlet`` becomes one, and what it has to end in."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import safetensors.torch
import torch
from conftest import ROOT, TINY

from autograder.commands.demo_class import Submission, hand_in
from autograder.course.directory import EXPECTED

FULL = {"double": 2, "pieces": 4, "slope": 3, "by_hand": 2, "train_tiny": 3}
RIGHT_AFTER = 8  # attacks
TOLD = r"^# (Tries|Ends|stock|answer|points|says|ran|files|called): (.*)$"


@dataclass
class Attack:
    """One file: comment lines say what it tries and how it must end, the rest is a student's code."""

    name: str
    code: dict[str, str]  # exercise -> text
    append: bool  # to the right answer
    points: dict[str, float] = field(default_factory=dict)  # where they are not full
    says: str = ""
    ran: bool = True  # it can tell that it was tried
    files: str = ""  # what it hands in beside the notebook
    called: str = ""  # the student's name, for whom nobody may be graded
    tries: str = ""
    ends: str = ""
    stock: str = ""  # why tests/stock.py does not try it against nbgrader alone

    @classmethod
    def read(cls, path: Path) -> Attack:
        text = path.read_text()
        told = dict(re.findall(TOLD, text, re.M))
        assert told.get("Tries") and told.get("Ends"), f"{path.name} does not say what it tries and how it must end"
        exercise, _, how = told.get("answer", "double").partition(" ")
        text = re.sub(TOLD, "", text, flags=re.M)  # what it says here must not be found in its own page
        parts = re.split(r"^# another answer: (\w+)\n", text, flags=re.M)
        code = {exercise: parts[0], **dict(zip(parts[1::2], parts[2::2]))}
        points = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", told.get("points", ""))}
        ran = told.get("ran") != "no" and "TRIED" in text
        called = told.get("called", "").encode().decode("unicode_escape")
        words = {"tries": told["Tries"], "ends": told["Ends"], "stock": told.get("stock", ""), "called": called}
        return cls(path.stem, code, how == "append", points, told.get("says", ""), ran, told.get("files", ""), **words)


ATTACKS = [Attack.read(path) for path in sorted((ROOT / "tests" / "gauntlet").glob("*.py"))]


class Listeners:
    """Of the test's own, on this machine only: what reaches them got out of the jail."""

    def __init__(self, folder: Path):
        self.heard: list[str] = []
        self.closing = threading.Event()
        self.tcp, self.udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.path = str(folder / "unix")
        self.unix.bind(self.path)
        os.chmod(self.path, 0o777)
        self.hidden = f"gauntlet-{os.getpid()}-{id(self)}"
        self.abstract.bind(f"\0{self.hidden}")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.inward = free.getsockname()[1]
        for listener in (self.unix, self.abstract):
            listener.listen()
        for name in ("tcp", "unix", "abstract"):
            threading.Thread(target=self._accept, args=(name,), daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()
        threading.Thread(target=self._visit, daemon=True).start()

    def _accept(self, name: str) -> None:
        with contextlib.suppress(OSError):
            while True:
                getattr(self, name).accept()
                self.heard.append(name)

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            while self.udp.recv(100):
                self.heard.append("udp")

    def _visit(self) -> None:
        while not self.closing.wait(0.1):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.inward), timeout=0.1).close()
                self.heard.append("inward")

    def close(self) -> None:
        self.closing.set()
        for listener in (self.tcp, self.udp, self.unix, self.abstract):
            listener.close()

    def fill_in(self, text: str, course: Path) -> str:
        """An attacker's code, with what it knows of the machine."""
        known = {"COURSE": str(course), "TCP": self.tcp.getsockname()[1], "UDP": self.udp.getsockname()[1]}
        known |= {"UNIX": self.path, "ABSTRACT": self.hidden, "INWARD": self.inward}
        return re.sub(r"@(\w+)@", lambda found: str(known[found[1]]), text)


def submissions(attacks: list[Attack]) -> Iterator[tuple[str, Attack | None]]:
    """In the order in which they are graded: student and attack, or ``None`` for a right submission in between."""
    for number, attack in enumerate(attacks):
        yield attack.called or f"{number:02d}_{attack.name}", attack
        if number % RIGHT_AFTER == RIGHT_AFTER - 1:
            yield f"{number:02d}_~right", None


def hand_in_attack(tiny, folder: Path, student: str, attack: Attack, solutions: dict[str, str], listeners) -> Path:
    """The attack in the place of an answer, or behind the right one, in an otherwise right submission."""
    answers = dict(solutions)
    for exercise, code in attack.code.items():
        code = listeners.fill_in(code, folder)
        answers[exercise] = f"{solutions[exercise]}\n\n{code}" if attack.append else code
    target = hand_in(tiny, folder, TINY, Submission(student, answers, {}))
    if attack.files:
        globals()[f"_{attack.files}"](tiny, target)
    return target


def _big_weights(tiny, target: Path) -> None:
    facts = {"fingerprint": "", "first": [3.2958] * 5, "steps": 40, "seconds": 1.0, "finished": True, "curve": []}
    tensors = {"W": torch.zeros(27, 27), "more": torch.zeros(27, 27, 27)}
    safetensors.torch.save_file(tensors, target / "train_tiny.safetensors", metadata={"fit": json.dumps(facts)})


def _public_answers(tiny, target: Path) -> None:
    shutil.copyfile(tiny.released(TINY) / EXPECTED, target / "public.safetensors")


def _module(tiny, target: Path) -> None:
    (target / "helper.py").write_text(
        "import torch\n\n\ndef slope(x):\n    torch.set_grad_enabled(True)\n    x = x.clone().requires_grad_()\n"
        "    (x * x).sum().backward()\n    return x.grad\n\n\ntorch.Tensor.slope_of_squares = slope\n"
    )


def _pickled_weights(tiny, target: Path) -> None:
    (target / "train_tiny.safetensors").write_bytes(pickle.dumps({"W": [0.0]}))


def _false_weights(tiny, target: Path) -> None:
    (target / "train_tiny.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b'{"__metadata__":{}}')


def _tricks(tiny, target: Path) -> None:
    (target / "link_to_the_gradebook").symlink_to("../../../gradebook.db")
    (target / "link_to_the_secret.txt").symlink_to(tiny.root / ".autograder_secret")
    (target / "link_to_a_folder").symlink_to("/")
    (target / "autograder.py").write_text("raise SystemExit")
    (target / "..safetensors").write_bytes(b"")
    (target / "a\nb<script>.txt").write_text("x")
    (target / "names.txt").write_text("aaaa\n" * 100)
    (target / "timestamp.txt").symlink_to("/dev/zero")
    (target / "link.html").write_text("<script>window.pwned=1</script>")
    (target / "\x1b]0;link\x07.txt").write_text("x")
    (target / "link folder" / "inner").mkdir(parents=True)
    (target / "link_to_itself").symlink_to(target)
    os.mkfifo(target / "link.txt")
    (target / "closed.txt").touch(mode=0)


def _prose_as_code(tiny, target: Path) -> None:
    """The written answer and a locked text become code, an answer becomes Markdown, and a raw cell says what it is."""
    path = target / f"{TINY}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    script = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name == "why" or cell.cell_type == "markdown" and name:
            cell.update(cell_type="code", source=script, outputs=[], execution_count=None)
        elif name == "pieces_answer":
            cell.update(cell_type="markdown", source=script, attachments={"x.svg": {"image/svg+xml": "PHN2Zy8+"}})
    raw = nbformat.v4.new_raw_cell(script, metadata={"raw_mimetype": "text/html"})
    odd = nbformat.from_dict({**nbformat.v4.new_markdown_cell(script), "cell_type": "html"})
    path.write_text(json.dumps({**notebook, "cells": [*notebook.cells, raw, odd]}))


def _huge_notebook(tiny, target: Path) -> None:
    path = target / f"{TINY}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += " " * (30 << 20)
    path.write_text(json.dumps(notebook))


def _nested_notebook(tiny, target: Path) -> None:
    (target / f"{TINY}.ipynb").write_text("[" * 10_000_000)


def answer_cells(path: Path) -> str:
    """All that the student's own cells show in an autograded notebook."""
    shown = []
    for cell in nbformat.read(path, as_version=4).cells:
        metadata = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and not metadata.get("grade"):
            shown.append(json.dumps(cell.outputs))
    return "\n".join(shown)


def orphans(seconds: float = 10.0) -> set[int]:
    """Processes of jails whose grader is gone, and that do not end within some seconds either."""
    until = time.monotonic() + seconds
    while (found := {pid for pid in _processes() if _is_orphan(pid)}) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _is_orphan(pid: int) -> bool:
    """In a jail (it knows the machine by another name than ours), and no program above it that grades."""
    with contextlib.suppress(OSError):
        if b"USER=student" not in Path(f"/proc/{pid}/environ").read_bytes() or not _elsewhere(pid):
            return False
        while pid := parent_of(pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if re.search(rb"nbgrader|autograder|pytest", words) and not re.search(rb"bwrap|inside.warm", words):
                return False
        return True
    return False


def _elsewhere(pid: int) -> bool:
    return os.readlink(f"/proc/{pid}/ns/uts") != os.readlink("/proc/self/ns/uts")


def parent_of(pid: int) -> int:
    """Its parent's number; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def started_by(pid: int) -> list[int]:
    """All processes below one."""
    found, level = [], {pid}
    while level:
        level = {other for other in _processes() if parent_of(other) in level}
        found += sorted(level)
    return found
