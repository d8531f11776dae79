"""The two preprocessors of ``nbgrader autograde``: run the submission, and replace what its graded cells show by verdicts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from nbformat.notebooknode import from_dict

from autograder.feedback import as_html
from autograder.grading import Graded, answer_key, grade, hidden_facts
from autograder.plugin import harmless
from autograder.plugin.base import CoursePreprocessor
from autograder.plugin.interrupted import GRADED
from autograder.plugin.running import UNSAFE_NOTE, SubmissionRunner
from autograder.plugin.submission import _refused, add_note
from autograder.record import storable
from autograder.session import EXPECTED
from autograder.verdict import NOT_ATTEMPTED, Verdict, refuse

MAX_FILES = 20  # besides the notebook


class RunSubmission(CoursePreprocessor):
    """Runs the cells in the runner's jailed half and keeps what they returned for :class:`GiveVerdicts`."""

    def preprocess(self, nb, resources):
        lecture = resources["nbgrader"]["assignment"]
        rules = self.course.lecture(lecture).exercises
        if reason := _refused(nb):
            verdicts = {
                name: refuse(name, exercise, reason, "could not run")
                for name, exercise in rules.items()
                if not exercise.written
            }
            resources["autograder"] = Graded(verdicts, [])
            return nb, resources
        limits = self.course.course.limits
        runner = SubmissionRunner.instance(parent=self).ready(self.course)
        answers = answer_key(self.course, lecture, runner, hidden_facts(self.course, lecture))
        folder = Path(resources["metadata"]["path"])
        drop_followed_links(folder, self._submitted(resources["nbgrader"]))
        files = submitted_files(folder, limits.file_mb * 2**20, limits.disk_mb * 2**19)
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
        return nb, resources

    def _submitted(self, info: dict[str, Any]) -> Path:
        """Where the submission stands as it was handed in."""
        directory = self.parent.parent.coursedir  # of the exporter's command
        return Path(directory.format_path(directory.submitted_directory, info["student"], info["assignment"]))


def drop_followed_links(folder: Path, submitted: Path) -> None:
    """Take away what nbgrader has copied through a symbolic link of a student: the gradebook, say, or the secret."""
    for path in sorted(submitted.rglob("*")):
        if path.is_symlink():
            copy = folder / path.relative_to(submitted)
            if copy.is_dir() and not copy.is_symlink():
                shutil.rmtree(copy)
            else:
                copy.unlink(missing_ok=True)


class GiveVerdicts(CoursePreprocessor):
    """Every graded code cell shows its verdict, and a number that ``determine_grade`` reads; nothing else."""

    def preprocess(self, nb, resources):
        rules = self.course.lecture(resources["nbgrader"]["assignment"]).exercises
        verdicts = resources["autograder"].verdicts
        for cell in nb.cells:
            metadata = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not metadata.get("grade") or metadata.get("solution"):
                continue
            name = metadata["grade_id"]
            if name not in rules:
                raise ValueError(f"the gradebook's cell {name!r} is not in course.yml; generate the assignment again")
            verdict = verdicts.get(name) or refuse(name, rules[name], NOT_ATTEMPTED, "not attempted")
            figures = [o for o in cell.outputs if o.output_type == "display_data" and "image/png" in o.data][:1]
            cell.outputs = [*figures, from_dict(as_output(verdict, rules[name].title, metadata["points"]))]
            self.log.info("%s: %s: %s", resources["nbgrader"]["student"], name, verdict.status)
        nb.metadata["autograder"] = {GRADED: True}  # on disk only after the points are in the gradebook
        return nb, resources


def as_output(verdict: Verdict, title: str, max_points: float) -> dict[str, Any]:
    """One ``execute_result``: the card for people, the points as plain text for nbgrader, never more than it allows."""
    points = min(max(verdict.points, 0.0), float(max_points))
    data = {"text/html": storable(as_html(verdict, title)), "text/plain": repr(points)}
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}


def submitted_files(folder: Path, max_bytes: int, max_total: int) -> dict[str, bytes]:
    """What was submitted beside the notebook: plain files of plain names, within the limits; the answers stay outside."""
    files: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or path.suffix == ".ipynb" or path.name == EXPECTED:
            continue
        if path.stem.rpartition(".")[2].startswith("previous"):  # older weights that fit has kept
            continue
        size, held = path.stat().st_size, sum(map(len, files.values()))
        if size <= max_bytes and held + size <= max_total and len(files) < MAX_FILES:
            files[path.name] = path.read_bytes()
    return files
