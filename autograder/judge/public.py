"""The public answers that come with a lecture, and whether this machine can compare anything with them."""

from __future__ import annotations

from pathlib import Path

import torch

from autograder.errors import CheckFailed
from autograder.judge.answers import Answers
from autograder.wall.facts import Facts, canary
from autograder.wall.record import RecordError


def public_answers(path: Path) -> tuple[Answers, Facts]:
    """The answers beside a student's notebook, and the lecture's rules in them.

    Raises:
        CheckFailed: they are not there or damaged, or this machine's torch draws other numbers than they were made with.
    """
    if not path.is_file():
        raise CheckFailed(f"{path.name} is not in {path.parent}. It comes with the assignment: fetch it again, and open the notebook from its folder.")
    try:
        answers = Answers.load(path)
        facts = Facts.from_json(answers.facts)
    except (OSError, RecordError, KeyError, TypeError, ValueError) as error:
        raise CheckFailed(f"{path.name} is damaged; fetch the assignment again. ({error})") from None
    if facts.canary != canary():
        raise CheckFailed(
            f"This machine's torch {torch.__version__} draws other random numbers than torch {facts.torch}, with which the "
            f"answers were made, so nothing can be compared here. Install it with: pip install torch=={facts.torch.split('+')[0]}"
        )
    return answers, facts
