"""What ``autograder verify`` says against a probe, a mistake or a variant, each with its line in the lecture file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from autograder.course.directory import CourseDirectory
from autograder.grading.answer_key import compute_answers
from autograder.grading.cells import built_notebook
from autograder.judge.answers import Answers, Key, Mistake
from autograder.judge.judging import verdict_of
from autograder.judge.values import telling_names
from autograder.judge.verdict import Verdict
from autograder.runner.host import Runner
from autograder.wall.facts import Facts
from autograder.wall.record import Draw, Record

# Runs in a copy of the process before a check: its probe gets the same generator, and all other random numbers begin elsewhere.
_ELSEWHERE = """
def _elsewhere():
    from autograder.student import check
    neutral = check.neutral
    check.neutral = lambda seed: neutral(seed + 1)
_elsewhere()
"""
ELSEWHERE = {"kind": "variant", "says": "", "raises": "", "line": 0, "source": _ELSEWHERE}


@dataclass(frozen=True)
class Prover:
    """One lecture and its answers for the hidden seeds, beside those that students have."""

    course: CourseDirectory
    lecture: str
    facts: Facts
    answers: Answers
    public: Answers
    lines: dict[tuple[str, str], int]  # role and exercise -> line of the cell's header

    def at(self, line: int) -> str:
        """A place in the lecture file, seen from the course's folder."""
        return f"solutions/{self.course.solution(self.lecture).name}:{line}"

    def verdict(self, record: Record, key: Key | None = None) -> Verdict:
        """What grading says of a record of one of the exercises."""
        key = key or self.answers.keys[record.exercise]
        return verdict_of(record, self.facts, key, self.course.read_names)

    def of_the_probe(self, name: str, elsewhere: Answers) -> list[str]:
        """What an answer could know without solving anything, and whether answers depend on more than the probe's generator.

        Args:
            elsewhere: the reference's answers for the same generators, as another machine would give them.
        """
        if self.facts.rules(name).loss:
            return []
        place, reference, public = self.at(self.lines["check", name]), self.answers.keys[name].reference, self.public.keys[name].reference
        if len(reference.draws) > 1 and not telling_names(reference, self.facts.tolerance_of(name)):
            return [f"{place}: the answers to all draws are equal: whoever reads the public ones has them. Let the check draw inputs on which they depend"]
        if self.verdict(elsewhere.keys[name].variants[0]).status != "correct":
            return [
                f"{place}: the answers change although the probe's generator does not. Draw all inputs from the probe's argument "
                "(`generator=g`), and let the answer use no other random numbers and no clock. If it uses none, it hangs on how a processor "
                "rounds: take float64, inputs that cancel out less, or a coarser `tolerance:` in course.yml"
            ]
        count = min(len(reference.draws), len(public.draws))
        first = Key(replace(reference, draws=reference.draws[:count]))
        if self.verdict(replace(public, draws=public.draws[:count]), first).status == "correct":
            return [
                f"{place}: the answers do not change with the probe's generator: the hidden ones are the public ones, in their order. "
                "Draw the inputs from the probe's argument (`generator=g`)"
            ]
        for draw in public.draws if len(reference.draws) > 1 else ():
            verdict = self.verdict(replace(reference, draws=(draw,) * len(reference.draws)))
            if verdict.points:
                return [
                    f"{place}: the public answers get {verdict.points:g} of {verdict.max_points:g} points when they are sent for the hidden ones. "
                    "Let the check draw inputs on which more of the answer depends"
                ]
        return []

    def of_a_mistake(self, extra: dict[str, Any], mistake: Mistake, public: Mistake) -> list[str]:
        """Whether a mistake costs points, is called by its own sentence, and ends in an exception only where its header says so."""
        place, verdict = self.at(extra["line"]), self.verdict(mistake.record)
        if verdict.points >= verdict.max_points:
            return [f"{place}: this mistake gets full marks: {mistake.says}"]
        if stops := self._stops(extra, (*public.record.draws, *mistake.record.draws)):
            return [stops]
        if mistake.says not in verdict.recognised:
            if twin := self._twin(mistake):
                return [
                    f"{place}: this mistake returns the same as another one, which says {twin.says!r}, so neither can be told. Make them one, "
                    f"or let the probe draw inputs on which they differ: {mistake.says}"
                ]
            return [f"{place}: this mistake is not named but called {verdict.message!r}: {mistake.says}"]
        return []

    def _twin(self, mistake: Mistake) -> Mistake | None:
        """Another mistake of the exercise that cannot be told from this one."""
        key = self.answers.keys[mistake.record.exercise]
        others = (other for other in key.mistakes if other is not mistake)
        return next((other for other in others if other.says in self.verdict(mistake.record, Key(key.reference, [other])).recognised), None)

    def _stops(self, extra: dict[str, Any], draws: tuple[Draw, ...]) -> str:
        """A mistake is wrong because of what it returns. A typo ends it before, and it would pass for one that is caught."""
        failures, raises = [draw.failure for draw in draws if draw.failure], extra["raises"]
        other = next((failure for failure in failures if failure.name != raises), None)
        nothing = not failures and all(value is None for draw in draws for value in draw.values.values())
        if nothing or other is not None and "NoneType" in other.message and not other.line:  # in a line of the check's
            return f"{self.at(extra['line'])}: this mistake returns nothing. Mend it; students who forget `return` are told so without it"
        if other is not None:
            lines = [line.strip() for line in extra["source"].splitlines()]
            line = extra["line"] + (lines.index(other.line) + 1 if other.line and other.line in lines else 0)
            return (
                f"{self.at(line)}: this mistake ends in {other.name} ({other.message}) and returns nothing. Mend it, if that is a typo; "
                f'if students end there too, write raises="{other.name}" into its header'
            )
        if raises and len(failures) < len(draws):
            count = len(draws) - len(failures)
            return (
                f"{self.at(extra['line'])}: by its header this mistake ends in {raises}, but for {count} of {len(draws)} draws it returns something. "
                "Take raises= out of the header, or let the probe draw inputs for which it always does"
            )
        return ""

    def of_a_variant(self, number: int, extra: dict[str, Any], record: Record) -> list[str]:
        """Whether another right answer gets full marks."""
        verdict = self.verdict(record)
        if verdict.status == "correct":
            return []
        return [f"{self.at(extra['line'])}: variant {number} gets {verdict.points:g} of {verdict.max_points:g} points: {verdict.message}"]


def answers_elsewhere(course: CourseDirectory, lecture: str, facts: Facts, runner: Runner, exercise: str | None = None) -> Answers:
    """The reference's answers once more, each as its exercise's one variant, with ELSEWHERE run before its check.

    Args:
        runner: one that rounds another way, as another machine might.
        exercise: of this one alone.

    Raises:
        UserError: a cell does not run.
    """
    rules = course.lecture(lecture).exercises
    asked = [name for name, rule in rules.items() if not rule.written and not rule.loss and exercise in (None, name)]
    return compute_answers(course, lecture, built_notebook(course.source(lecture)), {name: [ELSEWHERE] for name in asked}, facts, runner)
