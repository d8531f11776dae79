"""IPython's shell, with a cell's outputs as nbformat's dictionaries and a bound on their size."""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

KEPT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml")


class OutputLimit(BaseException):
    """More output than a cell may write: ends its loop; not an ``Exception``, so that a bare handler does not swallow it."""


class Stream(io.TextIOBase):
    """Standard output or error of a cell."""

    def __init__(self, shell: RecordingShell, name: str) -> None:
        self.shell, self.name = shell, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        self.shell.add_stream(self.name, text)
        return len(text)


class Publisher(DisplayPublisher):
    def publish(
        self,
        data: dict[str, Any],
        metadata: Any = None,
        *,
        source: Any = None,
        transient: Any = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        self.shell.add({"output_type": "display_data", "data": _mime(data), "metadata": {}})

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear()


class Hook(DisplayHook):
    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        self.shell.add(
            {
                "output_type": "execute_result",
                "data": _mime(format_dict),
                "metadata": {},
                "execution_count": self.prompt_count,
            }
        )

    def write_output_prompt(self) -> None:
        pass

    def finish_displayhook(self) -> None:
        pass


class RecordingShell(InteractiveShell):
    """One shell a process; :meth:`run` gives a cell's outputs."""

    display_pub_class = Type(Publisher)
    displayhook_class = Type(Hook)

    def __init__(self, **kwargs: Any) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.history_length = 0
        super().__init__(config=config, **kwargs)
        self.outputs: list[dict[str, Any]] = []
        self.size, self.max_bytes = 0, 1 << 20  # of this cell
        self.shown, self.max_shown = 0, 1 << 30  # of the notebook so far

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell as a notebook would and return its outputs."""
        self.outputs, self.size = [], 0
        kept = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = Stream(self, "stdout"), Stream(self, "stderr")
        try:
            self.run_cell(source, store_history=True)
        except OutputLimit:
            pass
        finally:
            sys.stdout, sys.stderr = kept
        return finished(self.outputs)

    def add_stream(self, name: str, text: str) -> None:
        last = self.outputs[-1] if self.outputs else {}
        part = text[: max(0, self._room())]
        if last.get("output_type") == "stream" and last.get("name") == name:
            last["parts"].append(part)
        elif part:
            self.outputs.append({"output_type": "stream", "name": name, "parts": [part]})
        self._count(len(text))

    def add(self, output: dict[str, Any]) -> None:
        size = sum(len(str(value)) for value in output.get("data", {}).values())
        if size <= self._room():
            self.outputs.append(output)
        self._count(size)

    def _room(self) -> int:
        return min(self.max_bytes - self.size, self.max_shown - self.shown)

    def _count(self, size: int) -> None:
        """Say it once a limit is reached. Too much of one cell stops it; what is too much for the notebook is left out."""
        before, self.size = self.size, self.size + size
        shown, self.shown = self.shown, self.shown + size
        if self.shown > self.max_shown >= shown:
            self._note(f"more than {self.max_shown >> 20} MB of output in this notebook: the limit notebook_output_mb; no more is shown")
        if self.size > self.max_bytes:
            if before <= self.max_bytes:
                self._note(f"more than {self.max_bytes >> 10} KB of output: the limit output_kb; the cell was stopped")
            raise OutputLimit

    def _note(self, text: str) -> None:
        self.outputs.append({"output_type": "stream", "name": "stderr", "parts": [f"\n[{text}]\n"]})

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        if etype is OutputLimit:
            return
        lines = stb if isinstance(stb, list) else str(stb).split("\n")
        try:
            value = str(evalue)
        except Exception:  # noqa: BLE001  a student's __str__ may raise anything
            value = "(its message cannot be read)"
        text = [line[:4000] for line in lines[:200]]
        self.outputs.append(
            {
                "output_type": "error",
                "ename": str(getattr(etype, "__name__", etype)),
                "evalue": value[:2000],
                "traceback": text,
            }
        )


def finished(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs with their streams joined."""
    return [
        {"output_type": "stream", "name": o["name"], "text": "".join(o["parts"])} if o["output_type"] == "stream" else o
        for o in outputs
    ]


def _mime(data: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for mime, value in data.items():
        if mime in KEPT:
            kept[mime] = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
    return kept
