"""What the answers beside a student's notebook say of its lecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course.directory import EXPECTED
from autograder.errors import UserError

if TYPE_CHECKING:  # it loads torch
    from autograder.wall.facts import Facts


def facts_in(folder: Path) -> Facts:
    """The lecture's rules.

    Raises:
        UserError: the answers are not there or damaged, or this machine's torch draws other numbers than they were made with.
    """
    from autograder.judge.answers import Answers
    from autograder.wall.facts import Facts, canary
    from autograder.wall.record import RecordError

    path = folder / EXPECTED
    if not path.is_file():
        raise UserError(f"{EXPECTED} is not in {folder}. It comes with the lecture: fetch it again, or type: autograder start")
    try:
        facts = Facts.from_json(Answers.load(path).facts)
    except (OSError, RecordError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged; fetch the lecture again. ({error})") from None
    if facts.canary != canary():
        version = facts.torch.split("+")[0]
        raise UserError(f"This machine's torch draws other random numbers than the one of {path}. Install it with: pip install torch=={version}")
    return facts
