"""Who a process is: in a jail nobody else, and nobody that looks into it; and none that outlives who started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
_libc = ctypes.CDLL(None, use_errno=True)


def become(uid: int) -> None:
    """Leave root for good, and let no process of the same user look into this one."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    dumpable(False)


def dumpable(value: bool) -> None:
    """Whether other processes of the user may look into this one, and whether it finds its own ``/proc/self/fd``."""
    _libc.prctl(PR_SET_DUMPABLE, int(value), 0, 0, 0)


def end_with_parent() -> None:
    """Where the kernel can see to it, this process ends with the one that started it, however that ends."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
