"""Work that is the same, or nearly: for a person to look at, never a verdict."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass
from html import escape
from keyword import iskeyword
from typing import Any

import numpy as np

from autograder.report.data import SKIPPED, ClassWork, Work

K, WINDOW = 25, 4  # tokens' characters of a fingerprint, and of how many one is kept: copydetect's own K
NOT_THEIRS = 5  # who share a fingerprint beyond it, and beyond 5 % of the class, share what everybody writes
LEAST = 0.5  # of the fingerprints that are not everybody's
FEWEST = 6  # such fingerprints: of less nobody can say anything
SHOWN = 20  # pairs
PART = 20_000  # fingerprints that are counted at a time: 80 MB for a thousand students
LONGEST = 20_000  # characters of all answers of one student
TOKEN = re.compile(
    r"""(?P<nothing>\#[^\n]*|\s+)|(?P<string>\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<name>[^\W\d]\w*)|(?P<other>.)""", re.DOTALL
)


@dataclass(frozen=True)
class Same:
    """Files that are equal byte by byte."""

    name: str
    students: tuple[str, ...]
    same_code: bool | None = None  # of weights: whether the answers that trained them are equal, too


@dataclass(frozen=True)
class Pair:
    """Two students' answers, with what they have in common marked."""

    students: tuple[str, str]
    shares: tuple[float, float]  # of each one's own
    texts: tuple[str, str]  # escaped HTML


def same_files(work: ClassWork) -> list[Same]:
    """Notebooks and weights that several handed in: a hash of each file, the largest groups first."""
    groups: dict[tuple[str, str], list[Work]] = {}
    for one in work.works:
        if one.answers and all(answer.kind == SKIPPED for answer in one.answers.values()):
            continue  # as it was given out
        for name, digest in one.files.items():
            groups.setdefault(("" if name.endswith(".ipynb") else name, digest), []).append(one)
    found = []
    for (name, _), ones in groups.items():
        if len({one.student for one in ones}) > 1:
            exercise = name.removesuffix(".safetensors")
            codes = {one.answers[exercise].source for one in ones if exercise in one.answers}
            found.append(Same(name or "the notebook", tuple(sorted({one.student for one in ones})), len(codes) <= 1 if name else None))
    return sorted(found, key=lambda same: (-len(same.students), same.name))


def similar(work: ClassWork) -> list[Pair] | None:
    """The pairs whose answers have most in common that is not everybody's; ``None`` where copydetect is not installed."""
    try:
        from copydetect import CodeFingerprint, compare_files
    except ImportError:
        return None
    texts = {one.student: text for one in work.graded if (text := _text(one, work.stubs))}
    bare = {student: _bare(text) for student, text in texts.items()}
    prints = {student: CodeFingerprint("", K, WINDOW, filter=False, fp=io.StringIO(text)) for student, (text, _) in bare.items()}
    everybody = Counter(found for one in prints.values() for found in one.hashes)
    most = max(NOT_THEIRS, 0.05 * len(prints))
    for one in prints.values():
        one.hashes = {found for found in one.hashes if everybody[found] <= most}
        one.hash_idx = {found: places for found, places in one.hash_idx.items() if found in one.hashes}
    students = list(prints)
    shared = _shared([one.hashes for one in prints.values()])
    shares = {
        (students[i], students[j]): (count / len(prints[students[i]].hashes), count / len(prints[students[j]].hashes)) for (i, j), count in shared.items()
    }
    ranked = sorted((pair for pair in shares if max(shares[pair]) >= LEAST), key=lambda pair: (-sum(shares[pair]), pair))
    pairs = []
    for a, b in ranked[:SHOWN]:
        _, _, slices = compare_files(prints[a], prints[b])
        marked = _marked(texts[a], bare[a][1], slices[0]), _marked(texts[b], bare[b][1], slices[1])
        pairs.append(Pair((a, b), shares[a, b], marked))
    return pairs


def _shared(hashes: list[set[int]]) -> dict[tuple[int, int], int]:
    """How many fingerprints two students have in common, where it is enough to say anything."""
    counts = Counter(found for one in hashes for found in one)
    columns = {found: number for number, found in enumerate(found for found, count in counts.items() if count > 1)}
    common = np.zeros((len(hashes), len(hashes)), np.float32)
    for first in range(0, len(columns), PART):
        has = np.zeros((len(hashes), min(PART, len(columns) - first)), np.float32)
        for row, found in enumerate(hashes):
            has[row, [columns[h] - first for h in found if first <= columns.get(h, -1) < first + PART]] = 1
        common += has @ has.T
    return {(int(i), int(j)): int(common[i, j]) for i, j in zip(*np.nonzero(np.triu(common, 1) >= FEWEST))}


def _text(one: Work, stubs: dict[str, str]) -> str:
    """All answers of a student that are not as they were given out, without the stub's own lines."""
    parts = []
    for name, answer in one.answers.items():
        given = {line.strip() for line in stubs.get(name, "").splitlines()}
        own = [line for line in answer.source.splitlines() if line.strip() not in given]
        if own:
            parts.append("\n".join([f"# {name}", *own]))
    return "\n\n".join(parts)[:LONGEST]


def _bare(text: str) -> tuple[str, list[int]]:
    """What is compared, and where in the text each character of it stands: without comments and blanks, all names and all strings alike.

    copydetect would do it with Pygments, in forty times the time, which a class of a thousand does not have.
    """
    bare, places = [], list[int]()
    for token in TOKEN.finditer(text):
        if token.lastgroup != "nothing":
            word = token[0]
            same = "S" if token.lastgroup == "string" else "V" if token.lastgroup == "name" and not iskeyword(word) else word
            bare.append(same)
            places += [token.start()] * (len(same) - 1) + [token.end() - 1] if len(same) > 1 else [token.start()]
    return "".join(bare), places


def _marked(text: str, places: list[int], slices: Any) -> str:
    """Escaped, with what is common between marks."""
    html, at = [], 0
    for first, behind in zip(*(map(int, edges) for edges in slices)) if len(slices) else ():
        begin = max(places[first], at)
        end = places[behind] if behind < len(places) else len(text)
        if begin < end:
            html += [escape(text[at:begin]), "<mark>", escape(text[begin:end]), "</mark>"]
            at = end
    return "".join([*html, escape(text[at:])])
