"""A control group (version 2) for each jail, where this process may make one: no memory of a submission can hide from it.

It may as root, or as an ordinary user who is started by ``systemd-run --user --scope``.  Here or there, the memory of a submission's
processes is also looked at ten times a second (``inside/watch.py``).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

NAME = "autograder"
ENTER = 'echo 0 > "$0" && exec "$@"'  # for a shell: it moves itself, then becomes what it was asked to start
SPARE = 64 << 20  # bytes that the kernel needs for a submission which keeps its limits
ONE_PROCESSOR = "100000 100000"  # microseconds, of as many
WEIGHT = 50  # of 100: whoever works at the machine comes first
GONE_SECONDS = 5.0  # until the last process of a group that was killed has left it

_numbers = itertools.count()


class Group:
    """One control group, and what the processes in it hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun_with = self.told = 0
        self._write("memory.swap.max", "0")
        self._write("memory.oom.group", "0")
        self._write("cpu.weight", str(WEIGHT))
        self._write("cpu.max", ONE_PROCESSOR)

    def entering(self, command: list[str]) -> list[str]:
        """The command that starts another one inside the group."""
        return ["/bin/sh", "-c", ENTER, str(self.folder / "cgroup.procs"), *command]

    def begins(self) -> None:
        """What is held now counts for no submission."""
        self.begun_with = self._held()

    def bound(self, limit: int) -> None:
        """No more than this from now on: the kernel ends a process in here that asks for more.

        Args:
            limit: in bytes, beyond what was held at the beginning.
        """
        self._write("memory.max", str(self.begun_with + limit + SPARE))
        self.told = self._ended()

    def reached(self) -> bool:
        """Whether the kernel has ended a process for it since the bound was set."""
        return self._ended() > self.told

    def remove(self) -> None:
        """End what is still inside, and the group."""
        self._write("cgroup.kill", "1")
        until = time.monotonic() + GONE_SECONDS
        while time.monotonic() < until:
            try:
                return self.folder.rmdir()
            except FileNotFoundError:
                return None
            except OSError:  # a process in it has not quite ended
                time.sleep(0.005)

    def _held(self) -> int:
        """Bytes that cannot be taken away: pages of processes, files in memory, and the kernel's own. Not what files on disk back."""
        fields = self._fields("memory.stat")
        return sum(fields.get(name, 0) for name in ("anon", "shmem", "kernel", "sock"))

    def _ended(self) -> int:
        return self._fields("memory.events").get("oom_kill", 0)

    def _fields(self, name: str) -> dict[str, int]:
        with contextlib.suppress(OSError, ValueError):
            return {key: int(value) for key, value in (line.split() for line in (self.folder / name).read_text().splitlines())}
        return {}

    def _write(self, name: str, value: str) -> None:
        with contextlib.suppress(OSError):  # a controller, or a file of it, that is not there
            (self.folder / name).write_text(value)


def made() -> Group | None:
    """A new group beside or below the one that this process is in; nothing where none may be made."""
    for parent in _places():
        for old in parent.glob(f"{NAME}-*-*"):  # of a grader that was killed
            if not Path("/proc", old.name.split("-")[1]).exists():
                with contextlib.suppress(OSError):
                    old.rmdir()
        folder = parent / f"{NAME}-{os.getpid()}-{next(_numbers)}"
        _divide(parent)
        try:
            folder.mkdir()
        except OSError:
            continue
        group = Group(folder)
        if _can_enter(group):
            return group
        group.remove()
    return None


def _divide(parent: Path) -> None:
    """Groups below it may be limited, as far as that is ours to say."""
    with contextlib.suppress(OSError):
        there = (parent / "cgroup.subtree_control").read_text().split()
        for controller in ("memory", "cpu"):
            if controller not in there:
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def _places() -> Iterator[Path]:
    """Where groups could be made: in the one of this process if it may be divided, else beside it."""
    with contextlib.suppress(OSError, StopIteration):
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            if after.startswith("cgroup2 "):
                root, mount = (re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word) for word in before.split()[3:5])
                below = own.removeprefix(root if root != "/" else "").strip("/")
                yield Path(mount, below)
                if below:
                    yield Path(mount, below).parent


def _can_enter(group: Group) -> bool:
    """Who may make a group may still not move a process into it."""
    with contextlib.suppress(OSError):
        (group.folder / "memory.max").write_text("max")
        return subprocess.run(group.entering(["true"]), stderr=subprocess.DEVNULL, env={"PATH": os.defpath}).returncode == 0
    return False
