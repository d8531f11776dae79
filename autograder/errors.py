"""The one exception that a command shows as a sentence instead of a traceback."""


class UserError(Exception):
    """Something its user can mend: the message says what is wrong, where, and what to do next."""
