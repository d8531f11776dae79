"""A warm process on its way up, before anybody waits for it: it imports for seconds, and so does whoever grades. Nothing here imports torch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from autograder.runner import cgroup, jail

Start = Callable[[list[str], int], subprocess.Popen[bytes]]


@dataclass
class Launched:
    """A process that has been started, and what it is reached by."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    group: cgroup.Group | None  # that the jail is in, where there are such
    disk_mb: int  # that submissions may write, in MB

    def end(self) -> None:
        """End it and all that it has started."""
        self.socket.close()
        with self.process:  # waits for its end and closes its stderr
            self.process.kill()
        if self.group is not None:
            self.group.remove()


def launch(disk_mb: int, unsafe: bool = False, plain: bool = False) -> Launched:
    """Start a warm process as grading does.

    Args:
        unsafe: without the jail.
        plain: with torch's plainest instructions.

    Raises:
        UserError: there is no jail to start it in.
    """
    if unsafe:
        return launched(lambda program, fd: jail.started(jail.Command([sys.executable, *program], ()), fd, _environment(plain), own_session=True), disk_mb)
    group = cgroup.made()

    def start(program: list[str], fd: int) -> subprocess.Popen[bytes]:
        with jail.command([*program, str(jail.uid())], disk_mb, group=group, plain=plain) as command:
            return jail.started(command, fd, {}, own_session=False)

    try:
        return launched(start, disk_mb, group)
    except BaseException:
        if group is not None:
            group.remove()
        raise


def launched(start: Start, disk_mb: int, group: cgroup.Group | None = None) -> Launched:
    """A warm process, started by a function that is given its program, which ends with the number of its socket, and that number."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = start(["-P", "-m", "autograder.inside.warm", str(theirs.fileno())], theirs.fileno())
        except BaseException:
            ours.close()
            raise
    return Launched(process, ours, group, disk_mb)


def _environment(plain: bool) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    own = {name: os.environ[name] for name in kept if name in os.environ}
    return {**own, **jail.WARM, **(jail.PLAIN if plain else {}), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
