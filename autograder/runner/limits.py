"""What a student reads when a limit of ``course.yml`` was reached: its name and its value."""

from __future__ import annotations

import re
from typing import Any

ENDED = {
    "cell_seconds": "This cell took more than {value:g} seconds (the limit cell_seconds) and was stopped. Does it wait for something?",
    "cell_cpu_seconds": "This cell used {value:g} seconds of processor time (the limit cell_cpu_seconds) and was stopped. Is there a loop that never ends?",
    "notebook_seconds": "The notebook took more than {value:g} seconds (the limit notebook_seconds); this cell did not come to its end.",
    "notebook_cpu_seconds": "The notebook used {value:g} seconds of processor time (the limit notebook_cpu_seconds); this cell did not come to its end.",
    "memory_mb": "The processes of this cell together used more than {value:g} MB of memory (the limit memory_mb) and were stopped.",
    "disk_mb": "This cell wrote too many files beside the notebook (the limit disk_mb, {value:g} MB) and was stopped.",
    "sockets": "This cell opened more sockets than any notebook needs and was stopped.",
}
AGAIN, AGAIN_SECONDS = 2, 30.0  # times what the first run took, and seconds more: that a run may take which is made once more
OF_THE_NOTEBOOK = ("notebook_seconds", "notebook_cpu_seconds")  # what comes after cannot run either

# An error that a limit has raised inside a student's code -> the limit.
_RAISED = (
    (re.compile(r"MemoryError|can't allocate memory|Cannot allocate memory|Unable to allocate|bad_alloc"), "memory_mb", "MB of memory"),
    (re.compile(r"No space left on device|Errno 28\b"), "disk_mb", "MB of files"),
    (re.compile(r"File too large|Errno 27\b"), "file_mb", "MB a file"),
    (re.compile(r"Too many open files|Errno 24\b"), "open_files", "open files"),
    (re.compile(r"can't start new thread|Resource temporarily unavailable|Errno 11\b"), "processes", "processes and threads"),
)  # fmt: skip


def for_another_run(limits: dict[str, Any], seconds: float, cpu_seconds: float) -> dict[str, Any]:
    """Limits for running a submission once more, by what its first run took: an honest one takes as long again."""
    return {
        **limits,
        "notebook_seconds": min(limits["notebook_seconds"], AGAIN * seconds + AGAIN_SECONDS),
        "notebook_cpu_seconds": min(limits["notebook_cpu_seconds"], AGAIN * cpu_seconds + AGAIN_SECONDS),
    }


def ended(limit: str, limits: dict[str, Any], value: float | None = None) -> str:
    """Why a cell was ended from outside."""
    return ENDED[limit].format(value=limits.get(limit) if value is None else value)


def raised(error: str, limits: dict[str, Any]) -> str:
    """The limit behind an error message of a student's code, in a sentence; empty if there is none."""
    for pattern, name, unit in _RAISED:
        if pattern.search(error):
            return f"The limit here is {limits[name]:g} {unit} ({name})."
    return ""
