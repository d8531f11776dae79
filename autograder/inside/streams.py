"""Standard output and error of a cell, as in a notebook: what Python prints, and what its subprocesses write by number.

ipykernel lets a thread read a pipe for the second. Here a file takes it, which is looked at whenever something is shown:
no thread, and nobody waits for a reader.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile

from autograder.inside.recorder import Recorder

NUMBERS = {"stdout": 1, "stderr": 2}
BEGIN_ANEW = 1 << 20  # bytes after which the file is emptied


class Raw:
    """What is written to descriptors 1 and 2, by subprocesses, libraries and forks."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.files: dict[str, int] = {}
        self.read = dict.fromkeys(NUMBERS, 0)

    def open(self) -> None:
        """Take both descriptors over, in the process of one submission."""
        for name, number in NUMBERS.items():
            file, path = tempfile.mkstemp()
            os.close(file)
            self.files[name] = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            os.unlink(path)
            os.dup2(self.files[name], number)

    def close(self) -> None:
        """Nobody writes there any more."""
        for file in self.files.values():
            os.close(file)
        self.files, self.read = {}, dict.fromkeys(NUMBERS, 0)

    def collect(self) -> None:
        """Show what has come since the last time."""
        for name, file in self.files.items():
            with contextlib.suppress(OSError):  # a cell may close what it likes
                size = os.fstat(file).st_size
                begin = min(self.read[name], size)  # less than was read, if a cell has emptied it
                if size > begin:
                    self._take(name, file, begin, size)

    def _take(self, name: str, file: int, begin: int, size: int) -> None:
        bound = 4 * self.recorder.room + 4  # bytes of a character, at most
        self.read[name] = size
        self.recorder.stream(name, os.pread(file, min(size - begin, bound), begin).decode(errors="replace"))
        if size - begin > bound:
            self.recorder.cut()
        if size > BEGIN_ANEW:
            os.ftruncate(file, 0)
            self.read[name] = 0


class OutStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr``: of the same kind as ipykernel's, with its encoding, number and lack of a buffer."""

    encoding = "UTF-8"

    def __init__(self, recorder: Recorder, raw: Raw, name: str) -> None:
        self.recorder, self.raw, self.name = recorder, raw, name
        self.pid = os.getpid()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return NUMBERS[self.name]

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() == self.pid:
            if self.recorder.room:  # else quickly: a loop that prints must not take longer for it
                self.raw.collect()
            self.recorder.stream(self.name, text)
        else:  # a fork of the notebook's process: only the file is common to both
            with contextlib.suppress(OSError):
                os.write(NUMBERS[self.name], text.encode(errors="replace"))
        return len(text)

    def close(self) -> None:
        """A kernel's is never closed for good: who closes it means the file that it was before."""
