"""``autograder handout``: one zip with all that a student needs for a lecture, wherever it is unpacked."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from autograder.commands.stages import Stages
from autograder.commands.terminal import console, the_course
from autograder.course.directory import EXPECTED, CourseDirectory
from autograder.course.packaged import NAMES, PACKAGE
from autograder.errors import UserError
from autograder.files import write_whole

BUILT_OF = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "constraints.txt")  # beside the package, in a clone
README = """Open a terminal in the folder that holds {lecture}/, not in it. Once for all lectures, of which the second line takes some minutes:
1.  python3 -m venv .venv
2.  .venv/bin/pip install -c {lecture}/constraints.txt {lecture}/{wheel}
Each time:
3.  .venv/bin/jupyter lab {lecture}/{lecture}.ipynb
Before you hand in, to see which points to expect: .venv/bin/autograder try {lecture}/{lecture}.ipynb
On Windows write py for python3, and .venv\\Scripts\\ for .venv/bin/.
"""


def handout(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    out: Annotated[Path | None, typer.Option(help="Where it goes.", show_default="build/handout/LECTURE.zip", metavar="FILE")] = None,
) -> None:
    """Make a zip for students: notebook, answers of its checks, names, this package as a wheel, exact versions, and a README of three commands.

    Put it on your learning platform. Students unpack it anywhere, and hand in what the notebook's last cell makes; `autograder collect` takes that.
    With nbgrader's exchange it is not needed: there the package is installed for everybody.
    """
    course = the_course()
    course.lecture(lecture)
    files = files_of(course, lecture)
    target = _place(out, lecture) if out else course.build / "handout" / f"{lecture}.zip"
    with Stages(console) as stages:
        stage = stages.begin("packing", 2)
        stage.say(lecture, "the package")
        with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
            wheel = wheel_of(course, Path(scratch))
            stage.advance("the package is built")
            data = packed(lecture, {**files, wheel.name: wheel}, wheel.name)
        stage.end("packed")
    try:
        if out is None:
            course.make_private()
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, data)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error}. Name another place with --out.") from None
    console.print(f"{target} ({len(data) / 1e6:.1f} MB): give it to your students.", highlight=False, markup=False, soft_wrap=True)


def _place(out: Path, lecture: str) -> Path:
    """A zip of that name, or one in that folder."""
    if out.is_dir():
        return out / f"{lecture}.zip"
    return out if out.suffix.lower() == ".zip" else out.with_name(f"{out.name}.zip")


def files_of(course: CourseDirectory, lecture: str) -> dict[str, Path]:
    """What goes into the zip besides the package, by its name there.

    Raises:
        UserError: the stub or the exact versions are missing.
    """
    folder = course.released(lecture)
    files = {f"{lecture}.ipynb": folder / f"{lecture}.ipynb", EXPECTED: folder / EXPECTED, NAMES: course.names}
    files["constraints.txt"] = PACKAGE.parent / "constraints.txt"
    for name, path in files.items():
        if not path.is_file():
            raise UserError(f"{path}: there is no such file, and students need {name}. Make it with: autograder build {lecture}")
    return files


def packed(lecture: str, files: dict[str, Path], wheel: str) -> bytes:
    """The zip: all in one folder of the lecture's name, with a README."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, f"{lecture}/{name}")
        readme = zipfile.ZipInfo(f"{lecture}/README.txt", time.localtime()[:6])
        readme.external_attr = 0o644 << 16
        archive.writestr(readme, README.format(wheel=wheel, lecture=lecture))
    return made.getvalue()


def wheel_of(course: CourseDirectory, scratch: Path) -> Path:
    """This package as a wheel, with the course's own lectures in it.

    Args:
        scratch: an empty folder.

    Raises:
        UserError: the package is no clone, or pip cannot build it.
    """
    clone = PACKAGE.parent
    if not all((clone / name).is_file() for name in BUILT_OF):
        raise UserError("A wheel can be built of a clone only: install the package with `pip install -c constraints.txt -e '.[instructor]'` in one.")
    tree = scratch / "tree"  # of its own: what pip leaves in a clone's build/ would go into the next wheel
    shutil.copytree(PACKAGE, tree / "autograder", ignore=shutil.ignore_patterns("__pycache__", "lectures"))
    for name in BUILT_OF:
        shutil.copyfile(clone / name, tree / name)
    shutil.copyfile(course.names, tree / NAMES)
    for name in course.course.lectures:
        if (course.released(name) / f"{name}.ipynb").is_file():
            shutil.copytree(course.released(name), tree / "assignments" / name)
    (tree / "assignments").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir", str(scratch / "made"), str(tree)]
    if find_spec("setuptools"):  # else pip fetches it
        command.insert(4, "--no-build-isolation")
    ended = subprocess.run(command, capture_output=True, text=True)
    found = sorted((scratch / "made").glob("*.whl"))
    if ended.returncode or not found:
        raise UserError(f"pip cannot build the package:\n{(ended.stderr or ended.stdout).strip()[-2000:]}")
    return found[0]
