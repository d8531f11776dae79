"""The lectures that came with the package: in a wheel beside its code, in a clone where ``autograder build`` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from autograder.course.directory import EXPECTED
from autograder.errors import UserError

PACKAGE = Path(__file__).parent.parent
NAMES = "names.txt"


@dataclass(frozen=True)
class Packaged:
    """What a student gets of one lecture."""

    name: str
    folder: Path
    names: Path

    @property
    def notebook(self) -> Path:
        return self.folder / f"{self.name}.ipynb"

    @property
    def files(self) -> dict[str, Path]:
        """By the names that they have in a student's folder."""
        return {self.notebook.name: self.notebook, EXPECTED: self.folder / EXPECTED, NAMES: self.names}

    @property
    def title(self) -> str:
        """The first heading of its notebook."""
        cells = json.loads(self.notebook.read_text(encoding="utf-8"))["cells"]
        lines = [line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()]
        return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), self.name)


def lectures(root: Path | None = None) -> list[Packaged]:
    """All lectures that came with the package, in their order.

    Args:
        root: of a clone, where it is not this one.
    """
    home, names = (PACKAGE / "lectures", PACKAGE / "lectures" / NAMES) if root is None else (root / "assignments", root / NAMES)
    if root is None and not home.is_dir():
        home, names = PACKAGE.parent / "assignments", PACKAGE.parent / NAMES
    folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    return [found for path in folders if (found := Packaged(path.name, path, names)).notebook.is_file() and (path / EXPECTED).is_file()]


def lecture_named(name: str) -> Packaged:
    """A lecture by its name or an unmistakable part of it, such as ``1`` or ``trigram``.

    Raises:
        UserError: there is none, or more than one.
    """
    known = lectures()
    if not known:
        raise UserError("No lectures came with this package. Install the wheel that your course gave you, or work in a clone.")
    exact = [found for found in known if found.name == name]
    near = exact or [found for found in known if name.lower() in found.name.split("_")] or [found for found in known if name.lower() in found.name]
    if len(near) != 1:
        if near:
            raise UserError(f"{name!r} can be {' or '.join(found.name for found in near)}.")
        raise UserError(f"There is no lecture {name!r}. The lectures are {', '.join(found.name for found in known)}.")
    return near[0]
