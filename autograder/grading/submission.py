"""From a notebook's cells to verdicts: run them in the runner, compare the records with the answer key."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from autograder.course.cells import is_as_released
from autograder.course.directory import CourseDirectory
from autograder.course.notebook import ANSWER
from autograder.course.schema import Exercise
from autograder.grading.cells import cells_of, code_of, shared, with_names
from autograder.grading.fence import AUTOGRAD, NOT_NEEDED, Fence, Place, has_use_for_autograd
from autograder.judge.answers import Answers
from autograder.judge.forbidden import importable
from autograder.judge.judging import not_finished, verdict_of
from autograder.judge.repaired import best, wants_a_repair, with_repair
from autograder.judge.verdict import Verdict, refuse
from autograder.runner.job import Cell, CellResult, Job, Result
from autograder.runner.limits import for_another_run, raised
from autograder.runner.runs import Runs
from autograder.wall.checkpoint import count, only
from autograder.wall.facts import Facts

LONG = 3.0  # seconds of a student's own cell, where there was not time for all
LEFT_OUT = "The notebook's time was not enough for all cells, so this one of your own was left out of the run that counts."
MOST_REPAIRED = 6  # answers of a submission that are tried with small changes
NO_RECORD = "This check handed over nothing to compare."


@dataclass
class Graded:
    """One submission's outcome."""

    verdicts: dict[str, Verdict]
    cells: list[CellResult]
    remarks: list[str] = field(default_factory=list)  # for the instructor
    kept: bool = False  # none of its cells ran now: all that was needed was kept
    run: str = ""  # under which name the run that counts is kept, if it is


def grade(
    notebook: Any, files: dict[str, bytes], course: CourseDirectory, lecture: str, answers: Answers, runner: Runs
) -> Graded:
    """Run a submission and judge every exercise of it.

    Args:
        notebook: sanitised: ids, locks and points are the released ones.
        files: what was submitted besides, by plain name.
        answers: of :func:`answer_key`, with the hidden seeds.
    """
    facts = Facts.from_json(answers.facts)
    cells = cells_of(notebook, course, lecture)
    forbidding = any(rules.forbid for rules in facts.exercises.values())
    limits = course.course.limits.model_dump()
    autograd = not any(AUTOGRAD.intersection(r.forbid) for r in facts.exercises.values()) or has_use_for_autograd(cells, importable(files))
    alike = shared(cells, files, course, lecture)
    job = Job(cells, with_names(files, course), facts.for_a_run().to_json(), limits, autograd=autograd, beside_first=not forbidding, shared=alike)
    result = runner.run(job)
    kept = result.kept
    if left_out := _explorations_that_left_no_time(job, result):
        cells = [replace(cell, known=LEFT_OUT) if number in left_out else cell for number, cell in enumerate(cells)]
        job, first = replace(job, cells=cells), result
        result = runner.run(job)
        for number in left_out:  # what they showed is theirs all the same
            result.cells[number] = replace(first.cells[number], ended=f"{first.cells[number].ended or ''} {LEFT_OUT}".strip(), fatal=True)
    if lean := _with_state_alone(files, result, facts):
        files = {**files, **lean}
        again = for_another_run(limits, result.seconds, result.cpu_seconds)
        job = replace(job, files=with_names(files, course))
        result = runner.run(replace(job, limits=again))
    graded = Graded({}, result.cells, kept=kept and result.kept, run=result.name)
    code = code_of(notebook)
    sources = {c.metadata.get("nbgrader", {}).get("grade_id"): i for i, c in enumerate(code)}
    places = [_place(cell.exercise, index, sources, code) for index, cell in enumerate(cells) if cell.exercise]
    fence = Fence(job, runner, [(place, rules) for place in places if (rules := facts.rules(place.exercise)).forbid])
    for place in places:
        rules = facts.rules(place.exercise)
        text = cells[place.answer].source if place.answer is not None else None
        judge = partial(_verdict, place, text, facts=facts, answers=answers, course=course)
        verdict = (
            fence.verdict(place, rules, result, judge, graded.remarks)
            if rules.forbid
            else judge(result, remarks=graded.remarks)
        )
        if verdict.points and (reason := _too_many_numbers(files.get(f"{place.exercise}.safetensors"), rules)):
            verdict = refuse(place.exercise, rules, reason, "wrong")
        graded.verdicts[place.exercise] = verdict
    graded.kept &= all(again.kept for again in fence.runs.values())
    _with_repairs(graded, job, result, answers, facts, runner)
    return graded


def _place(exercise: str, check: int, sources: dict[str, int], code: list[Any]) -> Place:
    answer = sources.get(exercise + ANSWER)
    return Place(exercise, check, answer, sources.get(f"{exercise}_fit"), is_as_released(code[answer]) if answer is not None else None)


def _with_repairs(graded: Graded, job: Job, result: Result, answers: Answers, facts: Facts, runner: Runs) -> None:
    """Where an answer is wrong and nobody has written down why: once more, with small changes of it, to see which would make it right."""
    if any(cell.ended for cell in result.cells):
        return  # what reached a limit or ended the process is told already, and would do so again
    known = [(name, result.records[name]) for name in graded.verdicts if name in answers.keys and name in result.records]
    asked = set([name for name, record in known if wants_a_repair(graded.verdicts[name], record)][:MOST_REPAIRED])
    if not asked:
        return
    cells = [
        replace(cell, repair=cell.exercise in asked, known=(ran.ended if ran.fatal else None) or (NOT_NEEDED if _of_another(cell, asked) else None))
        for cell, ran in zip(job.cells, result.cells)
    ]
    limits = for_another_run(job.limits, result.seconds, result.cpu_seconds)
    again = runner.run(replace(job, cells=cells, limits=limits, pictures=False))
    graded.kept &= again.kept
    for name in sorted(asked):
        found = best(result.records[name], answers.keys[name], facts.tolerance_of(name), again.repairs.get(name, ()))
        graded.verdicts[name] = with_repair(graded.verdicts[name], found)


def _of_another(cell: Cell, asked: set[str]) -> bool:
    """A check that is not asked now, or a training."""
    return bool(cell.fits) or cell.exercise is not None and cell.exercise not in asked


def _explorations_that_left_no_time(job: Job, result: Result) -> set[int]:
    """Of a notebook whose checks were not all reached: the student's own cells that took long, ended the process, or were not reached either."""
    if all(ran.ran or ran.fatal for cell, ran in zip(job.cells, result.cells) if cell.exercise):
        return set()
    pairs = enumerate(zip(job.cells, result.cells))
    return {number for number, (cell, ran) in pairs if cell.own and (ran.fatal or not ran.ran or ran.seconds >= LONG)}


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
    place: Place,
    text: str | None,
    result: Result,
    facts: Facts,
    answers: Answers,
    course: CourseDirectory,
    remarks: list[str] | None = None,
) -> Verdict:
    exercise, rules = place.exercise, facts.rules(place.exercise)
    record = result.records.get(exercise)
    answer_result = result.cells[place.answer] if place.answer is not None else CellResult()
    if exercise in result.refused:
        return refuse(exercise, rules, f"The answer was not taken: {result.refused[exercise]}.")
    limits = course.course.limits.model_dump()
    broken = _how_it_ended(answer_result, limits)
    if record is None:
        own = _how_it_ended(result.cells[place.check], limits)
        ended = answer_result.ended or result.cells[place.check].ended
        return refuse(exercise, rules, ended or broken or own or NO_RECORD, "error")
    failure = record.draws[0].failure if record.draws else None
    if failure and failure.name in ("NameError", "RuntimeError") and broken:
        return refuse(exercise, rules, broken)
    if unfinished := not_finished(record, rules, text, place.as_released):
        return unfinished
    verdict = verdict_of(record, facts, answers.keys.get(exercise), course.read_names, remarks)
    limit = raised(f"{failure.name}: {failure.message}", limits) if failure else ""
    return replace(verdict, message=f"{verdict.message} {limit}") if limit else verdict


def _how_it_ended(cell: CellResult, limits: dict[str, Any]) -> str | None:
    """Why a cell did not come to its end, in a sentence, or ``None``."""
    if cell.ended:
        return f"Your answer's cell: {cell.ended}"
    for output in cell.outputs:
        if output["output_type"] == "error":
            error = f"{output['ename']}: {output['evalue']}"
            return f"The cell of your answer stops with {error} {raised(error, limits)}".rstrip()
    return None
