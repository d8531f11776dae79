"""Where no jail can be had, and somebody has said that less will do: submissions run as another user, behind the filter of system calls alone.

For a container that holds one submission and is thrown away, such as Gradescope's.  What is kept: answers and grader belong to root and are closed, so
a submission can neither read nor signal them; it has no network and traces nobody; the verdict is reached from values, elsewhere.  What is not kept
stands in :data:`NOT_PROMISED`.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.errors import UserError
from autograder.runner import jail, launch
from autograder.runner.host import Runner
from autograder.runner.reading import ROOMS, NameReader
from autograder.wall.user import become

NOT_PROMISED = (
    "This container allows no jail. The submission ran as another user, with no network and without access to the answers, but with no namespaces of "
    "its own. So it is not promised here that it cannot read what this container shows to every user, see which processes run, leave files or processes "
    "behind until the container ends, or use more disk than course.yml allows."
)
PROCESSES = 256  # of the user, at a time
PLAIN_UID = 60_001  # where the container has no more than the usual users


class WeakerRunner(Runner):
    """As :class:`~autograder.runner.host.Runner`, with a user in place of a jail."""

    def __init__(self) -> None:
        super().__init__()
        self.apart = _Apart(jail.RUNS)
        self.names = WeakerReader()

    def _launched(self, disk_mb: int) -> launch.Launched:
        return launch.launched(lambda program, fd: self.apart.started([*program, str(self.apart.uid), "apart"], fd), disk_mb)

    def stop(self) -> None:
        """End the warm process, and whatever else runs as its user."""
        super().stop()
        self.apart.end()


class WeakerReader(NameReader):
    """As :class:`~autograder.runner.reading.NameReader`, with a user in place of a jail."""

    def __init__(self) -> None:
        super().__init__(unsafe=False)
        self.apart = _Apart(ROOMS)

    def _launched(self, program: list[str], fd: int) -> subprocess.Popen[bytes]:
        return self.apart.started([*program, str(self.apart.uid)], fd)

    def close(self) -> None:
        """End the process, and whatever else runs as its user."""
        super().close()
        self.apart.end()


class _Apart:
    """A user of its own, and a folder that holds its home and the part of this package which it sees."""

    def __init__(self, rooms: tuple[str, ...]) -> None:
        self.rooms, self.uid = rooms, _uid()
        self.folder: Path | None = None

    def started(self, program: list[str], fd: int) -> subprocess.Popen[bytes]:
        if os.getuid() != 0:
            raise UserError("Nothing is graded: to run a submission as another user, grading itself must run as root.")
        self.end()
        self.folder = Path(tempfile.mkdtemp(prefix="autograder-apart-"))
        self.folder.chmod(0o755)
        kit, home = self.folder / "kit", self.folder / "home"
        for name in ("__init__.py", *self.rooms):
            source, target = jail.PACKAGE / name, kit / "autograder" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, target)
        subprocess.run(["chmod", "-R", "a+rX", str(kit)], check=True)
        home.mkdir(mode=0o700)
        os.chown(home, self.uid, self.uid)
        packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
        own = {"HOME": str(home), "TMPDIR": str(home), "MPLCONFIGDIR": f"{home}/matplotlib", "IPYTHONDIR": f"{home}/ipython"}
        environment = {**jail.environment(), **own, "PYTHONPATH": os.pathsep.join([str(kit), *packages])}
        start = [sys.executable, "-P", "-m", __name__, str(self.uid), str(home), json.dumps(environment), *program]
        ours = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return jail.started(jail.Command(start, ()), fd, ours, own_session=True)

    def end(self) -> None:
        """Kill what still runs as this user, and take the folder away."""
        if self.folder is not None:
            subprocess.run([sys.executable, "-c", "import os; os.kill(-1, 9)"], user=self.uid, group=self.uid, extra_groups=[], cwd="/", capture_output=True)
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None


def _uid() -> int:
    """One that nobody else has; in a container that knows few users, one that is nobody's."""
    uid = jail.uid()
    lines = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()] if sys.platform == "linux" else []
    return uid if any(first <= uid < first + count for first, _, count in lines) else PLAIN_UID


def _run_as(uid: int, home: str, environment: dict[str, str], program: list[str]) -> None:
    """In the new process: leave root for good, load the filter, and become the program."""
    os.umask(0o077)
    become(uid)
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    jail.allowed_calls().load()
    os.chdir(home)
    os.execve(sys.executable, [sys.executable, *program], environment)


if __name__ == "__main__":
    _run_as(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4:])
