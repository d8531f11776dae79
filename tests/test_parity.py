"""Green means green: in a student's own kernel every answer gets the verdict that grading gives for the same seeds, word for word."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from conftest import ROOT
from jupyter_client.manager import start_new_kernel

from autograder.commands.demo_class import solution_texts
from autograder.course.directory import load_course
from autograder.course.notebook import ANSWER
from autograder.grading.answer_key import answer_key
from autograder.grading.cells import built_notebook
from autograder.grading.secret import public_facts
from autograder.judge.judging import verdict_of
from autograder.wall.facts import Facts

LECTURES = list(load_course(ROOT / "course.yml").course.lectures)
SECONDS = 60
HELPERS = '''
import json, os, sys
from IPython import get_ipython
from autograder.student import desk

def verdict_after(source, check, path):
    """In a copy of this kernel: run another answer and the check, and write down what the desk says."""
    pid = os.fork()
    if pid == 0:
        try:
            said, sys.stdout, sys.stderr = [], open(os.devnull, "w"), open(os.devnull, "w")  # the kernel's are shared with it
            desk.show = lambda verdict, title: said.append(verdict)
            for text in (source, check):
                get_ipython().run_cell(text, store_history=False, silent=True)
            with open(path, "w") as file:
                json.dump([[v.status, v.points, v.message, list(v.recognised), [[r.name, r.right, r.note] for r in v.rows]] for v in said], file)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
'''


def told(verdict) -> list:
    rows = [[row.name, row.right, row.note] for row in verdict.rows]
    return [verdict.status, verdict.points, verdict.message, list(verdict.recognised), rows]


@pytest.mark.slow
@pytest.mark.parametrize("lecture", LECTURES)
def test_the_students_own_check_says_what_grading_says(lecture, course, runner, released, tmp_path):
    shutil.copytree(released / lecture, tmp_path, dirs_exist_ok=True)
    for path in course.weights(lecture).glob("*.safetensors"):
        shutil.copyfile(path, tmp_path / path.name)
    key = answer_key(course, lecture, runner, public_facts(course, lecture))
    facts, texts = Facts.from_json(key.facts), solution_texts(course, lecture)
    extras = json.loads(course.extras(lecture).read_text())
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path), env={**os.environ, "OMP_NUM_THREADS": "1"})
    different = []
    try:
        client.execute_interactive(HELPERS, timeout=SECONDS, output_hook=lambda message: None)
        for cell in built_notebook(course.source(lecture)).cells:
            if cell.cell_type != "code":
                continue
            name = cell.metadata.nbgrader.grade_id
            source = texts.get(name.removesuffix(ANSWER), cell.source) if name.endswith(ANSWER) else cell.source
            if name in key.keys and not facts.rules(name).loss:
                records = iter([key.keys[name].reference, *(m.record for m in key.keys[name].mistakes), *key.keys[name].variants])
                kinds = {kind: [e["source"] for e in extras.get(name, []) if e["kind"] == kind] for kind in ("mistake", "variant")}
                for number, answer in enumerate(["", *kinds["mistake"], *kinds["variant"]]):
                    path = tmp_path / "said.json"
                    path.unlink(missing_ok=True)
                    call = f"verdict_after({answer!r}, {cell.source!r}, {str(path)!r})"
                    client.execute_interactive(call, timeout=SECONDS, output_hook=lambda message: None)
                    graded = told(verdict_of(next(records), facts, key.keys[name], course.read_names))
                    own = json.loads(path.read_text()) if path.exists() else "nothing"
                    if own != [graded]:
                        different.append((name, number, own, graded))
            client.execute_interactive(source, timeout=SECONDS, output_hook=lambda message: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not different, different[:3]
