"""Several lectures at a time, as many as the machine has cores; one runner for each of these, whose start is paid once."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from autograder.runner.host import Runner

Result = TypeVar("Result")


def each_lecture(lectures: list[str], work: Callable[[str, Runner], Result], unsafe: bool = False) -> list[Result]:
    """What ``work`` returns for each lecture, in their order; the first exception ends it.

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
        futures = [pool.submit(one, lecture) for lecture in lectures]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
