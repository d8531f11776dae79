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


def syllables(count: int = 30_000, different: bool = False) -> list[str]:
    """Words of a language that does not exist: 2 to 4 syllables of a consonant, a vowel and seldom a consonant, some of them frequent; without q and x.

    Not drawn letter by letter: of a list that a table of some symbols has drawn, that table knows all there is, and a network gains nothing on it. (Measured on
    100,000 names drawn by three letters: the references end 0.03 to 0.04 nats above the best band.)
    """
    r = random.Random(3)
    onsets, vowels, codas = ["b", "br", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z", "h", "j", "w", "c"], "aeiouy", "nrsl"
    heads = r.choices(onsets, k=40)
    made = [head + vowel + (r.choice(codas) if r.random() < 0.3 else "") for head in heads for vowel in r.choices(vowels, k=6)]
    weights = [1 / (rank + 5) for rank in range(len(made))]
    found: list[str] = []
    seen: set[str] = set()
    while len(found) < count:
        word = "".join(r.choices(made, weights, k=r.choice((2, 2, 3, 3, 4))))
        if not different or word not in seen:
            seen.add(word)
            found.append(word)
    return found


def a_hundred_thousand() -> list[str]:
    """So many different words of that language."""
    return syllables(100_000, different=True)


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
