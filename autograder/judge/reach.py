"""What names of a notebook lead to: the statements that may have given them their values, and what those load in turn."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from autograder.judge.reading import Statement


class Names:
    """Which statements give each global name, in the order in which they ran."""

    def __init__(self, statements: list[Statement]) -> None:
        self.statements = statements
        self.places: dict[str, list[int]] = {}
        self.whenever: set[str] = set()  # names that functions give
        for statement in statements:
            self.whenever |= statement.whenever
            for name in statement.gives:
                self.places.setdefault(name, []).append(statement.number)

    def is_certain(self, number: int, name: str) -> bool:
        """Whether nothing but this statement tells what a name is right behind it."""
        return self.statements[number].certain and name not in self.whenever and not name.startswith(".")


class Reach:
    """What names lead to, each statement once: a name leads to whatever may have given it its value by then."""

    def __init__(self, names: Names, exempt: set[int]) -> None:
        self.names, self.exempt = names, exempt
        self.asked: set[tuple[str, bool]] = set()
        self.walked: set[tuple[str, int, bool]] = set()
        self.seen: set[tuple[int, bool]] = set()
        self.todo: list[tuple[int, bool]] = []

    def of(self, names: set[str], when: int) -> Iterator[int]:
        """Statements by number.

        What functions look up they look up at the time ``when``; but those that ran while a statement was made that is in use
        at that time (``table = make()``) may have looked things up at any time before.
        """
        for name in sorted(names):
            self._follow(name, when, early=False)
        for number, early in self.todo:
            yield number
            statement = self.names.statements[number]
            for name in sorted(statement.now):
                self._follow(name, number, early=True)
            for name in sorted(statement.later):
                if (name, early) not in self.asked:
                    self.asked.add((name, early))
                    self._follow(name, when, early, any_time=early)

    def _follow(self, name: str, when: int, early: bool, any_time: bool = False) -> None:
        places = self.names.places.get(name, [])
        any_time = any_time or name in self.names.whenever
        at = bisect_left(places, when)
        while at > 0 and (name, at, any_time) not in self.walked:
            self.walked.add((name, at, any_time))
            at -= 1
            self._add(places[at], early)
            if not any_time and self.names.is_certain(places[at], name):
                break

    def _add(self, number: int, early: bool) -> None:
        if number not in self.exempt and (number, early) not in self.seen:
            self.seen.add((number, early))
            self.todo.append((number, early))
