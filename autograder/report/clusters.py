"""Unnamed wrong answers that are the same, each group with one of its answers, and with the cell that would name it from now on."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass

from autograder.course.cells import BEGIN, END
from autograder.course.schema import Tolerance
from autograder.judge.clusters import clusters, stops_with
from autograder.report.counts import unnamed
from autograder.report.data import Answer, ClassWork, Work

LONGEST = 6000  # characters of an answer that is shown


@dataclass(frozen=True)
class Cluster:
    """Students whose wrong answers to one exercise returned the same."""

    exercise: str
    title: str
    students: tuple[str, ...]
    share: float  # of the exercise's unnamed wrong answers
    shown: str  # whose answer stands for all
    source: str
    told: str  # what most of them were told
    cell: str  # ready for the lecture file; empty where the answer cannot stand there


@dataclass(frozen=True)
class Clusters:
    """Of a lecture."""

    found: list[Cluster]
    alone: int  # wrong answers that nobody else gave
    lost: int  # of which nothing is kept


def find(work: ClassWork, default: Tolerance) -> Clusters:
    """All that at least two have answered alike, the most frequent first."""
    found, alone, lost = list[Cluster](), 0, 0
    for name, answers in unnamed(work).items():
        known = [(one, answer, answer.record) for one, answer in answers if answer.record]
        lost += len(answers) - len(known)
        places = clusters([record for _, _, record in known], work.rules[name].tolerance or default)
        number = 0
        for members in places:
            if len(members) == 1:
                alone += 1
                continue
            number += 1
            found.append(_cluster(work, name, number, [known[place][:2] for place in members], len(answers), stops_with(known[members[0]][2])))
    order = list(work.rules)
    return Clusters(sorted(found, key=lambda cluster: (-len(cluster.students), order.index(cluster.exercise))), alone, lost)


def _cluster(work: ClassWork, name: str, number: int, members: list[tuple[Work, Answer]], of: int, raises: str | None) -> Cluster:
    shown, answer = min(members, key=lambda one: (not _is_python(one[1].source), not one[1].source.strip(), len(one[1].source), one[0].student))
    told = Counter(other.outcome.message for _, other in members).most_common(1)[0][0]
    students = tuple(one.student for one, _ in members)
    cell = mistake_cell(name, number, answer.source, raises)
    return Cluster(name, work.rules[name].title, students, len(members) / of, shown.student, answer.source[:LONGEST], told, cell)


def mistake_cell(exercise: str, number: int, source: str, raises: str | None) -> str:
    """The cell of a lecture file (docs/authoring.md) that names an answer; empty where this one is no Python, or too long to be read.

    Args:
        number: by which the sentence that is to be replaced differs from that of another cell.
        raises: the exception in which the answer ends.
    """
    source = "\n".join(line for line in source.strip().splitlines() if line.strip() not in (BEGIN, END))
    if not _is_python(source) or not source or len(source) > LONGEST or any(line.startswith("# %%") for line in source.splitlines()):
        return ""
    ends = f' raises="{raises}"' if raises and raises.isidentifier() else ""
    return f'# %% mistake="{exercise}" says="TO WRITE {number}: what they did, and what is true, never the answer."{ends}\n{source}\n'


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
