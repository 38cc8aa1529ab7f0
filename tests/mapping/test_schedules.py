"""Due times, in three zones that change their clocks on different days, or never."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.schedules import BadTimetable, Frequency, Timetable, check, next_times

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def local(timetable: Timetable, after: datetime, count: int) -> list[str]:
    return [f"{due:%a %Y-%m-%d %H:%M}" for due in next_times(timetable, after, count)]


@pytest.mark.parametrize(
    ("timetable", "times"),
    [
        (
            Timetable(Frequency.DAILY, at=time(2, 30)),
            ["Tue 2026-11-24 02:30", "Wed 2026-11-25 02:30"],
        ),
        (
            Timetable(Frequency.WEEKLY, at=time(6, 0), days=[0, 6]),
            ["Sun 2026-11-29 06:00", "Mon 2026-11-30 06:00", "Sun 2026-12-06 06:00"],
        ),
        (
            Timetable(Frequency.MONTHLY, at=time(1, 0), day=31),
            ["Mon 2026-11-30 01:00", "Thu 2026-12-31 01:00", "Sun 2027-01-31 01:00", "Sun 2027-02-28 01:00"],
        ),
        (
            Timetable(Frequency.MONTHLY, at=time(1, 0), day=32),
            ["Mon 2026-11-30 01:00", "Thu 2026-12-31 01:00"],
        ),
        (
            Timetable(Frequency.MONTHLY, at=time(1, 0), day=5),
            ["Sat 2026-12-05 01:00", "Tue 2027-01-05 01:00"],
        ),
        (
            Timetable(Frequency.MINUTES, every=30),
            ["Mon 2026-11-23 12:30", "Mon 2026-11-23 13:00"],
        ),
        (
            Timetable(Frequency.HOURS, every=6),
            ["Mon 2026-11-23 18:00", "Tue 2026-11-24 00:00"],
        ),
        (
            Timetable(Frequency.CRON, cron="30 6 * * 1-5"),
            ["Tue 2026-11-24 06:30", "Wed 2026-11-25 06:30"],
        ),
    ],
)
def test_a_frequency_becomes_times(timetable: Timetable, times: list[str]) -> None:
    assert local(timetable, NOON, len(times)) == times


SPRING = {
    "Europe/Prague": datetime(2026, 3, 28, 12, tzinfo=UTC),
    "America/New_York": datetime(2026, 3, 7, 12, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 10, 3, 0, tzinfo=UTC),
}
AUTUMN = {
    "Europe/Prague": datetime(2026, 10, 24, 12, tzinfo=UTC),
    "America/New_York": datetime(2026, 10, 31, 12, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 0, tzinfo=UTC),
}


@pytest.mark.parametrize("season", [SPRING, AUTUMN])
@pytest.mark.parametrize("zone", SPRING)
@pytest.mark.parametrize("at", [time(1, 45), time(2, 0), time(2, 15), time(2, 30), time(3, 0)])
def test_a_daily_run_is_due_once_on_every_day_also_when_the_clocks_change(
    season: dict[str, datetime], zone: str, at: time
) -> None:
    times = next_times(Timetable(Frequency.DAILY, zone, at=at), season[zone], 4)
    days = [due.date() for due in times]
    assert [other - one for one, other in pairwise(days)] == [timedelta(days=1)] * 3


@pytest.mark.parametrize("season", [SPRING, AUTUMN])
@pytest.mark.parametrize("zone", SPRING)
def test_an_interval_stays_even_when_the_clocks_change(season: dict[str, datetime], zone: str) -> None:
    times = next_times(Timetable(Frequency.MINUTES, zone, every=30), season[zone], 96)
    in_utc = [due.astimezone(UTC) for due in times]
    assert {other - one for one, other in pairwise(in_utc)} == {timedelta(minutes=30)}


@pytest.mark.parametrize(
    ("timetable", "field"),
    [
        (Timetable(Frequency.CRON, cron="every day"), "cron"),
        (Timetable(Frequency.CRON, cron=""), "cron"),
        (Timetable(Frequency.CRON, cron="0 0 31 2 *"), "cron"),
        (Timetable(Frequency.CRON, cron="*/5 * * * *"), "cron"),
        (Timetable(Frequency.CRON, cron="0,5 6 * * *"), "cron"),
        (Timetable(Frequency.MINUTES, every=5), "every"),
        (Timetable(Frequency.MINUTES, every=0), "every"),
        (Timetable(Frequency.WEEKLY), "days"),
        (Timetable(Frequency.DAILY, zone="Mars/Olympus"), "time_zone"),
        (Timetable(Frequency.DAILY, zone="../etc/passwd"), "time_zone"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(timetable: Timetable, field: str) -> None:
    with pytest.raises(BadTimetable) as refused:
        check(timetable, NOON)
    assert refused.value.field == field and str(refused.value)


@given(
    st.sampled_from([Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY, Frequency.HOURS]),
    st.sampled_from(["UTC", *SPRING, "Asia/Kolkata", "Pacific/Apia"]),
    st.times(),
    st.integers(1, 32),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
)
def test_times_only_ever_go_forward(
    frequency: Frequency, zone: str, at: time, day: int, after: datetime
) -> None:
    timetable = Timetable(frequency, zone, every=min(day, 24), at=at, days=[day % 7], day=day)
    start = after.replace(tzinfo=ZoneInfo(zone))
    times = [start.astimezone(UTC), *(due.astimezone(UTC) for due in next_times(timetable, start, 6))]
    assert times == sorted(set(times)) and len(times) == 7
