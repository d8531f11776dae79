"""Ctrl-C is heard wherever it falls."""

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

AGAIN = 0.02  # seconds, after which the callback that took it has ended


def _interrupt() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # also out of a wait


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Raise an interrupt again that fell into a callback of Python's own, such as a weak reference's, which lets no exception out."""
    told = sys.unraisablehook

    def hook(ignored: "sys.UnraisableHookArgs") -> None:
        if isinstance(ignored.exc_value, KeyboardInterrupt):
            again = threading.Timer(AGAIN, _interrupt)
            again.daemon = True
            again.start()
        else:
            told(ignored)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = told
