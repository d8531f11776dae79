"""The ways in which people write and interrupt a training, in every lecture that has one: the own check says what grading says.

Each style is trained for a few steps in a student's own kernel: at once; stopped and run again; stopped, the kernel started anew, and run
again. A second kernel is a copy of one that has run nothing, so that its start is paid once. The file that is left is then graded.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
from conftest import ROOT
from styles import ANEW, BEGIN, BY_HAND_STYLES, HAND_BEGIN, MORE_STYLES, STYLES

from autograder.commands.parity import StudentKernel, student_kernel
from autograder.course.directory import CourseDirectory, load_course
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import answer_key
from autograder.grading.cells import built_notebook, code_of
from autograder.grading.secret import public_facts
from autograder.grading.submission import grade
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner

STEPS = 24
STOPS = [1, 3, 7, STEPS // 2, STEPS - 1]
TRAININGS = {  # lecture -> exercise, context, and what its text calls the two things that it hands to fit
    "lecture_1_trigram": ("train_trigram", 2, "Trigram, train_trigram = make, train"),
    "lecture_2_mlp": ("train_mlp", 3, "make_model = make"),
    "lecture_3_batchnorm": ("train_deep", 3, "make_model = make"),
    "lecture_4_backprop": ("train_by_hand", 3, "make_model = make"),
    "lecture_5_wavenet": ("train_wavenet", 8, "make_wavenet, train_wavenet = make, train"),
}
BY_HAND = "lecture_4_backprop"  # where backward is forbidden

EVERY_STOP = ("lecture_2_mlp", BY_HAND)
DAILY = {
    "lecture_1_trigram": "a generator of the module",
    "lecture_2_mlp": "layers that keep their out",
    "lecture_3_batchnorm": "the lecture's BatchNorm with keepdim",
    "lecture_4_backprop": "a scratch cell with autograd, same names",
    "lecture_5_wavenet": "nn.Module with AdamW",
}

IN_THE_KERNEL = '''
import json as _json, os as _os, signal as _signal, sys as _sys
import autograder, torch as _torch
_torch.optim.AdamW([_torch.zeros(1, requires_grad=True)])  # imports for a second, here once for all copies
from autograder.student import desk as _desk
from autograder.student.progress import Progress as _Progress

def _new_kernel(folder, cells, stops, path):
    """What a kernel that has run nothing says of these cells; the Nth run of fit is interrupted after stops[N] steps."""
    pid = _os.fork()
    if pid == 0:
        try:
            said, _sys.stdout, _sys.stderr = [], open(_os.devnull, "w"), open(_os.devnull, "w")
            _os.chdir(folder)
            _desk.show = lambda verdict, *_: said.append(verdict)
            stops, step = list(stops), _Progress.step
            def stopping(self, number, *rest):
                step(self, number, *rest)
                if number == stops[0]:
                    _os.kill(_os.getpid(), _signal.SIGINT)
            _Progress.step = stopping
            del get_ipython().history_manager.input_hist_raw[1:]  # these lines are not the student's
            for text in cells:
                get_ipython().run_cell(text, store_history=True)
                if "fit(" in text:
                    stops.pop(0)
            told = [[v.status, v.points, v.message] for v in said]
            with open(path, "w") as file:
                _json.dump(told, file)
        finally:
            _os._exit(0)
    _os.waitpid(pid, 0)
'''


@dataclass
class Student:
    """One lecture's notebook with the training alone in it, in a folder of its own for each kernel."""

    course: CourseDirectory
    lecture: str
    kernel: StudentKernel
    released: Path
    home: Path
    runner: Runner

    def __post_init__(self) -> None:
        self.exercise, self.context, self.footer = TRAININGS[self.lecture]
        facts = public_facts(self.course, self.lecture)
        self.key = answer_key(self.course, self.lecture, self.runner, facts)

    def text(self, style: str) -> str:
        begin = BEGIN.format(steps=STEPS, context=self.context)
        texts = [HAND_BEGIN, BY_HAND_STYLES[style]] if self.lecture == BY_HAND else [{**STYLES, **MORE_STYLES}[style]]
        return "\n".join([begin, *texts, self.footer])

    def notebook(self, text: str):
        notebook = built_notebook(self.course.source(self.lecture))
        kept = (self.exercise + ANSWER, f"{self.exercise}_fit", self.exercise)
        notebook.cells = [cell for cell in code_of(notebook) if cell.metadata.nbgrader.grade_id in kept]
        notebook.cells[0].source = text
        return notebook

    def folder(self, name: str) -> Path:
        folder = self.home / name
        shutil.copytree(self.released / self.lecture, folder)
        return folder

    def new_kernel(self, folder: Path, text: str, stops: list[int]) -> list[list]:
        """The verdicts that the own checks show; fit is run, and checked, once for each of ``stops``."""
        answer, fit, check = [cell.source for cell in self.notebook(text).cells]
        cells = [answer, *[cell for _ in stops for cell in (fit, check)]]
        self.kernel.told.unlink(missing_ok=True)
        self.kernel.run(f"_new_kernel({str(folder)!r}, {cells!r}, {[*stops, 0]!r}, {str(self.kernel.told)!r})")
        assert self.kernel.told.exists(), "the kernel stopped"
        return json.loads(self.kernel.told.read_text())

    def graded(self, folder: Path, text: str) -> Verdict:
        files = {path.name: path.read_bytes() for path in folder.glob("*.safetensors") if path.name != "expected.safetensors"}
        return grade(self.notebook(text), files, self.course, self.lecture, self.key, self.runner).verdicts[self.exercise]


@pytest.fixture(scope="module")
def students(course, runner, released, tmp_path_factory):
    """A student for every lecture, all with the one kernel."""
    home = tmp_path_factory.mktemp("students")
    with student_kernel(home) as kernel:
        kernel.run(IN_THE_KERNEL)
        made: dict[str, Student] = {}

        def student(lecture: str) -> Student:
            if lecture not in made:
                made[lecture] = Student(course, lecture, kernel, released, tmp_path_factory.mktemp(lecture), runner)
            return made[lecture]

        yield student


def weights_of(folder: Path, exercise: str) -> dict:
    return {name: t.tolist() for name, t in safetensors.torch.load_file(folder / f"{exercise}.safetensors").items()}


def rows() -> list:
    """Daily one style of each lecture; in the slow run every style in every lecture, and in two of them with every stop."""
    lectures = [lecture for lecture in load_course(ROOT / "course.yml").course.lectures if lecture in TRAININGS]
    found = []
    for number, lecture in enumerate(lectures):
        for row, style in enumerate(BY_HAND_STYLES if lecture == BY_HAND else STYLES):
            for place, stop in enumerate(STOPS):
                one = place == (row + number) % len(STOPS)
                if one or lecture in EVERY_STOP:
                    found.append(a_row(lecture, style, stop, slow=not one or style != DAILY[lecture]))
    return found + [a_row(EVERY_STOP[0], style, STOPS[row % len(STOPS)]) for row, style in enumerate(MORE_STYLES)]


def a_row(lecture: str, style: str, stop: int, slow: bool = True) -> Any:
    return pytest.param(lecture, style, stop, marks=pytest.mark.slow if slow else [], id=f"{lecture.split('_')[1]}-{style}-{stop}")


@pytest.mark.parametrize(("lecture", "style", "stop"), rows())
def test_a_training_stopped_or_not_is_graded_as_its_own_check_says(lecture, style, stop, students):
    student: Student = students(lecture)
    text = student.text(style)
    kernels = {"at once": [[0]], "stopped, run again": [[stop, 0]], "stopped, new kernel": [[stop], [0]]}
    weights = {}
    for way, runs in kernels.items():
        folder = student.folder(f"{style}, {way}, {stop}".replace("/", " "))
        for stops in runs:
            *_, own = student.new_kernel(folder, text, stops)
            verdict = student.graded(folder, text)
            assert own == [verdict.status, verdict.points, verdict.message], (way, stops)
        assert verdict.status in ("correct", "wrong") and "loss" in verdict.message.lower(), (way, verdict)
        weights[way] = weights_of(folder, student.exercise)
    if "unseeded" not in style:
        assert weights["stopped, run again"] == weights["at once"], "a training that was stopped goes on exactly where it stopped"
    if style not in ANEW:
        assert weights["stopped, new kernel"] == weights["at once"], "a training that begins anew is the same one"
