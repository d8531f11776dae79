"""``autograder doctor``: does this machine have what grading needs, or working on a lecture? Each answer comes from trying."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.course.directory import CourseDirectory, load_course
from autograder.course.gradebook import shown
from autograder.course.packaged import lectures as packaged_lectures
from autograder.errors import UserError
from autograder.grading.secret import SECRET_FILE, secret
from autograder.runner.host import Runner
from autograder.runner.job import Cell, Job
from autograder.wall.facts import Facts

STUDENTS = ("torch", "numpy", "safetensors", "matplotlib", "jupyterlab", "ipykernel", "jaxtyping", "pydantic")
NEEDED = (*STUDENTS, "nbgrader", "jupytext")
KERNEL = "import autograder; print(autograder.__file__, *autograder.__all__)"
UNBUILT = ", not built on this machine yet"
BROKEN = f"Do not grade submissions here. Please report it, with your kernel's version: {os.uname().release}."


@dataclass(frozen=True)
class Finding:
    good: bool
    what: str
    remedy: str = ""


def students_own(course_file: Path) -> bool:
    """Whether this is where somebody works on lectures: no course, and nothing to grade with."""
    return not course_file.exists() and importlib.util.find_spec("nbgrader") is None


def examine_students() -> list[Finding]:
    """What working on a lecture needs, tried one after the other."""
    findings = [_python(), *_packages(STUDENTS, "Install the wheel that your course gave you once more: pip install FILE.whl")]
    findings.append(_try("notebooks", _kernel))
    known = [found.name for found in packaged_lectures()]
    remedy = "Install the wheel that your course gave you; a lecture's folder that you have already works without."
    return [*findings, Finding(bool(known), f"lectures: {', '.join(known) or 'none came with this package'}", remedy)]


def _kernel() -> str:
    """A kernel that runs a cell with this package, for real."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = nbformat.from_dict(new_notebook(cells=[new_code_cell(KERNEL)]))
    try:
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute(stderr=subprocess.DEVNULL)
    except (CellExecutionError, RuntimeError, TimeoutError) as error:
        raise UserError(f"A notebook's kernel does not run this package: {str(error).strip().splitlines()[-1][:300]}") from None
    where = "".join(output.get("text", "") for output in notebook.cells[0].outputs).split(" ")[0]
    if Path(where).resolve() != Path(sys.modules["autograder"].__file__ or "").resolve():
        raise UserError(f"A notebook's kernel finds another autograder than this one: {where}. Install JupyterLab and this package into one environment.")
    return "a kernel starts and finds this package"


def conclusion(findings: list[Finding], of_a_student: bool) -> str:
    """All findings in a sentence."""
    bad = sum(not finding.good for finding in findings)
    if bad:
        return f"Not yet: {bad} thing{'' if bad == 1 else 's'} above {'is' if bad == 1 else 'are'} missing or wrong; below each stands what to do."
    if of_a_student:
        return "All is here to work on the lectures. (For grading, an instructor installs more, in a clone of the course.)"
    unbuilt = any(UNBUILT in finding.what for finding in findings)
    return f"This machine can grade{', once its lectures are built: autograder build' if unbuilt else ''}."


def examine(course_file: Path) -> list[Finding]:
    """Everything that grading needs, tried one after the other."""
    findings = [_python(), *_packages(NEEDED, "pip install -c constraints.txt -e '.[instructor]'")]
    try:
        course = load_course(course_file)
        findings.append(Finding(True, f"{course_file}: {len(course.lectures())} lectures"))
    except UserError as error:
        return [*findings, Finding(False, "course.yml", str(error))]
    findings.append(_try("secret", lambda: _secret(course)))
    runner = _try("runner", lambda: _runner(course))
    findings += [runner, *(_jail(course) if runner.good else [])]
    findings.append(_try("gradebook", lambda: _gradebook(course)))
    findings += _private(course)
    return findings + [_built(course, lecture) for lecture in course.course.lectures]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= (3, 11), f"Python {version}", "Python 3.11 or newer is needed.")


def _packages(needed: Iterable[str], remedy: str) -> list[Finding]:
    findings = []
    for name in needed:
        try:
            findings.append(Finding(True, f"{name} {importlib.metadata.version(name)}"))
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(False, f"{name} is not installed", remedy))
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


ESCAPES = {  # what the jail promises, and a cell that tries to break it and tells
    "no file of the course can be read": """
for path in ({secret!r}, {course!r}):
    try:
        print('escaped', len(open(path).read()))
    except OSError as error:
        print(error)
""",
    "nothing outside can be written": "open({planted!r}, 'w').write('x'); print('escaped')",
    "nor what the next submission runs": "import torch; open(torch.__file__, 'a').close(); print('escaped')",
    "there is no network": "import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('escaped')",
    "no other process is seen": """
import os
seen = {{int(name) for name in os.listdir('/proc') if name.isdigit()}} - {{os.getpid(), 1}}
if seen: print('escaped', len(seen))
""",
    "the process that starts a submission cannot be killed": "import os; os.kill(os.getppid(), 9)",
    "nor looked into": "import os; open(f'/proc/{{os.getppid()}}/environ').read(); print('escaped')",
    "nobody becomes root": "import os; os.setuid(0); print('escaped')",
    "nobody makes a namespace": "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) == 0: print('escaped')",
    "processes are limited": """
import os, signal
children = []
try:
    for _ in range(4 * {processes}):
        pid = os.fork()
        if not pid:
            signal.pause()
        children.append(pid)
    print('escaped')
finally:
    for pid in children:
        os.kill(pid, 9), os.waitpid(pid, 0)
""",
    "memory is limited": "if len(bytearray(2 * {memory_mb} << 20)): print('escaped')",
    "no memory is shared that nobody holds": "import mmap; mmap.mmap(-1, 1 << 20); print('escaped')",
    "the disk is limited": """
import os
try:
    with open('/tmp/{name}', 'wb') as file, open('/dev/shm/{name}', 'wb') as other:
        for _ in range(4 * {disk_mb}):
            file.write(bytes(1 << 20)), other.write(bytes(1 << 20))
    print('escaped')
finally:
    os.remove('/tmp/{name}'), os.remove('/dev/shm/{name}')
""",
}


def _jail(course: CourseDirectory) -> list[Finding]:
    with Runner() as runner:
        return jail_findings(course, runner)


def jail_findings(course: CourseDirectory, runner: Runner) -> list[Finding]:
    """Each promise of the jail, put to the test by a cell that tries to break it."""
    limits = {"cell_seconds": 10, "memory_mb": 2048, "disk_mb": 32, "file_mb": 1024, "processes": 8}
    facts = Facts.of(course.course, next(iter(course.course.lectures)), {}).to_json()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        os.chmod(folder, 0o777)
        planted = Path(folder, "planted")
        known = {**limits, "secret": str(course.root / SECRET_FILE), "planted": str(planted)}
        known["course"] = str(course.root / "course.yml")  # everybody may read it; the secret only its owner
        known |= {"port": listener.getsockname()[1], "name": Path(folder).name}
        cells = [Cell(source.format(**known)) for source in ESCAPES.values()]
        result = runner.run(Job(cells, {}, facts, {**course.course.limits.model_dump(), **limits}))
        listener.setblocking(False)
        told = {"nothing outside can be written": planted.exists(), "there is no network": _called(listener)}
    findings = []
    for what, cell in zip(ESCAPES, result.cells, strict=True):
        text = " ".join([*(o.get("text", "").strip() for o in cell.outputs), cell.ended or ""]).strip()
        held = cell.ran and not cell.ended and "escaped" not in text and not told.get(what)
        findings.append(Finding(held, f"jail: {what}", f"A cell that tried it was not held back. {text} {BROKEN}"))
    return [*findings, Finding(True, f"jail: {_memory(runner)}")]


def _memory(runner: Runner) -> str:
    """Which of two ways holds here."""
    if runner.group:
        return "the memory of a submission is kept by a control group of the kernel's"
    how = "as root, or as a user by: systemd-run --user --scope nbgrader autograde LECTURE"
    return f"the memory of a submission's processes is looked at ten times a second. A control group keeps it where one may be made ({how})"


def _called(listener: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        listener.accept()
        return True
    return False


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
        raise UserError(f"{shown(url)} cannot be opened: {error}") from None
    finally:
        if url.startswith("sqlite:///") and not existed:
            file.unlink(missing_ok=True)
    return f"{shown(url)}: {count} assignments"


def _private(course: CourseDirectory) -> list[Finding]:
    """Whether other accounts of this machine can read the answers and the grades."""
    from autograder.plugin import gradebook_file

    places = [course.build, course.root / SECRET_FILE, *filter(None, [gradebook_file(course)])]
    findings = []
    for place in places:
        if place.exists() and os.name == "posix":
            wide = place.stat().st_mode & (0o005 if place.is_dir() else 0o004)
            what = f"{place.name} is {'open to every account of this machine' if wide else 'closed to other accounts'}"
            findings.append(Finding(not wide, what, f"It holds answers or grades: chmod go-rwx {place}"))
    return findings


def _built(course: CourseDirectory, lecture: str) -> Finding:
    stub, built = course.released(lecture) / f"{lecture}.ipynb", course.source(lecture).is_file() and course.extras(lecture).is_file()
    return Finding(stub.is_file(), f"{lecture}: stub notebook{'' if built else UNBUILT}", f"Make it with: autograder build {lecture}")
