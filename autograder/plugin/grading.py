"""The two preprocessors of ``nbgrader autograde``: run the submission, and replace what its graded cells show by verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat.notebooknode import from_dict

from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import Graded, grade
from autograder.judge.answers import Answers
from autograder.judge.cards import as_html
from autograder.judge.verdict import NOT_ATTEMPTED, Verdict, refuse
from autograder.plugin import harmless, incoming, told
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.interrupted import CONTENT, GRADED, WORK
from autograder.plugin.notes import add_note, refused_for
from autograder.plugin.running import UNSAFE_NOTE, SubmissionRunner
from autograder.wall.record import storable


class RunSubmission(CoursePreprocessor):
    """Runs the cells in the runner's jailed half and keeps what they returned for :class:`GiveVerdicts`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answers: dict[str, Answers] = {}

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        lecture = resources["nbgrader"]["assignment"]
        rules = self.course.lecture(lecture).exercises
        if reason := refused_for(nb):
            verdicts = {
                name: refuse(name, exercise, reason, "could not run")
                for name, exercise in rules.items()
                if not exercise.written
            }
            resources["autograder"] = Graded(verdicts, [])
            self.parent.kept, self.parent.verdicts = False, verdicts
            return nb, resources
        runner = SubmissionRunner.instance(parent=self).ready(self.course)
        if lecture not in self.answers:  # nbgrader's own command makes a new RunSubmission for each submission, `grade` one for each job
            self.answers[lecture] = answer_key(self.course, lecture, runner, hidden_facts(self.course, lecture))
        answers = self.answers[lecture]
        folder = Path(resources["metadata"]["path"])
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in incoming.plain_files(folder, self.course.course.limits)}
        graded = grade(nb, files, self.course, lecture, answers, runner)
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        for number, (cell, ran) in enumerate(zip(code, graded.cells), 1):
            cell.execution_count = number
            cell.outputs = [from_dict(harmless.output(output)) for output in ran.outputs]
            if ran.ended:
                cell.outputs.append(from_dict({"output_type": "stream", "name": "stderr", "text": f"{ran.ended}\n"}))
        if runner.unsafe:
            add_note(nb, UNSAFE_NOTE, False)
        for remark in graded.remarks:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], remark)
        resources["autograder"] = graded
        self.parent.kept, self.parent.verdicts = graded.kept, graded.verdicts
        return nb, resources


class GiveVerdicts(CoursePreprocessor):
    """Every graded code cell shows its verdict, and a number that ``determine_grade`` reads; nothing else."""

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        rules = self.course.lecture(resources["nbgrader"]["assignment"]).exercises
        verdicts = resources["autograder"].verdicts
        cards = resources["autograder_cards"] = set[str]()
        for cell in nb.cells:
            metadata = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not metadata.get("grade") or metadata.get("solution"):
                continue
            name = metadata["grade_id"]
            if name not in rules:
                raise ValueError(f"the gradebook's cell {name!r} is not in course.yml; generate the assignment again")
            verdict = verdicts.get(name) or refuse(name, rules[name], NOT_ATTEMPTED, "not attempted")
            figures = [o for o in cell.outputs if o.output_type == "display_data" and "image/png" in o.data][:1]
            card = as_output(verdict, rules[name].title, metadata["points"])
            cards.add(card["data"]["text/html"])
            cell.outputs = [*figures, from_dict(card)]
            self.log.info("%s: %s: %s", resources["nbgrader"]["student"], name, verdict.status)
        work = resources["autograder_work"]
        said = {told.KEY: told.to_metadata(resources["autograder"])}
        known = {WORK: work.digest, CONTENT: work.content, **work.rules, **said}
        nb.metadata["autograder"] = {GRADED: True, **known}  # on disk only after the points are in the gradebook
        return nb, resources


def as_output(verdict: Verdict, title: str, max_points: float) -> dict[str, Any]:
    """One ``execute_result``: the card for people, the points as plain text for nbgrader, never more than it allows."""
    points = min(max(verdict.points, 0.0), float(max_points))
    data = {"text/html": storable(as_html(verdict, title)), "text/plain": repr(points)}
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}
