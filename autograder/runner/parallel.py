"""Several lectures at a time: each has a runner of its own, and the machine as many as it has cores."""

from __future__ import annotations

import os
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

    def one(lecture: str) -> Result:
        with Runner(unsafe) as runner:
            return work(lecture, runner)

    with ThreadPoolExecutor(max_workers=min(len(lectures), os.cpu_count() or 1)) as pool:
        futures = [pool.submit(one, lecture) for lecture in lectures]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
