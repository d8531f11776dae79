"""What all processes of one submission use together, and their end. Runs in the warm process."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
END_SECONDS = 5.0  # for the processes of a submission to die and its files to go; a jail that takes longer is given up


class Watch:
    """The processes of one submission: in a jail, all but PID 1.

    Counts what the kernel's limits do not: those hold for each process alone.

    Args:
        memory: bytes of the warm process that are a submission's: of what all begin with.
    """

    def __init__(self, jailed: bool, memory: int = 0) -> None:
        self.first, self.jailed = 0, jailed  # the first process, once it is there
        self.own_memory = memory_of(os.getpid()) - memory  # what every fork of the warm process has at its start
        self.own_program = _program(os.getpid())
        self.ended_before = _ended_seconds()
        self.sockets_before = _sockets() if jailed else 0

    def processes(self) -> list[int]:
        if not self.jailed:
            return [self.first]
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]

    def cpu_seconds(self) -> float:
        """Processor time of all of them, also of those that have ended."""
        return sum(map(_cpu_seconds, self.processes())) + self.ended_seconds()

    def ended_seconds(self) -> float:
        """Processor time of those that have ended: of all, once all have."""
        return _ended_seconds() - self.ended_before

    def waited_seconds(self) -> float:
        """How long the first process has waited for a processor that others had."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{self.first}/schedstat").read_bytes().split()[1]) / 1e9
        return 0.0  # a kernel that does not count it

    def memory(self) -> int:
        """Bytes of memory of all of them, beyond what a fork shares with the warm process; another program shares nothing."""
        return sum(max(0, memory_of(pid) - self.own_memory * (_program(pid) == self.own_program)) for pid in self.processes())

    def sockets(self) -> int:
        """How many sockets there are: what waits in them is memory of no process."""
        return _sockets() - self.sockets_before if self.jailed else 0


def _ended_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _stat(pid: int) -> list[bytes]:
    """The fields of ``/proc/<pid>/stat`` from the state on; empty if the process is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return []


def _cpu_seconds(pid: int) -> float:
    return sum(map(int, _stat(pid)[11:15])) / TICKS  # utime, stime, and those of children it has waited for


def _program(pid: int) -> list[bytes]:
    """Where code, stack, data and arguments lie: the same in a fork, and at random places in another program."""
    fields = _stat(pid)
    return fields[23:26] + fields[42:48]


def memory_of(pid: int) -> int:
    """Bytes in use that no file backs, also swapped out; readable for every process, however it protects itself."""
    found = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_bytes().split(b"\n"):
            if line.startswith((b"RssAnon:", b"RssShmem:", b"VmSwap:")):
                found += int(line.split()[1]) * 1024
    return found


def _sockets() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/net/sockstat").read_bytes().split(b"\n", 1)[0].split()[-1])
    return 0


def end_all(first: int, jailed: bool) -> int:
    """Kill every process of a submission and wait for them; the first one's wait status.

    Raises:
        TimeoutError: one of them does not die.
    """
    until, status = time.monotonic() + END_SECONDS, None
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if jailed:
                os.kill(-1, signal.SIGKILL)  # PID 1 of a namespace reaches all of it and nothing else
            else:
                os.killpg(first, signal.SIGKILL)
        try:
            pid, ended = os.waitpid(-1 if jailed else first, os.WNOHANG)
        except ChildProcessError:
            return status or 0
        if pid == first:
            status = ended
            if not jailed:
                return ended
        if pid == 0:
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.0005)


def state() -> tuple[Any, ...]:
    """Of this process: what a submission must not change. Compared before and after each."""
    limits = [resource.getrlimit(n) for n in range(resource.RLIMIT_CPU, resource.RLIMIT_RTPRIO + 1)]
    settings = os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0)), os.sched_getscheduler(0)
    threads = len(os.listdir("/proc/self/task"))
    return limits, settings, threads, len(os.listdir("/proc/self/fd")), os.getcwd(), signal.pthread_sigmask(0, ())


class Folders:
    """The places that a submission may write to, and what stands in them when one begins: the same each time, byte for byte.

    What is mounted there, such as an interpreter that lies below ``/tmp``, is not theirs to write to, and stays.
    """

    def __init__(self, *roots: str, mounted: list[str] | None = None) -> None:
        self.roots = roots
        places = _mounted() if mounted is None else mounted
        self.mounts = {place for place in places if any(place.startswith(f"{root}/") for root in roots)}
        self.above = {str(parent) for place in self.mounts for parent in Path(place).parents}
        self.begin_with = [entry for root in roots for entry in self._under(root)]

    def files(self) -> int:
        """How many files and folders there are; each costs the kernel memory, also an empty one."""
        used = map(os.statvfs, self.roots)
        return sum(found.f_files - found.f_ffree for found in used)

    def renew(self) -> None:
        """Take away whatever stands there, and put back what a submission begins with.

        Raises:
            OSError, RecursionError: it cannot be taken away, or not in the time that there is.
        """
        until = time.monotonic() + END_SECONDS
        for root in self.roots:
            own = os.lstat(root).st_uid == os.getuid()
            if own:
                os.chmod(root, 0o1777)
                for name in os.listxattr(root):
                    os.removexattr(root, name)
            self._empty(root, until)
            if own:
                os.utime(root, (0, 0))
        for path, mode, data in self.begin_with:
            if data is None:
                os.mkdir(path)
            else:
                Path(path).write_bytes(data)
            os.chmod(path, mode)

    def _under(self, root: str) -> Iterator[tuple[str, int, bytes | None]]:
        """All folders and files below a folder, outermost first: path, mode, and what is in a file."""
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in self.mounts]
            for name in [*folders, *files]:
                path = os.path.join(folder, name)
                mode = os.lstat(path).st_mode
                if path not in self.above | self.mounts and (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                    yield path, stat.S_IMODE(mode), None if stat.S_ISDIR(mode) else Path(path).read_bytes()

    def _empty(self, folder: str, until: float) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                if time.monotonic() > until:
                    raise OSError("too many files")
                if entry.path in self.mounts:
                    continue
                if entry.path in self.above:
                    self._empty(entry.path, until)
                elif entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)


def _mounted() -> list[str]:
    """Where something is mounted, as this process sees it."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in lines]
