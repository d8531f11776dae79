"""Which files of a submission are meant, whatever browsers, editors and learning platforms have made of them."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import torch
from conftest import TINY, asked_for, copy_course, daily
from converters import convert
from nbgrader.api import Gradebook

from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.plugin.choosing import files_in
from autograder.plugin.notes import NOTE

FULL, NOTEBOOK, WEIGHTS = 14.0, f"{TINY}.ipynb", "train_tiny.safetensors"
Edit = Callable[[Path], None]


def renamed(name: str, of: str = NOTEBOOK) -> Edit:
    def edit(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / of).rename(folder / name)

    return edit


def both(*edits: Edit) -> Edit:
    return lambda folder: [edit(folder) for edit in edits] and None


def holding(name: str, data: bytes | str) -> Edit:
    return lambda folder: (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode()) and None


def zipped(inner: str = "", keep: bool = False, **extra: bytes) -> Edit:
    def edit(folder: Path) -> None:
        files = [path for path in folder.iterdir() if path.is_file()]
        with zipfile.ZipFile(folder / "homework.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, f"{inner}{path.name}")
            for name, data in extra.items():
                archive.writestr(name, data)
        for path in files:
            if not keep:
                path.unlink()

    return edit


def encoded(encoding: str) -> Edit:
    def edit(folder: Path) -> None:
        notebook = json.loads((folder / NOTEBOOK).read_text())
        notebook["cells"][0]["source"] = "# größer"
        (folder / NOTEBOOK).write_bytes(json.dumps(notebook, ensure_ascii=False).encode(encoding))

    return edit


def cell(**parts: object) -> Edit:
    def edit(folder: Path) -> None:
        notebook = json.loads((folder / NOTEBOOK).read_text())
        notebook["cells"].insert(1, {"metadata": {}, "source": "1/0", **parts})
        (folder / NOTEBOOK).write_text(json.dumps(notebook))

    return edit


def as_folder(folder: Path) -> None:
    files = list(folder.iterdir())
    (folder / TINY).mkdir()
    for path in files:
        path.rename(folder / TINY / path.name)


def older(name: str) -> Edit:
    return lambda folder: os.utime(folder / name, (1, 1))


def copied(name: str, change: Callable[[str], str] = lambda text: text) -> Edit:
    return lambda folder: (folder / name).write_text(change((folder / NOTEBOOK).read_text())) and None


EMPTY = json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")]))
APPLE = b"\0\5\x16\7\0\2\0\0Mac OS X"
CASES: dict[str, tuple[Edit, str]] = {  # what becomes of a right submission, and what its page says of it
    "json": (renamed(f"{NOTEBOOK}.json"), f"is called {NOTEBOOK}.json, not {NOTEBOOK}; it was graded all the same"),
    "txt": (renamed(f"{NOTEBOOK}.txt"), f"is called {NOTEBOOK}.txt"),
    "capitals": (renamed("LECTURE.IPYNB"), "is called LECTURE.IPYNB"),
    "browser": (renamed(f"{TINY} (1).ipynb"), f"is called {TINY} (1).ipynb"),
    "folder": (as_folder, f"is called {TINY}/{NOTEBOOK}"),
    "zip": (zipped(), f"is called homework.zip/{NOTEBOOK}"),
    "zip_of_a_folder": (zipped("ann/hw/", **{f"__MACOSX/ann/hw/._{NOTEBOOK}": APPLE}), f"homework.zip/ann/hw/{NOTEBOOK}"),
    "zip_beside": (zipped(keep=True), "There is more than one notebook of this lecture"),
    "appledouble": (both(renamed("hw_ann.ipynb"), holding("._hw_ann.ipynb", APPLE), holding(f"._{WEIGHTS}", APPLE)), "is called hw_ann.ipynb"),
    "checkpoint": (both(copied("hw-checkpoint.ipynb"), renamed("hw.ipynb"), older("hw.ipynb")), "hw.ipynb was graded"),
    "untitled": (both(renamed("hw.ipynb"), holding("Untitled.ipynb", EMPTY)), "is called hw.ipynb"),
    "another_lectures": (both(renamed("hw.ipynb"), holding(NOTEBOOK, EMPTY)), "is called hw.ipynb"),
    "damaged": (both(renamed("hw.ipynb"), holding(NOTEBOOK, "{")), "is called hw.ipynb"),
    "newer": (both(copied("hw-2.ipynb"), copied("hw-1.ipynb", lambda text: text.replace("2 * x", "0 * x")), older("hw-1.ipynb"), older(NOTEBOOK),
                   lambda folder: (folder / NOTEBOOK).unlink()), "hw-2.ipynb was graded"),
    "utf_16": (encoded("utf-16"), ""),
    "utf_16_without_a_mark": (encoded("utf-16-le"), ""),
    "utf_8_with_a_mark": (encoded("utf-8-sig"), ""),
    "windows": (encoded("cp1252"), ""),
    "cell_of_another_type": (cell(cell_type="chat"), ""),
    "weights_of_a_browser": (renamed("train_tiny (1).safetensors", WEIGHTS), f"train_tiny (1).safetensors was taken for {WEIGHTS}"),
    "weights_of_a_platform": (renamed("train_tiny-1.safetensors", WEIGHTS), "train_tiny-1.safetensors was taken"),
    "weights_as_text": (renamed(f"{WEIGHTS}.txt", WEIGHTS), f"{WEIGHTS}.txt was taken"),
    "weights_in_a_folder": (renamed(f"models/{WEIGHTS}", WEIGHTS), f"models/{WEIGHTS} was taken"),
    "weights_in_a_zip": (both(zipped(keep=True), lambda folder: (folder / WEIGHTS).unlink()), f"homework.zip/{WEIGHTS} was taken"),
    "pickled": (holding("ckpt.pth", b"x"), ""),
    "hidden": (holding(".env", b"x"), ""),
}


DAILY = """
    json folder zip_of_a_folder zip_beside appledouble checkpoint untitled newer utf_16 windows cell_of_another_type
    weights_of_a_browser weights_in_a_zip hidden
"""


@pytest.fixture(scope="module")
def trained(assigned, runner, tmp_path_factory) -> bytes:
    """Weights that the reference's code of the small course has trained."""
    return next(assigned.weights(TINY).glob("*.safetensors")).read_bytes()


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory, assigned, runner, trained):
    """The folder of the course, with the cases of this run, and what nbgrader said."""
    folder = tmp_path_factory.mktemp("which") / "course"
    tiny = copy_course(assigned, folder)
    solutions = solution_texts(tiny, TINY)
    for student in asked_for(request, "student", CASES):
        target = hand_in(tiny, folder, TINY, Submission(student, dict(solutions), {}))
        (target / WEIGHTS).write_bytes(trained)
        CASES[student][0](target)
    said = convert(folder, "autograde", TINY, runner)
    return folder, said


@pytest.mark.parametrize("student", daily(DAILY, CASES))
def test_what_is_meant_is_graded_and_what_was_done_about_it_is_told(student, graded):
    folder, _ = graded
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "tiny") as gradebook:
        assert gradebook.find_submission(TINY, student).score == FULL
    place = folder / "autograded" / student / TINY
    page = nbformat.read(place / NOTEBOOK, as_version=4)
    notes = " ".join(c.source for c in page.cells if NOTE.fullmatch(c.source))
    assert CASES[student][1] in notes
    assert bool(notes) == bool(CASES[student][1]), notes
    own = {"timestamp.txt", "submission_secret.txt", "ckpt.pth"}  # the first two for release_feedback
    assert {path.name for path in place.iterdir()} <= {NOTEBOOK, WEIGHTS, "names.txt", "expected.safetensors", *own}
    assert "a person looks at it" not in notes
    assert (place / WEIGHTS).is_file()


def test_a_helper_is_not_taken_for_older_weights(tmp_path, assigned, runner, trained):
    tiny = copy_course(assigned, tmp_path)
    target = hand_in(tiny, tmp_path, TINY, Submission("ann", solution_texts(tiny, TINY), {}))
    for name in ("previous_x.py", "train_tiny.previous-2.safetensors", "train_tiny.previous.safetensors"):
        (target / name).write_bytes(trained if name.endswith("safetensors") else b"x = 1\n")
    convert(tmp_path, "autograde", TINY, runner)
    names = {path.name for path in (tmp_path / "autograded" / "ann" / TINY).iterdir()}
    assert "previous_x.py" in names and not any("previous" in name and name.endswith("safetensors") for name in names)


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NOTEBOOK, b"0" * 50_000_000)
    return made.getvalue()


def lying(size: int) -> bytes:
    """An archive whose entry says that it is smaller than it is."""
    data = bytearray(bomb())
    for mark, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        place = data.index(mark) + at
        data[place : place + 4] = size.to_bytes(4, "little")
    return bytes(data)


def test_a_zip_gives_no_more_than_its_files_may_hold(tmp_path):
    for number, data in enumerate((bomb(), lying(1000), b"PK\5\6" + bytes(18), b"PK\3\4 and nothing", bomb()[:200])):
        (tmp_path / f"{number}.zip").write_bytes(data)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("/etc/passwd", "../../up.txt", "a/../b.txt", ".hidden", "inner.zip", "x" * 300):
            archive.writestr(name, bomb() if name == "inner.zip" else b"x")
    (tmp_path / "names.zip").write_bytes(made.getvalue())
    found = {file.where: file for file in files_in(tmp_path, 1_000_000)}
    assert {where for where in found if where.startswith("names.zip")} == {
        f"names.zip/{name}" for name in ("etc/passwd", "up.txt", "a/b.txt", "inner.zip", "x" * 300)
    }
    for file in found.values():
        try:
            assert len(file.read()) <= file.size <= 1_000_000
        except OSError as error:
            assert "is damaged" in str(error)


def test_links_and_pipes_and_what_is_hidden_are_no_files(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in (".hidden.ipynb", "~lock.ipynb", "__MACOSX", "folder/.DS_Store"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "closed.ipynb").touch(mode=0)
    shutil.copytree(tmp_path / "folder", tmp_path / "a" / "b" / "c" / "d" / "e" / "f" / "g")
    (tmp_path / "a" / "b" / "x.txt").write_text("x")
    assert {file.where for file in files_in(tmp_path, 100)} - {"closed.ipynb"} == {"a/b/x.txt"}


def test_a_package_beside_the_notebook_is_imported(tmp_path, assigned, runner):
    """But not by an answer that may not use everything: nobody reads what is in it."""
    tiny = copy_course(assigned, tmp_path)
    answers = {**solution_texts(tiny, TINY), "double": "from helpers.layers import double", "by_hand": "from helpers.deep.er import by_hand"}
    for student, below in (("ann", ""), ("zed", "my work/")):
        target = hand_in(tiny, tmp_path, TINY, Submission(student, dict(answers), {}))
        for name, text in (("__init__", ""), ("layers", "def double(x): return 2 * x"), ("deep/er", "def by_hand(x): return 2 * x")):
            path = target / below / "helpers" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if below:
            for path in (target / NOTEBOOK, target / WEIGHTS):
                path.rename(target / below / path.name)
    convert(tmp_path, "autograde", TINY, runner)
    for student in ("ann", "zed"):
        with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "tiny") as gradebook:
            found = {grade.name: grade.auto_score for grade in gradebook.find_submission_notebook(TINY, TINY, student).grades}
        assert (found["double"], found["by_hand"], found["train_tiny"]) == (2, 0, 3)
        page = (tmp_path / "autograded" / student / TINY / NOTEBOOK).read_text()
        assert "helpers" in page and "is to be solved" in page


def test_what_holds_no_weights_that_count_is_told(tmp_path, assigned, runner):
    tiny = copy_course(assigned, tmp_path)
    answers = {**solution_texts(tiny, TINY), "double": "k = torch.load('k.pth')\ndef double(x): return k * x"}
    target = hand_in(tiny, tmp_path, TINY, Submission("ann", answers, {}))
    torch.save(torch.tensor(2.0), target / "k.pth")
    (target / WEIGHTS).rename(target / "model.ckpt")
    convert(tmp_path, "autograde", TINY, runner)
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "tiny") as gradebook:
        assert gradebook.find_grade("double", TINY, TINY, "ann").auto_score == 2
    page = (tmp_path / "autograded" / "ann" / TINY / NOTEBOOK).read_text()
    assert f"model.ckpt does not count as trained weights: those are in {WEIGHTS}, which fit writes." in page
