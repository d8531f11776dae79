"""``autograder gradescope``: a lecture as the zip that Gradescope's autograder takes."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from autograder.commands.own_files import is_own, write_own
from autograder.commands.stages import Stages
from autograder.commands.terminal import console, the_course
from autograder.course.directory import CourseDirectory
from autograder.course.schema import Lecture
from autograder.errors import UserError

PACKAGE = Path(__file__).parent.parent
DISTRIBUTION = "zero-to-hero-autograder"
OPTIONS = "options.json"  # in the zip
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"  # the same torch without gigabytes of CUDA; else the usual one

SETUP = f"""#!/usr/bin/env bash
# Run once, when Gradescope makes the image: Python 3.11 or newer, bubblewrap, the packages, and the answers for the hidden inputs.
set -e
BASE="${{AUTOGRADER_BASE:-/autograder}}"
chmod 700 "$BASE/source"  # it holds the answers
if [ -z "${{AUTOGRADER_PYTHON:-}}" ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y bubblewrap libseccomp2
  find_python() {{
    for name in python3.13 python3.12 python3.11; do
      if command -v "$name" > /dev/null && "$name" -c 'import ensurepip' 2> /dev/null; then echo "$name"; return 0; fi
    done
    return 1
  }}
  if ! find_python > /dev/null; then
    apt-get install -y python3.12 python3.12-venv || apt-get install -y python3.11 python3.11-venv
  fi
  "$(find_python)" -m venv "$BASE/venv"
  "$BASE/venv/bin/pip" install --no-cache-dir --index-url {CPU_WHEELS} "$(grep '^torch==' "$BASE/source/requirements.txt")" || true
  "$BASE/venv/bin/pip" install --no-cache-dir -r "$BASE/source/requirements.txt"
  chmod -R a+rX "$BASE/venv"
fi
PYTHONPATH="$BASE/source/kit${{PYTHONPATH:+:$PYTHONPATH}}" "${{AUTOGRADER_PYTHON:-$BASE/venv/bin/python}}" -P -m autograder.commands.gradescoped prepare
"""
RUN = """#!/usr/bin/env bash
# Grades what is in submission/ and writes results/results.json.
BASE="${AUTOGRADER_BASE:-/autograder}"
export PYTHONPATH="$BASE/source/kit${PYTHONPATH:+:$PYTHONPATH}"
exec "${AUTOGRADER_PYTHON:-$BASE/venv/bin/python}" -P -m autograder.commands.gradescoped grade
"""
README = """An autograder for Gradescope: {title} ({lecture}).

WHOEVER HAS THIS ZIP HAS THE ANSWERS of this lecture, and the seeds of its hidden inputs. Do not pass it on, and do not put it where students read.
The secret itself and other lectures' answers are not in it.

Upload it under "Configure Autograder". Separation of submissions: {separation}.
"""


class Visibility(StrEnum):
    visible = "visible"
    after_due_date = "after_due_date"
    after_published = "after_published"
    hidden = "hidden"


def gradescope(
    lecture: Annotated[str, typer.Argument(help="A lecture of course.yml, such as lecture_1_trigram.", metavar="LECTURE")],
    out: Annotated[Path | None, typer.Option(help="Where the zip goes.", show_default="gradescope-LECTURE.zip in the course's folder")] = None,
    weaker: Annotated[
        bool,
        typer.Option(
            "--weaker-separation", help="Where Gradescope's container allows no jail, run submissions as another user. Results say what is then not promised."
        ),
    ] = False,
    visibility: Annotated[Visibility, typer.Option(help="When students see the tests.")] = Visibility.visible,
    leaderboard: Annotated[bool, typer.Option(help="Put the losses of trained models on Gradescope's leaderboard, which the class sees.")] = True,
) -> None:
    """Make the autograder zip of a lecture for Gradescope: the same points as `nbgrader autograde`, each exercise a test.

    **Whoever has the zip has the answers.** It holds the built lecture, the trained references, the seeds of its hidden inputs (not the secret), the
    names and this package.

    Upload it as the autograder of a programming assignment; Gradescope installs it, which takes some minutes, and grades on its own machines. Students
    hand in the notebook and the weights files. Late work is Gradescope's to judge: no penalty of `course.yml` is taken off there. Written answers are
    shown as waiting for a person, and have no points.

    Submissions are run in a jail. Gradescope's containers may not allow one; then nothing is graded, unless the zip was made with --weaker-separation.
    """
    course = the_course()
    entry = course.lecture(lecture)
    target = out or course.root / f"gradescope-{lecture}.zip"
    if not course.source(lecture).is_file() or not course.extras(lecture).is_file():
        raise UserError(f"{lecture} has not been built on this machine. First: autograder build {lecture}")
    for name, rules in entry.exercises.items():
        if rules.loss and not (course.weights(lecture) / f"{name}.safetensors").is_file():
            raise UserError(f"The reference of {name} has not been trained on this machine. First: autograder build {lecture}")
    with Stages(console) as stages:
        stage = stages.begin("packing", 1)
        options = {"lecture": lecture, "weaker_separation": weaker, "visibility": visibility.value, "leaderboard": leaderboard}
        data = _zip(course, lecture, entry, options)
        stage.end("packed")
    _put(course, target, data)
    by_machine = {name: rules for name, rules in entry.exercises.items() if not rules.written}
    most = sum(rules.points - rules.bonus_points for rules in by_machine.values())
    bonus = sum(rules.bonus_points for rules in by_machine.values())
    written = sum(rules.points for rules in entry.exercises.values() if rules.written)
    console.print(f"Written: {escape(os.path.relpath(target))} ({len(data) / 1e6:.1f} MB). Whoever has it has the answers.", highlight=False, soft_wrap=True)
    said = f"In Gradescope give the autograder {most:g} points"
    said += f"; {bonus:g} more can be had as a bonus" if bonus else ""
    said += f", and {written:g} for written answers are given by hand" if written else ""
    console.print(f"{said}.", highlight=False, soft_wrap=True)


def _zip(course: CourseDirectory, lecture: str, entry: Lecture, options: dict[str, Any]) -> bytes:
    from autograder.course.notebook import earlier_prose
    from autograder.grading.secret import SEEDS_FILE, hidden_facts

    separation = "as another user, where no jail can be had" if options["weaker_separation"] else "a jail, or no grade"
    seeds = json.dumps(hidden_facts(course, lecture).seeds)
    files: dict[str, bytes] = {
        "setup.sh": SETUP.encode(),
        "run_autograder": RUN.encode(),
        "README.txt": README.format(title=entry.title, lecture=lecture, separation=separation).encode(),
        OPTIONS: json.dumps(options, indent=2).encode(),
        "requirements.txt": "\n".join(_requirements()).encode() + b"\n",
        "course/course.yml": _course_of_one(course, lecture).encode(),
        "course/nbgrader_config.py": b"from autograder.plugin import configure\n\nc = get_config()  # noqa: F821\nconfigure(c, __file__)\n",
        "course/names.txt": course.names.read_bytes(),
        f"course/{SEEDS_FILE}": seeds.encode(),
    }
    kept = [*course.source(lecture).parent.rglob("*"), course.extras(lecture), *course.weights(lecture).glob("*.safetensors")]
    kept.append(earlier_prose(course.source(lecture)))
    files |= {f"course/{path.relative_to(course.root).as_posix()}": path.read_bytes() for path in kept if path.is_file()}
    files |= {f"kit/autograder/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in sorted(PACKAGE.rglob("*")) if _is_ours(path)}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same content is the same zip
            info.external_attr = (0o755 if name in ("setup.sh", "run_autograder") else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return made.getvalue()


def _is_ours(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and not path.name.endswith((".pyc", ".partial"))


def _course_of_one(course: CourseDirectory, lecture: str) -> str:
    """``course.yml`` with this lecture alone, a gradebook of its own, and no dates: lateness is Gradescope's to judge."""
    import yaml

    said = course.course.model_dump(by_alias=True, exclude_none=True, exclude={"listed", "gradebook", "late", "resubmissions", "timezone"})
    entry = course.course.listed[lecture]
    exercises = {name: rules.model_dump(exclude_none=True) for name, rules in entry.exercises.items()}
    lectures = {lecture: {**entry.model_dump(include={"title", "video"}, exclude_none=True), "exercises": exercises}}
    said["data"] = {**said["data"], "names": "names.txt"}
    return yaml.safe_dump(_plain({**said, "lectures": lectures}), allow_unicode=True, sort_keys=False, width=150)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def _requirements() -> Iterator[str]:
    """All that grading needs, in the versions of this machine: the same torch computes the same last digits."""
    from packaging.markers import default_environment
    from packaging.requirements import Requirement

    environment = {**{key: str(value) for key, value in default_environment().items()}, "extra": ""}
    try:
        todo = [(DISTRIBUTION, "instructor")]
        metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise UserError("This package is not installed, so what it needs is not known. Install it: pip install -c constraints.txt -e '.[instructor]'") from None
    seen: set[tuple[str, str]] = set()
    pins: dict[str, str] = {}
    while todo:
        name, extra = todo.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if (key, extra) in seen:
            continue
        seen.add((key, extra))
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # asked for on another system
        if key != DISTRIBUTION:
            pins[key] = found.version.partition("+")[0]
        for text in found.requires or ():
            asked = Requirement(text)
            if asked.marker is None or asked.marker.evaluate({**environment, "extra": extra}):
                todo += [(asked.name, part) for part in ("", *asked.extras)]
    held = {"nvidia", "cuda", "triton"}  # torch's, for graphics cards
    yield f"# of Python {sys.version_info.major}.{sys.version_info.minor}"
    yield from (f"{name}=={pins[name]}" for name in sorted(pins) if name.partition("-")[0] not in held)


def _put(course: CourseDirectory, target: Path, data: bytes) -> None:
    """Write the zip for its owner alone; a file that is not one of these is left as it is."""
    if target.exists() and not is_own(course, target):
        raise UserError(f"{target} is there, and this command has not written it as it is. Move it away, or name another file with --out.")
    try:
        write_own(course, target, data)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}. Name another file with --out.") from None
