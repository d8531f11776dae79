"""The names that every model of the course learns: symbols, splits and contexts of ``names.txt``."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from autograder.course.known import is_known

SYMBOLS = ".abcdefghijklmnopqrstuvwxyz"  # "." starts and ends a name and has index 0
SPLITS = ("train", "dev", "test")


class Names:
    """A list of names, shuffled once and split 80/10/10 by name.

    Args:
        words: lower-case names, a to z only.
        seed: of the shuffle, ``random.Random(seed)``.
    """

    away: ClassVar[bool] = False  # while a model is asked what it has learned

    def __getattribute__(self, name: str) -> Any:
        if Names.away:
            raise RuntimeError("a model predicts from its weights alone: names cannot be read while it is asked")
        return super().__getattribute__(name)

    def __init__(self, words: list[str], seed: int = 42) -> None:
        shuffled = list(words)
        random.Random(seed).shuffle(shuffled)
        first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
        self._contexts: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        self.all, self.seed = list(words), seed
        self.train, self.dev, self.test = shuffled[:first], shuffled[first:second], shuffled[second:]

    def known(self) -> bool:
        """Whether this is the list, and the split, that the course's own numbers are about: a statement about them is made there only."""
        return is_known("\n".join(self.all), self.seed)

    def split(self, name: str) -> list[str]:
        """The names of ``"train"``, ``"dev"`` or ``"test"``."""
        if name not in SPLITS:
            raise ValueError(f"there is no split {name!r}; the splits are {', '.join(SPLITS)}")
        return getattr(self, name)

    def contexts(self, split: str, context: int) -> tuple[Tensor, Tensor]:
        """Every prediction of a split: contexts ``(N, T) int64`` and targets ``(N,) int64``; tensors of the caller's own."""
        if (split, context) not in self._contexts:
            self._contexts[split, context] = contexts_of(self.split(split), context)
        contexts, targets = self._contexts[split, context]
        return contexts.clone(), targets.clone()


def contexts_of(words: list[str], context: int) -> tuple[Tensor, Tensor]:
    """Contexts ``(N, T) int64``, padded in front with T zeros, and targets ``(N,) int64``, of a list of names.

    A name of n letters gives n + 1 predictions, whatever T is: the first letter and the end are predicted too.
    """
    lengths = torch.tensor([len(word) for word in words])
    letters = torch.frombuffer(bytearray("".join(words), "ascii"), dtype=torch.uint8).long() - ord("a") + 1
    starts = torch.cumsum(lengths + context + 1, 0) - (lengths + context + 1)  # of each name's padded block
    stream = torch.zeros(int((lengths + context + 1).sum()), dtype=torch.long)
    inside = torch.arange(len(letters)) - torch.repeat_interleave(torch.cumsum(lengths, 0) - lengths, lengths)
    stream[torch.repeat_interleave(starts, lengths) + context + inside] = letters
    windows = stream.unfold(0, context + 1, 1)  # every run of T + 1 symbols
    offset = torch.arange(int((lengths + 1).sum())) - torch.repeat_interleave(
        torch.cumsum(lengths + 1, 0) - lengths - 1, lengths + 1
    )
    rows = windows[torch.repeat_interleave(starts, lengths + 1) + offset]
    return rows[:, :context].clone(), rows[:, context].clone()


def _words(text: str, where: str) -> list[str]:
    """The names of a text, one a line.

    Raises:
        ValueError: a line is not a lower-case name of the letters a to z; names the file and the line.
    """
    words = text.split("\n")
    words = words[:-1] if words and words[-1] == "" else words
    for number, word in enumerate(words, 1):
        if not word or not all("a" <= letter <= "z" for letter in word):
            raise ValueError(f"{where}:{number}: {word!r} is not a lower-case name of the letters a to z")
    return words


@lru_cache(maxsize=4)
def names_of(text: str, where: str, seed: int) -> Names:
    """The same text is split once in a process, and in all its forks: a grading process forks for each submission."""
    return Names(_words(text, where), seed)


def read_names(path: Path, seed: int) -> Names:
    """The names of a file, split with ``seed``.

    Raises:
        OSError: it cannot be read.
        ValueError: a line of it is no name, with the line.
    """
    return names_of(path.read_text(encoding="ascii"), path.name, seed)
