"""Due times as the tick meets them: on time, late, while a run is live, after the workers were away, and after a row
of failures. The clock is moved, nobody sleeps."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from mapping import sync
from mapping.models import SyncRun, SyncSchedule
from mapping.sync import breaker
from mapping.sync.tick import _start_due
from tenants.models import Tenant

from .conftest import Company

Status = SyncRun.Status
TEN = datetime(2026, 3, 3, 10, 0, 10, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(TEN, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def no_spread(settings: Any) -> None:
    settings.SYNC_SPREAD_SECONDS = 0


def every_ten_minutes(name: str = "Acme") -> SyncSchedule:
    tenant, _ = Tenant.objects.get_or_create(slug=name.lower(), defaults={"name": name})
    return SyncSchedule.objects.create(tenant=tenant, enabled=True, frequency="minutes", every=10)


@pytest.fixture
def schedule(db: None, clock: time_machine.Traveller) -> SyncSchedule:
    return every_ten_minutes()


def tick_at(clock: time_machine.Traveller, hour: int, minute: int, day: int = 3) -> None:
    clock.move_to(TEN.replace(day=day, hour=hour, minute=minute))
    sync.tick()


def over(**more: Any) -> None:
    """Whatever is live has ended."""
    ended: dict[str, Any] = {"status": Status.SUCCEEDED, "finished_at": datetime.now(UTC)}
    SyncRun.objects.live().update(**ended | more)


def times(run: SyncRun) -> list[str]:
    return [each[11:16] for each in run.missed]


def test_nothing_starts_before_its_time(schedule: SyncSchedule, clock: time_machine.Traveller) -> None:
    tick_at(clock, 10, 9)
    assert not SyncRun.objects.exists()
    tick_at(clock, 10, 10)
    [run] = SyncRun.objects.all()
    assert (run.due_at.minute, run.missed, run.missed_count) == (10, [], 0)


def test_a_little_late_is_not_missed(schedule: SyncSchedule, clock: time_machine.Traveller) -> None:
    tick_at(clock, 10, 14)
    assert SyncRun.objects.get().missed == []


def test_an_hour_without_workers_is_told_and_made_up_for_once(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    tick_at(clock, 11, 12)
    tick_at(clock, 11, 13)
    [run] = SyncRun.objects.all()
    assert times(run) == ["10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]
    assert (run.missed_count, f"{run.due_at:%H:%M}") == (6, "11:10")
    schedule.refresh_from_db()
    assert f"{schedule.due_at:%H:%M}" == "11:20"


def test_a_daily_run_that_was_slept_through_is_missed_itself(db: None, clock: time_machine.Traveller) -> None:
    schedule = every_ten_minutes()
    schedule.frequency = "daily"
    schedule.save()
    tick_at(clock, 8, 0, day=5)
    [run] = SyncRun.objects.all()
    assert (run.missed_count, run.due_at.day, run.due_at.hour) == (2, 5, 2)


def test_a_month_away_is_counted_whole_and_listed_in_part(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    clock.move_to(TEN + timedelta(days=20))
    sync.tick()
    run = SyncRun.objects.get()
    assert (run.missed_count, len(run.missed)) == (20 * 144 - 1, 100)


def test_a_run_due_while_one_is_live_is_left_to_it_and_said(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    tick_at(clock, 10, 10)
    tick_at(clock, 10, 20)
    [run] = SyncRun.objects.all()
    assert [each[11:16] for each in run.coalesced] == ["10:20"]


def test_a_run_asked_for_while_no_worker_was_there_makes_up_for_what_was_missed(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    sync.request(schedule.tenant, trigger=SyncRun.Trigger.HAND)
    tick_at(clock, 10, 31)
    [run] = SyncRun.objects.all()
    assert (times(run), run.missed_count) == (["10:10", "10:20"], 2)
    assert [each[11:16] for each in run.coalesced] == ["10:30"]


def test_what_waits_for_its_second_try_gives_way_to_the_run_that_is_due(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    tick_at(clock, 10, 10)
    over(status=Status.WAITING, finished_at=None, not_before=TEN + timedelta(hours=9))
    tick_at(clock, 10, 20)
    first, second = SyncRun.objects.order_by("pk")
    assert (first.status, second.status) == (Status.SUCCEEDED, Status.QUEUED)
    assert f"run {second.pk}" in first.note


def test_a_preview_takes_nobodys_second_try_away(schedule: SyncSchedule) -> None:
    waiting = sync.request(schedule.tenant, trigger=SyncRun.Trigger.HAND)
    over(status=Status.WAITING, finished_at=None, not_before=TEN + timedelta(hours=9))
    sync.request(schedule.tenant, trigger=SyncRun.Trigger.HAND, is_preview=True)
    waiting.refresh_from_db()
    assert waiting.status == Status.WAITING


@pytest.mark.parametrize("how", ["disabled", "deleted", "edited"])
def test_what_is_changed_counts_at_once(
    schedule: SyncSchedule, clock: time_machine.Traveller, how: str
) -> None:
    clock.move_to(TEN.replace(minute=9))
    schedule.enabled, schedule.every = how != "disabled", 60
    schedule.delete() if how == "deleted" else schedule.save()
    tick_at(clock, 10, 10)
    assert not SyncRun.objects.exists()


def test_a_hundred_tenants_due_at_once_are_spread(
    db: None, clock: time_machine.Traveller, settings: Any
) -> None:
    settings.SYNC_SPREAD_SECONDS = 120
    offsets = {every_ten_minutes(f"T{number}").starts_at.replace(microsecond=0) for number in range(40)}
    assert len(offsets) > 20 and max(offsets) - min(offsets) < timedelta(seconds=120)
    clock.move_to(TEN.replace(minute=10, second=30))
    sync.tick()
    begun = SyncRun.objects.count()
    clock.move_to(TEN.replace(minute=12, second=0))
    sync.tick()
    assert 0 < begun < SyncRun.objects.count() == 40


def test_two_ticks_at_once_start_one_run(schedule: SyncSchedule, clock: time_machine.Traveller) -> None:
    clock.move_to(TEN.replace(minute=10))
    one, other = SyncSchedule.objects.get(), SyncSchedule.objects.get()
    _start_due(one)
    over()
    _start_due(other)
    assert SyncRun.objects.count() == 1


# --- after the workers were away for an hour, with real runs ------------------------------------------------


def test_each_tenant_is_synced_once_after_the_return(company: Company, clock: time_machine.Traveller) -> None:
    company.run()
    every_ten_minutes("Acme")
    tick_at(clock, 11, 12)
    sync.execute(SyncRun.objects.latest("pk").pk, ticket=False)
    sync.tick()
    run = SyncRun.objects.get(trigger=SyncRun.Trigger.SCHEDULE)
    assert (run.status, run.missed_count, run.mapped > 100) == (Status.WAITING, 6, True)


# --- the breaker --------------------------------------------------------------------------------------------


def fail(schedule: SyncSchedule, clock: time_machine.Traveller, times: int) -> None:
    for number in range(times):
        tick_at(clock, 10, 10 * (number + 1))
        over(status=Status.FAILED, error="RingCentral does not answer.")


def test_three_failures_in_a_row_slow_the_schedule_down(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    fail(schedule, clock, 3)
    tick_at(clock, 10, 40)
    assert SyncRun.objects.count() == 3
    rest = breaker.rest(schedule.tenant_id)
    assert rest is not None and (rest.failures, f"{rest.until:%H:%M}") == (3, "11:30")


def test_the_probe_is_let_through_and_its_success_ends_the_rest(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    fail(schedule, clock, 3)
    tick_at(clock, 11, 40)
    assert SyncRun.objects.count() == 4
    over()
    tick_at(clock, 11, 50)
    assert (SyncRun.objects.count(), breaker.rest(schedule.tenant_id)) == (5, None)


def test_the_rest_grows_with_each_failed_probe_up_to_a_day(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    pauses = []
    for number in range(10):
        SyncRun.objects.create(
            tenant=schedule.tenant, trigger="schedule", status="failed", finished_at=datetime.now(UTC)
        )
        if rest := breaker.rest(schedule.tenant_id):
            pauses.append((rest.until - datetime.now(UTC)) // timedelta(hours=1))
        assert bool(pauses) == (number >= 2)
    assert pauses[:6] == [1, 2, 4, 8, 16, 24] and set(pauses[6:]) == {24}


def test_a_person_is_never_held_back(schedule: SyncSchedule, clock: time_machine.Traveller) -> None:
    fail(schedule, clock, 3)
    assert sync.request(schedule.tenant, trigger=SyncRun.Trigger.HAND).status == Status.QUEUED


def test_one_tenants_breaker_holds_back_no_other(
    schedule: SyncSchedule, clock: time_machine.Traveller
) -> None:
    other = every_ten_minutes("Globex")
    SyncSchedule.objects.filter(pk=other.pk).update(due_at=TEN.replace(minute=40))
    fail(schedule, clock, 3)
    tick_at(clock, 10, 40)
    assert SyncRun.objects.filter(tenant=other.tenant).exists()
