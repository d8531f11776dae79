"""A made-up term on the small course: what changes while it runs, and what must not be lost by it."""

import contextlib
import csv
import fcntl
import io
import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from conftest import TINY, copy_course, copy_tiny
from converters import convert
from nbgrader.api import Gradebook
from rich.console import Console

from autograder.commands import doctor
from autograder.commands.build import build
from autograder.commands.cli import main
from autograder.commands.demo import nbgrader, shown_cards
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.commands.update import change, offer
from autograder.course.directory import CourseDirectory, load_course
from autograder.plugin.submission import CHANGED
from autograder.plugin.turns import take_turns

FULL = {"double": 2, "pieces": 4, "slope": 3, "by_hand": 2, "train_tiny": 3}
WRONG = "def double(x):\n    return x"
CUBE = '''# %% [markdown] exercise="cube"
# Return the cube.
# %% answer="cube"
def cube(x):
    ### BEGIN SOLUTION
    return x**3
    ### END SOLUTION
# %% check="cube"
check("cube", lambda g: cube(torch.randn(5, generator=g)))
# %% [markdown] exercise="why"
'''


@pytest.fixture
def term(assigned, tmp_path) -> CourseDirectory:
    """Two have handed in: ann all right, ben one wrong answer; neither with a time."""
    course = copy_course(assigned, tmp_path)
    solutions = solution_texts(course, TINY)
    for student, answers in (("ann", solutions), ("ben", {**solutions, "double": WRONG})):
        hand_in(course, course.root, TINY, Submission(student, dict(answers), {}))
    return course


def points(course: CourseDirectory, student: str) -> dict[str, tuple[float | None, float | None]]:
    """By exercise what the machine gave, and what a person gave."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        return {grade.name: (grade.auto_score, grade.manual_score) for grade in gradebook.find_submission_notebook(TINY, TINY, student).grades}


def grade_by_hand(course: CourseDirectory, student: str, exercise: str, score: float) -> None:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        grade = gradebook.find_grade(exercise, TINY, TINY, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.db.commit()


def edited(course: CourseDirectory, what: str, by: str) -> CourseDirectory:
    path = course.root / "course.yml"
    assert what in path.read_text()
    path.write_text(path.read_text().replace(what, by))
    return load_course(path)


def up_to_date(course: CourseDirectory, runner) -> str:
    """What ``autograder build --yes`` does and says, with the worker's own runner."""
    build(course, TINY, runner)
    said = io.StringIO()
    offer(course, TINY, True, Console(file=said, width=120))
    return said.getvalue()


def notes(course: CourseDirectory, student: str) -> str:
    cells = nbformat.read(course.root / "autograded" / student / TINY / f"{TINY}.ipynb", as_version=4).cells
    return cells[0].source if cells[0].cell_type == "markdown" else ""


def refused(course: CourseDirectory, runner) -> str:
    with pytest.raises(SystemExit) as ended:
        convert(course.root, "autograde", TINY, runner)
    return str(ended.value)


def test_points_that_change_in_mid_term(term, runner, lent, capsys):
    convert(term.root, "autograde", TINY, runner)
    grade_by_hand(term, "ann", "why", 1.5)
    changed = edited(term, "title: Double a tensor, points: 2", "title: Double a tensor, points: 4")
    assert refused(changed, runner) == f"Nothing is graded: course.yml or {TINY}.py has changed since {TINY} was built. Build it again: autograder build {TINY}"
    build(changed, TINY, runner)
    assert "double has 4 points in course.yml, 2 in the gradebook. Bring" in refused(changed, runner)
    assert points(changed, "ann")["why"] == (0, 1.5)

    assert main(["--course", str(changed.file), "build", TINY]) == 0  # where nobody can answer
    said = capsys.readouterr().out
    assert f"differs for {TINY}, with 2 submissions" in said and "- double has 4 points in course.yml, 2 in the gradebook." in said
    assert f"To change it: autograder build {TINY} --yes" in said and change(changed, TINY) is not None
    said = up_to_date(changed, runner)
    assert "the gradebook as it was is in" in said and change(changed, TINY) is None
    assert len(list((term.build / "gradebooks").glob("gradebook-*.db"))) == 1

    said = convert(term.root, "autograde", TINY, runner)
    assert said.count("the course has changed since; it is graded again, and what was graded by hand is kept") == 2
    assert points(changed, "ann") == {**{name: (score, None) for name, score in FULL.items()}, "double": (4, None), "why": (0, 1.5)}
    assert points(changed, "ben")["double"] == (0, None)
    assert notes(changed, "ann").count(CHANGED) == 1 and "had been" not in notes(changed, "ann")
    assert "Correct · 4 / 4 points" in shown_cards(term.root / "autograded" / "ann" / TINY / f"{TINY}.ipynb")["double"]
    assert "graded again" not in convert(term.root, "autograde", TINY, runner)


def test_an_exercise_more_and_one_less(term, runner):
    convert(term.root, "autograde", TINY, runner)
    for student, score in (("ann", 1.5), ("ben", 0.5)):
        grade_by_hand(term, student, "why", score)
    grade_by_hand(term, "ben", "slope", 2)
    more = edited(term, "      why:", "      cube: {title: Cube a number, points: 5, minutes: 1, difficulty: 1}\n      why:")
    path = more.solution(TINY)
    path.write_text(path.read_text().replace('# %% [markdown] exercise="why"\n', CUBE))
    assert "- cube is not in the gradebook." in up_to_date(more, runner)
    convert(term.root, "autograde", TINY, runner)
    assert points(more, "ann") == {**{name: (score, None) for name, score in FULL.items()}, "cube": (0, None), "why": (0, 1.5)}
    assert points(more, "ben")["why"] == (0, 0.5)

    text = path.read_text()
    begin, end = text.index('# %% [markdown] exercise="slope"'), text.index('# %% [markdown] exercise="by_hand"')
    path.write_text(text[:begin] + text[end:])
    line = next(line for line in (term.root / "course.yml").read_text().splitlines() if line.strip().startswith("slope:"))
    less = edited(more, line + "\n", "")
    said = up_to_date(less, runner)
    assert "- slope is in the gradebook, and no longer in the lecture." in said
    assert "- slope goes, and with it 1 grade that people gave; they are kept in a file." in said
    kept = next((term.build / "gradebooks").glob(f"{TINY}-*.csv"))
    assert list(csv.reader(kept.open())) == [["student", "exercise", "points", "extra_credit"], ["ben", "slope", "2.0", ""]]
    assert kept.stat().st_mode & 0o077 == 0
    convert(term.root, "autograde", TINY, runner)
    assert points(less, "ben") == {"double": (0, None), "pieces": (4, None), "by_hand": (2, None), "train_tiny": (3, None), "cube": (0, None), "why": (0, 0.5)}
    convert(term.root, "generate_feedback", TINY, runner)
    assert len(list(term.root.glob(f"feedback/*/{TINY}/{TINY}.html"))) == 2

    path.write_text(text)
    again = edited(less, "      by_hand:", f"{line}\n      by_hand:")
    assert "- slope comes back, and with it 1 grade that people gave before." in up_to_date(again, runner)
    convert(term.root, "autograde", TINY, runner)
    assert (points(again, "ben")["slope"], points(again, "ann")["slope"]) == ((3, 2.0), (3, None))


@pytest.mark.slow
def test_an_exercise_of_another_kind_keeps_what_people_gave(term, runner):
    """The written answer becomes one in code, under its own name."""
    convert(term.root, "autograde", TINY, runner)
    grade_by_hand(term, "ann", "why", 1.5)
    path = term.solution(TINY)
    text = path.read_text()
    code = CUBE[CUBE.index("# %% answer") : CUBE.index('# %% [markdown] exercise="why"')].replace("cube", "why")
    path.write_text(text[: text.index('# %% [markdown] written="why"')] + code)
    course = edited(term, ", written: true", "")
    said = up_to_date(course, runner)
    assert "- the cell why is of another kind in the gradebook." in said
    assert "- why is of another kind from now on, and keeps 1 grade that people gave." in said
    convert(term.root, "autograde", TINY, runner)
    assert points(course, "ann")["why"] == (0, 1.5)


def test_a_resubmission_counts_whatever_its_time_says(term, runner):
    convert(term.root, "autograde", TINY, runner)
    convert(term.root, "generate_feedback", TINY, runner)
    grade_by_hand(term, "ben", "why", 0.5)
    shutil.rmtree(term.root / "submitted" / "ben")
    hand_in(term, term.root, TINY, Submission("ben", dict(solution_texts(term, TINY)), {}))
    said = convert(term.root, "autograde", TINY, runner)
    assert "ben/lecture_t_tiny: something else was handed in since; it is graded again" in said
    assert "ann/lecture_t_tiny: something" not in said
    assert points(term, "ben") == {**{name: (score, None) for name, score in FULL.items()}, "why": (0, 0.5)}
    said = convert(term.root, "generate_feedback", TINY, runner)
    assert "ben/lecture_t_tiny: it was graded again since; it is written again" in said and "ann/lecture_t_tiny: it was" not in said


def test_without_a_build_or_an_entry_it_is_said_once(term, runner):
    source = term.source(TINY)
    source.rename(source.with_suffix(".away"))
    assert refused(term, runner) == f"Nothing is graded: {TINY} has not been built on this machine. Build it: autograder build {TINY}"
    source.with_suffix(".away").rename(source)
    (term.root / "gradebook.db").unlink()
    assert refused(term, runner) == f"Nothing is graded: {TINY} is not in the gradebook. Put it there: nbgrader generate_assignment {TINY}"


@pytest.mark.slow
def test_the_command_itself_ends_with_the_sentence(term):
    edited(term, "title: Double a tensor, points: 2", "title: Double a tensor, points: 4")
    with pytest.raises(Exception, match=f"Build it again: autograder build {TINY}"):
        nbgrader(term.root, "autograde", TINY)


@pytest.mark.slow
def test_a_notebook_that_was_changed_by_its_student_is_told_so(term, runner):
    path = Path(term.root, "submitted", "ann", TINY, f"{TINY}.ipynb")
    notebook = nbformat.read(path, as_version=4)
    check = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "double")
    check.source += "  # mine"
    check.metadata.nbgrader.points = 7
    path.write_text(json.dumps(notebook))
    convert(term.root, "autograde", TINY, runner)
    assert "The points of double had been changed; 2 count." in notes(term, "ann") and CHANGED not in notes(term, "ann")


def test_feedback_is_released_also_of_what_came_by_mail(term, runner, tmp_path_factory):
    """nbgrader's own command ends for the whole class where one file is missing, or is no text."""
    exchange = tmp_path_factory.mktemp("exchange")
    exchange.chmod(0o777)
    there = [f"--Exchange.root={exchange}", "--course", "tiny"]
    (term.root / "submitted" / "ben" / TINY / "submission_secret.txt").write_bytes(b"\xff\xfe")
    convert(term.root, "autograde", TINY, runner)
    convert(term.root, "generate_feedback", TINY, runner)
    nbgrader(term.root, "release_assignment", TINY, *there)
    nbgrader(term.root, "release_feedback", TINY, *there)
    assert len(list((exchange / "tiny" / "feedback").glob("*.html"))) == 2
    with Gradebook(f"sqlite:///{term.root}/gradebook.db", "tiny") as gradebook:
        assert {s.student.id: s.timestamp for s in gradebook.assignment_submissions(TINY)} == {"ann": None, "ben": None}


@pytest.mark.parametrize("policy", [pytest.param("latest", marks=pytest.mark.slow), "best"])
def test_a_worse_resubmission_is_told_and_counts_as_course_yml_says(term, runner, policy):
    course = edited(term, "late:", f"resubmissions: {policy}\nlate:")
    convert(term.root, "autograde", TINY, runner)
    grade_by_hand(term, "ann", "why", 1.5)
    with Gradebook(f"sqlite:///{term.root}/gradebook.db", "tiny") as gradebook:
        gradebook.find_comment("double_answer", TINY, TINY, "ann").manual_comment = "Say why."
        gradebook.db.commit()
    shutil.rmtree(term.root / "submitted" / "ann")
    hand_in(course, term.root, TINY, Submission("ann", {**solution_texts(course, TINY), "double": WRONG}, {}))
    said = convert(term.root, "autograde", TINY, runner)
    told = "This resubmission has 13.5 points, the one before it had 15.5."
    assert f"ann: {told}" in said and told in notes(course, "ann")
    best = policy == "best"
    assert ("ann: the comment on double was written on an earlier answer, and stays: look at it again." in said) is not best
    assert ("The better one counts" in said) is best and ("The newest one counts." in said) is not best
    assert points(course, "ann")["double"] == (2 if best else 0, None) and points(course, "ann")["why"][1] == 1.5
    card = shown_cards(term.root / "autograded" / "ann" / TINY / f"{TINY}.ipynb")["double"]
    assert ("Correct" in card) is best
    assert (term.root / "autograded" / "ann" / TINY / "train_tiny.safetensors").is_file()
    assert "graded again" not in convert(term.root, "autograde", TINY, runner)
    convert(term.root, "generate_feedback", TINY, runner)
    assert len(list(term.build.glob(f"replaced/{TINY}/ann/*/{TINY}.ipynb"))) == best
    changed = edited(course, "title: Double a tensor, points: 2", "title: Double a tensor, points: 4")  # what counts, counts from now on
    up_to_date(changed, runner)
    convert(term.root, "autograde", TINY, runner, force=True)
    assert points(changed, "ann")["double"] == (4 if best else 0, None) and points(changed, "ann")["why"][1] == 1.5


def test_another_time_is_no_resubmission(term, runner):
    """Who corrects a timestamp.txt wants lateness to count, also where the better hand-in does; and nobody has handed in again."""
    course = edited(term, "late:", "resubmissions: best\nlate:")
    convert(term.root, "autograde", TINY, runner)
    grade_by_hand(term, "ann", "why", 1.5)
    stamp = term.root / "submitted" / "ann" / TINY / "timestamp.txt"
    stamp.write_text("2031-01-01 12:00:00 UTC\n")
    said = convert(term.root, "autograde", TINY, runner)
    assert "its time of handing in is another one now" in said and "This resubmission" not in said + notes(course, "ann")
    assert stamp.is_file() and points(course, "ann")["why"] == (0, 1.5)
    with Gradebook(f"sqlite:///{term.root}/gradebook.db", "tiny") as gradebook:
        assert gradebook.find_submission(TINY, "ann").timestamp.year == 2031
    assert "graded again" not in convert(term.root, "autograde", TINY, runner)
    stamp.write_text("2031-02-01 12:00:00 +0100\n")  # written again in UTC, and kept beside it
    assert "its time of handing in is another one now" in convert(term.root, "autograde", TINY, runner)
    assert (stamp.parent / "timestamp.txt.original").is_file() and "graded again" not in convert(term.root, "autograde", TINY, runner)
    again = shutil.move(stamp.parent, term.root / "again")
    shutil.copytree(again, stamp.parent)
    stamp.write_text("2031-03-01 12:00:00 UTC\n")
    assert "something else was handed in since" in convert(term.root, "autograde", TINY, runner), "the same, handed in once more"


def test_a_written_answer_that_is_another_one_is_looked_at_again(term, runner):
    """What a person has graded and has not changed is not."""
    convert(term.root, "autograde", TINY, runner)
    for student in ("ann", "ben"):
        grade_by_hand(term, student, "why", 1)
        path = term.root / "submitted" / student / TINY / f"{TINY}.ipynb"
        page = nbformat.read(path, as_version=4)
        place = next(i for i, cell in enumerate(page.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == "why")
        if student == "ben":
            page.cells[place].source = "Since I say so."
        else:
            page.cells.append(nbformat.v4.new_code_cell("1 + 1"))
        nbformat.write(page, path)
    said = convert(term.root, "autograde", TINY, runner)
    assert "ben: why was graded by a person, and is another answer now: look at it again." in said and "ann: why was" not in said
    with Gradebook(f"sqlite:///{term.root}/gradebook.db", "tiny") as gradebook:
        assert [gradebook.find_grade("why", TINY, TINY, student).needs_manual_grade for student in ("ann", "ben")] == [False, True]
    convert(term.root, "generate_feedback", TINY, runner)
    page = (term.root / "feedback" / "ben" / TINY / f"{TINY}.html").read_text()
    assert "1 of 2 points, given by a person, who is to look at it again" in page
    assert "One answer waits for a person." in page and "No response" not in page


@pytest.mark.slow
def test_another_secret_is_told_and_all_are_graded_with_it(term, runner):
    convert(term.root, "autograde", TINY, runner)
    (term.root / ".autograder_secret").unlink()
    said = convert(term.root, "autograde", TINY, runner)
    assert said.count("the secret is another one now, and with it the hidden inputs; it is graded again.") == 2
    assert points(term, "ann")["double"] == (2, None)


@pytest.mark.slow
def test_two_graders_take_turns(term):
    turns = term.build / "turns"
    turns.mkdir()
    with (turns / TINY).open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        turn.write("4711")
        turn.flush()
        grader = subprocess.Popen([sys.executable, "-m", "nbgrader", "autograde", TINY], cwd=term.root, stderr=subprocess.PIPE, text=True)
        for line in grader.stderr:
            if "Another grader works" in line:
                break
        assert line.endswith(f"Another grader works on {TINY} (process 4711). This one goes on when it is done.\n")
        assert not (term.root / "autograded").exists()
    grader.communicate()
    assert grader.returncode == 0 and points(term, "ann")["double"] == (2, None)


def test_a_grader_that_fails_gives_its_turn_back(term):
    """A server that grades goes on living; its next grader must not wait for its last one."""
    done = []
    for fails in (True, False):
        converter = SimpleNamespace(log=logging.getLogger("term"), convert_notebooks=lambda: done.append("converted"))
        with contextlib.suppress(SystemExit), take_turns(converter, term, TINY):
            if fails:
                sys.exit("no such lecture")
        if not fails:
            with (term.build / "turns" / TINY).open() as turn, pytest.raises(BlockingIOError):
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            converter.convert_notebooks()
        with (term.build / "turns" / TINY).open() as turn:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert done == ["converted"]


def test_answers_and_grades_are_their_owners_alone(tmp_path, runner):
    course = copy_tiny(tmp_path)
    build(course, TINY, runner)
    convert(tmp_path, "generate_assignment", TINY, runner)
    assert [path.stat().st_mode & 0o777 for path in (course.build, tmp_path / "gradebook.db")] == [0o700, 0o600]
    found = {finding.what: finding for finding in doctor._private(course)}
    assert all(finding.good for finding in found.values()) and len(found) >= 2
    course.build.chmod(0o755)
    (tmp_path / "gradebook.db").chmod(0o644)
    found = {finding.what: finding for finding in doctor._private(course)}
    assert found["build is open to every account of this machine"].remedy.endswith(f"chmod go-rwx {course.build}")
    assert not found["gradebook.db is open to every account of this machine"].good
