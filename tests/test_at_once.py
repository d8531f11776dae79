"""``autograder grade``: what it leaves is what ``nbgrader autograde`` leaves; what ran once need not run again; an interrupt loses nothing."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TINY, copy_course
from converters import convert
from hostile import orphans
from test_same_gradebook import cards_of, gradebook_of, kill_graders
from typer.testing import CliRunner

from autograder.changes.repairs import Repair
from autograder.commands.cli import app, main
from autograder.commands.demo_class import hand_in, make_class
from autograder.commands.interrupt import heard
from autograder.course.directory import load_course
from autograder.course.schema import Tolerance
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.plugin.at_once import Outcome, grade_class
from autograder.runner import crew as crews
from autograder.runner.crew import Crew
from autograder.runner.job import Cell, Job
from autograder.runner.kept import KeptRuns
from autograder.runner.launch import launch
from autograder.runner.reading import Asked

NOTHING_TO_RUN = {"stub"}  # it has handed in no notebook
STUDENTS = ("reference", "stub", "mistake_double_1", "mistake_pieces_1", "variant_pieces_1", "mixed_1", "mixed_2")
CELLS = "import time\nx = 2"


@pytest.fixture(scope="module")
def crew(tiny) -> Iterator[Crew]:
    with Crew(2) as crew:
        crew.ready(tiny.course.limits.disk_mb)
        yield crew


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory, assigned, runner) -> Path:
    folder = tmp_path_factory.mktemp("at once") / "course"
    tiny = copy_course(assigned, folder)
    answers = answer_key(tiny, TINY, runner, hidden_facts(tiny, TINY))
    for submission in make_class(tiny, TINY, answers, mixed=2):
        if submission.student in STUDENTS:
            hand_in(tiny, folder, TINY, submission)
    (folder / "submitted" / "stub" / TINY / f"{TINY}.ipynb").unlink()
    (folder / "submitted" / "mixed_1" / TINY / "timestamp.txt").write_text("2027-01-01 10:00:00 UTC")
    return folder


@pytest.fixture
def course(handed_in, tmp_path) -> Path:
    folder = tmp_path / "course"
    shutil.copytree(handed_in, folder)
    return folder


@pytest.fixture(scope="module")
def plain(handed_in, runner) -> Path:
    folder = handed_in.parent / "plain"
    shutil.copytree(handed_in, folder)
    convert(folder, "autograde", TINY, runner)
    return folder


def graded(folder: Path, crew: Crew, *students: str, force: bool = False) -> Outcome:
    before = os.getcwd()
    try:
        return grade_class(load_course(folder / "course.yml"), TINY, students or ["*"], crew, force, lambda total: None, lambda what: None)
    finally:
        os.chdir(before)


def ran(outcome: Outcome) -> set[str]:
    """Whose cells ran."""
    assert all(not one.kept for one in outcome.graded if one.student in NOTHING_TO_RUN)
    return {one.student for one in outcome.graded if not one.kept} - NOTHING_TO_RUN


def files_of(folder: Path) -> dict[str, object]:
    """All files that grading leaves; of a notebook what does not come of chance."""
    found: dict[str, object] = {}
    for path in sorted((folder / "autograded").rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text())["cells"]
            found[name] = [{key: value for key, value in cell.items() if key != "id"} for cell in cells]
        elif path.is_file() and path.name != "timestamp.txt":
            found[name] = path.read_bytes()
    return found


def test_the_same_files_and_the_same_rows(plain, course, crew):
    outcome = graded(course, crew)
    assert {one.student for one in outcome.graded} == set(STUDENTS) and not outcome.failed and ran(outcome) == set(STUDENTS) - NOTHING_TO_RUN
    assert gradebook_of(course) == gradebook_of(plain) and cards_of(course) == cards_of(plain)
    assert files_of(course) == files_of(plain)
    told = {one.student: one for one in outcome.graded}
    assert (told["reference"].points, told["reference"].most) == (14, 16) and told["mixed_1"].points < 14  # two are for a written answer
    assert any("no lecture_t_tiny.ipynb" in line for line in [*outcome.said, *told["stub"].said])
    again = graded(course, crew)
    assert not again.graded and again.skipped == len(STUDENTS)


def test_one_student_of_all(course, crew):
    assert [one.student for one in graded(course, crew, "mixed_1").graded] == ["mixed_1"]
    with pytest.raises(UserError, match="nothing was handed in"):
        graded(course, crew, "nobody")


def test_some_students_of_all_are_graded_side_by_side_and_a_misspelt_name_grades_nobody(course, crew):
    with pytest.raises(UserError, match="nothing was handed in at submitted/nobody"):
        graded(course, crew, "mixed_1", "nobody", "mixed_2")
    assert not (course / "autograded").exists()
    without = next((course / "submitted").glob(f"stub/{TINY}/*.ipynb"), None)
    assert without is None  # a folder without a notebook, which nbgrader passes over where it is the only one
    outcome = graded(course, crew, "stub", "mixed_1", "mixed_2", "mixed_1")
    assert sorted(one.student for one in outcome.graded) == ["mixed_1", "mixed_2", "stub"] and not outcome.failed
    assert {folder.name for folder in (course / "autograded").iterdir()} == {"mixed_1", "mixed_2", "stub"}
    assert graded(course, crew, "mixed_1", "stub").skipped == 2


def test_after_a_change_of_tolerance_no_cell_runs_and_after_a_change_of_an_answer_only_that(course, crew, plain):
    graded(course, crew)
    with (course / "course.yml").open("a") as file:
        file.write("\ntolerance: {rtol: 1.5e-4, atol: 1.0e-6}\n")
    outcome = graded(course, crew)
    assert len(outcome.graded) == len(STUDENTS) and not ran(outcome)
    assert gradebook_of(course) == gradebook_of(plain)
    notebook = course / "submitted" / "mixed_2" / TINY / f"{TINY}.ipynb"
    notebook.write_text(notebook.read_text().replace("def double(x", "def double(x ", 1))
    assert {one.student: one.kept for one in graded(course, crew).graded} == {"mixed_2": False}
    outcome = graded(course, crew, force=True)
    assert ran(outcome) == set(STUDENTS) - NOTHING_TO_RUN
    assert not any("Removing" in line for one in outcome.graded for line in one.said)


def test_a_run_knows_nothing_of_what_only_a_judge_needs(tiny):
    """So nothing runs when that changes: by the same words of its facts."""
    rules = tiny.lecture(TINY).exercises

    def told(exercise: str, **changed) -> str:
        facts = hidden_facts(tiny, TINY)
        return json.dumps(replace(facts, exercises={**rules, exercise: rules[exercise].model_copy(update=changed)}).for_a_run().to_json())

    known = told("double")
    assert known == told("double", points=7.0, title="Twice", minutes=3, difficulty=3, tolerance=Tolerance(rtol=1e-2)) == told("pieces", bonus=True)
    assert known == told("train_tiny", title="Train it", tolerance=Tolerance(rtol=1e-2))
    assert known not in (told("by_hand", forbid=("grad",)), told("train_tiny", points=9.0))


def test_whom_nbgrader_was_told_to_leave_out_is_left_out(course, crew):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.CourseDirectory.student_id_exclude = 'mixed_2,reference'\n")
    outcome = graded(course, crew)
    assert {one.student for one in outcome.graded} == set(STUDENTS) - {"mixed_2", "reference"} and (outcome.skipped, outcome.failed) == (2, {})


def test_what_ends_nbgraders_command_ends_this_one_with_its_sentence(course, crew, monkeypatch, capfd):
    monkeypatch.setattr(crews, "Crew", lambda size, unsafe, early: contextlib.nullcontext(crew))
    monkeypatch.chdir(course)
    (course / "build" / "source" / TINY / f"{TINY}.ipynb").unlink()
    assert main(["--course", str(course / "course.yml"), "grade", TINY]) == 1
    said = capfd.readouterr().err
    assert f"Nothing is graded: {TINY} has not been built on this machine." in said and "Traceback" not in said


def test_the_command_says_what_has_become_of_a_class(course, crew, monkeypatch):
    monkeypatch.setattr(crews, "Crew", lambda size, unsafe, early: contextlib.nullcontext(crew))
    monkeypatch.chdir(course)
    text = (course / "course.yml").read_text()
    (course / "course.yml").write_text(f"timezone: UTC\n{text}".replace(f"  {TINY}:\n", f"  {TINY}:\n    due: 2026-12-30\n"))
    notebook = course / "submitted" / "mixed_1" / TINY / f"{TINY}.ipynb"
    written = json.loads(notebook.read_text())
    next(cell for cell in written["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "why")["source"] = "Because it is so."
    notebook.write_text(json.dumps(written))
    first, second = (CliRunner().invoke(app, ["--course", str(course / "course.yml"), "grade", TINY, *more]) for more in ((), ("--json",)))
    assert first.exit_code == second.exit_code == 0, first.output + second.output
    for said in ("graded", "7 submissions in", "a minute", "stub: ", "late", "for a person", "menu Nbgrader, Formgrader"):
        assert said in first.output, (said, first.output)
    assert len(first.output.splitlines()) < 40 and json.loads(second.output)["passed_over"] == len(STUDENTS)
    nobody = CliRunner().invoke(app, ["--course", str(course / "course.yml"), "grade", TINY, "nobody"])
    assert isinstance(nobody.exception, UserError) and "nothing was handed in" in str(nobody.exception)


def test_a_damaged_run_is_made_again(course, crew, plain):
    graded(course, crew)
    kept = sorted((course / "build" / "runs" / TINY).iterdir())
    for number, path in enumerate(kept):
        data = path.read_bytes()
        path.write_bytes(data[:-1] if number % 3 == 0 else b"" if number % 3 == 1 else data[:40] + bytes([data[40] ^ 1]) + data[41:])
    shutil.rmtree(course / "autograded")
    outcome = graded(course, crew)
    assert ran(outcome) == set(STUDENTS) - NOTHING_TO_RUN and gradebook_of(course) == gradebook_of(plain)


def job_of(tiny, source: str = CELLS, **more) -> Job:
    cells = [Cell(source), Cell("from autograder import check\ncheck('double', lambda g: x)", exercise="double", locked=True)]
    return Job(cells, {}, hidden_facts(tiny, TINY).for_a_run().to_json(), tiny.course.limits.model_dump(), **more)


def test_a_run_that_was_kept_is_the_same(tiny, crew, tmp_path):
    kept = KeptRuns(crew, tmp_path / "runs")
    first, second = kept.run(job_of(tiny, "print('seen')\nx = 2\n1 / 0")), kept.run(job_of(tiny, "print('seen')\nx = 2\n1 / 0"))
    assert (first.kept, second.kept) == (False, True)
    assert [vars(cell) for cell in first.cells] == [vars(cell) for cell in second.cells] and second.seconds == first.seconds
    assert first.records["double"].draws[0].values == second.records["double"].draws[0].values == {"": 2}
    others = [job_of(tiny, CELLS + " "), job_of(tiny, autograd=False), job_of(tiny, pictures=False)]
    others[0].files = {"helper.py": b"x = 3"}
    assert not any(kept.run(job).kept for job in others) and len(list((tmp_path / "runs").iterdir())) == 4
    assert not KeptRuns(crew, tmp_path / "runs", fresh=True).run(job_of(tiny)).kept


def test_a_run_that_nobody_asks_for_goes_after_a_term(tiny, crew, tmp_path):
    from autograder.runner import kept as module

    kept, long_ago = KeptRuns(crew, tmp_path / "runs"), time.time() - module.UNUSED_DAYS * 24 * 3600 - 60
    kept.run(job_of(tiny))
    (used,) = (tmp_path / "runs").iterdir()
    os.utime(used, (long_ago, long_ago))
    assert kept.run(job_of(tiny)).kept
    unused = tmp_path / "runs" / "unused"
    unused.write_bytes(b"")
    os.utime(unused, (long_ago, long_ago))
    module._forget_unused.cache_clear()  # the next command
    assert not kept.run(job_of(tiny, CELLS + " ")).kept
    assert used.is_file() and not unused.exists()


def test_what_no_run_could_have_handed_over_is_not_taken(tiny, crew, tmp_path, monkeypatch):
    """Whoever can write there can write into the gradebook as well; but a mistake of a disk or a tool is noticed by more than its hash."""
    from autograder.runner import kept as module

    kept = KeptRuns(crew, tmp_path / "runs")
    result = kept.run(job_of(tiny))
    (path,) = (tmp_path / "runs").iterdir()
    for change in (
        lambda r: setattr(r, "cells", r.cells[:-1]),
        lambda r: setattr(r, "records", {"slope": r.records["double"]}),
        lambda r: setattr(r, "refused", {"double": 3}),
        lambda r: setattr(r, "repairs", {"double": [(Repair("2", "x", "y"), r.records["double"])]}),
    ):
        changed = kept.run(job_of(tiny))
        change(changed)
        module._write(path, changed)
        assert not kept.run(job_of(tiny)).kept, change
    assert kept.run(job_of(tiny)).records["double"].draws[0].values == result.records["double"].draws[0].values


def test_runners_that_nobody_has_started_are_not_waited_for(tiny):
    with Crew(1) as own, pytest.raises(RuntimeError, match="ready"):
        own.run(job_of(tiny))


def test_work_goes_on_while_a_jail_is_busy(tiny, crew):
    """In one thread, and in no order but that of the waiting."""
    said = []

    def work(number: int):
        def one():
            said.append(f"{number} begins")
            crew.run(job_of(tiny, f"import time\ntime.sleep({0.6 if number == 0 else 0})\nx = {number}"))
            said.append(f"{number} ends")

        return one

    crew.each(map(work, range(4)))
    assert said[:3] == ["0 begins", "1 begins", "2 begins"] and said[-1] == "0 ends"
    assert sorted(said) == sorted(f"{number} {what}" for number in range(4) for what in ("begins", "ends"))


def test_names_are_read_while_every_jail_is_busy(tiny):
    said = []

    def runs():
        own.run(job_of(tiny, "import time\ntime.sleep(3)\nx = 1"))
        said.append("ran")

    def reads():
        read = own.names.read(["x.backward()", "check()"], {}, {1}, [Asked(("backward",), (1,))])[0]
        said.append("read" if read.refused or read.aside else "nothing found")

    with Crew(1) as own:
        own.ready(tiny.course.limits.disk_mb)
        own.each([runs, reads])
    assert said == ["read", "ran"]


def test_a_jail_that_was_begun_early_is_the_first_ones(tiny):
    disk_mb = tiny.course.limits.disk_mb
    early, other = launch(disk_mb), launch(disk_mb + 1)
    with Crew(1, early=early) as own:
        own.ready(disk_mb)
        assert own.runners[0].process is early.process and own.run(job_of(tiny)).cells[0].ran
    with Crew(1, early=other) as own:  # another disk was meant
        own.ready(disk_mb)
        assert own.runners[0].process is not other.process and own.run(job_of(tiny)).cells[0].ran
    with Crew(1, early=(unused := launch(disk_mb))):
        pass
    assert all(begun.process.poll() is not None for begun in (early, other, unused))


def test_what_one_piece_of_work_raises_ends_all(tiny, monkeypatch):
    with Crew(1) as own:
        own.ready(tiny.course.limits.disk_mb)
        ended = []

        def waits():
            try:
                own.run(job_of(tiny, "import time\ntime.sleep(60)\nx = 1"))
            finally:
                ended.append("waits")

        def fails():
            raise UserError("for a reason")

        begun = time.monotonic()
        with pytest.raises(UserError, match="for a reason"):
            own.each([waits, fails])
        assert ended == ["waits"]
    assert time.monotonic() - begun < 30
    assert crews.AHEAD >= 1  # or the second would not have begun


def command(folder: Path, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", "grade", TINY, *more], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_an_interrupt_is_heard_that_falls_into_a_callback():
    class Held:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)  # and no exception leaves this method

    with pytest.raises(KeyboardInterrupt), heard():
        held = Held()
        del held
        time.sleep(30)


@pytest.mark.slow
def test_an_interrupt_loses_nothing_and_the_next_run_goes_on(course, plain):
    grader = command(course, "--jobs", "2")
    while grader.poll() is None and len(list(course.glob(f"autograded/*/{TINY}/{TINY}.ipynb"))) < 2:
        time.sleep(0.02)
    grader.send_signal(signal.SIGINT)
    said = grader.communicate()[0]
    assert grader.returncode == 130 and "Stopped: " in said and "go on" in said and "Traceback" not in said, said
    assert orphans() == set()
    told = json.loads(command(course, "--json").communicate()[0])
    assert not told["failed"] and len(told["graded"]) + told["passed_over"] == len(STUDENTS)
    assert gradebook_of(course) == gradebook_of(plain) and cards_of(course) == cards_of(plain)


@pytest.mark.slow
def test_a_killed_grader_is_taken_up_again(course, plain):
    kill_graders(course, 4, random.Random(0), lambda folder: command(folder, "--jobs", "2"))
    told = json.loads(command(course, "--json").communicate()[0])
    assert not told["failed"] and len(told["graded"]) + told["passed_over"] == len(STUDENTS)
    assert gradebook_of(course) == gradebook_of(plain) and cards_of(course) == cards_of(plain) and files_of(course) == files_of(plain)
    assert orphans() == set()


def test_who_cannot_be_graded_is_named_and_the_others_are_graded(course, crew, monkeypatch):
    from autograder.plugin import grading

    real = grading.grade

    def grade(notebook, files, *more):
        if any("mixed_2" in str(cell.source) for cell in notebook.cells):
            raise OSError("the disk has gone")
        return real(notebook, files, *more)

    notebook = course / "submitted" / "mixed_2" / TINY / f"{TINY}.ipynb"
    notebook.write_text(notebook.read_text().replace("def double(x", "# mixed_2\\ndef double(x", 1))
    monkeypatch.setattr(grading, "grade", grade)
    outcome = graded(course, crew)
    assert outcome.failed == {"mixed_2": "OSError: the disk has gone"} and len(outcome.graded) == len(STUDENTS) - 1
    assert not (course / "autograded" / "mixed_2" / TINY).exists()
