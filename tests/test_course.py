"""A mistake in ``course.yml`` or in a lecture file is one sentence that names file, line and what is allowed."""

import re
from datetime import UTC, datetime
from textwrap import indent

import jupytext
import pytest
from conftest import ROOT, TINY, copy_tiny

from autograder.commands.cli import main
from autograder.course.directory import load_course
from autograder.course.lecture import read_lecture
from autograder.errors import UserError
from autograder.grading.secret import secret

WRONG_COURSES = [
    (
        "points: 2, minutes: 1",
        "pionts: 2, minutes: 1",
        r"course.yml:11: .*double.pionts: there is no such key. Did you mean 'points'\? Allowed: title, points",
    ),
    (
        "points: 2, minutes: 1",
        "points: two, minutes: 1",
        r"course.yml:11: .*double.points: 'two' is not a number. Allowed: a number above 0",
    ),
    (
        "points: 2, minutes: 1",
        "points: -2, minutes: 1",
        r"course.yml:11: .*double.points: -2 will not do: input should be greater than 0",
    ),
    (
        "points: 2, minutes: 1",
        "minutes: 1",
        r"course.yml:11: .*double.points: this key is missing. Allowed: a number above 0",
    ),
    ("course: tiny", "course: Tiny Course", r"course.yml:1: course: 'Tiny Course' has not the form"),
    (
        "limits: {cell_seconds: 4,",
        "limits: {cell_second: 4,",
        r"course.yml:4: limits.cell_second: .*Did you mean 'cell_seconds'\?",
    ),
    (
        "late: {percent_per_day: 10}",
        "late: {percent_per_day: 200}",
        r"course.yml:5: late.percent_per_day: 200 will not do",
    ),
    ("bands: {2.9: 1, 2.6: 3}", "bands: {2.9: 3, 2.6: 1}", r"course.yml:16: .*bands: bands need"),
    (
        "bands: {2.9: 1, 2.6: 3}",
        "bands: {2.9: 1, 2.6: 2}",
        r"train_tiny: the best band gives 2 points, the exercise has 3",
    ),
    ("split: test", "split: train", r"course.yml:16: .*split: 'train' will not do: input should be 'dev' or 'test'"),
    (
        "course: tiny",
        "course: tiny\ndata: {names: nomes.txt}",
        r"course.yml:2: data.names: there is no file 'nomes.txt' beside course.yml",
    ),
    ("course: tiny", "course: [tiny", r"course.yml:\d+: this is not YAML"),
    ("course: tiny", "course: tiny\ncourse: tiny", r"course.yml:2: the key 'course' stands here a second time"),
]


ZONE = "timezone: Europe/Berlin\nlectures:\n  lecture_t_tiny:\n"
WRONG_DATES = {  # in place of the lecture's date, and what is said of its line
    "due: 2027-02-30": "'2027-02-30' does not exist: day is out of range for month. Write 2027-03-01, which is the end of that day",
    "due: 2027-03-01 24:00": "'2027-03-01 24:00' does not exist: .*The last minute of a day is 23:59",
    "due: 2027-13-01 10:00:00": "does not exist: month must be in 1..12",
    "due: 1 March 2027": "'1 March 2027' is not how a date is written here",
    "due: 01.03.2027": "is not how a date is written here",
    "due: 27-03-01": "is not how a date is written here",
    "due: 20270301": "is not how a date is written here",
    "due: 12:00": "is not how a date is written here",
    "due: 2027-03-01 23:59 CET": "'CET' behind the time is no offset",
    "due: 2027-03-28 02:30": "does not exist in Europe/Berlin: clocks are set forward",
    "due: 2027-10-31 02:30": r"comes twice in Europe/Berlin.*02:30:00\+0200 or 2027-10-31 02:30:00\+0100",
    "due: 9999-12-31": "the year 9999 cannot be meant",
    "extensions: {ada: 2027-03-08}": "extensions.ada: an extension needs the lecture's own date",
    "due: 2027-03-01\nextensions: {ada: 2027-02-28}": "extensions.ada: .* is before the lecture is due",
    "due: 2027-03-01\nextensions: {ada: tomorrow}": "extensions.ada: 'tomorrow' is not how a date is written here",
}


@pytest.mark.parametrize("date, message", WRONG_DATES.items(), ids=WRONG_DATES)
def test_a_date_that_is_none_or_two_is_refused_with_its_line(date, message, tmp_path):
    line = 10 + date.count("\n")
    with pytest.raises(UserError, match=rf"course.yml:{line}: lectures.lecture_t_tiny.*{message}"):
        with_date(tmp_path, date)


def with_date(folder, date, zone=ZONE):
    """The small course's lecture with a date, which stands in line 10."""
    copy_tiny(folder)
    path = folder / "course.yml"
    path.write_text(path.read_text().replace("lectures:\n  lecture_t_tiny:\n", zone + indent(date, "    ") + "\n", 1))
    return load_course(path).course.lectures[TINY]


DATES = {
    "2027-03-01": datetime(2027, 3, 1, 22, 59, 59),
    "2027-07-01": datetime(2027, 7, 1, 21, 59, 59),  # summer time
    "2027-10-31": datetime(2027, 10, 31, 22, 59, 59),
    "2027-03-01 18:00": datetime(2027, 3, 1, 17),
    '"2027-03-01T18:00:30"': datetime(2027, 3, 1, 17, 0, 30),
    "2027-03-01 18:00-05:00": datetime(2027, 3, 1, 23),
    "2027-10-31 02:30:00+01:00": datetime(2027, 10, 31, 1, 30),
    "2027-03-01T18:00Z": datetime(2027, 3, 1, 18),
}


@pytest.mark.parametrize("date, meant", DATES.items(), ids=DATES)
def test_a_day_is_due_at_its_end_where_the_course_is(date, meant, tmp_path):
    assert with_date(tmp_path, f"due: {date}").due == meant.replace(tzinfo=UTC)


def test_a_student_is_who_was_typed(tmp_path):
    lecture = with_date(tmp_path, "due: 2027-03-01\nextensions: {0123: 2027-03-08, on: 2027-03-09 12:00}")
    assert lecture.extensions == {"0123": datetime(2027, 3, 8, 22, 59, 59, tzinfo=UTC), "on": datetime(2027, 3, 9, 11, tzinfo=UTC)}


def test_a_date_without_the_courses_time_zone_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"course.yml:9: .*due: a date needs the course's time zone: write `timezone: Europe/Berlin`"):
        with_date(tmp_path, "due: 2027-03-01", zone="lectures:\n  lecture_t_tiny:\n")


WRONG_TOPS = {
    "timezone: Berlin": "timezone: 'Berlin' is no time zone. Write a place such as Europe/Berlin, or UTC. Did you mean 'Europe/Berlin'",
    "timezone: CET": "timezone: 'CET' is no time zone",
    "gradebook: my.db": "gradebook: this is not the URL of a database. Write sqlite:///gradebook.db",
    "gradebook: sqlite://gradebook.db": "gradebook: an SQLite file stands behind three slashes: sqlite:///gradebook.db",
    'gradebook: "sqlite:///:memory:"': "gradebook: a gradebook in memory is lost",
    "gradebook: sqlite:///none/there/g.db": "gradebook: there is no folder '.*none/there'",
    "gradebook: sqlite:///g.db?timeout=soon": "gradebook: SQLite does not take what stands behind the question mark",
    "gradebook: oracel://h/d": "gradebook: no kind of database is called 'oracel'",
    "gradebook: mysql://me:secret@h/d": "gradebook: mysql needs the Python package 'MySQLdb', which is not installed here",
    "gradebook: postgresql://me:secret@h:port/d": "gradebook: this is not the URL of a database",
    "course: Kläß": r"this line is not UTF-8 text \(byte 0xe4\). Save the file as UTF-8",
    "title: Lecture 6: statistics": "this is not YAML: mapping values are not allowed here. .* a text with a colon or a # in it stands between quotes",
    "title: !!timestamp 2027-02-30": "this is not YAML: day is out of range for month",
}


@pytest.mark.parametrize("line, message", WRONG_TOPS.items(), ids=WRONG_TOPS)
def test_a_wrong_zone_gradebook_or_encoding_is_one_sentence(line, message, tmp_path):
    copy_tiny(tmp_path)
    path = tmp_path / "course.yml"
    path.write_bytes(f"# the first line\n{line}\n{path.read_text()}".encode("latin-1"))
    with pytest.raises(UserError, match=f"course.yml:2: {message}") as told:
        load_course(path)
    assert "secret" not in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("old, new, message", WRONG_COURSES, ids=[new[:40] for _, new, _ in WRONG_COURSES])
def test_a_wrong_course_is_one_sentence(old, new, message, tmp_path):
    copy_tiny(tmp_path)
    path = tmp_path / "course.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        load_course(path)


WRONG_LECTURES = [
    (
        '# %% check="double"\ncheck("double", lambda g: double(torch.randn(3, 4, generator=g)))',
        "",
        "exercise 'double' of course.yml has no check cell",
    ),
    ('says="You squared', 'says="You "squared"', r'lecture_t_tiny.py:\d+: this header cannot be read\..* a quote within a sentence is written \\"\.'),
    ('# %% check="double"', '# %% check="doubel"', r"lecture_t_tiny.py:\d+: check='doubel' has no entry in course.yml; .*\. Did you mean 'double'\?"),
    (
        '# %% check="double"',
        '# %% chek="double"',
        r"lecture_t_tiny.py:\d+: chek: a cell has one role at most, of: exercise, answer.*Did you mean 'check'\?",
    ),
    ('check("double", lambda', 'check("pieces", lambda', r"the check cell of 'double' must call check\(\"double\""),
    (
        ' says="You added two: multiply by it."',
        "",
        r"lecture_t_tiny.py:\d+: mistake='double': a mistake, and only a mistake, `says`",
    ),
    (
        "You added two: multiply by it.",
        "You squared the tensor: twice a number is not its square.",
        "says the same as the one in line",
    ),
    ("def double(x):\n    return x * x\n", "from math import sqrt\n", "this mistake does not define double, so the reference would be tried.$"),
    ("def double(x):\n    return x * x\n", "def doubel(x):\n    return x * x\n", r":\d+: this mistake does not define double, .* Did you mean 'double'\?"),
    (
        '# %% variant="double"',
        '# %% answer="double"',
        r"lecture_t_tiny.py:\d+: answer='double' needs `### BEGIN SOLUTION`",
    ),
    (
        '# %% [markdown] written="why"',
        '# %% written="why"',
        r"lecture_t_tiny.py:\d+: written='why' must be a markdown cell",
    ),
    ("names = load_names()", "### BEGIN SOLUTION\nnames = load_names()", "stands in a cell that is no answer"),
    (
        '# %% [markdown] exercise="double"\n# Return twice the tensor.\n',
        "",
        r"lecture_t_tiny.py:21: the exercise 'double' of course.yml has no exercise cell: add `# %% \[markdown\] exercise=\"double\"`",
    ),
    (
        "# Return twice the tensor.",
        '# Return twice the tensor.\n# %% [markdown] exercise="double"\n# Say it again.',
        r"lecture_t_tiny.py:23: a second exercise='double'; the first is in line 21",
    ),
    ("# Return twice the tensor.\n", "#\n", r"lecture_t_tiny.py:21: exercise='double' has no text"),
    (
        '# %% [markdown] exercise="why"\n# Why?\n# %% [markdown] written="why"\n# Because.',
        '# %% [markdown] written="why"\n# Because.\n# %% [markdown] exercise="why"\n# Why?',
        r"lecture_t_tiny.py:\d+: written='why' stands before its text",
    ),
    (
        '# %% fit="train_tiny"\nmodel = fit("train_tiny", Bigram, train, steps=40)\n# %% check="train_tiny"\ncheck_loss("train_tiny")',
        '# %% check="train_tiny"\ncheck_loss("train_tiny")\n# %% fit="train_tiny"\nmodel = fit("train_tiny", Bigram, train, steps=40)',
        r"lecture_t_tiny.py:\d+: check='train_tiny' stands before its fit",
    ),
    (
        '# %% [markdown] written="why"',
        '# %% answer="why"\n### BEGIN SOLUTION\n### END SOLUTION\n# %% [markdown] written="why"',
        r"lecture_t_tiny.py:\d+: answer='why': by its entry in course.yml this exercise has only exercise, written",
    ),
    ('# %% variant="double"', '# %% variant="double" raises="ValueError"', r"variant='double': only a mistake `raises`"),
    ("# %% author", "# %%", r"lecture_t_tiny.py:6: the first cell with code must be `# %% author`"),
    ("run(__name__, globals())", "", r"lecture_t_tiny.py:6: the first cell with code must be `# %% author`, with these lines"),
    ("names = load_names()", "names = load_names(", r"lecture_t_tiny.py:20: this is not Python \('\(' was never closed\)"),
    ("names = load_names()", "!ls\nnames = load_names()", r"lecture_t_tiny.py:20: this is not Python .*commands for IPython"),
    ("names = load_names()", "# %%time\nnames = load_names()", r"lecture_t_tiny.py:20: '# %%time' is neither the header of a cell"),
]
COMMANDS = ["# !x", "# ?x", "# x?", "# x??", "# ls", "#ls", "# ls of what is here", "# cd", "# cat and dog", "# mv", "# rm it", "# copy", "# echo"]
COMMANDS += ["# %time", "# %matplotlib inline", "# x = !x", "# ! ./run", "# # %time"]
COMMENTS = ["# what is x?", "# list", "# ls = 3", "# not !x", "# 100 %", "# catalogue", 'text = """', '# !x in a text"""']


@pytest.mark.parametrize("old, new, message", WRONG_LECTURES, ids=[message[-40:] for *_, message in WRONG_LECTURES])
def test_a_wrong_lecture_file_is_one_sentence(old, new, message, tmp_path):
    tiny = copy_tiny(tmp_path)
    path = tiny.solution(TINY)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        read_lecture(path, tiny.lecture(TINY))


@pytest.mark.parametrize(
    ("code", "line"), [("names = load_names()", 20), ("    return 2 * x", 27), ("    return x * x", 35), ("    return x + x", 44)]
)
@pytest.mark.parametrize("comment", COMMANDS)
def test_a_comment_that_would_become_a_command_is_told(comment, code, line, tmp_path):
    """In every cell with code: what students get, and the other answers."""
    tiny = copy_tiny(tmp_path)
    path = tiny.solution(TINY)
    indented = code.replace(code.lstrip(), comment)
    path.write_text(path.read_text().replace(code, f"{indented}\n{code}", 1))
    if jupytext.reads(f"# %%\n{indented}\n", fmt="py:percent").cells[0].source == indented:
        read_lecture(path, tiny.lecture(TINY))  # such as an indented `# ls`: IPython would not take it for a command
        return
    with pytest.raises(UserError, match=rf"lecture_t_tiny.py:{line}: in the notebook the comment '{re.escape(comment)}' would be the command"):
        read_lecture(path, tiny.lecture(TINY))


def test_other_comments_are_comments(tmp_path):
    tiny = copy_tiny(tmp_path)
    path = tiny.solution(TINY)
    comments = "\n".join(COMMENTS)
    path.write_text(path.read_text().replace("names = load_names()", f"{comments}\nnames = load_names()"))
    assert any(comments in cell.source for cell in read_lecture(path, tiny.lecture(TINY)))


def test_an_entry_without_a_lecture_file_is_told(tmp_path):
    tiny = copy_tiny(tmp_path)
    tiny.solution(TINY).unlink()
    with pytest.raises(UserError, match="every lecture of course.yml needs its file"):
        read_lecture(tiny.solution(TINY), tiny.lecture(TINY))


def test_the_command_shows_a_sentence_and_no_traceback(tmp_path, capsys):
    assert main(["--course", str(tmp_path / "course.yml"), "verify"]) == 1
    said = capsys.readouterr()
    assert "there is no such file" in said.err and "Traceback" not in said.err + said.out


def test_an_unknown_lecture_is_told(capsys):
    assert main(["--course", str(ROOT / "course.yml"), "verify", "lecture_9"]) == 1
    assert "course.yml has no lecture 'lecture_9'" in capsys.readouterr().err


def test_points_add_up_to_twenty_and_at_most_four_bonus(course):
    for name, lecture in course.course.lectures.items():
        points = [e.points - e.bonus_points for e in lecture.exercises.values()]
        bonus = [e.bonus_points for e in lecture.exercises.values()]
        assert sum(points) == 20 and sum(bonus) <= 4, name


@pytest.mark.parametrize("value", ["zero2hero", "password", "a" * 40, "abcabc" * 10, "x" * 19 + "y"])
def test_a_secret_that_can_be_guessed_is_refused_with_a_good_one(value, tmp_path, monkeypatch):
    """A submission prints its seeds, and a list of words finds the secret: of all lectures at once."""
    course = copy_tiny(tmp_path)
    monkeypatch.setenv("AUTOGRADER_SECRET", value)
    with pytest.raises(UserError, match=r"AUTOGRADER_SECRET can be guessed.*such as [0-9a-f]{64}$"):
        secret(course)
    monkeypatch.delenv("AUTOGRADER_SECRET")
    (tmp_path / ".autograder_secret").write_text(value)
    with pytest.raises(UserError, match="Delete the file; a new one will be made"):
        secret(course)
    (tmp_path / ".autograder_secret").unlink()
    assert len(secret(course)) == 64 and secret(course) == secret(course)
