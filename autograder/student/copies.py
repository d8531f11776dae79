"""Work in a copy of the process: what it changes there is gone with the copy."""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any

CHUNK = 1 << 16


def in_a_copy(work: Callable[..., None], *given: Any, seconds: float | None = None, cpu_seconds: float | None = None) -> bytes:
    """Do it in a fork, which is given a descriptor to report to before all else; what it has reported when it ends.

    Args:
        seconds: after which it is ended, and what it has reported by then is all.
        cpu_seconds: of the processor, after which the kernel ends it.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that are not in the copy: it waits for none
        pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            null = os.open(os.devnull, os.O_WRONLY)
            for standard in (1, 2):  # what a copy says is heard by nobody
                os.dup2(null, standard)
            if cpu_seconds is not None:
                _ends_after(cpu_seconds)
            work(writing, *given)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        return _read(reading, None if seconds is None else time.monotonic() + seconds)
    finally:
        os.close(reading)
        if seconds is not None:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _read(reading: int, until: float | None) -> bytes:
    told = b""
    while until is None or select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (chunk := os.read(reading, CHUNK)):
            break
        told += chunk
    return told


def _ends_after(seconds: float) -> None:
    import resource  # not on every system

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    bound = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
