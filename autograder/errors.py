"""The exceptions that people see: each is shown as a sentence, never as a traceback."""


class UserError(Exception):
    """Something its user can mend: the message says what is wrong, where, and what to do next."""


class CheckFailed(AssertionError):
    """A check that did not pass: shown in a notebook as one sentence, without the kit's own lines."""

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mCheckFailed\x1b[0m: {self}"]
