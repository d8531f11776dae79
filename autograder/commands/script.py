"""``python solutions/<lecture>.py``: a lecture file proves itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def run(name: str, namespace: dict[str, Any]) -> None:
    """Verify the lecture file that is being run as a script, then exit; in a notebook this does nothing.

    Args:
        name: ``__name__`` of the lecture file.
        namespace: its ``globals()``.
    """
    file = Path(namespace.get("__file__", ""))
    if name == "__main__" and file.suffix == ".py":
        from autograder.commands.cli import main

        sys.exit(main(["--course", str(file.resolve().parent.parent / "course.yml"), "verify", file.stem]))
