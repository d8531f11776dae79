"""Dates that people write: read in one way only, or refused with how to write them. Nothing is guessed."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, ValidationInfo

from autograder.course.text import did_you_mean

STAMP = "timestamp.txt"  # in a submission's folder: when it was handed in
EARLIEST, LATEST = 1970, 9000  # years in between: beyond them some zone's clock leaves Python's
END_OF_DAY = time(23, 59, 59)  # a due time covers its whole second
HOW = "Write 2027-03-01, which is the end of that day, or 2027-03-01 18:00, or 2027-03-01 18:00+01:00"
HOW_STAMP = "Write it as 2027-03-01 18:00:00 UTC, or with an offset: 2027-03-01 18:00:00 +0100"

DATE = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?:(?:[Tt]|\s+)(?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*(?P<zone>\S.*)?)?", re.ASCII)
OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?", re.ASCII)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of a place.

    Raises:
        ValueError: there is none of that name, or it is no place's: EST and CET keep or change their clocks as no place's name says.
    """
    places = {known for known in available_timezones() if "/" in known} | {"UTC"}
    if name in places:
        return ZoneInfo(name)
    raise ValueError(f"{name!r} is no time zone. Write a place such as Europe/Berlin, or UTC.{did_you_mean(name, places)}")


def local_time(wall: datetime, zone: tzinfo, last: bool = False) -> datetime:
    """The moment at which clocks of a zone show a time.

    Args:
        wall: what they show, without a zone.
        last: take the later one where a clock that is set back shows it twice.

    Raises:
        ValueError: they never show it, or twice.
    """
    early, late = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(f"{wall} does not exist in {zone}: clocks are set forward there at that time")
    if early.utcoffset() != late.utcoffset() and not last:
        both = f"{wall}{early:%z} or {wall}{late:%z}"
        raise ValueError(f"{wall} comes twice in {zone}, where clocks are set back: write {both}")
    return late if last else early


def due_date(value: Any, zone: tzinfo) -> datetime:
    """A date of ``course.yml``: a day alone means its end, a time without an offset is the zone's.

    Raises:
        ValueError: it is no date, or it could be read in two ways; with how to write it.
    """
    found = DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{str(value)!r} is not how a date is written here. {HOW}")
    wall = _wall(found["day"], found["time"], HOW)
    if found["time"] is None:
        return local_time(wall, zone, last=True)
    if found["zone"] is None:
        return local_time(wall, zone)
    own = _fixed(found["zone"])
    if own is None:
        raise ValueError(f"{found['zone']!r} behind the time is no offset such as +01:00. {HOW}")
    return wall.replace(tzinfo=own)


def stamp(text: str, zone: tzinfo | None) -> datetime:
    """The time that a ``timestamp.txt`` tells, in UTC; without a zone it is UTC, as nbgrader writes it.

    Args:
        text: such as ``2027-03-01 17:00:00.123456 CET``.
        zone: the course's, whose own abbreviations are believed.

    Raises:
        ValueError: it could be read in two ways, or in none; with how to write it.
    """
    found = DATE.fullmatch(text.strip())
    if found is None or found["time"] is None:
        raise ValueError(f"it says {text.strip()[:60]!r}, which could be read in several ways, or in none. {HOW_STAMP}")
    wall = _wall(found["day"], found["time"], HOW_STAMP)
    word = found["zone"] or "UTC"
    if fixed := _fixed(word):
        return wall.replace(tzinfo=fixed).astimezone(UTC)
    try:
        if "/" in word:
            return local_time(wall, zone_named(word)).astimezone(UTC)
        return (wall - _abbreviated(word, wall, zone)).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{error}. {HOW_STAMP}") from None


def _wall(day: str, clock: str | None, how: str) -> datetime:
    try:
        wall = datetime.fromisoformat(day)
        wall = datetime.combine(wall, time.fromisoformat(clock) if clock else END_OF_DAY)
    except ValueError as error:
        late = " The last minute of a day is 23:59." if clock and clock.startswith("24:") else ""
        raise ValueError(f"{f'{day} {clock or str()}'.strip()!r} does not exist: {error}.{late} {how}") from None
    if not EARLIEST < wall.year < LATEST:
        raise ValueError(f"the year {wall.year} cannot be meant. {how}")
    return wall


def _fixed(word: str) -> timezone | None:
    """``UTC``, ``Z`` or an offset; a word that is none of these gives nothing."""
    if word.upper() in ("UTC", "Z", "GMT"):
        return UTC
    found = OFFSET.fullmatch(word)
    if found is None or int(found[2]) > 14 or int(found[3] or 0) > 59:  # no clock is further from UTC
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(ahead if found[1] == "+" else -ahead)


def _abbreviated(word: str, wall: datetime, zone: tzinfo | None) -> timedelta:
    """How far ahead of UTC a clock is that is said to show ``CEST``.

    The course's own zone is believed, and else an abbreviation that has meant one thing only, everywhere, since 1970.
    """
    for own in (wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)):
        if zone is not None and own.tzname() == word and (ahead := own.utcoffset()) is not None:
            return ahead
    meanings = _meanings().get(word, frozenset())
    if len(meanings) > 1:
        raise ValueError(f"{word} is the name of {len(meanings)} different times")
    if not meanings or word not in {wall.replace(tzinfo=ZoneInfo(name)).tzname() for name in available_timezones()}:
        raise ValueError(f"no clock shows {word} on {wall.date()}" if meanings else f"{word!r} is no time zone")
    return next(iter(meanings))


@functools.cache
def _meanings() -> dict[str, frozenset[timedelta]]:
    """Of each abbreviation how far ahead of UTC clocks were that showed it, from 1970 on."""
    found: dict[str, set[timedelta]] = {}
    quarters = [datetime(year, month, 15) for year in range(1970, 2038) for month in (1, 4, 7, 10)]
    for name in available_timezones():
        zone = ZoneInfo(name)
        for day in quarters:
            there = day.replace(tzinfo=zone)
            if (word := there.tzname()) and (ahead := there.utcoffset()) is not None:
                found.setdefault(word, set()).add(ahead)
    return {word: frozenset(ahead) for word, ahead in found.items()}


def _of_course(value: Any, info: ValidationInfo) -> Any:
    name = (info.context or {}).get("timezone")
    if not isinstance(name, str):
        raise ValueError("a date needs the course's time zone: write `timezone: Europe/Berlin`, or wherever you are, at the top of course.yml")
    try:
        zone = zone_named(name)
    except ValueError:  # told where the zone stands
        zone = ZoneInfo("UTC")
    return due_date(value, zone)


CourseDate = Annotated[datetime, BeforeValidator(_of_course)]
"""A date of ``course.yml``; the context of the validation names the course's ``timezone``."""


def duration(seconds: float) -> str:
    """A time in words, such as ``2 days 3 hours 5 minutes``."""
    days, hours, minutes = int(seconds // 86400), int(seconds % 86400 // 3600), int(seconds % 3600 // 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    return " ".join(f"{number} {word}{'s' if number != 1 else ''}" for number, word in parts if number) or "less than a minute"
