"""``python solutions/<lecture>.py``: a lecture file proves itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def run(name: str, namespace: dict[str, Any]) -> None:
    """Verify the lecture file that is being run as a script, then exit; in a notebook this does nothing.

    Whatever is missing is said in a sentence, and the exit code is 1.

    Args:
        name: ``__name__`` of the lecture file.
        namespace: its ``globals()``.
    """
    file = Path(namespace.get("__file__", ""))
    if name == "__main__" and file.suffix == ".py":
        from autograder.commands.cli import main

        folder = file.resolve().parent
        course = folder.parent / "course.yml"
        if folder.name != "solutions" or not course.is_file():
            sys.exit(f"{file}: a lecture file stands in the folder solutions/ beside course.yml. Put it there, and run it again.")
        sys.exit(main(["--course", str(course), "verify", file.stem]))
