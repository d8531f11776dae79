"""From a notebook's cells to verdicts: run them in the runner, compare the records with the answer key."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER
from autograder.course.schema import Exercise
from autograder.grading.cells import cells_of, code_of, with_names
from autograder.judge.answers import Answers
from autograder.judge.forbidden import forbidden_use, without_forbidden
from autograder.judge.judging import verdict_of
from autograder.judge.verdict import Verdict, refuse
from autograder.runner.host import Runner
from autograder.runner.job import Cell, CellResult, Job, Result
from autograder.wall.checkpoint import count, only
from autograder.wall.facts import Facts

NO_RECORD = "This check handed over nothing to compare."
ALONE = "(It was run without those statements of your other cells that use what this exercise forbids.)"


@dataclass
class Graded:
    """One submission's outcome."""

    verdicts: dict[str, Verdict]
    cells: list[CellResult]
    remarks: list[str] = field(default_factory=list)  # for the instructor


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
    if lean := _with_state_alone(files, result, facts):
        files = {**files, **lean}
        job = replace(job, files=with_names(files, course))
        result = runner.run(job)
    graded = Graded({}, result.cells)
    forbidding = dict.fromkeys(rules.forbid for c in cells if c.exercise and (rules := facts.rules(c.exercise)).forbid)
    again = {forbid: _without_forbidden(job, forbid, runner) for forbid in forbidding}
    sources = {c.metadata.get("nbgrader", {}).get("grade_id"): i for i, c in enumerate(code_of(notebook))}
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


def _with_state_alone(files: dict[str, bytes], result: Result, facts: Facts) -> dict[str, bytes]:
    """Weights files over the limit, cut down to what the model's predictions are said to read, if that is within it.

    An older kit saved whatever a model held. A model that reads more than it says predicts otherwise without it: the run with these files
    decides.
    """
    lean: dict[str, bytes] = {}
    for name, rules in facts.exercises.items():
        file, record = files.get(f"{name}.safetensors"), result.records.get(name)
        if not rules.loss or not file or not record or _too_many_numbers(file, rules) is None:
            continue
        state = record.facts.get("state")
        if isinstance(state, list):
            data = only(file, {part for part in state if isinstance(part, str)})
            if _too_many_numbers(data, rules) is None:
                lean[f"{name}.safetensors"] = data
    return lean


def _too_many_numbers(file: bytes | None, rules: Exercise) -> str | None:
    """The limit on parameters, on the submitted file itself: what the student's process says of its model may be a lie."""
    if not file or rules.loss is None:
        return None
    found, most = count(file), rules.loss.max_parameters
    if found is None or found <= most:
        return None
    return f"The submitted weights hold {found:,} numbers, the limit here is {most:,}."


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
    return verdict_of(record, facts, answers.keys.get(exercise), course.read_names, remarks)


def _how_it_ended(cell: CellResult) -> str | None:
    """Why a cell did not come to its end, in a sentence, or ``None``."""
    if cell.ended:
        return f"Your answer's cell: {cell.ended}"
    for output in cell.outputs:
        if output["output_type"] == "error":
            return f"The cell of your answer stops with {output['ename']}: {output['evalue']}"
    return None
