"""Ctrl-C is heard wherever it falls."""

import _thread
import signal
import sys
import threading
from contextlib import AbstractContextManager

from autograder.swallowed import swallowed

AGAIN = 0.02  # seconds, after which the callback that took it has ended


def heard() -> AbstractContextManager[None]:
    """Raise an interrupt again that fell into a callback of Python's own."""
    return swallowed(KeyboardInterrupt, _again)


def _again() -> None:
    timer = threading.Timer(AGAIN, _interrupt)
    timer.daemon = True
    timer.start()


def _interrupt() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # also out of a wait
