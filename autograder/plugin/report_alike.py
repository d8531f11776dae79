"""Work that is the same, or nearly: for a person to look at, never a verdict."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import Any

from autograder.plugin.report_data import ClassWork, Work

K, WINDOW = 25, 4  # tokens' characters of a fingerprint, and of how many one is kept: copydetect's own K
NOT_THEIRS = 5  # who share a fingerprint beyond it, and beyond 5 % of the class, share what everybody writes
LEAST = 0.5  # of the fingerprints that are not everybody's
FEWEST = 6  # such fingerprints: of less nobody can say anything
SHOWN = 20  # pairs
LONGEST = 20_000  # characters of all answers of one student


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
    texts = {one.student: _text(one, work.stubs) for one in work.graded}
    prints = {student: CodeFingerprint("answers.py", K, WINDOW, fp=io.StringIO(text), language="python") for student, text in texts.items() if text}
    everybody = Counter(found for one in prints.values() for found in one.hashes)
    most = max(NOT_THEIRS, 0.05 * len(prints))
    for one in prints.values():
        one.hashes = {found for found in one.hashes if everybody[found] <= most}
        one.hash_idx = {found: places for found, places in one.hash_idx.items() if found in one.hashes}
    who: dict[Any, list[str]] = {}
    for student, one in prints.items():
        for found in one.hashes:
            who.setdefault(found, []).append(student)
    shared = Counter(pair for students in who.values() for pair in combinations(students, 2))
    shares = {(a, b): (count / len(prints[a].hashes), count / len(prints[b].hashes)) for (a, b), count in shared.items() if count >= FEWEST}
    ranked = sorted((pair for pair in shares if max(shares[pair]) >= LEAST), key=lambda pair: (-max(shares[pair]), -shared[pair], pair))
    pairs = []
    for a, b in ranked[:SHOWN]:
        _, _, slices = compare_files(prints[a], prints[b])
        marked = _marked(texts[a], slices[0]), _marked(texts[b], slices[1])
        pairs.append(Pair((a, b), shares[a, b], marked))
    return pairs


def _text(one: Work, stubs: dict[str, str]) -> str:
    """All answers of a student that are not as they were given out, without the stub's own lines."""
    parts = []
    for name, answer in one.answers.items():
        given = {line.strip() for line in stubs.get(name, "").splitlines()}
        own = [line for line in answer.source.splitlines() if line.strip() not in given]
        if own:
            parts.append("\n".join([f"# {name}", *own]))
    return "\n\n".join(parts)[:LONGEST]


def _marked(text: str, slices: Any) -> str:
    """Escaped, with what is common between marks."""
    html, at = [], 0
    for begin, end in zip(*(map(int, edges) for edges in slices)) if len(slices) else ():
        begin, end = max(begin, at), min(end, len(text))
        if begin < end:
            html += [escape(text[at:begin]), "<mark>", escape(text[begin:end]), "</mark>"]
            at = end
    return "".join([*html, escape(text[at:])])
