"""``autograder gradescope``: its zip, unpacked where Gradescope unpacks it, gives the points of ``nbgrader autograde``, and tells what it may tell."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import TINY, copy_course
from converters import convert
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from autograder.commands import gradescoped
from autograder.commands.cli import main
from autograder.commands.demo_class import Submission, hand_in, make_class, solution_texts
from autograder.course.directory import CourseDirectory, load_course
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import SEEDS_FILE, hidden_facts, secret
from autograder.runner.weaker import NOT_PROMISED

PLAIN = Path("/usr/bin/python3")  # where everybody may start it
PACKAGES = next(path for path in sys.path if Path(path).name == "site-packages")
GRADED = ("mixed_1", "mixed_2")
LOOK = """
import os, socket
found = [f'uid {{os.getuid()}}']
for path in ({seeds!r}, {results!r}, '/proc/1/environ'):
    try:
        found.append('LOOT ' + open(path).read()[:9])
    except OSError as error:
        found.append(f'closed {{error.errno}}')
try:
    open({results!r} + '.mine', 'w')
    found.append('LOOT')
except OSError as error:
    found.append(f'closed {{error.errno}}')
try:
    socket.socket()
    found.append('LOOT')
except OSError as error:
    found.append(f'no network {{error.errno}}')
raise RuntimeError(', '.join(found))
"""


def packed(course: CourseDirectory, *words: str) -> int:
    return main(["--course", str(course.root / "course.yml"), "gradescope", TINY, *words])


@pytest.fixture(scope="module")
def course(assigned, tmp_path_factory, runner) -> CourseDirectory:
    """With a few submissions, graded as ever, and the zip."""
    made = copy_course(assigned, tmp_path_factory.mktemp("gradescope") / "course")
    answers = answer_key(made, TINY, runner, hidden_facts(made, TINY))
    for submission in make_class(made, TINY, answers, mixed=2):
        if submission.student in GRADED:
            hand_in(made, made.root, TINY, submission)
    convert(made.root, "autograde", TINY, runner)
    assert packed(made) == 0
    return made


@pytest.fixture(scope="module")
def base(course, tmp_path_factory) -> Path:
    """``/autograder`` as it is when the image has been made: a clean tree, and nothing of this checkout."""
    base = tmp_path_factory.mktemp("autograder")
    for name in ("source", "submission", "results"):
        (base / name).mkdir()
    with zipfile.ZipFile(course.root / f"gradescope-{TINY}.zip") as archive:
        for info in archive.infolist():
            path = Path(archive.extract(info, base / "source"))
            path.chmod(info.external_attr >> 16)
    shutil.copy(base / "source" / "run_autograder", base)
    made = run(base, "bash", base / "source" / "setup.sh")
    assert made.returncode == 0 and "can be graded here, in a jail" in made.stdout, made.stdout
    return base


def run(base: Path, *command: object, python: Path = Path(sys.executable), before: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """A command as Gradescope's harness gives it, in the base folder."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**kept, "PATH": path, "AUTOGRADER_BASE": str(base), "AUTOGRADER_PYTHON": str(python), "OMP_NUM_THREADS": "1"}
    if python == PLAIN:
        environment["PYTHONPATH"] = PACKAGES
    return subprocess.run([*before, *map(str, command)], cwd=base, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def submit(base: Path, folder: Path | None) -> None:
    shutil.rmtree(base / "submission")
    (base / "submission").mkdir()
    if folder:
        shutil.copytree(folder, base / "submission", dirs_exist_ok=True)


def results(base: Path) -> dict:
    return json.loads((base / "results" / "results.json").read_text())


def points(found: dict) -> dict[str, float]:
    return {test["extra_data"]["exercise"]: test["score"] for test in found["tests"] if "score" in test}


def as_ever(course: CourseDirectory, student: str) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        grades = gradebook.find_submission_notebook(TINY, TINY, student).grades
        return {grade.name: grade.auto_score for grade in grades if grade.name != "why"}


def test_in_a_clean_tree_it_gives_the_points_of_nbgrader_autograde(course, base):
    submit(base, course.root / "submitted" / "mixed_1" / TINY)
    done = run(base, base / "run_autograder")
    assert done.returncode == 0, done.stdout
    found = results(base)
    assert points(found) == as_ever(course, "mixed_1") and found["score"] == pytest.approx(sum(points(found).values())) and found["score"] > 0
    assert all(test["visibility"] == "visible" and test["output"] for test in found["tests"]) and NOT_PROMISED not in found["output"]
    assert [test["extra_data"]["exercise"] for test in found["tests"]] == list(course.lecture(TINY).exercises)
    said = json.dumps(found)
    assert not any(str(seed) in said for seeds in hidden_facts(course, TINY).seeds.values() for seed in seeds)


def test_another_submission_the_loss_on_the_leaderboard_and_what_is_wrong_in_words(course, base, monkeypatch, capsys):
    monkeypatch.setenv("AUTOGRADER_BASE", str(base))
    submit(base, course.root / "submitted" / "mixed_2" / TINY)
    notebook = base / "submission" / f"{TINY}.ipynb"
    with zipfile.ZipFile(base / "submission" / "handin.zip", "w") as archive:
        archive.write(notebook, f"work/{TINY}.ipynb")
    notebook.unlink()
    (base / "submission" / "timestamp.txt").write_text("2035-01-01 10:00:00 UTC")
    (base / "submission" / "link.py").symlink_to("/etc/passwd")
    assert gradescoped.main(["grade"]) == 0, capsys.readouterr().out
    found = results(base)
    assert points(found) == as_ever(course, "mixed_2")
    cards = {test["extra_data"]["exercise"]: test for test in found["tests"]}
    assert "score" not in cards["why"] and "person" in cards["why"]["output"]
    losses = [entry for entry in found.get("leaderboard", []) if entry["order"] == "asc" and 2 < entry["value"] < 3]
    assert bool(losses) == (cards["train_tiny"]["score"] > 0)
    assert all(card["status"] == ("passed" if card["score"] == card["max_score"] else "failed") for card in cards.values() if "score" in card)


@pytest.mark.slow
def test_nothing_handed_in_is_told_and_a_fault_of_the_grader_leaves_no_results(base, monkeypatch, capsys):
    monkeypatch.setenv("AUTOGRADER_BASE", str(base))
    submit(base, None)
    assert gradescoped.main(["grade"]) == 0, capsys.readouterr().out
    assert results(base)["score"] == 0 and f"There is no {TINY}.ipynb" in results(base)["output"]
    broken = base / "source" / "course" / "build" / "source"
    broken.rename(base / "away")
    try:
        assert gradescoped.main(["grade"]) == 1 and "error" in capsys.readouterr().out
        assert not (base / "results" / "results.json").exists()
    finally:
        (base / "away").rename(broken)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def no_jail() -> tuple[str, ...]:
    """As in a container that allows no namespaces: bubblewrap fails."""
    return ("bwrap", "--dev-bind", "/", "/", "--ro-bind", "/bin/false", shutil.which("bwrap") or "/usr/bin/bwrap", "--")


def test_without_a_jail_nothing_is_graded_unless_the_zip_allows_it(course, base):
    submit(base, course.root / "submitted" / "mixed_1" / TINY)
    done = run(base, base / "run_autograder", before=no_jail())
    assert done.returncode == 1 and "--weaker-separation" in done.stdout and "Traceback" not in done.stdout, done.stdout
    assert not (base / "results" / "results.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a submission to another user")
def test_the_weaker_separation_keeps_the_answers_closed_and_says_what_is_not_promised(course, base):
    version = f"import sys, os; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r} or not os.access({PACKAGES!r}, os.R_OK))"
    if not PLAIN.exists() or subprocess.run([PLAIN, "-c", version], user=60_001, group=60_001, extra_groups=[], cwd="/").returncode:
        pytest.skip(f"no Python {sys.version_info[0]}.{sys.version_info[1]} here that another user may start with these packages")
    options = base / "source" / "options.json"
    before = options.read_text()
    options.write_text(json.dumps({**json.loads(before), "weaker_separation": True}))
    try:
        solutions = solution_texts(course, TINY)
        folder = hand_in(course, course.root, TINY, Submission("looks_around", dict(solutions), {}))
        notebook = nbformat.read(folder / f"{TINY}.ipynb", as_version=4)
        look = LOOK.format(seeds=str(base / "source" / "course" / SEEDS_FILE), results=str(base / "results" / "results.json"))
        answer = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "slope_answer")
        answer.source = f"{look}\n{answer.source}"
        notebook.cells.insert(0, new_code_cell("import subprocess\nsubprocess.Popen(['sleep', '4242'], start_new_session=True)"))
        nbformat.write(notebook, folder / f"{TINY}.ipynb")
        submit(base, folder)
        done = run(base, base / "run_autograder", python=PLAIN, before=no_jail())
        assert done.returncode == 0, done.stdout
        found = results(base)
        cards = {test["extra_data"]["exercise"]: test["output"] for test in found["tests"]}
        assert NOT_PROMISED in found["output"] and found["score"] == 11
        assert "closed 13, closed 13, closed 13, closed 13, no network 97" in cards["slope"] and "uid 0" not in cards["slope"], cards["slope"]
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\0004242" in _read(path)]
    finally:
        options.write_text(before)
        shutil.rmtree(course.root / "submitted" / "looks_around", ignore_errors=True)


def test_the_zip_holds_one_lecture_and_no_secret(course):
    with zipfile.ZipFile(course.root / f"gradescope-{TINY}.zip") as archive:
        names = archive.namelist()
        assert {"setup.sh", "run_autograder", "README.txt"} <= set(names)
        assert all(archive.getinfo(name).external_attr >> 16 == 0o755 for name in ("setup.sh", "run_autograder"))
        assert not any(secret(course) in archive.read(name) for name in names)
        assert not any(name.startswith("course/submitted") or name.endswith(("gradebook.db", ".pyc")) for name in names)
        assert "WHOEVER HAS THIS ZIP HAS THE ANSWERS" in archive.read("README.txt").decode()
        assert any(line.startswith("torch==") for line in archive.read("requirements.txt").decode().splitlines())
    assert (course.root / f"gradescope-{TINY}.zip").stat().st_mode & 0o777 == 0o600


def test_course_yml_of_the_zip_says_the_same_of_the_lecture(course, tmp_path):
    with zipfile.ZipFile(course.root / f"gradescope-{TINY}.zip") as archive:
        archive.extractall(tmp_path)
    there = load_course(tmp_path / "course" / "course.yml")
    ours, theirs = course.lecture(TINY), there.lecture(TINY)
    assert theirs.exercises == ours.exercises and list(theirs.exercises) == list(ours.exercises)
    assert there.course.limits == course.course.limits and there.course.seeds == course.course.seeds
    assert hidden_facts(there, TINY).to_json() == hidden_facts(course, TINY).to_json()


def test_what_is_in_the_way_stays_and_what_is_missing_is_told(assigned, tmp_path, capsys):
    made = copy_course(assigned, tmp_path / "course")
    target = made.root / "notes.zip"
    target.write_text("mine")
    assert packed(made, "--out", str(target)) == 1 and target.read_text() == "mine" and "Move it away" in capsys.readouterr().err
    assert packed(made) == 0 and packed(made, "--weaker-separation", "--visibility", "hidden") == 0  # its own is written again
    shutil.rmtree(made.build / "weights")
    assert packed(made) == 1 and "First: autograder build" in capsys.readouterr().err
    assert main(["--course", str(made.root / "course.yml"), "gradescope", "lecture_9"]) == 1


def test_the_real_course_fits_into_a_zip_as_well(course, tmp_path):
    """Its ``course.yml`` has bands, bonus points, limits on names: all of it is the same when it is read again."""
    from autograder.commands.gradescope import _course_of_one

    real = load_course(Path(__file__).parent.parent / "course.yml")
    for lecture in real.course.lectures:
        (tmp_path / "course.yml").write_text(_course_of_one(real, lecture))
        shutil.copyfile(real.names, tmp_path / "names.txt")
        assert load_course(tmp_path / "course.yml").lecture(lecture).exercises == real.lecture(lecture).exercises
