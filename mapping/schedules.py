"""When is it due? A frequency in words becomes a cron expression, and the expression becomes times. Pure: no
Django, no rows, and the clock is an argument.

Local time is the schedule's own: a daily run at 02:30 is one run on every day, also on the day on which the clock
skips 02:30 and on the one that has it twice (cronsim knows; so does Debian's cron).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

SHORTEST_INTERVAL = timedelta(minutes=10)
"""A run reads both directories whole; more often than this would spend the platforms' limits on nothing."""


class Frequency(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


class Timetable(NamedTuple):
    """What a SyncSchedule says. `days` are 0 (Monday) to 6; `day` is the day of the month, 32 the last one."""

    frequency: Frequency
    zone: str = "UTC"
    every: int = 1
    at: time = time(2, 0)
    days: Sequence[int] = ()
    day: int = 1
    cron: str = ""


class BadTimetable(ValueError):
    """`field` is what is wrong, the text says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@cache
def zone_names() -> frozenset[str]:
    """Of the IANA; read from hundreds of files, so once a process."""
    return frozenset(available_timezones())


def zone(name: str) -> tzinfo:
    if name not in zone_names():
        raise BadTimetable("time_zone", f"“{name}” is not an IANA time zone, such as Europe/Prague.")
    return ZoneInfo(name)


def expression(timetable: Timetable) -> str:
    """The cron expression of everything but an interval in minutes or hours."""
    at = f"{timetable.at.minute} {timetable.at.hour}"
    match timetable.frequency:
        case Frequency.DAILY:
            return f"{at} * * *"
        case Frequency.WEEKLY:
            if not timetable.days:
                raise BadTimetable("days", "Choose at least one day of the week.")
            return f"{at} * * " + ",".join(str((day + 1) % 7) for day in sorted(timetable.days))
        case Frequency.MONTHLY:
            return f"{at} {'L' if timetable.day > 31 else timetable.day} * *"
    return timetable.cron.strip()


def due_times(timetable: Timetable, after: datetime) -> Iterator[datetime]:
    """The times after `after` (aware), in the schedule's zone, without end. BadTimetable when it cannot be read.

    Intervals are counted from midnight UTC of 1970, so that they stay even whatever the clocks do and whenever
    the schedule was saved. A monthly run on a day that a month lacks is due on its last day.
    """
    here = zone(timetable.zone)
    if timetable.frequency in (Frequency.MINUTES, Frequency.HOURS):
        return _intervals(timetable, after, here)
    if timetable.frequency == Frequency.MONTHLY and timetable.day > 28:
        return _month_ends(timetable, after, here)
    text = expression(timetable)
    try:
        return CronSim(text, after.astimezone(here))
    except CronSimError as error:
        raise BadTimetable("cron", f"“{text}” is not a cron expression: {error}.") from error


def _intervals(timetable: Timetable, after: datetime, here: tzinfo) -> Iterator[datetime]:
    if timetable.every < 1:
        raise BadTimetable("every", "Enter 1 or more.")
    unit = 60 if timetable.frequency == Frequency.MINUTES else 3600
    step = timetable.every * unit
    number = int(after.timestamp()) // step + 1
    while True:
        yield datetime.fromtimestamp(number * step, UTC).astimezone(here)
        number += 1


def _month_ends(timetable: Timetable, after: datetime, here: tzinfo) -> Iterator[datetime]:
    """The wanted day, or the last day of a month that does not have it."""
    every_day = CronSim(f"{timetable.at.minute} {timetable.at.hour} 28-31 * *", after.astimezone(here))
    for due in every_day:
        is_last = (due + timedelta(days=1)).month != due.month
        if due.day == timetable.day or (is_last and due.day < timetable.day):
            yield due


def next_times(timetable: Timetable, after: datetime, count: int = 5) -> list[datetime]:
    """The next `count` times; fewer when the expression names days that hardly ever come."""
    found: list[datetime] = []
    try:
        for due in due_times(timetable, after):
            found.append(due)
            if len(found) == count:
                break
    except CronSimError as error:  # an expression such as 31 February runs out of days
        raise BadTimetable("cron", f"“{timetable.cron}” is never due: {error}.") from error
    return found


def check(timetable: Timetable, now: datetime) -> None:
    """BadTimetable when it cannot be read, is never due, or is due more often than the platforms bear."""
    times = next_times(timetable, now, 50)
    if not times:
        raise BadTimetable("cron", "This is never due.")
    for one, other in pairwise(times):
        if other - one < SHORTEST_INTERVAL:
            field = "cron" if timetable.frequency == Frequency.CRON else "every"
            minutes = int(SHORTEST_INTERVAL.total_seconds() // 60)
            raise BadTimetable(
                field,
                f"Runs would be less than {minutes} minutes apart, which the platforms' limits do not bear.",
            )
