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
from autograder.runner.reading import Asked, Read
from autograder.runner.runs import Worker

Value = TypeVar("Value")
AHEAD = 1  # pieces of work beyond the number of jails: while these run, another one is made ready


class _Names:
    def __init__(self, crew: Crew) -> None:
        self.crew = crew

    def read(self, cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> list[Read]:
        return self.crew.by_one(lambda runner: runner.names.read(cells, beside, kept, asked))


class Crew:
    """So many runners. Use it as a context manager.

    Args:
        size: of them.
        unsafe: without the jail: only where somebody has typed it.
        make: makes each of them, where that is not a runner on this machine.
    """

    def __init__(self, size: int, unsafe: bool = False, make: Callable[[], Worker] | None = None) -> None:
        self.unsafe, self.size = unsafe, size
        self.names = _Names(self)
        self.runners: list[Worker] = [make() if make else FrozenRunner(unsafe) for _ in range(size)]
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

        def do() -> Value:
            runner = self.free.get()
            try:
                return work(runner)
            finally:
                self.free.put(runner)

        me = greenlet.getcurrent()
        if self.hub is None or me is self.hub:
            return do()
        future = self.threads.submit(do)
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
