"""Lists of names beside the course's own, for the tests: parts of it, and some that are made up by rules of their own."""

import random
import shutil
from pathlib import Path

from conftest import ROOT

from autograder.course.directory import CourseDirectory, load_course


def own_names() -> list[str]:
    return (ROOT / "names.txt").read_text().split()


def shuffled(share: float) -> list[str]:
    """So large a part of the course's own names, in another order."""
    names = own_names()
    random.Random(1).shuffle(names)
    return names[: int(share * len(names))]


def five_thousand() -> list[str]:
    return shuffled(1.0)[:5000]


def syllables(count: int = 30_000) -> list[str]:
    """Words of a language that does not exist: 2 to 4 syllables of a consonant, a vowel and seldom a consonant, some of them frequent; without q and x."""
    r = random.Random(3)
    onsets, vowels, codas = ["b", "br", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z", "h", "j", "w", "c"], "aeiouy", "nrsl"
    heads = r.choices(onsets, k=40)
    made = [head + vowel + (r.choice(codas) if r.random() < 0.3 else "") for head in heads for vowel in r.choices(vowels, k=6)]
    weights = [1 / (rank + 5) for rank in range(len(made))]
    return ["".join(r.choices(made, weights, k=r.choice((2, 2, 3, 3, 4)))) for _ in range(count)]


def a_hundred_thousand() -> list[str]:
    """Different names, each letter drawn by the three before it as they stand in the course's own."""
    following: dict[str, list[str]] = {}
    for name in own_names():
        text = f"...{name}."
        for i in range(len(name) + 1):
            following.setdefault(text[i : i + 3], []).append(text[i + 3])
    r, found = random.Random(5), dict[str, None]()
    while len(found) < 100_000:
        text = "..."
        while not text.endswith(".") or len(text) == 3:
            text += r.choice(following[text[-3:]])
        if 2 <= len(name := text[3:-1]) <= 15:
            found[name] = None
    return list(found)


def course_of(folder: Path, words: list[str] | None = None, seed: int = 42, training: int = 42) -> CourseDirectory:
    """The course in a folder of its own, nothing built, with other names or seeds."""
    shutil.copytree(ROOT / "solutions", folder / "solutions")
    shutil.copyfile(ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    (folder / "names.txt").write_text("\n".join(words or own_names()) + "\n")
    text = (ROOT / "course.yml").read_text()
    for line, new in (("split_seed: 42", f"split_seed: {seed}"), ("  training: 42", f"  training: {training}")):
        assert line in text
        text = text.replace(line, new)
    (folder / "course.yml").write_text(text)
    return load_course(folder / "course.yml")
