"""Several lectures at a time, as many as the machine has cores; one runner for each of these, whose start is paid once."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from autograder.runner.host import Runner

Result = TypeVar("Result")


def each_lecture(lectures: list[str], work: Callable[[str, Runner], Result], unsafe: bool = False) -> list[Result]:
    """What ``work`` returns for each lecture, in their order; an exception ends it.

    The last lectures begin first: they train the largest models, and nobody should wait for one that has the machine to itself.

    Args:
        unsafe: run them without the jail.
    """

    workers = min(len(lectures), os.cpu_count() or 1)
    free: queue.SimpleQueue[Runner] = queue.SimpleQueue()

    def one(lecture: str) -> Result:
        runner = free.get()
        try:
            return work(lecture, runner)
        finally:
            free.put(runner)

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            free.put(stack.enter_context(Runner(unsafe)))
        futures = {lecture: pool.submit(one, lecture) for lecture in reversed(lectures)}
        try:
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
        finally:
            for future in futures.values():
                future.cancel()
        for future in done:
            future.result()
        return [futures[lecture].result() for lecture in lectures]
