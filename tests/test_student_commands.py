"""What a student types: start, progress, try; what an instructor hands out; and the wheel that carries the lectures."""

import importlib.abc
import io
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, TINY, copy_course
from rich.console import Console

from autograder import __version__
from autograder.commands import doctor, handout, stages, trying
from autograder.commands.cli import INSTRUCTORS_OWN, main
from autograder.commands.demo_class import solution_texts
from autograder.course import packaged
from autograder.course.schema import Limits
from autograder.errors import UserError
from autograder.student import rehearsal
from autograder.student.own_notebook import MARK, digest

LECTURE, NOTEBOOK = "lecture_1_trigram", f"{TINY}.ipynb"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """An empty folder of a student's."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_start_puts_a_lecture_into_the_folder(desk, capsys):
    assert main(["start", LECTURE, "--no-open"]) == 0
    assert {path.name for path in (desk / LECTURE).iterdir()} == {f"{LECTURE}.ipynb", "expected.safetensors", "names.txt"}
    assert (desk / LECTURE / f"{LECTURE}.ipynb").read_bytes() == (ROOT / "assignments" / LECTURE / f"{LECTURE}.ipynb").read_bytes()
    said = capsys.readouterr().out
    assert "Lecture 1: from bigrams to trigrams" in said and f"jupyter lab {LECTURE}/{LECTURE}.ipynb" in said


def test_start_overwrites_nothing(desk, capsys):
    assert main(["start", "trigram", "--no-open"]) == 0
    work = desk / LECTURE / f"{LECTURE}.ipynb"
    work.write_text("my work")
    (desk / LECTURE / "names.txt").unlink()
    (desk / LECTURE / "expected.safetensors").write_bytes(b"of last year")
    capsys.readouterr()
    assert main(["start", "1", "--no-open"]) == 0
    said = capsys.readouterr().out
    assert work.read_text() == "my work" and (desk / LECTURE / "names.txt").is_file() and f"left as it is: {LECTURE}.ipynb" in said
    assert "another release" in said and (desk / LECTURE / "expected.safetensors").read_bytes() == b"of last year"


@pytest.mark.parametrize(("name", "told"), [("lecture", "can be lecture_0_autograd or"), ("7", "no lecture '7'. The lectures are lecture_0_autograd,")])
def test_a_lecture_that_cannot_be_told_is_one_sentence(name, told, desk, capsys):
    assert main(["start", name, "--no-open"]) == 1
    assert told in " ".join(capsys.readouterr().err.split()) and not list(desk.iterdir())


def test_start_without_a_name_goes_on_where_something_is_left(desk, capsys):
    assert main(["start", "--no-open"]) == 0 and main(["start", "--no-open"]) == 0
    assert [path.name for path in desk.iterdir()] == ["lecture_0_autograd"]
    assert main(["progress"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "0 of 9" in said and "Not begun: lecture_1_trigram," in said


def test_progress_within_a_lectures_folder_calls_nothing_unbegun_that_lies_beside_it(desk, capsys, monkeypatch):
    assert main(["start", LECTURE, "--no-open"]) == 0 and main(["start", "lecture_0_autograd", "--no-open"]) == 0
    monkeypatch.chdir(desk / LECTURE)
    capsys.readouterr()
    assert main(["progress"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Not begun" not in said and "All lectures are told in the folder above it." in said


def test_progress_counts_what_the_cards_say(desk, capsys):
    main(["start", LECTURE, "--no-open"])
    path = desk / LECTURE / f"{LECTURE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    check = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "vocabulary")
    about = {"exercise": "vocabulary", "status": "correct", "points": 1.0}
    check.outputs = [nbformat.v4.new_output("display_data", {"text/html": "x"}, metadata={MARK: about})]
    nbformat.write(notebook, path)
    capsys.readouterr()
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    first, second = ([cell.strip() for cell in line.split("│")[1:6]] for line in said.splitlines() if line.startswith("│"))
    assert first[:2] == [LECTURE, "1 of 14"] and second[1] == "+ 0 of 2" and (first[4], second[4]) == ("1 of 18", "+ 0 of 3") and second[3] == "+ 3 in words"
    assert 1 + int(first[2]) + int(first[3]) == 16 and f"{LECTURE}: next is split_names" in said


def test_progress_does_not_count_an_answer_that_was_changed_after_its_check(desk, capsys):
    main(["start", LECTURE, "--no-open"])
    path = desk / LECTURE / f"{LECTURE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    for name, ran in {"vocabulary": "def vocabulary(words): ...", "split_names": cells["split_names_answer"].source}.items():
        about = {"exercise": name, "status": "correct", "points": 1.0, "answer": digest(ran)}
        cells[name].outputs = [nbformat.v4.new_output("display_data", {"text/html": "x"}, metadata={MARK: about})]
    nbformat.write(notebook, path)
    capsys.readouterr()
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    row = next(line for line in said.splitlines() if line.startswith(f"│ {LECTURE}"))
    assert "1 of 14" in row and "1 of 18" in row and f"{LECTURE}: next is vocabulary" in said
    assert "changed since its check, so not counted: vocabulary. Run the cell, then its check." in said


def test_progress_in_an_empty_folder_says_what_to_type(desk, capsys):
    assert main(["progress"]) == 1
    assert "autograder start" in capsys.readouterr().err


class Missing(importlib.abc.MetaPathFinder):
    """A student's install: the instructor's packages are not there."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "nbgrader":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def test_an_instructors_command_says_what_it_needs(capsys, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "nbgrader" or name in ("autograder.commands.collect", "autograder.plugin.folders")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    assert main(["--course", str(ROOT / "course.yml"), "collect", LECTURE, "x.zip", "--from", "zip"]) == 1
    assert "This command is the instructor's and needs nbgrader" in capsys.readouterr().err


def in_folder(tiny, folder: Path, **answers: str) -> Path:
    """A student's folder with some answers in its notebook."""
    shutil.copytree(tiny.released(TINY), folder, dirs_exist_ok=True)
    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in answers:
            cell.source = answers[name]
    nbformat.write(notebook, folder / NOTEBOOK)
    return folder / NOTEBOOK


@pytest.fixture(scope="module")
def tried(tiny, tmp_path_factory) -> dict[str, object]:
    """A notebook in a bad state: an edited check, a name of the kit's taken, a cell that ends the process, a training without weights."""
    folder, texts = tmp_path_factory.mktemp("tried"), solution_texts(tiny, TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packaged, "PACKAGE", tiny.root / "autograder")
        path = in_folder(
            tiny,
            folder,
            double_answer=f"open('left', 'w').write('x')\nfit = check = 3\n{texts['double']}",
            pieces="check('pieces', lambda g: {})",
            pieces_answer="def pieces(x):\n    return {'sum': x.sum(1), 'mean': x.mean(1) + 1}",
            slope_answer=f"import os\n{texts['slope']}\nos._exit(3)",
            train_tiny_answer=texts["train_tiny"],
        )
        before = {name.name: name.read_bytes() for name in folder.iterdir()}
        found = trying.run(path)
        code = main(["try", str(path)])
    after = {name.name: name.read_bytes() for name in folder.iterdir()}
    rows = {name: (state, points, why) for name, _, state, points, why in found.rows()}
    return {"rows": rows, "notes": " ".join(found.notes), "code": code, "before": before, "after": after}


def test_try_changes_nothing_but_writes_a_page(tried):
    page = tried["after"].pop(f"{TINY}-try.html").decode()
    assert tried["code"] == 0 and tried["after"] == tried["before"]
    assert "points to expect" in page and "<script" not in page and "default-src &#39;none&#39;" not in page and "default-src 'none'" in page
    assert "Double a tensor" in page and "Correct" in page
    states = dict(re.findall(r'<tr><td><code>(\w+)</code>.*?aria-hidden="true" style="color:#\w+">(.)</span>', page))
    assert states["double"] == "✓" and states["pieces"] == "◐" and states["by_hand"] == "○" and len(states) == len(tried["rows"])
    leads_to = re.findall(r'<td><a href="#([^"]+)">', page)
    assert len(leads_to) == len(tried["rows"]) and all(page.count(f'id="{place}"') == 1 for place in leads_to)


def test_try_runs_locked_cells_as_they_were_handed_out(tried):
    assert tried["rows"]["double"][:2] == ("correct", "2 of 2")
    assert tried["rows"]["pieces"][:2] == ("partly correct", "2 of 4") and "ran as they were handed out: pieces" in tried["notes"]


def test_try_goes_on_behind_a_cell_that_ends_the_process(tried):
    assert "The cell that begins with 'import os' ended the process, or did not stop;" in tried["notes"]
    assert tried["rows"]["slope"][1] == "0 of 3" and tried["rows"]["by_hand"][0] == "not attempted"


def test_a_loop_without_an_end_is_stopped_and_its_line_is_told(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(packaged, "PACKAGE", tiny.root / "autograder")
    monkeypatch.setattr(rehearsal, "LIMITS", Limits(cell_seconds=6))
    endless = "def double(x):\n    while True:\n        x = x + 0"
    found = trying.run(in_folder(tiny, tmp_path, double_answer=endless, pieces_answer=solution_texts(tiny, TINY)["pieces"]))
    rows = {name: (state, points, why) for name, _, state, points, why in found.rows()}
    assert rows["double"][:2] == ("error", "0 of 2") and rows["pieces"][0] == "correct"
    shown = next(cell for cell in found.notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "double").outputs
    assert "It was stopped in line " in str(shown) and "what makes its loop stop?" in str(shown)


def test_a_loop_that_catches_its_interrupt_is_ended_and_one_outside_of_answers_is_told(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(packaged, "PACKAGE", tiny.root / "autograder")
    monkeypatch.setattr(rehearsal, "LIMITS", Limits(cell_seconds=5))
    monkeypatch.setattr(trying, "TO_STOP", 1)
    deaf = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    texts = solution_texts(tiny, TINY)
    path = in_folder(tiny, tmp_path, double_answer=deaf, slope_answer=f"{texts['slope']}\nwhile True:\n    pass", pieces_answer=texts["pieces"])
    found = trying.run(path)
    rows = {name: state for name, _, state, _, _ in found.rows()}
    assert rows["pieces"] == "correct" and "'import time' ended the process, or did not stop;" in found.notes[0]
    assert any("took longer than a cell may" in note for note in found.notes[1:])


def test_where_there_is_no_terminal_a_long_silence_is_broken(monkeypatch):
    monkeypatch.setattr(stages, "SILENCE_SECONDS", 0.2)
    console = Console(file=io.StringIO(), force_terminal=False)
    with stages.Stages(console) as shown:
        stage = shown.begin("a class", 3)
        stage.reach(1)
        time.sleep(1.0)
    said = console.file.getvalue().splitlines()
    assert 2 <= len(said) <= 6 and set(line.split("s", 1)[1].strip() for line in said) == {"1 of 3  a class"}


def test_try_says_that_weights_are_missing(tried):
    assert "train_tiny.safetensors is missing: the training ran for a short while only" in tried["notes"]
    assert tried["rows"]["why"][:2] == ("unwritten", "0 of 2, from a person")


@pytest.mark.parametrize(("name", "told"), [("none.ipynb", "there is no such file"), ("damaged.ipynb", "is no notebook of lecture_t_tiny, or cannot be read")])
def test_what_cannot_be_run_is_one_sentence(name, told, tiny, tmp_path, capsys):
    in_folder(tiny, tmp_path)
    (tmp_path / "damaged.ipynb").write_text("{")
    assert main(["try", str(tmp_path / name)]) == 1
    assert told in " ".join(capsys.readouterr().err.split())


def test_try_finds_the_one_notebook_of_a_folder_and_asks_where_there_are_more(tmp_path):
    folder = tmp_path / "lecture"
    folder.mkdir()
    with pytest.raises(UserError, match="there is no notebook. Name yours: autograder try NOTEBOOK"):
        trying._the_notebook(folder)
    (folder / "mine.ipynb").touch()
    assert trying._the_notebook(folder) == folder / "mine.ipynb"
    (folder / "other.ipynb").touch()
    with pytest.raises(UserError, match="there are several notebooks: mine.ipynb, other.ipynb"):
        trying._the_notebook(folder)
    (folder / "lecture.ipynb").touch()
    assert trying._the_notebook(folder) == folder / "lecture.ipynb"
    assert trying._the_notebook(tmp_path).resolve() == folder / "lecture.ipynb"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "other.ipynb").touch()
    both = "no notebook; in its folders: .*lecture/lecture.ipynb, .*other/other.ipynb. Name yours: autograder try .*lecture/lecture.ipynb"
    with pytest.raises(UserError, match=both):
        trying._the_notebook(tmp_path)


def test_try_takes_a_notebook_from_the_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lecture").mkdir()
    assert trying._the_notebook(Path("lecture.ipynb")) == Path("lecture.ipynb")  # whoever reads it says that there is none
    (tmp_path / "lecture" / "lecture.ipynb").touch()
    assert trying._the_notebook(Path("lecture.ipynb")) == Path("lecture/lecture.ipynb")


def test_start_goes_on_with_what_is_begun_and_puts_no_lecture_into_another(desk, capsys, monkeypatch):
    assert main(["start", LECTURE, "--no-open"]) == 0 and main(["start", "--no-open"]) == 0
    assert [path.name for path in desk.iterdir()] == [LECTURE]
    monkeypatch.chdir(desk / LECTURE)
    assert main(["start", "--no-open"]) == 0 and not [path for path in Path().iterdir() if path.is_dir()]  # this one, from within
    assert main(["start", "0", "--no-open"]) == 1 and not (desk / LECTURE / "lecture_0_autograd").exists()
    assert "lecture_0_autograd belongs beside it: cd .." in " ".join(capsys.readouterr().err.split())


def test_doctor_says_on_a_students_machine_whether_lectures_can_be_worked_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "a kernel starts and finds this package" in said and "good lectures: lecture_0_autograd" in said
    assert "bad" not in said and "jail" not in said and said.endswith("in a clone of the course.)\n")


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"zero-to-hero-autograder {__version__}\n"


def test_try_needs_what_came_with_the_lecture(tiny, tmp_path, capsys):
    path = in_folder(tiny, tmp_path)
    (tmp_path / "expected.safetensors").unlink()
    assert main(["try", str(path)]) == 1
    assert "expected.safetensors is not in" in " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def handed_out(tiny, tmp_path_factory) -> zipfile.ZipFile:
    course = copy_course(tiny, tmp_path_factory.mktemp("handout") / "course")
    assert main(["--course", str(course.root / "course.yml"), "handout", TINY]) == 0
    return zipfile.ZipFile(course.build / "handout" / f"{TINY}.zip")


def test_a_handout_holds_all_that_a_student_needs(handed_out, tiny):
    wheel = next(name for name in handed_out.namelist() if name.endswith(".whl")).rpartition("/")[2]
    held = (NOTEBOOK, "expected.safetensors", "names.txt", wheel, "constraints.txt", "README.txt")
    assert set(handed_out.namelist()) == {f"{TINY}/{name}" for name in held}
    assert handed_out.read(f"{TINY}/{NOTEBOOK}") == (tiny.released(TINY) / NOTEBOOK).read_bytes()
    readme = handed_out.read(f"{TINY}/README.txt").decode().splitlines()
    first, second, third = (readme[number] for number in (1, 2, 4))
    assert (first[:2], second[:2], third[:2]) == ("1.", "2.", "3.") and second.endswith(wheel) and third.endswith(NOTEBOOK)
    assert len(readme) == 7 and f"autograder try {TINY}/{NOTEBOOK}" in readme[5]


def test_a_handout_goes_where_it_is_told(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(handout, "wheel_of", lambda course, scratch: scratch.parent / "none.whl")
    monkeypatch.setattr(handout, "packed", lambda lecture, files, wheel: b"zip")
    (tmp_path / "there").mkdir()
    for out, made in (("there", f"there/{TINY}.zip"), ("mine", "mine.zip"), ("v1.2", "v1.2.zip"), ("other.ZIP", "other.ZIP")):
        assert main(["--course", str(tiny.root / "course.yml"), "handout", TINY, "--out", str(tmp_path / out)]) == 0
        assert (tmp_path / made).read_bytes() == b"zip"


def test_the_wheel_carries_the_courses_lectures_and_no_answers(handed_out, tmp_path):
    name = next(name for name in handed_out.namelist() if name.endswith(".whl"))
    wheel = zipfile.ZipFile(handed_out.extract(name, tmp_path))
    carried = {name.removeprefix("autograder/lectures/") for name in wheel.namelist() if name.startswith("autograder/lectures/")}
    assert carried == {"names.txt", f"{TINY}/{NOTEBOOK}", f"{TINY}/expected.safetensors"}
    assert "autograder/commands/templates/try.html.j2" in wheel.namelist()
    assert not [name for name in wheel.namelist() if "solutions" in name or name.startswith(("tests", "build"))]
    about = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith("METADATA"))
    needed = [line for line in about.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert any("typer" in line for line in needed) and not any("nbgrader" in line for line in needed)


def test_a_lecture_that_is_not_built_is_not_handed_out(tiny, tmp_path, capsys):
    course = copy_course(tiny, tmp_path / "course")
    (course.released(TINY) / NOTEBOOK).unlink()
    assert main(["--course", str(course.root / "course.yml"), "handout", TINY]) == 1
    assert f"Make it with: autograder build {TINY}" in " ".join(capsys.readouterr().err.split())


def test_every_lecture_of_this_course_is_carried(course):
    assert [found.name for found in packaged.lectures()] == sorted(course.course.lectures)
    assert os.path.samefile(packaged.lectures()[0].names, ROOT / "names.txt")


@pytest.mark.parametrize("command", [["--help"], ["start", "--help"], ["try", "--help"], ["progress", "--help"], ["grade", "--help"], ["gradescope", "--help"]])
def test_a_students_install_has_the_command_line(command):
    """None of the packages that it lacks is asked for before an instructor's command does its work."""
    block = f"""
import subprocess
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {INSTRUCTORS_OWN!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from autograder.commands.cli import INSTRUCTORS_OWN, main
sys.exit(main({command!r}))
"""
    ended = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True)
    assert ended.returncode == 0 and "Usage" in ended.stdout, ended.stderr[-2000:]
