"""``autograder doctor``: does this machine have what grading needs? Each answer comes from trying."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograder.course import CourseDirectory, load_course
from autograder.errors import UserError
from autograder.grading import SECRET_FILE, secret
from autograder.runner.host import Cell, Job, Runner
from autograder.session import Facts

NEEDED = ("torch", "numpy", "safetensors", "nbgrader", "jupytext", "jupyterlab", "jaxtyping", "pydantic")


@dataclass(frozen=True)
class Finding:
    good: bool
    what: str
    remedy: str = ""


def examine(course_file: Path) -> list[Finding]:
    """Everything that grading needs, tried one after the other."""
    findings = [_python(), *_packages()]
    try:
        course = load_course(course_file)
        findings.append(Finding(True, f"{course_file}: {len(course.course.lectures)} lectures"))
    except UserError as error:
        return [*findings, Finding(False, "course.yml", str(error))]
    findings += [
        _try("secret", lambda: _secret(course)),
        _try("runner", lambda: _runner(course)),
        _try("gradebook", lambda: _gradebook(course)),
    ]
    return findings + [_built(course, lecture) for lecture in course.course.lectures]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= (3, 11), f"Python {version}", "Python 3.11 or newer is needed.")


def _packages() -> list[Finding]:
    findings = []
    for name in NEEDED:
        try:
            findings.append(Finding(True, f"{name} {importlib.metadata.version(name)}"))
        except importlib.metadata.PackageNotFoundError:
            findings.append(
                Finding(False, f"{name} is not installed", "pip install -c constraints.txt -e '.[instructor]'")
            )
    return findings


def _try(what: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(True, f"{what}: {attempt()}")
    except (UserError, OSError) as error:
        return Finding(False, what, str(error))


def _secret(course: CourseDirectory) -> str:
    return f"{len(secret(course))} characters ({SECRET_FILE} or the environment)"


def _runner(course: CourseDirectory) -> str:
    """A cell that works, one that dies and one that never ends, run for real."""
    lecture = next(iter(course.course.lectures))
    facts = Facts.of(course.course, lecture, {}).to_json()
    limits = {**course.course.limits.model_dump(), "cell_seconds": 1.0}
    cells = [
        Cell("print(6 * 7)"),
        Cell("import os; os._exit(1)"),
        Cell("while True: pass"),
        Cell("print('still here')"),
    ]
    with Runner() as runner:
        result = runner.run(Job(cells, {}, facts, limits))
    texts = ["".join(o.get("text", "") for o in cell.outputs) for cell in result.cells]
    if texts[0] != "42\n" or texts[3] != "still here\n" or not result.cells[1].ended or not result.cells[2].ended:
        raise UserError(
            f"The runner does not contain a cell that dies or hangs; outputs were {texts}. Please report this with your kernel's version: {os.uname().release}."
        )
    return "runs cells, and survives one that dies and one that hangs"


def _gradebook(course: CourseDirectory) -> str:
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SQLAlchemyError

    from autograder.plugin import absolute_gradebook, own_commands_first

    own_commands_first()
    url = absolute_gradebook(course)
    file = Path(url.removeprefix("sqlite:///").partition("?")[0])
    existed = file.exists()
    try:
        with Gradebook(url, course.course.course) as gradebook:
            count = len(gradebook.assignments)
    except SQLAlchemyError as error:
        raise UserError(f"{url} cannot be opened: {error}") from None
    finally:
        if url.startswith("sqlite:///") and not existed:
            file.unlink(missing_ok=True)
    return f"{url.split('@')[-1]}: {count} assignments"


def _built(course: CourseDirectory, lecture: str) -> Finding:
    stub = course.released(lecture) / f"{lecture}.ipynb"
    return Finding(stub.is_file(), f"{lecture}: stub notebook", f"Make it with: autograder build {lecture}")
