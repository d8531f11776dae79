"""What a cell shows, as nbformat's dictionaries, bounded in size and number however much and however often it writes.

What is too much is left out and said once; the code goes on.
"""

from __future__ import annotations

import io
from typing import Any

MOST = 900  # outputs of one cell; the trusted side takes 1000
MOST_ERRORS = 10  # of one cell, whatever else it has shown: the last one tells why it stopped
COST = 64  # characters that an output counts beside its text


class Recorder:
    """The outputs of one cell after the other."""

    def __init__(self) -> None:
        self.max_cell, self.max_notebook = 1 << 20, 1 << 30  # characters
        self.earlier = 0  # characters that the cells before this one have shown
        self.told_notebook = False
        self._empty()

    def _empty(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self.by_id: dict[str, list[dict[str, Any]]] = {}
        self.size = self.errors = 0
        self.clear_first = self.told = False

    def begin(self) -> None:
        """Another cell."""
        self.earlier += self.size
        self._empty()

    def finished(self) -> list[dict[str, Any]]:
        """All that the cell has shown, its streams as text."""
        return [{**o, "text": o["text"].getvalue()} if o["output_type"] == "stream" else o for o in self.outputs]

    @property
    def room(self) -> int:
        """Characters that may still be shown."""
        return max(0, min(self.max_cell, self.max_notebook - self.earlier) - self.size)

    def stream(self, name: str, text: str) -> None:
        """What was written to ``stdout`` or ``stderr``."""
        if not text:
            return
        self._clear_if_asked()
        part = text[: self.room]
        if part:
            self._write(name, part)
            self.size += len(part)
        if len(part) < len(text):
            self.cut()

    def display(self, output: dict[str, Any], display_id: str | None = None) -> None:
        """A picture, a table, a value; ``display_id`` to change it later."""
        self._clear_if_asked()
        size = _size(output["data"])
        if not self._fits(size):
            self.cut()
            return
        self.size += size
        self.outputs.append(output)
        if display_id:
            self.by_id.setdefault(display_id, []).append(output)

    def update(self, data: dict[str, Any], display_id: str) -> None:
        """Other data for what this cell has shown under an id; what an earlier cell has shown is gone from here."""
        for output in self.by_id.get(display_id, ()):
            more = _size(data) - _size(output["data"])
            if more > self.room:
                self.cut()
                return
            self.size += more
            output["data"] = data

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        """A traceback: also behind too much output, because it says why the cell stopped."""
        self._clear_if_asked()
        if self.errors >= MOST_ERRORS:  # the last one counts
            self.outputs.remove(next(o for o in self.outputs if o["output_type"] == "error"))
        self.outputs.append({"output_type": "error", "ename": name, "evalue": value, "traceback": traceback})
        self.errors += 1
        self.size += min(self.room, sum(map(len, traceback)))

    def clear(self, wait: bool = False) -> None:
        """Forget what was shown, or do so as soon as there is something else to show."""
        if wait:
            self.clear_first = True
        else:
            self._empty()

    def cut(self) -> None:
        """Something was left out: say so, once a cell, and once a notebook if that is what is full."""
        if self.max_notebook - self.earlier <= self.max_cell:
            if not self.told_notebook:
                self.told_notebook = True
                limit = f"more than {self.max_notebook >> 20} MB of output in this notebook: the limit notebook_output_mb"
                self._open_stream("stderr", f"\n[{limit}; no more is shown]\n")
        elif not self.told:
            self.told = True
            limit = f"more than {self.max_cell >> 10} KB of output: the limit output_kb"
            if len(self.outputs) >= MOST:
                limit = f"more than {MOST} outputs of one cell"
            self._open_stream("stderr", f"\n[{limit}; the rest is not shown]\n")

    def _fits(self, size: int) -> bool:
        return size <= self.room and len(self.outputs) < MOST

    def _write(self, name: str, text: str) -> None:
        """Behind what is there; where that would be one output too many, to the last text of the same stream."""
        last = self.outputs[-1] if self.outputs else {}
        if len(self.outputs) >= MOST:
            last = next((o for o in reversed(self.outputs) if o.get("name") == name), {})
        if last.get("name") == name:
            last["text"].write(text)
        else:
            self._open_stream(name, text)

    def _open_stream(self, name: str, text: str) -> None:
        buffer = io.StringIO()  # characters are all that it holds, in however many writes they come
        buffer.write(text)
        self.outputs.append({"output_type": "stream", "name": name, "text": buffer})

    def _clear_if_asked(self) -> None:
        if self.clear_first:
            self._empty()


def _size(data: dict[str, Any]) -> int:
    return COST + sum(len(mime) + len(value) for mime, value in data.items())
