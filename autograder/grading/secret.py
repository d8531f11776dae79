"""The instructor's secret, and the seeds that come of it: which inputs a submission is tried on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import replace

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.wall.facts import Facts

SECRET_FILE, SECRET_VARIABLE = ".autograder_secret", "AUTOGRADER_SECRET"
SEEDS_FILE = ".autograder_seeds.json"  # of one lecture, for a machine that grades it and is not told the secret
LENGTH, DIFFERENT = 20, 8  # of a secret, in characters
PUBLIC = b"public"  # in the place of the secret, for the draws that students see


def secret(course: CourseDirectory) -> bytes:
    """The instructor's secret: of the environment, or of a file that git ignores, made on first use."""
    if value := os.environ.get(SECRET_VARIABLE):
        if weak(value):
            raise UserError(
                f"{SECRET_VARIABLE} can be guessed: whoever reads a seed on a feedback page tries a list of words. A good one has at least {LENGTH} "
                f"characters that nobody chose, such as {secrets.token_hex(32)}"
            )
        return value.encode()
    path = course.root / SECRET_FILE
    if not path.exists():
        fd, mine = tempfile.mkstemp(prefix=SECRET_FILE, dir=course.root)  # of mode 0600
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):  # another process was first, and its secret holds
            os.link(mine, path)
        os.unlink(mine)
    held = path.read_bytes().strip()
    if weak(held.decode("utf-8", "replace")):
        raise UserError(f"{path}: the secret can be guessed: it is short, or of few different characters. Delete the file; a new one will be made.")
    return held


def fingerprint(course: CourseDirectory) -> str:
    """By which one sees that a secret is another one, and nothing else."""
    return hashlib.sha256(b"fingerprint\0" + secret(course)).hexdigest()[:16]


def weak(value: str) -> bool:
    """Whether a secret is short, or repeats itself; of a long one nobody can say."""
    return len(value) < LENGTH or len(set(value)) < DIFFERENT


def facts_for(course: CourseDirectory, lecture: str, secret_: bytes, draws: int) -> Facts:
    """What the student's process is told, with the seeds that come of a secret."""
    exercises = course.lecture(lecture).exercises
    return replace(Facts.of(course.course, lecture, seeds_from(secret_, lecture, exercises, draws)), exercises=exercises)


def hidden_facts(course: CourseDirectory, lecture: str) -> Facts:
    """With the seeds that come of the secret, or with those that were given away without it."""
    if (given := course.root / SEEDS_FILE).is_file():
        seeds = {name: list(map(int, numbers)) for name, numbers in json.loads(given.read_text()).items()}
        return replace(Facts.of(course.course, lecture, seeds), exercises=course.lecture(lecture).exercises)
    return facts_for(course, lecture, secret(course), course.course.seeds.hidden_draws)


def public_facts(course: CourseDirectory, lecture: str) -> Facts:
    return facts_for(course, lecture, PUBLIC, course.course.seeds.public_draws)


def seeds_from(secret_: bytes, lecture: str, exercises: Iterable[str], draws: int) -> dict[str, list[int]]:
    """The seeds of every exercise's draws, from a secret or, for the public draws, from a word that is none."""

    def seed(exercise: str, draw: int) -> int:
        parts = (secret_, lecture.encode(), exercise.encode(), str(draw).encode())
        return int.from_bytes(hashlib.sha256(b"\0".join(parts)).digest()[:7], "big")

    return {exercise: [seed(exercise, draw) for draw in range(draws)] for exercise in exercises}
