"""The answer key: what the reference, each mistake and each variant return for some seeds, computed once for the same content."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from autograder.course.directory import EXPECTED, CourseDirectory
from autograder.errors import UserError
from autograder.files import write_whole
from autograder.grading.catalogue import catalogue_of, collected
from autograder.grading.cells import built_notebook, cells_of, code_of, with_names
from autograder.grading.secret import public_facts
from autograder.judge.answers import Answers, Key, Mistake, sharing
from autograder.judge.looks import with_variants
from autograder.runner import jail
from autograder.runner.job import Cell, Job, Result
from autograder.runner.runs import Runs
from autograder.wall.facts import Facts
from autograder.wall.record import UNREADABLE, Record, RecordError


def answer_key(
    course: CourseDirectory,
    lecture: str,
    runner: Runs,
    facts: Facts,
    fresh: bool = False,
    say: Callable[[str], None] | None = None,
) -> Answers:
    """The answers of the reference, the mistakes and the variants for these seeds, computed once for the same content.

    Args:
        say: told how far the training of a reference model is.

    Raises:
        UserError: the reference, a mistake, a variant or (with the public seeds) an oracle does not run, with its line in the
            lecture file; or the jail would show the course.
    """
    if not runner.unsafe:
        jail.keep_out(course.root)
    source, others = course.source(lecture), course.extras(lecture)
    notebook = built_notebook(source)
    extras = json.loads(others.read_text()) if others.is_file() else {}
    if facts.seeds != public_facts(course, lecture).seeds:  # what an oracle says of the reference was asked when the lecture was built
        extras = {name: [extra for extra in found if extra["kind"] != "oracle"] for name, found in extras.items()}
    cache = course.build / "answers" / f"{lecture}-{_digest(course, source, others, facts)}.safetensors"
    trained = all(
        (course.weights(lecture) / f"{name}.safetensors").is_file() for name, rules in course.lecture(lecture).exercises.items() if rules.loss
    )
    if cache.is_file() and trained and not fresh:
        try:
            answers = _loaded(cache, cache.stat().st_mtime_ns)
            order = [cell.exercise for cell in cells_of(notebook, course, lecture) if cell.exercise]
            return Answers({name: answers.keys[name] for name in order}, answers.facts)  # as computed: a second build writes the same bytes
        except RecordError:
            cache.unlink()  # a damaged cache is no cache
    answers = compute_answers(course, lecture, notebook, extras, facts, runner, say, catalogue=True)
    answers.save(cache)
    return answers


def _digest(course: CourseDirectory, source: Path, others: Path, facts: Facts) -> str:
    """Of everything that the answers depend on."""
    digest = hashlib.sha256()
    for part in (source.read_bytes(), others.read_bytes() if others.is_file() else b"", course.names_digest().encode()):
        digest.update(hashlib.sha256(part).digest())
    digest.update(json.dumps(facts.to_json(), sort_keys=True).encode())
    digest.update(f"Python {sys.version}, torch {version('torch')}, numpy {version('numpy')}".encode())
    digest.update(_of_the_package())
    return digest.hexdigest()[:24]


@functools.cache
def _of_the_package() -> bytes:
    """Of the code that runs, which does not change while it does."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.digest()


@functools.lru_cache(maxsize=4)
def _loaded(path: Path, _: int) -> Answers:
    """A file of answers, read once while it does not change."""
    return Answers.load(path)


def compute_answers(
    course: CourseDirectory,
    lecture: str,
    notebook: Any,
    extras: dict[str, list[dict[str, Any]]],
    facts: Facts,
    runner: Runs,
    say: Callable[[str], None] | None = None,
    catalogue: bool = False,
) -> Answers:
    """Run the reference, and every mistake, variant and oracle in a fork at its check.

    Args:
        catalogue: also the wrong answers that nobody wrote down.
    """
    cells = cells_of(notebook, course, lecture)
    rules = course.lecture(lecture).exercises
    fits = {
        c.metadata.nbgrader.grade_id.removesuffix("_fit"): c.source
        for c in code_of(notebook)
        if c.metadata.nbgrader.grade_id.endswith("_fit")
    }
    for cell in cells:
        cell.locked = True
        if cell.exercise:
            fit_again = "\n" + fits[cell.exercise] if cell.exercise in fits else ""
            cell.forks = [extra["source"] + fit_again for extra in extras.get(cell.exercise, [])]
            cell.together = cell.exercise not in fits
            cell.patient = [number for number, extra in enumerate(extras.get(cell.exercise, [])) if extra["kind"] == "variant" and cell.together]
    known = catalogue_of(cells, notebook, extras, rules) if catalogue else {}
    job = author_job(course, lecture, notebook, cells, facts, say)
    files = job.files
    result = runner.run(job)
    where = course.solution(lecture).name
    for cell, ran in zip(cells, result.cells):
        error = next((o for o in ran.outputs if o["output_type"] == "error"), None)
        said = ran.ended or ("\n".join(error["traceback"][-12:]) if error else None)
        if said is not None:
            raise UserError(f"{where}: with the reference in place this cell stops:\n{cell.source[:300]}\n{said}")
    course.weights(lecture).mkdir(parents=True, exist_ok=True)
    for name, data in result.files.items():
        if files.get(name) != data:
            write_whole(course.weights(lecture) / name, data)
    keys = {}
    for exercise in (cell.exercise for cell in cells if cell.exercise):
        keys[exercise] = _key(exercise, result, extras.get(exercise, []), where)
        if catalogue:
            found, own = known.get(exercise, ()), extras.get(exercise, [])
            tried = [result.forks.get((exercise, len(own) + number)) for number in range(len(found))]
            mistakes = [extra for extra in own if extra["kind"] == "mistake"]
            keys[exercise].catalogue = collected(found, tried, keys[exercise], facts.tolerance_of(exercise), mistakes)
    return Answers(keys, facts.to_json())


def author_job(
    course: CourseDirectory, lecture: str, notebook: Any, cells: list[Cell], facts: Facts, say: Callable[[str], None] | None = None
) -> Job:
    """A run of the reference with more time than a submission has, and with the trained models that there are."""
    rules = course.lecture(lecture).exercises
    names = [c.metadata.nbgrader.grade_id for c in code_of(notebook)]
    fits = [name.removesuffix("_fit") for name in names if name.endswith("_fit")]
    budget = sum(loss.budget_seconds for name in fits if (loss := rules[name].loss))
    for cell in cells:
        cell.seconds = 120 + budget  # an author's machine may take its time; a loop that never ends may not
    wanted = tuple(f"{name}.safetensors" for name in fits)
    files = {name: path.read_bytes() for name in wanted if (path := course.weights(lecture) / name).is_file()}
    each, whole = 120 + budget, 600 + 2 * budget
    limits = {**course.course.limits.model_dump(), "cell_seconds": each, "notebook_seconds": whole}
    limits |= {"cell_cpu_seconds": 2 * each, "notebook_cpu_seconds": 2 * whole}
    return Job(cells, with_names(files, course), facts.to_json(), limits, training="author", wanted=wanted, say=say)


def _key(exercise: str, result: Result, extras: list[dict[str, Any]], where: str) -> Key:
    if exercise not in result.records:
        raise UserError(
            f"{where}: the check of {exercise!r} handed over no record: {result.refused.get(exercise, 'it does not call check or check_loss')}."
        )
    reference = result.records[exercise]
    if fault := _fault_of(reference):
        raise UserError(f"{where}: the reference of {exercise!r} {fault}")
    key = Key(reference)
    for number, extra in enumerate(extras):
        record = result.forks.get((exercise, number), "it handed over no record")
        if not isinstance(record, Record):
            what = f"{where}:{extra['line']}: the {extra['kind']} of {exercise!r}"
            if extra["kind"] == "oracle" and str(record).startswith("AssertionError"):
                raise UserError(f"{what} and the reference do not agree: {record}. One of the two is wrong, or the reference is another one at each run.")
            raise UserError(f"{what} does not run: {record}.")
        if extra["kind"] == "mistake":
            key.mistakes.append(Mistake(extra["says"], sharing(record, reference)))
        elif extra["kind"] == "variant":
            key.variants.append(sharing(record, reference))
    key.reference = with_variants(reference, key.variants)
    return key


MENDS = {  # of an exception in a reference; of any other the inputs are to blame
    "NameError": "Mend the name, in the answer or in the check",
    UNREADABLE: "Let the probe return tensors, numbers and texts, or lists and dicts of them",
}


def _fault_of(reference: Record) -> str:
    """Why a reference cannot be compared with: on such inputs nobody could be right."""
    for number, draw in enumerate(reference.draws, 1):
        which = f"for draw {number} of {len(reference.draws)}"
        if draw.failure:
            return f"fails its own probe {which} ({draw.failure.name}: {draw.failure.message}). {MENDS.get(draw.failure.name, 'Draw inputs that it can take')}."
        if draw.values.keys() != reference.draws[0].values.keys():
            return f"returns other names {which} than for draw 1. Let each draw return the same."
    return ""


def expected_path(course: CourseDirectory, lecture: str) -> Path:
    """The public answers: beside the source notebook, from where nbgrader copies them to the release."""
    return course.source(lecture).parent / EXPECTED
