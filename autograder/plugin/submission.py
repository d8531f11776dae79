"""A stranger's notebook -> one that can be graded: unreadable, misnamed, missing, or with its cells edited."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from autograder.course.directory import CourseDirectory
from autograder.course.frame import OWN
from autograder.course.notebook import ANSWER
from autograder.course.schema import WITH_OUTPUTS
from autograder.grading.secret import fingerprint, secret
from autograder.judge.verdict import Verdict
from autograder.plugin import exchange, folders, in_step, incoming, interrupted, lateness, recognise, turns
from autograder.plugin.base import CoursePreprocessor, course_at
from autograder.plugin.bounded import read_notebook
from autograder.plugin.choosing import Choice, Found, files_in, notebook_in, without_copies
from autograder.plugin.notes import add_note, refused_for
from autograder.plugin.released import as_it_was_released, released_cells
from autograder.plugin.resubmitted import put_aside
from autograder.plugin.running import SubmissionRunner
from autograder.plugin.source import CellsOf, course_prose, ids
from autograder.wall.record import storable

CHANGED = "The course has changed since this notebook was handed out: its present texts and points were used."


class SubmissionExporter(NotebookExporter):
    """Reads submissions; where there is nothing to read it gives an empty notebook that says why, so that nobody is left out.

    nbgrader skips a folder without the notebook it looks for and drops a notebook that it cannot parse.  Here both end
    as a graded submission of zero points with the reason on its first page.
    """

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        self._last: tuple[Path, tuple[Choice, dict[str, Found], list[str]]] | None = None
        self._work: dict[str, interrupted.Work] = {}  # of each student
        self._rules: dict[str, str] = {}
        self._released: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.verdicts: dict[str, Verdict] = {}  # of the submission that was graded last
        self.kept = False  # whether all runs of the submission that was graded last were kept ones
        self._answers: dict[Path, dict[str, str]] = {}  # by folder of autograded/, as they were graded last
        course = course_at(self.config.CoursePreprocessor.course_file)
        runner = SubmissionRunner.instance(parent=self)
        runner.ready(course)  # no jail: nothing is touched
        if getattr(self.parent, "assignments", None):
            lecture, url = self.parent.coursedir.assignment_id, self.parent.coursedir.db_url
            runner.keep(course.build / "runs" / lecture, fresh=self.parent.force)
            in_step.check_or_end(course, lecture, url)
            with turns.take_turns(self.parent, course, lecture):
                folders.open_up(self.parent)
                lateness.agree_before(self.parent)
                incoming.settle_times(self.parent)
                self.equip(course)
                folders.add_overlooked(self.parent)
                folders.add_without_notebook(self.parent)
                folders.leave_out_markup(self.parent)
                folders.tell_hidden(self.parent)
                self._drop_outdated(course)

    def equip(self, course: CourseDirectory) -> None:
        """Let the converter take of each submission what is meant, and give what its feedback needs."""
        incoming.take_only_plain_files(self.parent, lambda folder: self._meant(folder)[1])
        exchange.complete_all(self.parent, secret(course))

    def released(self, info: dict[str, str]) -> dict[str, Any]:
        """The lecture's cells by id, as they were released; nobody changes them while its submissions are graded."""
        key = info["db_url"], info["assignment"], info["notebook"]
        if key not in self._released:
            with Gradebook(info["db_url"]) as gradebook:
                self._released[key] = released_cells(gradebook.find_notebook(info["notebook"], info["assignment"]))
        return self._released[key]

    def share(self, other: SubmissionExporter) -> None:
        """Know of the results of earlier gradings what another exporter has found out for the whole lecture."""
        self._rules, self._answers = other._rules, other._answers

    def _drop_outdated(self, course: CourseDirectory) -> None:
        lecture, url = self.parent.coursedir.assignment_id, self.parent.coursedir.db_url
        self._rules = {interrupted.COURSE: in_step.digest(course, lecture), interrupted.SECRET: fingerprint(course)}

        def why(folder: Path, source: Path) -> str:
            self._answers[folder] = interrupted.graded_answers(folder)
            return interrupted.why_graded_again(folder, source, self._rules)

        for said in interrupted.drop_outdated(self.parent, why, lambda student, folder: put_aside(course, lecture, student, folder, url)):
            self.log.warning(said)

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        interrupted.claim_for(self.parent, resources)
        notebook, note, refused = self._read(Path(filename))
        if not self._is_restored(Path(filename), resources):
            for cell in notebook.cells:
                cell.metadata.pop("autograder", None)  # ours to write
        if note:
            note = storable(note)  # a file's name may be no text
            self.log.warning("%s: %s", filename, note)
            add_note(notebook, note, refused)
        path, info = Path(filename), (resources or {}).get("nbgrader")
        if info and not self._is_restored(path, resources):
            self._work[info["student"]] = self._work_of(path.parent, info)
        work = self._work.get(info["student"]) if info else None
        resources = {**(resources or {}), "autograder_work": work, "metadata": {"name": path.stem, "path": str(path.parent)}}
        return self.from_notebook_node(notebook, resources=resources, **kwargs)

    def _work_of(self, folder: Path, info: dict[str, str]) -> interrupted.Work:
        graded = Path(self.parent._format_dest(info["assignment"], info["student"]))
        with Gradebook(info["db_url"]) as gradebook:
            grades = gradebook.find_submission_notebook(info["notebook"], info["assignment"], info["student"]).grades
            asked = {grade.name for grade in grades if grade.manual_score is not None and grade.needs_manual_grade}
        digest, content = (interrupted.digest_of(folder, time=time) for time in (True, False))
        return interrupted.Work(folder, digest, content, self._answers.get(graded, {}), asked, self._rules)

    def _is_restored(self, path: Path, resources: dict[str, Any] | None) -> bool:
        """Whether it is a submission as :class:`RestoreCells` has left it, with our own notes."""
        info = (resources or {}).get("nbgrader")
        if not info:
            return False
        return path.parent == Path(self.parent._format_dest(info["assignment"], info["student"]))

    def _read(self, path: Path) -> tuple[Any, str, bool]:
        """The notebook, what is to be said about it, and whether that ends its grading."""
        if self.parent and (reason := folders.closed(path.parent, Path(self.parent.coursedir.root))):
            return new_notebook(), reason, True
        if not self.parent or str(path.parent) not in self.parent.assignments:  # not as it was handed in
            notebook, fault = self._own(path)
            return notebook or new_notebook(), fault, notebook is None
        choice, _, notes = self._meant(path.parent)
        if choice.found:
            return choice.notebook, " ".join(filter(None, [choice.note, *notes])), False
        if os.path.lexists(path) and (fault := self._own(path)[1]):
            return new_notebook(), fault, True
        if choice.fault:
            return new_notebook(), f"{choice.fault} Open it in JupyterLab, save it, and submit again.", True
        held = ", ".join(sorted(p.name for p in path.parent.glob("*"))[:8]) or "nothing"
        return new_notebook(), f"There is no {path.name} in this submission; it holds {held}. Submit the notebook under its own name.", True

    def _own(self, path: Path) -> tuple[Any, str]:
        """The notebook under its own name, or why it cannot be read."""
        limit = course_at(self.config.CoursePreprocessor.course_file).course.limits.notebook_mb
        if path.is_symlink() or not path.is_file():
            return None, f"{path.name} is not a plain file."
        too_large = f"{path.name} is larger than {limit} MB (the limit notebook_mb). Clear its outputs and submit again."
        if path.stat().st_size > WITH_OUTPUTS * limit * 2**20:
            return None, too_large
        if path.stat().st_size == 0:
            return None, f"{path.name} is empty. Save the notebook in JupyterLab and submit again."
        try:
            return read_notebook(path.read_bytes()), ""
        except (ValueError, OSError) as error:
            if path.stat().st_size > limit * 2**20:
                return None, too_large
            said = f"{type(error).__name__}: {str(error)[:200]}"
            return None, f"{path.name} cannot be read as a notebook ({said}). Open it in JupyterLab, save it, and submit again."

    def _meant(self, folder: Path) -> tuple[Choice, dict[str, Found], list[str]]:
        """Of a submission the notebook that is meant, the files that go beside it, and what is to be told about them."""
        if self._last is None or self._last[0] != folder:
            course, lecture = course_at(self.config.CoursePreprocessor.course_file), self.parent.coursedir.assignment_id
            limits = course.course.limits
            files = files_in(folder, limits.largest_bytes)
            small = [file for file in files if file.size <= WITH_OUTPUTS * limits.notebook_mb << 20]
            choice = notebook_in(small, f"{lecture}.ipynb", CellsOf(course.source(lecture)))
            trained = [name for name, rules in course.lecture(lecture).exercises.items() if rules.loss]
            beside = choice.found.folder if choice.found else ""
            files = without_copies(files, choice.found)
            self._last = folder, (choice, *incoming.meant(folder, files, beside, trained, limits))
        return self._last[1]


class RestoreCells(CoursePreprocessor):
    """Puts the cells of a submission back into the form in which they were released, and says what had changed.

    The gradebook's own copy decides about ids, points, locks and the text of locked cells; what is missing is added where
    it stood; cells that a student added stay.
    """

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        info = resources["nbgrader"]
        nb.metadata.pop("autograder", None)  # ours to write
        released = copy.deepcopy(self.parent.released(info))
        source = self.course.source(info["assignment"])
        notes = recognise.give_back_metadata(nb, released, ids(source))
        found = self._find(nb, released, notes)
        if not found and not refused_for(nb):
            add_note(
                nb,
                f"This is not the notebook of {info['assignment']}: none of its exercises is in it. Did you submit another lecture's?",
                True,
            )
        if found:
            notes += recognise.free_answers_from_locked_cells(nb, found, released)
        for name, cell in found.items():
            self._mend(cell, released[name], notes)
        if found:
            notes += recognise.put_no_stub_over_an_answer(nb, found, released, _calls(released))
        self._add_missing(nb, released, found, notes)
        if found and not refused_for(nb):
            notes += recognise.answers_before_checks(nb, found, _calls(released))
            notes += recognise.ask_a_person(nb, found, released, course_prose(source))
        notes = list(dict.fromkeys(notes))  # each is said once
        if notes and not refused_for(nb):
            add_note(nb, " ".join(notes), False)
        for note in notes:
            self.log.warning("%s: %s", info["student"], note)
        return nb, resources

    def _find(self, nb: Any, names: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        """The last cell of every released id; ids that are unknown or stand twice are taken away."""
        found: dict[str, Any] = {}
        for cell in reversed(nb.cells):
            metadata = cell.metadata.get("nbgrader")
            if metadata is None:
                continue
            name = metadata.get("grade_id")
            if not isinstance(name, str) or name not in names:
                if as_it_was_released(cell) and metadata.get("locked") and (metadata.get("grade") or cell.cell_type == "markdown"):
                    nb.cells.remove(cell)  # the text or the check of an exercise that the course had then
                    notes.append(CHANGED)
                    continue
                del cell.metadata["nbgrader"]
            elif name in found:
                notes.append(f"The cell {name} stands more than once; the last one counts.")
                del cell.metadata["nbgrader"]
            else:
                found[name] = cell
        return found

    def _mend(self, cell: Any, original: Any, notes: list[str]) -> None:
        before, metadata = cell.metadata["nbgrader"], original.metadata["nbgrader"]
        name = metadata["grade_id"]
        if cell.cell_type != original.cell_type:
            notes.append(f"The cell {name} had become a {cell.cell_type} cell; it is a {original.cell_type} cell again.")
            _as_type(cell, original.cell_type)
        untouched = as_it_was_released(cell)
        if metadata["grade"] and "points" in before and _number(before["points"]) != metadata["points"]:
            notes.append(CHANGED if untouched else f"The points of {name} had been changed; {metadata['points']:g} count.")
        if metadata["locked"]:
            if recognise.text_of(cell) != recognise.text_of(original) and not name.startswith(OWN):
                notes.append(CHANGED if untouched else f"The locked cell {name} had been edited; its original was used.")
            cell.source = original.source
        cell.metadata["nbgrader"] = metadata

    def _add_missing(self, nb: Any, released: dict[str, Any], found: dict[str, Any], notes: list[str]) -> None:
        """A missing answer goes right behind what stood before it, a missing check right before what stood after it."""
        order = list(released)
        for position, (name, cell) in enumerate(released.items()):
            if name in found:
                continue
            if cell.metadata["nbgrader"]["locked"]:
                after = next((found[n] for n in order[position + 1 :] if n in found), None)
                index = _index(nb, after) if after is not None else len(nb.cells)
            else:
                before = next((found[n] for n in reversed(order[:position]) if n in found), None)
                index = _index(nb, before) + 1 if before is not None else 0
            nb.cells.insert(index, cell)
            found[name] = cell
            if not refused_for(nb) and not name.startswith(OWN):
                notes.append(f"The cell {name} was missing; it was put back.")


def _calls(released: dict[str, Any]) -> dict[str, str]:
    """Of each answer the first cell that calls it: the fit of a model, or the check."""
    exercises = [name.removesuffix(ANSWER) for name in released if name.endswith(ANSWER)]
    return {f"{name}{ANSWER}": f"{name}_fit" if f"{name}_fit" in released else name for name in exercises}


def _as_type(cell: Any, cell_type: str) -> None:
    made = (new_code_cell if cell_type == "code" else new_markdown_cell)(cell.source, id=cell.id, metadata=cell.metadata)
    cell.clear()
    cell.update(made)


def _index(nb: Any, cell: Any) -> int:
    return next(i for i, other in enumerate(nb.cells) if other is cell)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
