"""Several runners at once, for work that is written for one: each piece of work waits for its own jail alone, and the others go on meanwhile.

All work runs in greenlets of one thread: whatever it does between two runs, such as writing to a gradebook, no other piece of work sees half
done, and nothing needs a lock. Only the waiting is done in threads, one for each jail.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import greenlet

from autograder.runner.frozen import FrozenRunner
from autograder.runner.job import Job, Result
from autograder.runner.launch import Launched
from autograder.runner.reading import Asked, NameReader, Read
from autograder.runner.runs import Worker

Value = TypeVar("Value")
Tool = TypeVar("Tool")
RUNNERS_A_READER = 8  # which takes a tenth of the time of a run
AHEAD = 1  # pieces of work beyond the number of jails: while these run, another one is made ready


class _NamesThere:
    """Read by whichever runner is free: on another machine there is nobody else."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew

    def read(self, cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> list[Read]:
        return self.crew.by_one(lambda runner: runner.names.read(cells, beside, kept, asked))

    def start(self) -> None:
        """The runners begin when they are asked."""

    def close(self) -> None:
        """The runners end what they have begun."""


class _NamesHere:
    """Read while the runners run: what is handed in next need not wait for one of them to be free."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.free: queue.SimpleQueue[NameReader] = queue.SimpleQueue()
        self.readers = [NameReader(crew.unsafe) for _ in range(1 + crew.size // RUNNERS_A_READER)]
        for reader in self.readers:
            self.free.put(reader)
        self.threads = ThreadPoolExecutor(len(self.readers), thread_name_prefix="names")

    def read(self, cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> list[Read]:
        return self.crew.wait_for(self.threads, lambda: with_one(self.free, lambda reader: reader.read(cells, beside, kept, asked)))

    def start(self) -> None:
        """Start all of them, and wait for none; what goes wrong is told by whoever reads first."""
        for _ in self.readers:
            self.threads.submit(lambda: with_one(self.free, lambda reader: reader.start()))

    def close(self) -> None:
        """End all of them."""
        self.threads.shutdown(cancel_futures=True)
        for reader in self.readers:
            reader.close()


class Crew:
    """So many runners. Use it as a context manager.

    Args:
        size: of them.
        unsafe: without the jail: only where somebody has typed it.
        make: makes each of them, where that is not a runner on this machine.
        early: the warm process of the first one, which is on its way up.
    """

    def __init__(self, size: int, unsafe: bool = False, make: Callable[[], Worker] | None = None, early: Launched | None = None) -> None:
        self.unsafe, self.size = unsafe, size
        self.names = _NamesThere(self) if make else _NamesHere(self)
        self.runners: list[Worker] = [make() if make else FrozenRunner(unsafe, None if number else early) for number in range(size)]
        self.free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self.threads = ThreadPoolExecutor(size, thread_name_prefix="jail")
        self.hub: Any = None  # the greenlet that all others come back to
        self.waiting: dict[Future[Any], Any] = {}
        self.starting: list[Future[None]] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def ready(self, disk_mb: int) -> None:
        """Start all of them, and wait for the first.

        Raises:
            UserError: as :meth:`Runner.start <autograder.runner.host.Runner.start>`.
        """
        if self.starting:
            return

        def start(runner: Worker) -> None:
            runner.ready(disk_mb)
            self.free.put(runner)

        self.names.start()
        self.starting = [self.threads.submit(start, runner) for runner in self.runners]
        done, _ = wait(self.starting, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()

    def run(self, job: Job) -> Result:
        """As :meth:`Runner.run <autograder.runner.host.Runner.run>`, by whichever is free."""
        return self.by_one(lambda runner: runner.run(job))

    def by_one(self, work: Callable[[Worker], Value]) -> Value:
        """What ``work`` returns for a runner that is free; other pieces of work go on until then.

        Raises:
            RuntimeError: none has been started, and none would ever be free.
        """
        if not self.starting:
            raise RuntimeError("Crew.ready comes first")
        return self.wait_for(self.threads, lambda: with_one(self.free, work))

    def wait_for(self, threads: ThreadPoolExecutor, work: Callable[[], Value]) -> Value:
        """What ``work`` returns in one of these threads; other pieces of work go on until then."""
        me = greenlet.getcurrent()
        if self.hub is None or me is self.hub:
            return work()
        future = threads.submit(work)
        self.waiting[future] = me
        self.hub.switch()
        return future.result()

    def each(self, works: Iterable[Callable[[], None]]) -> None:
        """Do all pieces of work, as many at a time as there are runners, and one more.

        Raises:
            BaseException: what one of them raised, or an interrupt; then the others are ended where they wait.
        """
        self.hub = greenlet.getcurrent()
        left, live = iter(works), set[Any]()
        try:
            while True:
                while len(live) < self.size + AHEAD and (work := next(left, None)) is not None:
                    piece = greenlet.greenlet(work)
                    live.add(piece)
                    piece.switch()
                    live = {other for other in live if not other.dead}
                if not self.waiting:
                    return
                for future in wait(self.waiting, return_when=FIRST_COMPLETED).done:
                    self.waiting.pop(future).switch()
                live = {other for other in live if not other.dead}
        except BaseException:
            self._end(live)
            raise
        finally:
            self.hub = None

    def _end(self, live: set[Any]) -> None:
        """Nothing is left half done in this thread, and no jail goes on."""
        for runner in self.runners:
            runner.give_up()
        for future in self.waiting:
            future.cancel()
        self.waiting.clear()
        for piece in live:
            with contextlib.suppress(Exception):
                piece.throw(greenlet.GreenletExit)

    def close(self) -> None:
        """End all of them."""
        for runner in self.runners:
            runner.give_up()
        self.threads.shutdown(cancel_futures=True)
        for runner in self.runners:
            runner.close()
        self.names.close()


def with_one(free: queue.SimpleQueue[Tool], work: Callable[[Tool], Value]) -> Value:
    """What ``work`` returns for whichever is free first."""
    tool = free.get()
    try:
        return work(tool)
    finally:
        free.put(tool)
