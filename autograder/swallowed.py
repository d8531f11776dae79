"""Exceptions that a signal's handler raised within a callback of Python's own, such as a weak reference's, which lets none out."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def swallowed(kind: type[BaseException], then: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Do something about those of one kind that are lost so, where Python would print them and go on.

    Args:
        then: told of each; it runs within the callback, so what it raises is lost, too.
    """
    before = sys.unraisablehook

    def hook(ignored: "sys.UnraisableHookArgs") -> None:
        if isinstance(ignored.exc_value, kind):
            then()
        else:
            before(ignored)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
