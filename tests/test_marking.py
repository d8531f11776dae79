"""Model answers and marking schemes are for who grades: the formgrader shows them, and nothing that a student gets holds one."""

import json

import nbformat
import pytest
from conftest import TINY

from autograder.course.lecture import read_lecture
from autograder.course.marking import read_marking
from autograder.errors import UserError
from autograder.plugin.beside_written import ShowMarking

LECTURE = """# %% author
from autograder.commands.script import run

run(__name__, globals())
"""


def test_each_written_answer_of_the_course_has_a_scheme_with_samples_of_all_marks(course):
    for lecture in course.course.lectures:
        cells = read_lecture(course.solution(lecture), course.entry(lecture))
        schemes = {cell.exercise: cell.source for cell in cells if cell.role == "marking"}
        written = {name: rules for name, rules in course.lecture(lecture).exercises.items() if rules.written}
        assert set(schemes) == set(written)
        for name, rules in written.items():
            points = [line.split("|")[1].strip() for line in schemes[name].splitlines()[2:]]
            assert points == [f"{rules.points:g}", f"{rules.points / 2:g}", "0"], name


def test_no_stub_holds_a_model_answer_or_a_scheme(course, released):
    for lecture in course.course.lectures:
        stub = (released / lecture / f"{lecture}.ipynb").read_text()
        for name, texts in read_marking(course, lecture).items():
            for text in texts.values():
                assert json.dumps(text)[1:60] not in stub and text[-60:] not in stub, name


def test_the_formgraders_page_alone_has_them(tiny):
    notebook = nbformat.read(tiny.source(TINY), as_version=4)
    show = ShowMarking(course_file=str(tiny.root / "course.yml"))
    before = len(notebook.cells)
    assert len(show.preprocess(notebook, {"nbgrader": {}})[0].cells) == before  # the feedback
    assert len(show.preprocess(notebook, {"submission_id": "1", "assignment_id": "another"})[0].cells) == before
    shown = show.preprocess(notebook, {"submission_id": "1", "assignment_id": TINY})[0].cells
    assert len(shown) == before + 1
    place = next(number for number, cell in enumerate(shown) if cell.source.startswith("<details open>"))
    assert shown[place - 1].metadata.nbgrader.grade_id == "why" and "Because." in shown[place].source and "Two points for" in shown[place].source


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ('# %% [markdown] exercise="why"\n# Why?\n# %% [markdown] marking="why"\n# x\n# %% [markdown] written="why"\n# B\n', "stands before its written"),
        ('# %% [markdown] exercise="why"\n# Why?\n# %% [markdown] written="why"\n# B\n# %% marking="why"\nx = 1\n', "must be a markdown cell"),
        ('# %% [markdown] exercise="why"\n# W\n# %% [markdown] written="why"\n# B\n' + '# %% [markdown] marking="why"\n# x\n' * 2, "a second marking"),
    ],
)
def test_a_scheme_stands_once_behind_its_answer(tiny, tmp_path, cells, said):
    rules = tiny.lecture(TINY)
    alone = rules.model_copy(update={"listed": {"why": rules.listed["why"]}})
    alone.__dict__.pop("exercises", None)
    file = tmp_path / "lecture.py"
    file.write_text(LECTURE + cells)
    with pytest.raises(UserError, match=said):
        read_lecture(file, alone)


def test_a_scheme_is_for_a_written_answer(tiny, tmp_path):
    rules = tiny.lecture(TINY)
    file = tmp_path / "lecture.py"
    file.write_text(tiny.solution(TINY).read_text() + '# %% [markdown] marking="double"\n# Two points.\n')
    with pytest.raises(UserError, match="has only exercise, answer, check"):
        read_lecture(file, rules)
