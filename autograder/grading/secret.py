"""The instructor's secret, and the seeds that come of it: which inputs a submission is tried on."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable

from autograder.course.directory import CourseDirectory
from autograder.errors import UserError
from autograder.wall.facts import Facts

SECRET_FILE, SECRET_VARIABLE = ".autograder_secret", "AUTOGRADER_SECRET"
PUBLIC = b"public"  # in the place of the secret, for the draws that students see


def secret(course: CourseDirectory) -> bytes:
    """The instructor's secret: of the environment, or of a file that git ignores, made on first use."""
    if value := os.environ.get(SECRET_VARIABLE):
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
    if len(held) < 16:
        raise UserError(f"{path}: the secret is shorter than 16 characters. Delete the file; a new one will be made.")
    return held


def facts_for(course: CourseDirectory, lecture: str, secret_: bytes, draws: int) -> Facts:
    """What the student's process is told, with the seeds that come of a secret."""
    seeds = seeds_from(secret_, lecture, course.lecture(lecture).exercises, draws)
    return Facts.of(course.course, lecture, seeds)


def hidden_facts(course: CourseDirectory, lecture: str) -> Facts:
    return facts_for(course, lecture, secret(course), course.course.seeds.hidden_draws)


def public_facts(course: CourseDirectory, lecture: str) -> Facts:
    return facts_for(course, lecture, PUBLIC, course.course.seeds.public_draws)


def seeds_from(secret_: bytes, lecture: str, exercises: Iterable[str], draws: int) -> dict[str, list[int]]:
    """The seeds of every exercise's draws, from a secret or, for the public draws, from a word that is none."""

    def seed(exercise: str, draw: int) -> int:
        parts = (secret_, lecture.encode(), exercise.encode(), str(draw).encode())
        return int.from_bytes(hashlib.sha256(b"\0".join(parts)).digest()[:7], "big")

    return {exercise: [seed(exercise, draw) for draw in range(draws)] for exercise in exercises}
