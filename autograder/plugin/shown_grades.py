"""What a feedback page shows of the gradebook, as a digest: a grade or a comment given by hand after the page was written makes it an old one."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from pathlib import Path

from nbgrader.api import Assignment, Comment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import select

MARK = re.compile(rb"<!-- grades ([0-9a-f]{16}) -->")
END = "</html>"


def shown_grades(gradebook: Gradebook, lecture: str, student: str | None = None) -> dict[str, str]:
    """By student a digest of all points and comments of a lecture, and of what being late cost.

    Args:
        student: whose; everybody's if nobody is named.
    """
    rows = defaultdict[str, list[str]](list)
    for found, columns in (
        (Grade, (Grade.cell_id, Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade, SubmittedNotebook.late_submission_penalty)),
        (Comment, (Comment.cell_id, Comment.auto_comment, Comment.manual_comment)),
    ):
        asked = (
            select(SubmittedAssignment.student_id, *columns)
            .select_from(found)
            .join(SubmittedNotebook, found.notebook_id == SubmittedNotebook.id)
            .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
            .where(Assignment.name == lecture)
        )
        if student is not None:
            asked = asked.where(SubmittedAssignment.student_id == student)
        for name, *values in gradebook.db.execute(asked):
            rows[name].append(repr((found.__name__, *values)))
    return {name: hashlib.sha256("\n".join(sorted(told)).encode(errors="surrogateescape")).hexdigest()[:16] for name, told in rows.items()}


def marked(page: str, digest: str) -> str:
    """The page with the digest in it, where no reader sees it."""
    before, end, after = page.rpartition(END)
    return f"{before}<!-- grades {digest} -->\n{end}{after}" if end and digest else page


def mark_of(page: Path) -> str:
    """The digest in a page; empty if it has none, as those of earlier versions."""
    found = MARK.findall(page.read_bytes()[-200:])
    return found[-1].decode() if found else ""
