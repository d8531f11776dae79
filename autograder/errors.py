"""The exceptions that people see: each is shown as a sentence, never as a traceback."""

import os
import textwrap

_WIDTH = 80  # nbgrader cuts what is longer


class UserError(Exception):
    """Something its user can mend: the message says what is wrong, where, and what to do next."""


class CheckFailed(AssertionError):
    """A check that did not pass: shown in a notebook as one sentence, without the kit's own lines.

    Args:
        message: why.
        bar: what stands in the red bar below a card that has said why; the message where there is no card, as in what
            ``nbgrader validate`` and its button print.
    """

    def __init__(self, message: str, bar: str = "") -> None:
        super().__init__(message)
        self.bar = bar or message

    def _render_traceback_(self) -> list[str]:
        if os.environ.get("NBGRADER_EXECUTION") == "validate":
            return [line for text in str(self).splitlines() for line in textwrap.wrap(text, _WIDTH)]
        return [f"\x1b[31mCheckFailed\x1b[0m: {self.bar}"]
