"""The trusted half of the jail: bubblewrap's command line, a filter of system calls, and what to say where it cannot be had.

Inside there is the interpreter, the rooms of this package that run beside a student's code, and nothing else of the project: no
answers, nothing that judges, no gradebook, no submission, no network, no other process.  The warm process is PID 1 of a namespace of its own.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from autograder.errors import UserError
from autograder.runner.cgroup import Group

PACKAGE = Path(__file__).parent.parent
RUNS = ("errors.py", "files.py", "names.py", "figures.py", "course", "changes", "wall", "student", "inside")  # of the package, where submissions run
KIT = "/kit"  # where they stand inside
HOME = "/tmp/home"
FIRST_UID = 1_900_000_000  # far above the users of any system; each jail that root starts has its own
OLDEST = (0, 8)  # of bubblewrap: --size and --perms
INSTALL = "Install it with `apt install bubblewrap libseccomp2` (Debian 12, Ubuntu 24.04 or newer), then try: autograder doctor"
UNSAFE = "To grade without the jail, with every file and the network open to each submission, type --unsafe (nbgrader: --SubmissionRunner.unsafe=True)."

WARM = {  # one thread when it forks, and figures as in a notebook
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONDONTWRITEBYTECODE": "1",
}
PLAIN = {  # torch's plainest instructions, and those of its library for matrices: sums are added up in another order, and rounded another way
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
}

# Nobody's homework needs these; each reaches out of the jail, outlives a submission, is memory that no limit counts, or
# takes from a store that the whole machine shares.
REFUSED = """
    memfd_create memfd_secret shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    keyctl add_key request_key
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd
    unshare setns mount umount2 pivot_root chroot fsopen fsmount fspick fsconfig move_mount open_tree mount_setattr
    swapon swapoff quotactl quotactl_fd name_to_handle_at open_by_handle_at fanotify_init
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    init_module finit_module delete_module kexec_load kexec_file_load reboot acct syslog
    settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname
    move_pages migrate_pages ioprio_set vhangup
    vmsplice io_setup io_submit io_getevents io_pgetevents io_cancel io_destroy
    inotify_init inotify_init1 inotify_add_watch
"""
CLONE_NEW = (0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
FAMILIES = {socket.AF_UNIX}  # the others reach the kernel or the host, or hold megabytes that no limit counts
NEW_FAMILY = 46  # above every address family
SHARED_ANONYMOUS = 0x01 | 0x20  # of mmap: pages that stay when nobody maps them, and then count nowhere
LOCKS = (6, 7, 37, 38)  # of fcntl: each byte of a file may have one, in the kernel's memory
LEASES = (1024, 1026)  # of fcntl: to be told what others do with a file
BUFFERS = (7, 8, 32, 33)  # of setsockopt: a socket's, up to some megabytes


@dataclass(frozen=True)
class Command:
    """What to start, and the descriptors it inherits."""

    arguments: list[str]
    descriptors: tuple[int, ...]


_numbers = itertools.count()


@contextlib.contextmanager
def command(
    program: list[str], disk_mb: int, rooms: tuple[str, ...] = RUNS, group: Group | None = None, plain: bool = False
) -> Iterator[Command]:
    """The command that runs ``program`` (arguments of this interpreter) in a new jail.

    Args:
        disk_mb: of ``/tmp``, and the same of ``/dev/shm``; both live in memory and end with the jail.
        rooms: of this package, that are seen inside.
        group: of the kernel's, that it is in.
        plain: with torch's plainest instructions.

    Raises:
        UserError: this machine has not what a jail needs; with the package to install.
    """
    bwrap = _bubblewrap()
    rules = system_calls()
    try:
        arguments = [bwrap, *_options(rules.fileno(), disk_mb, rooms, plain), sys.executable, *program]
        yield Command(group.entering(arguments) if group else arguments, (rules.fileno(),))
    finally:
        rules.close()


def _bubblewrap() -> str:
    if sys.platform != "linux":
        raise UserError(
            "Submissions are graded in a jail that only Linux has. On Windows or macOS grade in a Linux container or virtual machine "
            f"(Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cap-add SYS_ADMIN). {UNSAFE}"
        )
    found = shutil.which("bwrap", path=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/bin")
    if not found:
        raise UserError(
            f"Nothing is graded: the jail for submissions needs bubblewrap, which is not installed. {INSTALL}. {UNSAFE}"
        )
    return found


def _options(rules: int, disk_mb: int, rooms: tuple[str, ...], plain: bool) -> list[str]:
    size = str(disk_mb * 2**20)
    shared = ["--perms", "1777", "--size", size, "--tmpfs"]
    options = _namespaces()
    options += ["--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "jail", "--seccomp", str(rules)]
    options += ["--clearenv"]
    for name, value in {**environment(), **(PLAIN if plain else {})}.items():
        options += ["--setenv", name, value]
    options += [*shared, "/tmp"]  # before what may be bound below it
    made: set[str] = set()
    for source, target in _visible(rooms):
        for parent in reversed(Path(target).parents):
            if str(parent) not in made and str(parent) not in ("/", "/tmp"):
                options += ["--perms", "0755", "--dir", str(parent)]
                made.add(str(parent))
        made.add(target)
        options += ["--ro-bind", source, target]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            options += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    options += ["--perms", "0755", "--dir", "/etc"]  # bubblewrap's own would be closed to all but root
    for place in ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"):
        options += ["--ro-bind-try", place, place]
    options += ["--proc", "/proc", "--dev", "/dev", *shared, "/dev/shm"]
    options += ["--dev-bind", "/dev/null", "/dev/zero", "--remount-ro", "/dev"]  # mapped, zero is memory that nobody counts
    return [*options, "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _namespaces() -> list[str]:
    if (
        os.getuid() == 0
    ):  # real mounts, so that an interpreter below a closed home can be bound; the warm process then drops root
        names = ("pid", "net", "ipc", "uts", "cgroup-try")
        kept = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        return [*(f"--unshare-{name}" for name in names), "--cap-drop", "ALL", *kept]
    return ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "60001", "--gid", "60001", "--cap-drop", "ALL"]


def started(command: Command, fd: int, environment: dict[str, str], own_session: bool) -> subprocess.Popen[bytes]:
    """The warm process: ``fd`` alone reaches it, and its last words stand in its standard error."""
    with _no_crash_reports():
        return subprocess.Popen(
            command.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[fd, *command.descriptors],
            env=environment,
            start_new_session=own_session,
        )


@contextlib.contextmanager
def _no_crash_reports() -> Iterator[None]:
    """What is started inside leaves no core, and none is piped to the machine's crash reporter: for Linux that is a limit of 1, not of 0."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    with contextlib.suppress(ValueError):  # a hard limit of 0
        resource.setrlimit(resource.RLIMIT_CORE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def uid() -> int:
    """The user that a jail of root's becomes: its own, so that limits on processes count its processes only."""
    return FIRST_UID + os.getpid() * 32 + next(_numbers) % 32


def environment() -> dict[str, str]:
    """All that a submission finds in ``os.environ``."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "TMPDIR": "/tmp",
        "MPLCONFIGDIR": f"{HOME}/matplotlib",
        "IPYTHONDIR": f"{HOME}/ipython",
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": KIT,
        **WARM,
    }


def _visible(rooms: tuple[str, ...] = RUNS) -> list[tuple[str, str]]:
    """What of the host is seen inside, outermost first: the system's programs, the interpreter, and the rooms of this package beside a student."""
    folders = {"/usr", *(os.path.realpath(p) for p in (sys.base_prefix, sys.base_exec_prefix)), sys.prefix}
    folders |= {p for p in sys.path if Path(p).name in ("site-packages", "dist-packages") and Path(p).is_dir()}
    outermost: list[str] = []
    for folder in sorted(folders):
        if not any(Path(folder).is_relative_to(other) for other in outermost):
            outermost.append(folder)
    return [*((folder, folder) for folder in outermost), *((str(PACKAGE / name), f"{KIT}/autograder/{name}") for name in ("__init__.py", *rooms))]


def keep_out(course: Path) -> None:
    """Make sure that no folder which is seen inside holds the course.

    Raises:
        UserError: one does, such as a virtual environment that was made of the course's own folder.
    """
    for folder, _ in _visible():
        if course.resolve().is_relative_to(Path(folder).resolve()):
            raise UserError(
                f"Nothing is graded: the course {course} lies in {folder}, which every submission sees because the interpreter or its packages are "
                f"there. Move the course elsewhere, or make the virtual environment a folder of its own (python3 -m venv .venv). {UNSAFE}"
            )


def system_calls() -> IO[bytes]:
    """A file with the filter of system calls, as bubblewrap loads it.

    Raises:
        UserError: libseccomp is not there.
    """
    file = tempfile.TemporaryFile(prefix="seccomp-")
    allowed_calls().export_bpf(file)
    file.seek(0)
    return file


def allowed_calls() -> Any:
    """The filter itself.

    Raises:
        UserError: libseccomp is not there.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise UserError(
            f"Nothing is graded: the jail's filter of system calls needs libseccomp and pyseccomp ({error}). {INSTALL}. {UNSAFE}"
        ) from None
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    missing, denied = seccomp.ERRNO(errno.ENOSYS), seccomp.ERRNO(errno.EPERM)
    ignored = seccomp.ERRNO(0)  # as if it were done

    refuse = rules.add_rule
    for name in REFUSED.split():
        with contextlib.suppress(ValueError):  # newer than this machine's libseccomp, or not of this processor
            refuse(missing, name)
    refuse(missing, "clone3")  # its flags lie in memory where no filter sees them; the C library then uses clone
    for flag in CLONE_NEW:
        refuse(denied, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for family in set(range(NEW_FAMILY)) - FAMILIES:
        refuse(seccomp.ERRNO(errno.EAFNOSUPPORT), "socket", seccomp.Arg(0, seccomp.EQ, family))
    refuse(seccomp.ERRNO(errno.EAFNOSUPPORT), "socket", seccomp.Arg(0, seccomp.GE, NEW_FAMILY))
    for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        refuse(denied, name, seccomp.Arg(0, seccomp.NE, 0))  # of another process: the warm one, say
    refuse(denied, "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, SHARED_ANONYMOUS, SHARED_ANONYMOUS))
    refuse(denied, "rt_sigaction", seccomp.Arg(0, seccomp.EQ, signal.SIGCHLD), seccomp.Arg(1, seccomp.NE, 0))  # children whose time goes nowhere
    for lock in LOCKS:
        refuse(ignored, "fcntl", seccomp.Arg(1, seccomp.EQ, lock))
    refuse(ignored, "flock")  # of a file of the system, which the host and other jails see
    for lease in LEASES:
        refuse(denied, "fcntl", seccomp.Arg(1, seccomp.EQ, lease))
    refuse(denied, "prlimit64", seccomp.Arg(1, seccomp.EQ, resource.RLIMIT_CORE), seccomp.Arg(2, seccomp.NE, 0))
    refuse(denied, "setrlimit", seccomp.Arg(0, seccomp.EQ, resource.RLIMIT_CORE))  # a crash is reported to nobody: see below
    for buffer in BUFFERS:
        refuse(ignored, "setsockopt", seccomp.Arg(1, seccomp.EQ, socket.SOL_SOCKET), seccomp.Arg(2, seccomp.EQ, buffer))
    refuse(denied, "setpriority", seccomp.Arg(0, seccomp.NE, os.PRIO_PROCESS))
    refuse(denied, "setpriority", seccomp.Arg(1, seccomp.NE, 0))
    return rules
