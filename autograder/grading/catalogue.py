"""What wrong answers there are beside the mistakes that somebody wrote down: mutants of the reference, two mistakes at once, and the
mistakes of exercises whose answers come in.

Each is code that runs on the same draws as a student's answer; of what it returns the answer key keeps a sketch.
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import io
import json
import time
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from autograder.changes.mutants import draws_figures, mutants
from autograder.course.notebook import ANSWER
from autograder.course.schema import Exercise, Tolerance
from autograder.grading.cells import code_of
from autograder.judge.answers import Catalogue, Key
from autograder.judge.catalogue import is_vague
from autograder.runner.job import Cell
from autograder.wall.plain import MAX_ITEMS
from autograder.wall.record import Record
from autograder.wall.sketch import Sketch, sketch

SECONDS = 1.2  # of an ordinary machine's processor for one exercise: behind it no more is tried
SMALL, ORDINARY = 2000, 0.008  # a machine that takes so many seconds for so many small operations is called ordinary
MOST = 160  # entries of one exercise
MOST_PAIRS = 45
MUTANT = "Your result is what comes out when {clause}. Look for the place in your code where that happens."
PAIR = "Two things: {first} And: {second}"
ELSEWHERE = "The mistake stands in your answer to {title!r}, which is used here: {says}"
MOST_TEXTS = 2048  # each of a lecture's answers meets every other one
LONGEST = 60  # words that are read of two sentences


@dataclass(frozen=True)
class Candidate:
    """An answer that may be given, and what is said to whoever gave one that returns the same."""

    source: str
    says: str
    rank: int  # of two that return the same the lower is said: one cause rather than two, a known mistake rather than a general sentence


def candidates(exercise: str, answers: dict[str, str], extras: dict[str, list[dict[str, Any]]], titles: dict[str, str]) -> tuple[Candidate, ...]:
    """All candidates for one exercise, the same for the same lecture file.

    Args:
        answers: the answer cells of the lecture, by exercise, in their order.
        extras: mistakes, variants and oracles by exercise.
    """
    mistakes = {name: [extra for extra in found if extra["kind"] == "mistake"] for name, found in extras.items()}
    return _candidates(exercise, json.dumps([answers, mistakes, titles]))


@functools.lru_cache(maxsize=256)  # for the public seeds and for the hidden ones
def _candidates(exercise: str, lecture: str) -> tuple[Candidate, ...]:
    answers, extras, titles = json.loads(lecture)
    own, mistakes = answers[exercise], extras.get(exercise, [])
    others = [*_elsewhere(exercise, answers, extras, titles), *islice(_pairs(own, mistakes), MOST_PAIRS)]
    told = sorted((m for m in mutants(own) if m.clause), key=lambda m: hashlib.sha256(m.source.encode()).digest())
    chosen = told[: max(0, MOST - len(others))]  # of every part of a long answer some, also where the time is up before the end
    alone = [Candidate(m.source, MUTANT.format(clause=m.clause), 2 if is_vague(m.clause) else 1) for m in chosen]
    return (*alone, *others)  # one mistake is likelier than two, and there may not be time for all


def catalogue_of(
    cells: list[Cell], notebook: Any, extras: dict[str, list[dict[str, Any]]], rules: dict[str, Exercise]
) -> dict[str, tuple[Candidate, ...]]:
    """The candidates of each exercise whose answer is not trained, put into the cells of their checks."""
    sources = {cell.metadata.nbgrader.grade_id: cell.source for cell in code_of(notebook)}
    answers = {cell.exercise: sources[cell.exercise + ANSWER] for cell in cells if cell.exercise and cell.exercise + ANSWER in sources}
    titles = {name: exercise.title for name, exercise in rules.items()}
    known = {}
    for cell in cells:
        if cell.exercise in answers and not rules[cell.exercise].loss and not draws_figures(answers[cell.exercise]):
            known[cell.exercise] = candidates(cell.exercise, answers, extras, titles)
            cell.many = {"sources": [one.source for one in known[cell.exercise]], "seconds": SECONDS * pace(), "sketch": True}
    return known


@functools.cache
def pace() -> float:
    """How many times as long as an ordinary machine this one takes: a slow one knows as many wrong answers, a little later."""
    took = []
    for _ in range(5):
        begun, value = time.process_time(), torch.ones(4)
        for _ in range(SMALL):
            value = (value * 0.5 + 1.0).tanh()
        took.append(time.process_time() - begun)
    return max(1.0, min(took) / ORDINARY)


def collected(
    found: Sequence[Candidate], results: list[Record | str | None], key: Key, tolerance: Tolerance, mistakes: list[dict[str, Any]]
) -> Catalogue:
    """What has come back, without what is right or has a name, and without what two sentences fit equally well.

    Args:
        results: what the runner says of each candidate.
        mistakes: that somebody wrote down, whose code is part of what all this was made of.
    """
    if not found:
        return Catalogue(made_of(found, mistakes))
    taken: dict[str, list[_Group]] = {}
    for named in (key.reference, *key.variants, *(mistake.record for mistake in key.mistakes)):
        known = sketch(named, key.reference, tolerance.rtol, tolerance.atol)
        if known is not None:
            taken.setdefault(known.form, []).append(_Group(known, -1, {""}))
    for candidate, record in sorted(zip(found, results, strict=True), key=lambda pair: pair[0].rank):
        if not isinstance(record, Record):
            continue
        values = record.draws[0].values
        own = Sketch(values["form"], values["numbers"], values["slack"])
        groups = taken.setdefault(own.form, [])
        group = next((group for group in groups if bool(own.near(group.sketch.numbers))), None)
        if group is None:
            groups.append(_Group(own, candidate.rank, {candidate.says}))
        elif group.rank == candidate.rank:
            group.says.add(candidate.says)
    kept = {form: [group for group in groups if group.rank >= 0 and len(group.says) == 1] for form, groups in taken.items()}
    kept = dict(sorted((form, groups) for form, groups in kept.items() if groups)[:MAX_ITEMS])
    return Catalogue(
        made_of(found, mistakes),
        {form: torch.stack([group.sketch.numbers for group in groups]) for form, groups in kept.items()},
        {form: [min(group.says) for group in groups] for form, groups in kept.items()},
    )


def made_of(found: Sequence[Candidate], mistakes: list[dict[str, Any]]) -> str:
    code = [[one.source, one.says, one.rank] for one in found], [extra["source"] for extra in mistakes]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


@dataclass
class _Group:
    """Candidates that return the same."""

    sketch: Sketch
    rank: int  # -1: right, or a mistake that has a name
    says: set[str]


def _pairs(reference: str, mistakes: list[dict[str, Any]]) -> Iterator[Candidate]:
    """Two mistakes together: one behind the other where the second builds on the first, and both changes of the reference in one text."""
    for number, one in enumerate(mistakes):
        for two in mistakes[number + 1 :]:
            if one.get("raises") or two.get("raises"):
                continue
            says = PAIR.format(first=one["says"], second=two["says"])
            if len(says.split()) > LONGEST:
                continue
            texts = [f"{a['source']}\n{b['source']}" for a, b in ((one, two), (two, one)) if not _overwrites(b["source"], a["source"])]
            texts += [merged] if (merged := merge(reference, one["source"], two["source"])) else []
            yield from (Candidate(text, says, 2) for text in texts)


@functools.lru_cache(MOST_TEXTS)
def _defined(source: str) -> frozenset[str]:
    return frozenset(node.name for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))


@functools.lru_cache(MOST_TEXTS)
def _used(source: str) -> frozenset[str]:
    tree = ast.parse(source)
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


def _overwrites(second: str, first: str) -> bool:
    """Whether nothing of the first would be left: the second defines the same, and does not look at what was there."""
    return _defined(first) <= _defined(second) and not _defined(first) & _used(second)


def _elsewhere(exercise: str, answers: dict[str, str], extras: dict[str, list[dict[str, Any]]], titles: dict[str, str]) -> list[Candidate]:
    """Mistakes of earlier exercises whose functions this one calls."""
    found, needed = [], _used(answers[exercise]) - _defined(answers[exercise])
    for other, answer in answers.items():
        if other == exercise:
            break
        if _defined(answer) & needed:
            for extra in extras.get(other, []):
                if not extra.get("raises"):
                    found.append(Candidate(extra["source"], ELSEWHERE.format(title=titles[other], says=extra["says"]), 0))
    return found


def merge(reference: str, one: str, two: str) -> str | None:
    """The reference with the changes of both, if they are in different places and the text is Python."""
    base, first, second = (_tokens(text) for text in (reference, one, two))
    if base is None or first is None or second is None or _defined(one) != _defined(two):
        return None
    kept = _defined(one)
    if base.keys() < kept:
        return None
    texts = []
    for name in sorted(kept):
        if name not in base:
            return None
        text = _merged(base[name], first[name], second[name])
        if text is None:
            return None
        texts.append(text)
    source = "\n".join(texts)
    try:
        return ast.unparse(ast.parse(source))
    except (SyntaxError, ValueError):
        return None


@functools.lru_cache(MOST_TEXTS)
def _tokens(source: str) -> dict[str, list[str]] | None:
    """Of each function or class the tokens, without annotations and docstrings, in which answers may differ freely."""
    found = {}
    for node in ast.parse(source).body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                return None
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef):
                inner.returns, inner.decorator_list = None, []
                for argument in inner.args.args:
                    argument.annotation = None
            if isinstance(inner, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(inner) is not None and len(inner.body) > 1:
                inner.body = inner.body[1:]
        text = ast.unparse(node)
        found[node.name] = [_written(token) for token in tokenize.generate_tokens(io.StringIO(text).readline)]
    return found


def _written(token: tokenize.TokenInfo) -> str:
    return {tokenize.INDENT: "<in>", tokenize.DEDENT: "<out>", tokenize.NEWLINE: "<line>", tokenize.NL: ""}.get(token.type, token.string)


def _merged(base: list[str], one: list[str], two: list[str]) -> str | None:
    edits = []
    for side in (one, two):
        matcher = difflib.SequenceMatcher(None, base, side, autojunk=False)
        edits.append([(a, b, side[c:d]) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"])
    both = sorted([*edits[0], *edits[1]], key=lambda edit: edit[:2])
    if not edits[0] or not edits[1] or any(first[1] > second[0] or first[:2] == second[:2] for first, second in zip(both, both[1:])):
        return None
    tokens, position = [], 0
    for start, end, new in both:
        tokens += base[position:start] + new
        position = end
    return _text(tokens + base[position:])


def _text(tokens: list[str]) -> str:
    lines, line, depth = [], list[str](), 0
    for token in tokens:
        if token == "<line>":
            lines.append("    " * depth + " ".join(line))
            line = []
        elif token == "<in>":
            depth += 1
        elif token == "<out>":
            depth -= 1
        elif token:
            line.append(token)
    return "\n".join(lines)

