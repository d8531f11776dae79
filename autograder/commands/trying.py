"""``autograder try``: a notebook from top to bottom in a fresh process, as grading runs it, on a student's own machine."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import tempfile
import textwrap
import threading
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from autograder.commands.stages import Stages
from autograder.commands.terminal import console
from autograder.commands.trying_page import page_of
from autograder.course.directory import EXPECTED
from autograder.course.packaged import NAMES, lectures
from autograder.errors import UserError
from autograder.files import write_whole

if TYPE_CHECKING:  # it loads torch
    from autograder.student.own_notebook import Saved
    from autograder.student.standing import Standing
    from autograder.wall.facts import Facts

MOST_SAID = 300  # characters of a reason; the page has all
MAX_FILE = 64 << 20  # bytes of a file that is taken along; grading takes none that is larger
TAKEN = (".safetensors", ".txt", ".csv", ".json", ".py", ".npy", ".npz", ".png", ".jpg", ".jpeg")  # beside a notebook
MOST_ENDS = 5  # cells that end the process: each is left out in another run
TO_STOP = 5  # seconds for a cell that is interrupted
WRITTEN = "written"  # in words: a person reads it
STARTS = 120  # seconds for a kernel to come up, on a busy machine


@dataclass
class Tried:
    """What came out."""

    facts: Facts
    notebook: Any
    saved: Saved
    standing: Standing
    notes: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)  # by exercise, why it is not right

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Of each exercise: id, title, state, points to expect, reason."""
        found = []
        for name, rules in self.standing.rules.items():
            status, points = self.standing.known.get(name, ("no verdict", 0.0))
            state, earned = (WRITTEN, "?") if rules.written else (status, f"{round(points, 2):g}")
            if rules.written and self.saved.is_unwritten(name, rules):
                state, earned = "unwritten", "0"
            told = f"{earned} of {rules.points:g}{rules.of_bonus}{', from a person' if rules.written else ''}"
            found.append((name, rules.title, state, told, self.reasons.get(name, "")))
        return found


def try_(
    notebook: Annotated[
        Path | None,
        typer.Argument(
            help="Your notebook, such as lecture_1_trigram/lecture_1_trigram.ipynb, or its folder.", show_default="the one in this folder", metavar="[NOTEBOOK]"
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Where the page goes.", show_default="beside the notebook, its name with -try.html", metavar="FILE")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Run a notebook from top to bottom in a fresh process, as grading does, and say which points to expect.

    It runs in a copy of its folder: nothing of yours is changed. Locked cells run as they were handed out. A training is not repeated: its weights are
    taken from the `.safetensors` file beside the notebook, and without one it is trained for a short while only, as while grading.

    The answers are compared on the draws that the lecture came with. While grading others are drawn, and the work runs within limits of time and memory:
    an answer that fits these draws alone can still lose points.

    Ends with a table, and writes a page with all cards. Exit code 1 if the notebook could not be run.
    """
    notebook = _the_notebook(notebook or Path())
    with Stages(console) as stages:
        stage = stages.begin("running the cells", 0)
        tried = run(notebook, stage.expect, stage.reach)
        stage.end("all cells have run")
    table = Table("exercise", "state", "points", "why", title=tried.facts.lecture, title_justify="left")
    for name, _, state, points, reason in tried.rows():
        table.add_row(name, state, points, escape(reason), style="" if state in ("correct", WRITTEN) else "yellow")
    console.print(table)
    for note in tried.notes:
        console.print(escape(note), highlight=False, soft_wrap=True)
    target = page or notebook.with_name(f"{notebook.stem}-try.html")
    try:
        draws = max((len(seeds) for seeds in tried.facts.seeds.values()), default=0)
        text = page_of(tried.notebook, notebook.name, tried.facts.lecture, tried.standing.sums(), tried.rows(), tried.notes, draws)
        write_whole(target, text.encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"The page cannot be written: {error}. Name another place with --page.") from None
    console.print(f"To expect: {tried.standing.sums()}.", highlight=False, soft_wrap=True)
    console.print(f"All cards: {escape(str(target))}", highlight=False, soft_wrap=True)
    if show:
        webbrowser.open(target.resolve().as_uri())


def _the_notebook(place: Path) -> Path:
    """A file as it is; of a folder its notebook: the one of the folder's name, or the only one.

    Raises:
        UserError: the folder holds none, or several.
    """
    if not place.is_dir():
        beside = Path(place.stem) / place.name  # typed where the lecture's folder lies
        return beside if not place.exists() and beside.is_file() else place
    own, found = place / f"{place.resolve().name}.ipynb", sorted(place.glob("*.ipynb"))
    if own in found or len(found) == 1:
        return own if own in found else found[0]
    inside = sorted(os.path.relpath(path) for path in place.glob("*/*.ipynb") if path.stem == path.parent.name)
    if not found and len(inside) == 1:
        return Path(inside[0])
    several = f"there are several notebooks: {', '.join(path.name for path in found)}"
    what = several if found else f"there is no notebook; in its folders: {', '.join(inside)}" if inside else "there is no notebook"
    raise UserError(f"In {place.resolve()} {what}. Name yours: autograder try {(inside or ['NOTEBOOK'])[0]}")


def run(path: Path, expect: Callable[[int], None] = lambda cells: None, begin: Callable[[int, str], None] = lambda done, text: None) -> Tried:
    """Run a notebook in a copy of its folder.

    Args:
        expect: told how many cells there are.
        begin: told of each that begins to run: how many have, and its first line.

    Raises:
        UserError: it is no notebook of a lecture, or no kernel starts.
        CheckFailed: what came with it is not there.
    """
    import nbformat

    from autograder.judge.public import public_answers
    from autograder.student.own_notebook import of_lecture
    from autograder.student.standing import Standing

    if not path.is_file():
        inside = sorted(os.path.relpath(found) for found in Path().glob("*/*.ipynb") if found.stem == found.parent.name)
        here = f'; here are {", ".join(inside)}' if inside else ''
        raise UserError(f"{path}: there is no such file. Name your notebook, or its folder{here}.")
    facts = public_answers(path.parent / EXPECTED)[1]
    if (saved := of_lecture(path, facts.exercises)) is None:
        what = "Name the .ipynb file or its folder; if it is that, save it in JupyterLab, and try again."
        raise UserError(f"{path} is no notebook of {facts.lecture}, or cannot be read. {what}")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001  nbformat raises whatever a damaged file leads it to
        raise UserError(f"{path} cannot be read as a notebook: {type(error).__name__}: {str(error)[:200]}") from None
    tried = Tried(facts, notebook, saved, Standing(saved.in_order(facts.exercises)))
    _restore(tried)
    expect(sum(cell.cell_type == "code" for cell in notebook.cells))
    left_out: set[int] = set()
    while True:
        with tempfile.TemporaryDirectory(prefix="autograder-try-", ignore_cleanup_errors=True) as copy:
            _copy(path, Path(copy))
            nbformat.write(notebook, Path(copy) / path.name)  # by which a check tells the lecture's own cells from the student's
            ended = _run_cells(tried, Path(copy), left_out, begin)
        if ended is None:
            break
        left_out.add(ended)
        which = f"The cell that begins with {_beginning(notebook.cells[ended].source)}"
        tried.notes.append(f"{which} ended the process, or did not stop; it was left out, and the rest ran again.")
        if len(left_out) > MOST_ENDS:
            tried.notes.append("So many cells end the process that the rest was not run.")
            break
    _take_verdicts(tried, path.parent)
    return tried


def _restore(tried: Tried) -> None:
    """Locked cells as they were handed out, where the package knows this release of the lecture."""
    import nbformat

    found = next((known for known in lectures() if known.name == tried.facts.lecture), None)
    released = nbformat.read(found.notebook, as_version=4).cells if found else []
    originals = {about.grade_id: cell for cell in released if (about := cell.metadata.get("nbgrader")) and about.locked}
    edited = []
    for cell in tried.notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        original = originals.get(about.get("grade_id", ""))
        if original is None or about.get("checksum") != original.metadata.nbgrader.checksum or cell.cell_type != original.cell_type:
            continue
        if cell.source.strip() != original.source.strip():
            cell.source = original.source
            edited.append(about["grade_id"])
    if edited:
        tried.notes.append(f"Locked cells that had been edited ran as they were handed out: {', '.join(edited)}.")


def _copy(path: Path, folder: Path) -> None:
    """What grading would have beside the notebook: its weights, its modules and data, the lecture's answers and names."""
    for file in sorted(path.parent.iterdir()):
        if file.is_file() and file.suffix.lower() in TAKEN and file.stat().st_size <= MAX_FILE and ".previous" not in file.name:
            shutil.copyfile(file, folder / file.name)
    if not (folder / NAMES).is_file():
        above = next((above / NAMES for above in path.resolve().parents if (above / NAMES).is_file()), None)
        if above:
            shutil.copyfile(above, folder / NAMES)


def _run_cells(tried: Tried, folder: Path, left_out: set[int], begin: Callable[[int, str], None]) -> int | None:
    """Run all cells; the number of one that ended the process, if one did."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from autograder.student.rehearsal import ASKED, LIMITS

    environment = {name: value for name, value in os.environ.items() if name != "JPY_SESSION_NAME"} | {ASKED: "1"}
    environment["OMP_NUM_THREADS"] = "1"  # as in the jail
    place, notebook = {"metadata": {"path": str(folder)}}, tried.notebook
    client = NotebookClient(notebook, startup_timeout=STARTS, kernel_name="python3", allow_errors=True, interrupt_on_timeout=True, resources=place)
    client.log = logging.Logger(__name__, logging.CRITICAL)  # a cell that was stopped is told by its card
    number, done = -1, 0
    try:
        with client.setup_kernel(env=environment, stderr=subprocess.DEVNULL):  # what its server says of itself; cells' own goes into the notebook
            for number, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                cell.outputs = []
                begin(done, _beginning(cell.source))
                done += 1
                if number not in left_out:
                    client.timeout = int(LIMITS.cell_seconds + (3 * LIMITS.training_seconds if "fit(" in cell.source else 0))
                    with _ended_after(client.timeout + TO_STOP, client):
                        client.execute_cell(cell, number)
    except (DeadKernelError, CellTimeoutError) as error:
        if number < 0:
            raise UserError(f"No Jupyter kernel starts here: {error}") from None
        return number
    except RuntimeError as error:
        raise UserError(f"No Jupyter kernel starts here: {error}. Is ipykernel installed? pip install ipykernel") from None
    return None


@contextlib.contextmanager
def _ended_after(seconds: float, client: Any) -> Iterator[None]:
    """A cell that catches the interrupt as well, and goes on, is ended with its process."""
    timer = threading.Timer(seconds, lambda: client.km.provisioner.process.kill())
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _take_verdicts(tried: Tried, folder: Path) -> None:
    """What the cards say, of the cell that is the exercise's check; and what is not run here."""
    from autograder.judge.errors import STOPPED
    from autograder.student.called import OTHER_CODE
    from autograder.student.own_notebook import MARK

    for cell in tried.notebook.cells:
        if any(output.output_type == "error" and output.ename == STOPPED for output in cell.get("outputs", ())):
            tried.notes.append(f"The cell that begins with {_beginning(cell.source)} took longer than a cell may, and was stopped.")
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        for output in cell.get("outputs", ()):
            about = output.get("metadata", {}).get(MARK, {})
            if about.get("exercise") == name:
                tried.standing.known[name] = str(about["status"]), float(about["points"])
                if other := about.get("other_code"):
                    tried.reasons[name] = OTHER_CODE.format(other)
            elif output.output_type == "error" and name in tried.facts.exercises and tried.standing.known.get(name, ("",))[0] != "not attempted":
                said = textwrap.shorten(str(output.evalue).removeprefix(f"{name}: "), MOST_SAID, placeholder=" …")
                tried.reasons[name] = f"{said} {tried.reasons.get(name, '')}".strip()
    for name, rules in tried.facts.exercises.items():
        if rules.loss and not (folder / f"{name}.safetensors").is_file() and not tried.saved.is_unwritten(name, rules):
            short = "the training ran for a short while only, as while grading. Train in the notebook, and hand in the file"
            tried.notes.append(f"{name}.safetensors is missing: {short}.")
        if not rules.written and name not in tried.standing.known:
            tried.reasons.setdefault(name, "its check gave no verdict: is its cell still in the notebook, under its own name?")


def _beginning(source: str) -> str:
    return repr(next((line for line in source.splitlines() if line.strip()), "")[:60])
