"""``autograder build``: text file -> source notebook -> public answers -> stub, through nbgrader's own ``generate_assignment``."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from autograder.course.directory import EXPECTED, CourseDirectory
from autograder.course.notebook import built, keep_prose, write_text
from autograder.course.schema import Tolerance
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key, compute_answers, expected_path
from autograder.grading.cells import built_notebook
from autograder.grading.secret import public_facts
from autograder.judge.answers import Answers, Key
from autograder.judge.unsteady import unsteady
from autograder.judge.values import judge
from autograder.runner.host import Runner
from autograder.wall.facts import Facts
from autograder.wall.plain import tensor_of
from autograder.wall.record import Draw, Record, RecordError

ROUGHLY = 0.05  # how near a mistake's values are on another processor, as a part and absolute
MAX_EXPECTED = 1_000_000  # bytes of public answers beside a stub
_ONE_AT_A_TIME = threading.Lock()  # nbgrader's converters change the working directory


def build(
    course: CourseDirectory,
    lecture: str,
    runner: Runner,
    released: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Build one lecture; a second run changes no byte.

    Args:
        released: where the stub goes; ``assignments/`` unless told otherwise.

    Raises:
        UserError: something is wrong with the lecture file, its reference, or ``course.yml``.
    """
    say("source notebook")
    write_sources(course, lecture)
    say("public answers")
    write_expected(course, lecture, runner, say)
    say("stub notebook")
    release(course, lecture, released or course.root / "assignments")


def write_sources(course: CourseDirectory, lecture: str) -> None:
    """The source notebook for nbgrader, the other answers for us, and the names that students need."""
    texts = built(course, lecture)
    course.make_private()
    keep_prose(course.source(lecture), texts[course.source(lecture)])
    for path, text in texts.items():
        write_text(path, text)
    target = course.source(lecture).parent / "names.txt"
    if not target.is_file() or target.read_bytes() != course.names.read_bytes():
        shutil.copyfile(course.names, target)


def write_expected(
    course: CourseDirectory, lecture: str, runner: Runner, say: Callable[[str], None] | None = None
) -> None:
    """The public answers; an existing file that says the same within the tolerances stays as it is."""
    facts = public_facts(course, lecture)
    answers = answer_key(course, lecture, runner, facts, say=say)
    public = Answers(
        {name: _public(key) for name, key in answers.keys.items() if not facts.rules(name).loss}, answers.facts
    )
    path = expected_path(course, lecture)
    committed = course.released(lecture) / EXPECTED
    if committed.is_file() and same_answers(committed, public):
        shutil.copyfile(committed, path)
        return
    mark_unsteady(public, course, lecture, runner)
    public.save(path)
    if path.stat().st_size > MAX_EXPECTED:
        size = path.stat().st_size
        path.unlink()
        raise UserError(
            f"{course.solution(lecture).name}: the public answers have {size:,} bytes, more than {MAX_EXPECTED:,}: draw smaller inputs."
        )


@contextlib.contextmanager
def another_machine(course: CourseDirectory, runner: Runner) -> Iterator[Runner]:
    """A runner that rounds another way than this one, where torch has more than one set of instructions for this processor."""
    with Runner(runner.unsafe, plain=True) as other:
        other.ready(course.course.limits.disk_mb)
        yield other


def mark_unsteady(answers: Answers, course: CourseDirectory, lecture: str, runner: Runner) -> None:
    """Find out what of each mistake's public answers differs from machine to machine: by making them again with other instructions.

    Hidden answers go without: they are mostly made where the submissions run. Where they are not (Gradescope, a cluster), such a mistake costs
    the same points and is told by its difference.
    """
    extras = json.loads(course.extras(lecture).read_text())
    mistakes = {name: [extra for extra in found if extra["kind"] == "mistake"] for name, found in extras.items() if name in answers.keys}
    for key in answers.keys.values():
        key.marked = True
    if not any(mistakes.values()):
        return
    facts, notebook = Facts.from_json(answers.facts), built_notebook(course.source(lecture))
    with another_machine(course, runner) as other:
        again = compute_answers(course, lecture, notebook, mistakes, facts, other)
    for name, key in answers.keys.items():
        pairs = zip(key.mistakes, again.keys[name].mistakes, strict=True)
        key.mistakes = [replace(here, unsteady=unsteady(here.record, there.record, key.reference, facts.tolerance_of(name))) for here, there in pairs]


def _public(key: Key) -> Key:
    """Without variants: students need them for nothing."""
    return Key(key.reference, key.mistakes, catalogue=key.catalogue)


def same_answers(path: Path, answers: Answers) -> bool:
    """Whether a file holds these answers, within the tolerances: another processor may round another way.

    What a mistake returns may hang on roundings (Adam's first steps go by the sign of a gradient, however small it is): it is held to its code
    and, roughly, to its values; and not to what was seen to be unsteady, which another machine may see in other places.
    """
    try:
        old = Answers.load(path)
        if {k: v for k, v in old.facts.items() if k != "torch"} != {
            k: v for k, v in _through_json(answers.facts).items() if k != "torch"
        }:
            return False
        facts = Facts.from_json(answers.facts)
        for name, key in answers.keys.items():
            other = old.keys.get(name)
            if other is None or [m.says for m in other.mistakes] != [m.says for m in key.mistakes]:
                return False
            if other.reference.facts != _through_json(key.reference.facts):  # what was seen at the reference's calls
                return False
            if not other.marked or other.catalogue.made_of != key.catalogue.made_of:  # a slower machine may not have come to its end
                return False
            tolerance = facts.tolerance_of(name)
            if not _same(key.reference, other.reference, name, facts, tolerance):
                return False
            roughly = tolerance.model_copy(update={"rtol": ROUGHLY, "atol": ROUGHLY})
            if not all(_same(a.record, b.record, name, facts, roughly) for a, b in zip(key.mistakes, other.mistakes)):
                return False
        return set(old.keys) == set(answers.keys)
    except (RecordError, KeyError, TypeError, ValueError):
        return False


def _same(a: Record, b: Record, name: str, facts: Facts, tolerance: Tolerance) -> bool:
    if [_form(d) for d in a.draws] != [_form(d) for d in b.draws]:
        return False
    if any(draw.failure for draw in a.draws) or _not_finite(a):
        return True
    values = replace(a, facts={})  # what was seen at the calls of a mistake is not kept
    return judge(values, Key(b), facts.rules(name), tolerance).status == "correct"


def _not_finite(record: Record) -> bool:
    numbers = [tensor_of(value) for draw in record.draws for value in draw.values.values()]
    return any(v is not None and v.is_floating_point() and not v.isfinite().all() for v in numbers)


def _form(draw: Draw) -> tuple:
    return (
        draw.failure,
        draw.named,
        tuple((name, f"{getattr(value, 'shape', '')} {getattr(value, 'dtype', '')}") for name, value in draw.values.items()),
    )


def _through_json(facts: dict) -> dict:
    return json.loads(json.dumps(facts))


def release(course: CourseDirectory, lecture: str, target: Path, even_skipped: bool = False) -> None:
    """Make the stub with nbgrader's ``generate_assignment``, with a gradebook of its own that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        Path(scratch, "gradebook.db").write_bytes(_empty_gradebook(course.course.course))
        places = {"db_url": f"sqlite:///{scratch}/gradebook.db", "release_directory": f"{scratch}/release"}
        generate_assignment(course, lecture, places, even_skipped=even_skipped)
        made = Path(scratch) / "release" / lecture
        out = target / lecture
        out.mkdir(parents=True, exist_ok=True)
        for path in sorted(made.iterdir()):
            if path.is_file() and not (
                (out / path.name).is_file() and (out / path.name).read_bytes() == path.read_bytes()
            ):
                shutil.copyfile(path, out / path.name)


def generate_assignment(
    course: CourseDirectory, lecture: str, directory: dict[str, str] | None = None, force: bool = False, even_skipped: bool = False
) -> None:
    """What ``nbgrader generate_assignment LECTURE`` does, in this process.

    Args:
        directory: of nbgrader's settings of a course's directory, what is to be another.
        force: where the lecture has been released before.
        even_skipped: also of a lecture that course.yml leaves out.

    Raises:
        UserError: it fails; with what nbgrader says of it.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory as NbgraderDirectory
    from traitlets.config import Config

    from autograder.plugin import configure

    with _ONE_AT_A_TIME:
        config = Config()
        configure(config, str(course.root / "nbgrader_config.py"))
        config.CourseDirectory.update({**(directory or {}), "assignment_id": lecture})
        config.ReleaseExporter.even_skipped = even_skipped
        converter = GenerateAssignment(coursedir=NbgraderDirectory(config=config), config=config)
        converter.force = force
        said = _Said()
        converter.log.handlers, converter.log.propagate = [said], False
        try:
            converter.start()
        except (NbGraderException, RuntimeError):
            raise UserError(f"{lecture}: nbgrader cannot make the stub:\n" + "\n".join(said.errors[:3])) from None


@functools.cache
def _empty_gradebook(course: str) -> bytes:
    """For a new one nbgrader asks a program for the version of its tables, which takes two seconds: once is enough."""
    from nbgrader.api import Gradebook

    from autograder.plugin import own_commands_first

    own_commands_first()
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        file = Path(scratch, "gradebook.db")
        Gradebook(f"sqlite:///{file}", course).close()
        return file.read_bytes()


class _Said(logging.Handler):
    """Keeps what nbgrader says of errors, which it logs and does not raise."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())
