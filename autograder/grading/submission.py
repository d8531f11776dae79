"""From a notebook's cells to verdicts: run them in the runner, compare the records with the answer key."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat

from autograder.course.notebook import ANSWER
from autograder.course.schema import CourseDirectory, Exercise
from autograder.errors import UserError
from autograder.files import write_whole
from autograder.judge.answers import Answers, Key, Mistake
from autograder.judge.forbidden import forbidden_use, without_forbidden
from autograder.judge.judging import verdict_of
from autograder.judge.verdict import Verdict, refuse
from autograder.runner import jail
from autograder.runner.host import Cell, CellResult, Job, Result, Runner
from autograder.student.session import EXPECTED, Facts, seeds_from
from autograder.student.weights import count
from autograder.wall.record import Record, RecordError

SECRET_FILE, SECRET_VARIABLE = ".autograder_secret", "AUTOGRADER_SECRET"
PUBLIC = b"public"  # in the place of the secret, for the draws that students see
NO_RECORD = "This check handed over nothing to compare."
ALONE = "(It was run without those statements of your other cells that use what this exercise forbids.)"


@dataclass
class Graded:
    """One submission's outcome."""

    verdicts: dict[str, Verdict]
    cells: list[CellResult]
    remarks: list[str] = field(default_factory=list)  # for the instructor


def secret(course: CourseDirectory) -> bytes:
    """The instructor's secret: of the environment, or of a file that git ignores, made on first use."""
    if value := os.environ.get(SECRET_VARIABLE):
        return value.encode()
    path = course.root / SECRET_FILE
    if not path.exists():
        fd, mine = tempfile.mkstemp(prefix=SECRET_FILE, dir=course.root)  # of mode 0600
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):  # another process was first, and its secret holds
            os.link(mine, path)
        os.unlink(mine)
    value = path.read_bytes().strip()
    if len(value) < 16:
        raise UserError(f"{path}: the secret is shorter than 16 characters. Delete the file; a new one will be made.")
    return value


def facts_for(course: CourseDirectory, lecture: str, secret_: bytes, draws: int) -> Facts:
    """What the student's process is told, with the seeds that come of a secret."""
    seeds = seeds_from(secret_, lecture, course.lecture(lecture).exercises, draws)
    return Facts.of(course.course, lecture, seeds)


def hidden_facts(course: CourseDirectory, lecture: str) -> Facts:
    return facts_for(course, lecture, secret(course), course.course.seeds.hidden_draws)


def public_facts(course: CourseDirectory, lecture: str) -> Facts:
    return facts_for(course, lecture, PUBLIC, course.course.seeds.public_draws)


def read_notebook(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"{path}: there is no such file. Make it with: autograder build")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001  nbformat raises whatever a damaged file leads it to
        raise UserError(f"{path} is not a notebook ({error}). Make it again with: autograder build") from None


def cells_of(notebook: Any, course: CourseDirectory, lecture: str) -> list[Cell]:
    """The code cells of a sanitised notebook as the runner wants them."""
    limits, rules = course.course.limits, course.lecture(lecture).exercises
    cells = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        metadata = cell.metadata.get("nbgrader", {})
        name = metadata.get("grade_id", "")
        fits = name.removesuffix("_fit") if name.endswith("_fit") else ""
        seconds = limits.cell_seconds + limits.training_seconds if fits in rules else None
        exercise = name if metadata.get("grade") and name in rules else None
        cells.append(Cell(cell.source, bool(metadata.get("locked") or metadata.get("grade")), exercise, seconds))
    return cells


def grade(
    notebook: Any, files: dict[str, bytes], course: CourseDirectory, lecture: str, answers: Answers, runner: Runner
) -> Graded:
    """Run a submission and judge every exercise of it.

    Args:
        notebook: sanitised: ids, locks and points are the released ones.
        files: what was submitted besides, by plain name.
        answers: of :func:`answer_key`, with the hidden seeds.
    """
    facts = Facts.from_json(answers.facts)
    cells = cells_of(notebook, course, lecture)
    job = Job(cells, with_names(files, course), answers.facts, course.course.limits.model_dump())
    result = runner.run(job)
    graded = Graded({}, result.cells)
    forbidding = dict.fromkeys(rules.forbid for c in cells if c.exercise and (rules := facts.rules(c.exercise)).forbid)
    again = {forbid: _without_forbidden(job, forbid, runner) for forbid in forbidding}
    sources = {c.metadata.get("nbgrader", {}).get("grade_id"): i for i, c in enumerate(_code(notebook))}
    for index, cell in enumerate(cells):
        if cell.exercise:
            position = sources.get(cell.exercise + ANSWER)
            other = again.get(facts.rules(cell.exercise).forbid)
            verdict = _verdict(
                cell.exercise, index, position, cells, other or result, facts, answers, course, graded.remarks
            )
            if other and verdict.status != "correct":
                verdict = replace(verdict, message=f"{verdict.message} {ALONE}".strip())
            graded.verdicts[cell.exercise] = verdict
            if reason := _too_many_numbers(files.get(f"{cell.exercise}.safetensors"), facts.rules(cell.exercise)):
                graded.verdicts[cell.exercise] = refuse(cell.exercise, facts.rules(cell.exercise), reason, "wrong")
    return graded


def _without_forbidden(job: Job, forbid: tuple[str, ...], runner: Runner) -> Result | None:
    """A run in which no cell of the student's does what some exercises forbid; ``None`` if none does so anyway."""
    cells = [c if c.locked else replace(c, source=without_forbidden(c.source, forbid)) for c in job.cells]
    return None if cells == job.cells else runner.run(replace(job, cells=cells))


def _too_many_numbers(file: bytes | None, rules: Exercise) -> str | None:
    """The limit on parameters, on the submitted file itself: what the student's process says of its model may be a lie."""
    found = count(file) if file and rules.loss else None
    if found is None or found <= rules.loss.max_parameters:
        return None
    return f"The submitted weights hold {found:,} numbers, the limit here is {rules.loss.max_parameters:,}."


def with_names(files: dict[str, bytes], course: CourseDirectory) -> dict[str, bytes]:
    """The submitted files, with the course's own names in place of whatever a student submitted."""
    return {**files, "names.txt": course.names.read_bytes()}


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _verdict(
    exercise: str,
    index: int,
    answer: int | None,
    cells: list[Cell],
    result: Result,
    facts: Facts,
    answers: Answers,
    course: CourseDirectory,
    remarks: list[str],
) -> Verdict:
    rules = facts.rules(exercise)
    record = result.records.get(exercise)
    answer_result = result.cells[answer] if answer is not None else CellResult()
    if answer is not None and rules.forbid:
        others = [cell.source for i, cell in enumerate(cells) if not cell.locked and i != answer]
        if used := forbidden_use(cells[answer].source, others, rules.forbid):
            return refuse(exercise, rules, used, "wrong")
    if exercise in result.refused:
        return refuse(exercise, rules, f"The answer was not taken: {result.refused[exercise]}.")
    broken = _how_it_ended(answer_result)
    if record is None:
        own = _how_it_ended(result.cells[index])
        ended = answer_result.ended or result.cells[index].ended
        return refuse(exercise, rules, ended or broken or own or NO_RECORD, "error")
    failure = record.draws[0].failure if record.draws else None
    if failure and failure.name in ("NameError", "RuntimeError") and broken:
        return refuse(exercise, rules, broken)
    return verdict_of(record, facts, answers.keys.get(exercise), course.names, remarks)


def _how_it_ended(cell: CellResult) -> str | None:
    """Why a cell did not come to its end, in a sentence, or ``None``."""
    if cell.ended:
        return f"Your answer's cell: {cell.ended}"
    for output in cell.outputs:
        if output["output_type"] == "error":
            return f"The cell of your answer stops with {output['ename']}: {output['evalue']}"
    return None


def answer_key(
    course: CourseDirectory,
    lecture: str,
    runner: Runner,
    facts: Facts,
    fresh: bool = False,
    say: Callable[[str], None] | None = None,
) -> Answers:
    """The answers of the reference, the mistakes and the variants for these seeds, computed once for the same content.

    Args:
        say: told how far the training of a reference model is.

    Raises:
        UserError: the reference, an oracle, a mistake or a variant does not run, with its line in the lecture file; or the
            jail would show the course.
    """
    if not runner.unsafe:
        jail.keep_out(course.root)
    source, others = course.source(lecture), course.extras(lecture)
    notebook = read_notebook(source)
    extras = json.loads(others.read_text()) if others.is_file() else {}
    cache = course.build / "answers" / f"{lecture}-{_digest(course, source, others, facts)}.safetensors"
    if cache.is_file() and not fresh:
        try:
            return Answers.load(cache)
        except RecordError:
            cache.unlink()  # a damaged cache is no cache
    answers = compute_answers(course, lecture, notebook, extras, facts, runner, say)
    answers.save(cache)
    return answers


def _digest(course: CourseDirectory, source: Path, others: Path, facts: Facts) -> str:
    """Of everything that the answers depend on."""
    digest = hashlib.sha256()
    for part in (source.read_bytes(), others.read_bytes() if others.is_file() else b"", course.names_digest().encode()):
        digest.update(hashlib.sha256(part).digest())
    digest.update(json.dumps(facts.to_json(), sort_keys=True).encode())
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


def compute_answers(
    course: CourseDirectory,
    lecture: str,
    notebook: Any,
    extras: dict,
    facts: Facts,
    runner: Runner,
    say: Callable[[str], None] | None = None,
) -> Answers:
    """Run the reference, and every mistake, variant and oracle in a fork at its check."""
    cells = cells_of(notebook, course, lecture)
    rules = course.lecture(lecture).exercises
    fits = {
        c.metadata.nbgrader.grade_id.removesuffix("_fit"): c.source
        for c in _code(notebook)
        if c.metadata.nbgrader.grade_id.endswith("_fit")
    }
    for cell in cells:
        cell.locked = True
        if cell.exercise:
            fit_again = "\n" + fits[cell.exercise] if cell.exercise in fits else ""
            cell.forks = [extra["source"] + fit_again for extra in extras.get(cell.exercise, [])]
    budget = sum(rules[name].loss.budget_seconds for name in fits)
    for cell in cells:
        cell.seconds = 120 + budget  # an author's machine may take its time; a loop that never ends may not
    wanted = tuple(f"{name}.safetensors" for name in fits)
    files = {name: path.read_bytes() for name in wanted if (path := course.weights(lecture) / name).is_file()}
    cell, whole = 120 + budget, 600 + 2 * budget
    limits = {**course.course.limits.model_dump(), "cell_seconds": cell, "notebook_seconds": whole}
    limits |= {"cell_cpu_seconds": 2 * cell, "notebook_cpu_seconds": 2 * whole}
    job = Job(cells, with_names(files, course), facts.to_json(), limits, training="author", wanted=wanted, say=say)
    result = runner.run(job)
    where = course.solution(lecture).name
    for cell, ran in zip(cells, result.cells):
        error = next((o for o in ran.outputs if o["output_type"] == "error"), None)
        if error or ran.ended:
            said = ran.ended or "\n".join(error["traceback"][-12:])
            raise UserError(f"{where}: with the reference in place this cell stops:\n{cell.source[:300]}\n{said}")
    course.weights(lecture).mkdir(parents=True, exist_ok=True)
    for name, data in result.files.items():
        if files.get(name) != data:
            write_whole(course.weights(lecture) / name, data)
    keys = {}
    for exercise in (cell.exercise for cell in cells if cell.exercise):
        keys[exercise] = _key(exercise, result, extras.get(exercise, []), where)
    return Answers(keys, facts.to_json())


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
            raise UserError(f"{where}:{extra['line']}: the {extra['kind']} of {exercise!r} does not run: {record}.")
        if extra["kind"] == "mistake":
            key.mistakes.append(Mistake(extra["says"], record))
        elif extra["kind"] == "variant":
            key.variants.append(record)
    return key


def _fault_of(reference: Record) -> str:
    """Why a reference cannot be compared with: on such inputs nobody could be right."""
    for number, draw in enumerate(reference.draws, 1):
        which = f"for draw {number} of {len(reference.draws)}"
        if draw.failure:
            return f"fails its own probe {which} ({draw.failure.name}: {draw.failure.message}). Draw inputs that it can take."
        if draw.values.keys() != reference.draws[0].values.keys():
            return f"returns other names {which} than for draw 1. Let each draw return the same."
    return ""


def expected_path(course: CourseDirectory, lecture: str) -> Path:
    """The public answers: beside the source notebook, from where nbgrader copies them to the release."""
    return course.source(lecture).parent / EXPECTED
