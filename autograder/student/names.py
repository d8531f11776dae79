"""The course's names as a notebook loads them: those of its own folder, split as its course splits them."""

from __future__ import annotations

from pathlib import Path

from autograder.course.names import Names, read_names
from autograder.student.session import split_seed


def load_names(path: Path | str | None = None, seed: int | None = None) -> Names:
    """The course's names: those of ``path``, or of ``names.txt`` in this folder or one above it.

    Args:
        seed: of the split; that of the course whose assignment stands in this folder unless told otherwise.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line of it is no name.
    """
    if path is None:
        folders = (Path.cwd(), *Path.cwd().parents)
        path = next((folder / "names.txt" for folder in folders if (folder / "names.txt").is_file()), None)
    if path is None:
        raise FileNotFoundError("there is no names.txt in this folder: it comes with the assignment; fetch it again")
    return read_names(Path(path), split_seed() if seed is None else seed)
