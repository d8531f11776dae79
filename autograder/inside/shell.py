"""ipykernel's shell without a kernel: a cell runs as in a notebook, and its outputs are kept instead of sent."""

from __future__ import annotations

import asyncio
import base64
import builtins
import getpass
import os
import pdb
import sys
import zlib
from collections.abc import Callable
from typing import Any

from ipykernel.eventloops import loop_map
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core import debugger
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import _asyncio_runner
from matplotlib.figure import Figure
from traitlets import Type
from traitlets.config import Config

from autograder.inside.recorder import Recorder
from autograder.inside.streams import OutStream, Raw

KEPT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml")
MAX_VALUE = MAX_LINE = 2000  # characters of an error's message, and of a line of its traceback
MAX_LINES = 200  # of a traceback
AFTER_A_CELL = 3  # passes of the event loop, for tasks that a cell has started
MAX_FRAMES = 100  # of a traceback: IPython takes milliseconds for each, and a recursion that never ends has thousands


class Publisher(DisplayPublisher):
    """Takes what ``display`` shows."""

    def publish(
        self,
        data: dict[str, Any],
        metadata: Any = None,
        *,
        source: Any = None,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        display_id, kept = str((transient or {}).get("display_id") or "")[:200], _mime(data)
        self.shell.raw.collect()
        if update:
            self.shell.recorder.update(kept, display_id)
        else:
            self.shell.recorder.display({"output_type": "display_data", "data": kept, "metadata": {}}, display_id)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.raw.collect()
        self.shell.recorder.clear(wait)


class Hook(DisplayHook):
    """Takes the value of a cell's last line."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        self.shell.raw.collect()
        output = {"output_type": "execute_result", "data": _mime(format_dict), "metadata": {}}
        self.shell.recorder.display({**output, "execution_count": self.prompt_count})

    def start_displayhook(self) -> None:
        pass

    def write_output_prompt(self) -> None:
        pass

    def finish_displayhook(self) -> None:
        pass


class Compiler(CachingCompiler):
    """Names a cell as ipykernel does: a file of its own, by its text."""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return f"/tmp/ipykernel_{os.getpid()}/{zlib.crc32(raw_code.encode(errors='replace'))}.py"


class NoKernel:
    """What ``get_ipython().kernel`` is where no kernel is: nothing that it is asked for happens."""

    eventloop = None

    def do_shutdown(self, restart: bool) -> dict[str, Any]:
        return {"status": "ok", "restart": restart}


class RecordingShell(ZMQInteractiveShell):
    """One shell a process; :meth:`run` gives a cell's outputs."""

    display_pub_class = Type(Publisher)
    displayhook_class = Type(Hook)

    def __init__(self, **kwargs: Any) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.history_length = 0
        self.recorder = Recorder()
        self.raw = Raw(self.recorder)
        self.own = OutStream(self.recorder, self.raw, "stdout"), OutStream(self.recorder, self.raw, "stderr")
        self.standard: tuple[Any, Any] = self.own  # as the last cell has left them
        self.loop: asyncio.AbstractEventLoop | None = None
        self.loop_pid = 0  # whose loop it is
        super().__init__(config=config, kernel=NoKernel(), compiler_class=Compiler, **kwargs)
        self.extension_manager.load_extension("storemagic")
        for module, name, own in (
            (debugger, "Pdb", debugger.InterruptiblePdb),
            (pdb, "Pdb", debugger.InterruptiblePdb),
            (pdb, "set_trace", debugger.set_trace),
        ):
            setattr(module, name, own)  # as ipykernel does: its prompt is input()

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell as a notebook would, inside a running event loop, and return its outputs."""
        self.recorder.begin()
        for stream in self.own:
            stream.pid = os.getpid()
        loop = self._own_loop()
        kept = sys.stdout, sys.stderr, builtins.input, getpass.getpass
        sys.stdout, sys.stderr = self.standard
        builtins.input, getpass.getpass = _nobody_answers("raw_input"), _nobody_answers("getpass")
        try:
            _to_its_end(loop, loop.create_task(self._cell(source)))
        finally:
            self.standard = sys.stdout, sys.stderr
            sys.stdout, sys.stderr, builtins.input, getpass.getpass = kept
        self.raw.collect()
        self.payload_manager.clear_payload()  # help pages and cells to insert: nobody's frontend takes them
        return self.recorder.finished()

    async def _cell(self, source: str) -> None:
        """As ipykernel: what awaits something runs as a task of the loop, all else inside one of its steps."""
        read: dict[str, Any] = {"transformed_cell": source, "preprocessing_exc_tuple": None}
        try:
            read["transformed_cell"] = self.transform_cell(source)
        except Exception:  # noqa: BLE001  it is shown where the cell runs
            read["preprocessing_exc_tuple"] = sys.exc_info()
        if self.loop_runner is _asyncio_runner and self.should_run_async(source, **read):
            result = None
            try:
                result = await self.run_cell_async(source, store_history=True, **read)
            finally:
                self.events.trigger("post_execute")
                self.events.trigger("post_run_cell", result)
        else:
            self.run_cell(source, store_history=True)
        for _ in range(AFTER_A_CELL):
            await asyncio.sleep(0)

    def draw_nothing(self) -> None:
        """A figure is shown by its name: drawing one takes a tenth of a second."""
        self.display_formatter.formatters["image/png"].pop(Figure, None)

    def close_loop(self) -> None:
        """Before the process forks: two that wait at one loop would disturb each other."""
        if self.loop:
            self.loop.close()

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of this process; a fork's parent keeps its own."""
        if self.loop is None or self.loop.is_closed() or self.loop_pid != os.getpid():
            self.loop, self.loop_pid = asyncio.new_event_loop(), os.getpid()
        asyncio.set_event_loop(self.loop)
        return self.loop

    def enable_gui(self, gui: Any = None) -> None:
        """No toolkit has a window here; a name that is none is refused as in a kernel."""
        if gui not in loop_map:
            raise UsageError(f"Invalid GUI request {gui!r}, valid ones are:{loop_map.keys()}")
        self.active_eventloop = gui

    def enable_matplotlib(self, gui: Any = None) -> tuple[Any, Any]:
        """Pictures below the cell, whatever backend is asked for: nobody could use another one here, and a cell goes on without it."""
        try:
            return super().enable_matplotlib("inline" if gui and (gui in loop_map or gui == "auto") else gui)
        except Exception as error:  # noqa: BLE001  whatever a missing backend raises
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return super().enable_matplotlib("inline")

    def ask_exit(self) -> None:
        """``exit`` ends a kernel; here the cells to come are run."""

    def _update_exit_now(self, change: Any) -> None:
        pass

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[Any, Any, Any]:
        found = super()._get_exc_info(exc_tuple)
        _shorten(found[1])
        return found

    def _format_exception_for_storage(self, exception: BaseException, *_: Any, **__: Any) -> dict[str, Any]:
        """For IPython's history, as it was shown: it need not be formatted twice."""
        return {"ename": type(exception).__name__, "evalue": "", "traceback": self._last_traceback or []}

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = stb if isinstance(stb, list) else str(stb).split("\n")
        try:
            value = str(evalue)
        except Exception:  # noqa: BLE001  a student's __str__ may raise anything
            value = "(its message cannot be read)"
        self._last_traceback = stb
        self.raw.collect()
        text = [line[:MAX_LINE] for line in lines[:MAX_LINES]]
        self.recorder.error(str(getattr(etype, "__name__", etype))[:MAX_VALUE], value[:MAX_VALUE], text)


RecordingShell.__name__ = "ZMQInteractiveShell"  # by which many libraries and cells tell a notebook from a terminal


def _to_its_end(loop: asyncio.AbstractEventLoop, cell: asyncio.Task[None]) -> None:
    """Run the loop until the cell is done, whatever it or one of its tasks does to the loop."""
    while not cell.done() and not loop.is_closed():
        try:
            loop.run_until_complete(cell)
        except (KeyboardInterrupt, asyncio.CancelledError):
            cell.cancel()  # the cell's time is up while it waits for something
        except (RuntimeError, SystemExit):
            continue  # stopped: that ends a kernel, but here the cell goes on


def _shorten(error: BaseException | None) -> None:
    """Leave out the middle of long tracebacks, also of the errors before this one."""
    for _ in range(MAX_FRAMES):
        if error is None:
            return
        steps, step = [], error.__traceback__
        while step:
            steps.append(step)
            step = step.tb_next
        if len(steps) > MAX_FRAMES:
            steps[MAX_FRAMES // 2].tb_next = steps[-MAX_FRAMES // 2]
        error = error.__cause__ or error.__context__


def _nobody_answers(name: str) -> Callable[..., str]:
    """``input`` or ``getpass`` where nobody sits, as ipykernel says it."""

    def refuse(*_: Any, **__: Any) -> str:
        raise StdinNotImplementedError(f"{name} was called, but this frontend does not support input requests.")

    return refuse


def _mime(data: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for mime, value in data.items():
        if mime in KEPT:
            kept[mime] = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
    return kept
