"""Who a process in a jail is: nobody else, and nobody that looks into it."""

from __future__ import annotations

import ctypes
import os

PR_SET_DUMPABLE = 4
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
