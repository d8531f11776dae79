"""Large pages for what all submissions share: who forks copies the table of pages, and most of the time of a fork goes there.

Linux copies memory only when somebody writes to it, and then 4 KB of it, also out of a large page; but for each page it notes in the
fork's table that it is shared, and takes the note back when the fork ends. A page of 2 MB is one note instead of 512.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

SIZE = 2 << 20  # bytes of a large page
COLLAPSE = 25  # MADV_COLLAPSE: make large pages of what is there, now; since Linux 6.1, and elsewhere refused without harm
OWN = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ 00:00 0\s*(\[heap\])?")  # memory of no file


def collapse() -> int:
    """Let large pages hold this process's own memory where the kernel can do so; how many bytes it did that for."""
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    done = 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        if found := OWN.fullmatch(line):
            first, end = (-(-int(found[1], 16) // SIZE) * SIZE, int(found[2], 16) // SIZE * SIZE)
            if end > first and advise(first, end - first, COLLAPSE) == 0:
                done += end - first
    return done
