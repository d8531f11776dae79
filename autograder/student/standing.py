"""How far a student is in a lecture: a line below each card. It counts what the cards say, and nobody else believes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.course.schema import Exercise

Known = dict[str, tuple[str, float]]  # status and points by exercise


@dataclass
class Standing:
    """A lecture's exercises, and what is known of them.

    Args:
        rules: of all that the lecture asks for, in its order.
    """

    rules: dict[str, Exercise]
    known: Known = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)  # exercises whose answer has run with another text since they were checked

    @property
    def checked(self) -> list[str]:
        """The exercises that a check decides."""
        return [name for name, rules in self.rules.items() if not rules.written]

    @property
    def right(self) -> list[str]:
        return [name for name in self.checked if name not in self.changed and self.known.get(name, ("", 0.0))[0] == "correct"]

    def count(self, bonus: bool = False) -> tuple[int, int]:
        """How many exercises are right, of how many: of the ordinary ones, or of those that give bonus points alone."""
        names = [name for name in self.checked if self._only_bonus(name) is bonus]
        return len(set(names) & set(self.right)), len(names)

    def _only_bonus(self, name: str) -> bool:
        return self.rules[name].bonus_points == self.rules[name].points

    @property
    def ordinary(self) -> tuple[float, float]:
        """Points that are earned, of those that checks give, without bonus points."""
        return sum(_split(self.rules[n], self._points(n))[0] for n in self.checked), sum(_split(self.rules[n], self.rules[n].points)[0] for n in self.checked)

    @property
    def bonus(self) -> tuple[float, float]:
        """The same of bonus points."""
        return sum(_split(self.rules[n], self._points(n))[1] for n in self.checked), sum(_split(self.rules[n], self.rules[n].points)[1] for n in self.checked)

    @property
    def by_a_person(self) -> float:
        """Points, bonus points too, of the answers that a person reads."""
        return sum(rules.points for rules in self.rules.values() if rules.written)

    def _points(self, name: str) -> float:
        return 0.0 if name in self.changed else min(max(self.known.get(name, ("", 0.0))[1], 0.0), self.rules[name].points)

    def next(self, after: str | None = None) -> str | None:
        """The first exercise that is not right, from this one on, then from the beginning; one that gives a bonus alone behind all others."""
        names = self.checked
        at = names.index(after) if after in names else 0
        left = [name for name in names[at:] + names[:at] if name not in self.right]
        return next((name for name in left if not self._only_bonus(name)), left[0] if left else None)

    def line(self, after: str | None = None) -> str:
        """Such as ``7 of 15 exercises, 11.5 of 20 points; next: `mean_nll```; bonus points stand apart, once there are some.

        Args:
            after: the exercise that was looked at just now.
        """
        (got, most), (extra, _), following = self.ordinary, self.bonus, self.next(after)
        right, exercises = self.count()
        points = f"{_number(got)} of {_number(most)} points{f' + {_number(extra)} bonus' if extra else ''}"
        then = f"next: `{following}`" if following else "all is right: the last cell makes what you hand in"
        then += ", for a bonus" if following and self._only_bonus(following) else ""
        return f"{right} of {exercises} exercises, {points}; {then}"

    def sums(self) -> str:
        """All that there is to get, in words."""
        (got, most), (extra, bonus), (right, exercises) = self.ordinary, self.bonus, self.count()
        said = f"{right} of {exercises} exercises, {_number(got)} of {_number(most)} points"
        said += f" and {_number(extra)} of {_number(bonus)} bonus points" if bonus else ""
        return said + (f" (and {_number(self.by_a_person)} that a person gives)" if self.by_a_person else "")


def _split(rules: Exercise, points: float) -> tuple[float, float]:
    """Points as ordinary ones, and what is beyond them."""
    ordinary = min(points, rules.points - rules.bonus_points)
    return ordinary, points - ordinary


def _number(points: float) -> str:
    return f"{round(points, 2):g}"
