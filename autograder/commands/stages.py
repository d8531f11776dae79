"""How far long work has come: a bar in a terminal, a line now and then where there is none."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

MOST_ALIKE = 3  # of whom the same sentence is told, before it is told of how many more
LINE_SECONDS = 15.0  # between two lines of a log about the same thing
SILENCE_SECONDS = 30.0  # after which the last line is said again: whoever waits sees that it goes on


class Stage:
    """One stretch of work of known length."""

    def __init__(self, stages: Stages, what: str, total: int) -> None:
        self.stages, self.what, self.total, self.done = stages, what, total, 0
        self.bar = stages.bars.add_task(what, total=total) if stages.bars else None

    def say(self, lecture: str, text: str = "") -> None:
        """What is being done now, for which lecture. May be called from any thread."""
        self._show(f"{lecture}: {text}" if text else lecture, lecture + text.partition(":")[0])

    def expect(self, total: int) -> None:
        """How much there is to do, where that comes out later."""
        self.total = total

    def reach(self, done: int, text: str = "") -> None:
        """So much of the whole is done, and this is what comes next."""
        self.done = done
        self._show(text or self.what, "")

    def advance(self, text: str = "", news: bool = True) -> None:
        """One more is done.

        Args:
            news: the text stands on a line of its own in a log, and not only now and then.
        """
        with self.stages.lock:
            self.done += 1
        self._show(text or self.what, f"{self.done}" if text and news else "")

    def end(self, text: str) -> None:
        """All is done."""
        self.done = self.total
        self._show(text, text)
        self.stages.now = None

    def _show(self, text: str, news: str) -> None:
        if self.stages.bars is not None and self.bar is not None:
            self.stages.bars.update(self.bar, description=text, completed=self.done, total=self.total or None)
        else:
            self.stages.line(self, text, news)


class Stages:
    """All stages of one command. Use it as a context manager.

    Args:
        quiet: say nothing.
    """

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
        )
        self.bars = Progress(*columns, console=console) if console.is_terminal and not quiet else None
        self.lock, self.begun = threading.Lock(), time.monotonic()
        self.last, self.told = self.begun, set[str]()
        self.now: tuple[Stage, str] | None = None  # what is being done
        self.over = threading.Event()
        self.alike: Counter[str] = Counter()  # how often a sentence came

    def __enter__(self) -> Stages:
        if self.bars:
            self.bars.start()
        elif not self.quiet:
            threading.Thread(target=self._break_silence, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        for sentence, number in self.alike.items():
            if number > MOST_ALIKE:
                self.tell(f"{number - MOST_ALIKE} more: {sentence}")
        if self.bars:
            self.bars.stop()

    def _break_silence(self) -> None:
        while not self.over.wait(SILENCE_SECONDS / 10):
            with self.lock:
                if self.now and time.monotonic() - self.last >= SILENCE_SECONDS:
                    self._print(*self.now)

    def begin(self, what: str, total: int) -> Stage:
        """A new stage, such as ``nbgrader autograde`` of so many submissions."""
        stage = Stage(self, what, total)
        self.now = stage, what
        return stage

    def tell(self, text: str) -> None:
        """A line that stays, above the bar."""
        if not self.quiet:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def tell_of(self, whom: str, sentence: str) -> None:
        """The same of one of many; what many get is told of a few, and at the end of how many more."""
        self.alike[sentence] += 1
        if self.alike[sentence] <= MOST_ALIKE:
            self.tell(f"{whom}: {sentence}")

    def line(self, stage: Stage, text: str, news: str) -> None:
        """Of a log: for every piece of news, and else when nothing has been said for a while."""
        if self.quiet:
            return
        with self.lock:
            self.now = stage, text
            key = f"{stage.what} {news}"
            if (not news or key in self.told) and time.monotonic() - self.last < LINE_SECONDS:
                return
            self.told.add(key)
            self._print(stage, text)

    def _print(self, stage: Stage, text: str) -> None:
        self.last = time.monotonic()
        done = f"{stage.done} of {stage.total}" if stage.total else ""
        self.console.print(f"{self.last - self.begun:5.0f} s  {done:>10}  {text}", highlight=False, markup=False, soft_wrap=True)
