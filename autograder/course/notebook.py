"""A lecture's cells -> nbgrader's source notebook. The metadata (ids, points, locks) is derived here and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.cells import EXTRA, SHIPPED, LectureCell
from autograder.course.directory import CourseDirectory
from autograder.course.frame import (
    CHECK,
    GIVEN,
    HAND_IN,
    INSTALLED,
    IS_IT_INSTALLED,
    MAKE_HAND_IN,
    TRAINING,
    how_it_works,
)
from autograder.course.lecture import read_lecture
from autograder.course.marking import marking, marking_file
from autograder.course.schema import Exercise, Lecture
from autograder.course.wording import words_of
from autograder.errors import UserError
from autograder.files import write_whole

MAY_FAIL = ("raises-exception",)  # JupyterLab's own tag: neither a gap nor a wrong answer stops "Run All Cells"
ANSWER = "_answer"  # an answer cell's grade_id is its exercise's id with this behind it


def source_notebook(name: str, lecture: Lecture, cells: list[LectureCell]) -> NotebookNode:
    """The notebook with solutions in it, as ``nbgrader generate_assignment`` wants it; the same text gives the same bytes."""
    shipped = [cell for cell in cells if cell.role in SHIPPED]
    provided = 0
    out = []
    for position, cell in enumerate(shipped):
        if cell.role == "provided" and cell.exercise:  # the reference of one that is skipped
            made = _locked(f"{GIVEN}\n{cell.source}", f"{cell.exercise}_provided")
        elif cell.role == "provided":
            provided += 1
            made = _locked(f"{GIVEN}\n{cell.source}", f"provided_{provided}")
        elif cell.role == "fit":
            made = _locked(f"{TRAINING.format(exercise=cell.exercise)}\n{cell.source}", f"{cell.exercise}_fit")
        elif cell.role == "answer":
            made = new_code_cell(
                cell.source, metadata={"nbgrader": _nbgrader(f"{cell.exercise}{ANSWER}", solution=True)}
            )
        elif cell.role == "check":
            points = lecture.exercises[cell.exercise].points
            made = new_code_cell(
                f"{CHECK.format(exercise=cell.exercise)}\n{cell.source}",
                metadata={"nbgrader": _nbgrader(cell.exercise, grade=True, locked=True, points=points)},
            )
        elif cell.role == "written":
            points = lecture.exercises[cell.exercise].points
            made = new_markdown_cell(
                cell.source, metadata={"nbgrader": _nbgrader(cell.exercise, grade=True, solution=True, points=points)}
            )
        elif cell.role == "exercise":
            above = card(cell.exercise, lecture.exercises[cell.exercise], lecture)
            made = new_markdown_cell(f"{above}\n\n{cell.source}")
        else:
            made = new_markdown_cell(cell.source)
        if made.cell_type == "code":
            made.metadata["tags"] = list(MAY_FAIL)
        made["id"] = f"{position:03d}-{cell.role}-{cell.exercise}"[:64].rstrip("-").replace("_", "-")
        out.append(made)
    first, last = [new_markdown_cell(how_it_works(name, lecture)), _locked(IS_IT_INSTALLED, INSTALLED)], _locked(MAKE_HAND_IN, HAND_IN)
    for made, given in zip((*first, last), ("how-it-works", "installed", "hand-in")):  # beside the numbers, which are those of the lecture's own cells
        made["id"] = given
    first[1].metadata["jupyter"] = {"source_hidden": True}  # JupyterLab folds it: of interest only where it fails
    out = [*first, *out, last]
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "autograder": {"lecture": name},
    }
    return new_notebook(cells=out, metadata=metadata)


def _locked(source: str, grade_id: str) -> NotebookNode:
    return new_code_cell(source, metadata={"nbgrader": _nbgrader(grade_id, locked=True)})


def _nbgrader(
    grade_id: str, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> dict[str, Any]:
    metadata = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return metadata | ({"points": points} if points is not None else {})


def card(exercise: str, rules: Exercise, lecture: Lecture) -> str:
    """What stands above an exercise: title, id, points, minutes, difficulty, where the lecture speaks of it, and what is not allowed."""
    parts = [f"`{exercise}`", _points(rules)]
    parts += [f"about {rules.minutes} minute{'' if rules.minutes == 1 else 's'}", f"difficulty {rules.difficulty} of 3"]
    if rules.written:
        parts.append("in your own words, graded by a person")
    if rules.time:
        seconds = sum(int(part) * 60**i for i, part in enumerate(reversed(rules.time.split(":"))))
        parts.append(
            f"[lecture at {rules.time}]({lecture.video}&t={seconds}s)" if lecture.video else f"lecture at {rules.time}"
        )
    return f"### {rules.title}\n\n*{' · '.join(parts)}*" + (f"\n\n{_not_allowed(rules.forbid)}" if rules.forbid else "")


def _not_allowed(forbid: tuple[str, ...]) -> str:
    """What ``judge/forbidden.py`` holds an answer to, in words."""
    return (
        f"**Not allowed** in your answer, nor in anything that it calls, even in a branch that never runs: {', '.join(f'`{name}`' for name in forbid)}; "
        "names that are made at run time (`eval`, `exec`, `getattr` with a name that is not written out); packages other than Python's own, NumPy, "
        "PyTorch and Matplotlib. In all other code of yours, below your answer too, everything is allowed."
    )


def _points(rules: Exercise) -> str:
    ordinary, bonus = rules.points - rules.bonus_points, rules.bonus_points
    said = [f"{ordinary:g} point{'' if ordinary == 1 else 's'}"] if ordinary else []
    said += [f"{bonus:g} bonus point{'' if bonus == 1 else 's'}"] if bonus else []
    return " and ".join(said)


def extras(cells: list[LectureCell]) -> dict[str, list[dict[str, Any]]]:
    """The other answers by exercise: kind, sentence, exception, source and line."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        if cell.role in EXTRA:
            found.setdefault(cell.exercise, []).append(
                {"kind": cell.role, "says": cell.says, "raises": cell.raises, "source": cell.source, "line": cell.line}
            )
    return found


def earlier_prose(source: Path) -> Path:
    """Where the Markdown is kept that a source notebook once held, and that notebooks which were handed out then still hold."""
    return source.parents[2] / "earlier" / f"{source.stem}.json"


def keep_prose(source: Path, text: str) -> None:
    """Before a source notebook is written anew: keep what Markdown of it will be gone."""
    kept = earlier_prose(source)
    if source.is_file():
        before = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
        old, new = (_prose(nbformat.reads(words, as_version=4)) for words in (source.read_text(encoding="utf-8"), text))
        gone = [words for words in dict.fromkeys([*before, *old]) if words not in new]
        if gone != before:
            write_text(kept, json.dumps(gone, indent=1) + "\n")


def _prose(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def to_json(notebook: NotebookNode) -> str:
    """A notebook as text, with keys in a fixed order."""
    return nbformat.writes(notebook, version=4, sort_keys=True) + "\n"


def built(course: CourseDirectory, lecture: str) -> dict[Path, str]:
    """What ``build/`` holds of a lecture file and its entry in ``course.yml``: the source notebook, the other answers, and how written ones are marked.

    Raises:
        UserError: something is wrong with the lecture file, or with the names.
    """
    rules = course.entry(lecture)
    try:
        names = course.read_names()
    except (ValueError, OSError) as error:
        raise UserError(f"the names of course.yml cannot be read: {error}") from None
    cells = read_lecture(course.solution(lecture), rules, words_of(names, rules))
    other = json.dumps(extras(cells), indent=1, sort_keys=True) + "\n"
    to_mark = json.dumps(marking(cells), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    source = to_json(source_notebook(lecture, rules, cells))
    return {course.source(lecture): source, course.extras(lecture): other, marking_file(course, lecture): to_mark}


def write_text(path: Path, text: str) -> None:
    """Write a file only if its content changes, so that an unchanged build changes no time stamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text.encode())
