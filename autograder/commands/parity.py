"""Green means green: in a student's own kernel every answer gets the verdict that grading gives for the same seeds, word for word."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

from autograder.commands.demo_class import solution_texts
from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key, compute_answers
from autograder.grading.cells import built_notebook, code_of
from autograder.grading.secret import public_facts
from autograder.grading.submission import grade
from autograder.judge.answers import Key
from autograder.judge.judging import verdict_of
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner
from autograder.wall.facts import Facts

SECONDS = 300.0  # for one cell, on a busy machine
IN_THE_KERNEL = '''
import json as _json, os as _os, sys as _sys
from autograder.student import desk as _desk

def _verdicts_after(asked, told):
    """In a copy of this kernel: run one other answer after the other, each with the check behind it, and write down what the desk says."""
    pid = _os.fork()
    if pid == 0:
        try:
            with open(asked) as file:
                answers, check = _json.load(file)
            verdicts, said = [], []
            _sys.stdout, _sys.stderr = open(_os.devnull, "w"), open(_os.devnull, "w")  # the kernel's are shared with it
            _desk.show = lambda verdict, *_: said.append(verdict)
            shell = get_ipython()
            shell.events.callbacks["post_execute"].clear()  # nobody sees the pictures
            names, count, history = dict(shell.user_ns), shell.execution_count, shell.history_manager
            inputs = list(history.input_hist_raw), list(history.input_hist_parsed)
            for answer in answers:
                said.clear()
                shell.user_ns.clear()
                shell.user_ns.update(names)
                shell.execution_count = count
                history.input_hist_raw[:], history.input_hist_parsed[:] = inputs
                for text in (answer, check):
                    shell.run_cell(text, store_history=True)
                verdicts.append([[v.status, v.points, v.message, list(v.recognised), [[r.name, r.right, r.note] for r in v.rows]] for v in said])
            with open(told, "w") as file:
                _json.dump(verdicts, file)
        finally:
            _os._exit(0)
    _os.waitpid(pid, 0)
'''


def differences(
    course: CourseDirectory, lecture: str, runner: Runner, built: Path, others: dict[str, list[dict[str, Any]]] | None = None
) -> dict[str, tuple[int, list[str]]]:
    """What a student's own check and grading say, on the public seeds, of the reference, every mistake and every variant.

    The reference's trained models are among them; of other models a lecture has only code, and a model is graded by its weights.

    Args:
        built: a folder with the lecture's released folder in it.
        others: other answers than the lecture file's mistakes and variants, by exercise, in the form of its extras.

    Returns:
        By exercise the number of verdicts compared, and a sentence for each that differs.

    Raises:
        UserError: the kernel does not start, or stops.
    """
    facts = public_facts(course, lecture)
    notebook, texts = built_notebook(course.source(lecture)), solution_texts(course, lecture)
    if others is None:
        key, extras = answer_key(course, lecture, runner, facts), json.loads(course.extras(lecture).read_text())
    else:
        key, extras = compute_answers(course, lecture, notebook, others, facts, runner), others
    weights = {path.name: path.read_bytes() for path in course.weights(lecture).glob("*.safetensors")}
    reference = grade(notebook, weights, course, lecture, key, runner).verdicts
    found: dict[str, tuple[int, list[str]]] = {}
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        folder = Path(scratch)
        shutil.copytree(built / lecture, folder, dirs_exist_ok=True)
        shutil.copyfile(course.names, folder / "names.txt")
        for name, data in weights.items():
            (folder / name).write_bytes(data)
        with student_kernel(folder) as kernel:
            kernel.run(IN_THE_KERNEL)
            for cell in code_of(notebook):
                name = cell.metadata.nbgrader.grade_id
                if name in key.keys:
                    graded = [("the reference", "", reference[name])]
                    if not facts.rules(name).loss:
                        graded += _others(key.keys[name], extras.get(name, []), facts, course)
                    found[name] = len(graded), _different(kernel, graded, cell.source)
                kernel.run(texts.get(name.removesuffix(ANSWER), cell.source) if name.endswith(ANSWER) else cell.source)
    return found


def _different(kernel: StudentKernel, graded: list[tuple[str, str, Verdict]], check: str) -> list[str]:
    """A sentence for each answer of which the kernel says otherwise: also when it is asked alone, without what other answers leave behind."""
    different = []
    together = kernel.verdicts_after([source for _, source, _ in graded], check)
    for (what, source, verdict), own in zip(graded, together):
        expected = _told(verdict)
        if not _same(own, expected) and not _same(own := kernel.verdicts_after([source], check)[0], expected):
            different.append(f"a student's own check says of {what} {_short(own)}, grading {_short(expected)}")
    return different


def _others(key: Key, extras: list[dict[str, Any]], facts: Facts, course: CourseDirectory) -> list[tuple[str, str, Verdict]]:
    """Every mistake and variant of an exercise: its name, its code and what grading says of it."""
    found = []
    for kind, records in (("mistake", [mistake.record for mistake in key.mistakes]), ("variant", key.variants)):
        sources = [extra["source"] for extra in extras if extra["kind"] == kind]
        for number, (source, record) in enumerate(zip(sources, records, strict=True), 1):
            found.append((f"{kind} {number}", source, verdict_of(record, facts, key, course.read_names)))
    return found


def _told(verdict: Verdict) -> list[Any]:
    rows = [[row.name, row.right, row.note] for row in verdict.rows]
    return [verdict.status, verdict.points, verdict.message, list(verdict.recognised), rows]


def _same(own: list[Any] | None, graded: list[Any]) -> bool:
    """Whether a check in a kernel says what grading says; of an answer that nobody knows it may also tell the small change that mends it."""
    if own is None or own == graded:
        return own == graded
    status, points, message, recognised, rows = graded
    return not recognised and own[2].startswith(f"{message} ") and [*own[:2], *own[3:]] == [status, points, recognised, rows]


def _short(told: list[Any] | None) -> str:
    return f"{told[0]!r} with {told[1]:g} points, {told[2]!r}" if told else "nothing"


class StudentKernel:
    """A Jupyter kernel in a student's folder, as JupyterLab starts one."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client, self.asked, self.told = client, folder / "asked.json", folder / "told.json"

    def run(self, source: str) -> None:
        """Run a cell, whatever comes of it.

        Raises:
            UserError: the kernel does not answer.
        """
        try:
            self.client.execute_interactive(source, timeout=SECONDS, output_hook=lambda message: None, stdin_hook=lambda message: None)
        except (TimeoutError, RuntimeError) as error:
            raise UserError(f"A student's kernel stopped at this cell ({error}):\n{source[:300]}") from None

    def verdicts_after(self, answers: list[str], check: str) -> list[list[Any] | None]:
        """What the desk says of each answer in a copy of this kernel; ``None`` where it says nothing, or more than once."""
        self.told.unlink(missing_ok=True)
        self.asked.write_text(json.dumps([answers, check]))
        self.run(f"_verdicts_after({str(self.asked)!r}, {str(self.told)!r})")
        told = json.loads(self.told.read_text()) if self.told.exists() else [[]] * len(answers)
        return [said[0] if len(said) == 1 else None for said in told]


@contextmanager
def student_kernel(folder: Path) -> Iterator[StudentKernel]:
    try:
        manager, client = start_new_kernel(
            kernel_name="python3",
            cwd=str(folder),
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.DEVNULL,
        )
    except (OSError, RuntimeError) as error:
        raise UserError(f"No Jupyter kernel starts here, so a student's own check cannot be tried: {error}") from None
    try:
        yield StudentKernel(client, folder)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
