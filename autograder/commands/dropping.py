"""What ``autograder build`` does about lectures that ``course.yml`` leaves out: their stubs go, if they are only that."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autograder.commands.build import release, write_sources
from autograder.course.directory import EXPECTED, CourseDirectory
from autograder.errors import UserError


def drop_skipped(course: CourseDirectory) -> list[str]:
    """Take away what an earlier build made of skipped lectures; a line for each folder that was there.

    A stub that somebody has written into, and whatever this kit does not make, stays. So do trained references.
    """
    lines = []
    for lecture in course.skipped:
        folder = course.released(lecture)
        if folder.is_dir():
            kept = _take_away(folder, _made(course, lecture))
            where = f"assignments/{lecture}"
            said = f"{', '.join(kept)} stays in {where}: this kit did not make it, or not so" if kept else f"{where} is removed"
            lines.append(f"{lecture}: skipped; {said}.")
        source = course.source(lecture).parent
        if source.is_dir():
            _take_away(source, {path.name: None for path in (course.source(lecture), source / EXPECTED, source / "names.txt")})
    return lines


def _made(course: CourseDirectory, lecture: str) -> dict[str, bytes | None]:
    """The files that a build makes for students: their content, or nothing where it is the kit's whatever it holds."""
    made: dict[str, bytes | None] = {EXPECTED: None, "names.txt": course.names.read_bytes()}
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        try:
            write_sources(course, lecture)
            release(course, lecture, Path(scratch), even_skipped=True)
            made[f"{lecture}.ipynb"] = Path(scratch, lecture, f"{lecture}.ipynb").read_bytes()
        except (UserError, OSError):  # its text is gone or unfinished: nobody can say what the stub was
            pass
    return made


def _take_away(folder: Path, made: dict[str, bytes | None]) -> list[str]:
    """Delete these files if they hold what was made, and the folder if it is empty then.

    Returns:
        What is left, by name.
    """
    for name, data in made.items():
        path = folder / name
        if path.is_file() and not path.is_symlink() and (data is None or path.read_bytes() == data):
            path.unlink()
    kept = sorted(path.name for path in folder.iterdir())
    if not kept and not folder.is_symlink():
        folder.rmdir()
    return kept
