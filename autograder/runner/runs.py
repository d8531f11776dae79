"""What runs jobs: a runner, several at once, or either of them with runs that are kept. Whoever grades need not know which."""

from __future__ import annotations

from typing import Protocol

from autograder.runner.job import Job, Result
from autograder.runner.reading import Asked, Read


class NamesRead(Protocol):
    """As :class:`~autograder.runner.reading.NameReader`."""

    def read(self, cells: list[str], beside: dict[str, str | None], kept: set[int], asked: list[Asked]) -> list[Read]: ...


class Runs(Protocol):
    """As :class:`~autograder.runner.host.Runner`."""

    @property
    def unsafe(self) -> bool: ...

    @property
    def names(self) -> NamesRead: ...

    def run(self, job: Job) -> Result: ...


class Worker(Runs, Protocol):
    """A runner that is one of several: started, given up and ended by whoever has them."""

    def ready(self, disk_mb: int) -> None: ...

    def give_up(self) -> None: ...

    def close(self) -> None: ...
