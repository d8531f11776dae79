"""What has become of a download, and how it is told."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from rich.table import Table

SHOWN = 20  # sentences about what was not taken


class Platform(StrEnum):
    canvas = "canvas"
    moodle = "moodle"
    zip = "zip"


@dataclass
class Collected:
    """Students by their ids in the gradebook."""

    new: list[str] = field(default_factory=list)
    replaced: dict[str, Path] = field(default_factory=dict)  # and where what was there before is kept
    unchanged: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)  # by the platform's name, which the kit would not grade
    strangers: list[str] = field(default_factory=list)  # not on the roster
    late: list[str] = field(default_factory=list)
    only_text: list[str] = field(default_factory=list)
    stamped: list[str] = field(default_factory=list)  # who hand in a time of their own
    missing: list[str] | None = None  # nothing is known of a class
    older: int = 0  # files in whose place a newer one of the same name was taken
    left_out: list[str] = field(default_factory=list)  # a sentence each

    @property
    def students(self) -> list[str]:
        return sorted([*self.new, *self.replaced, *self.unchanged])

    def table(self, lecture: str) -> Table:
        table = Table(title=lecture, title_justify="left")
        for name in ("collected", "new", "replaced", "unchanged"):
            table.add_column(name, justify="right")
        table.add_row(*(str(len(group)) for group in (self.students, self.new, self.replaced, self.unchanged)))
        return table

    def sentences(self, lecture: str, root: Path, due: bool) -> list[str]:
        """What the table does not tell, a line each, and what to type next.

        Args:
            due: whether the lecture has a date.
        """
        said = []
        for student, kept in sorted(self.replaced.items()):
            stamp = ", with its timestamp.txt" if os.path.lexists(kept / "timestamp.txt") else ""
            said.append(f"{student} has handed in other work; what was there before is in {kept.relative_to(root)}{stamp}.")
        said += [f"{name} is called {student} here: the kit does not grade such a name." for name, student in sorted(self.renamed.items())]
        if self.older:
            said.append(f"Older files of a name that came again, left out: {self.older}. The newest counts.")
        if self.only_text:
            said.append(f"Text and no file: {_names(self.only_text)}.")
        if self.strangers:
            said.append(f"Not on the roster, or not to be told from somebody else: {_names(self.strangers)}.")
        said += self.left_out[:SHOWN]
        if len(self.left_out) > SHOWN:
            said.append(f"And {len(self.left_out) - SHOWN} more that were not taken.")
        if self.missing is None:
            said.append("Who is missing cannot be told: the gradebook knows nobody yet, and there is no --roster.")
        else:
            said.append(f"Missing: {_names(self.missing)}." if self.missing else "Nobody is missing.")
        if self.students:
            said += [*self._times(lecture, due), f"Next: autograder grade {lecture}"]
        return ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in sentence) for sentence in said]

    def _times(self, lecture: str, due: bool) -> list[str]:
        said = ["A download holds no time of submission that can be trusted: none was written, and without one nobody counts as late."]
        if self.late:
            dated = "" if due else f"give {lecture} a due: there, and "
            how = (
                f"autograder grade and export will say so again. For the late rule of course.yml {dated}write "
                f"the time into submitted/STUDENT/{lecture}/timestamp.txt, such as 2027-03-02 10:00:00 UTC."
            )
            said.append(f"Marked as late by Canvas: {_names(self.late)}. {how}")
        if self.stamped:
            said.append(f"Hand in a timestamp.txt of their own, which counts: {_names(self.stamped)}. Delete it if you did not ask for it.")
        return said


def _names(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(sorted(names))})"
