"""What is told: each state once, another reason again, and that it is over."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from mapping import sync
from mapping.models import Notification, SyncRun, SyncSchedule, UserMapping
from mapping.sync.notices import tell
from tenants.models import Connection, Tenant
from tenants.reach import note_health

from .admin.conftest import make_account, make_change, make_run, make_user
from .conftest import Company

NIGHT = datetime.fromisoformat("2026-11-25T03:00:00+00:00")
DAY = timedelta(days=1)
HELD = [{"limit": "unmap", "count": 40, "of": 200, "share": 10, "number": 200, "names": ["Ann Lee"]}]


@pytest.fixture
def acme(db: None) -> Tenant:
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    SyncSchedule.objects.create(tenant=tenant, enabled=True, notify="ops@acme.example")
    return tenant


def told(tenant: Tenant) -> list[str]:
    return list(Notification.objects.filter(tenant=tenant).order_by("pk").values_list("event", flat=True))


def heard(tenant: Tenant, now: datetime | None = None) -> list[str]:
    """What a look adds to what was told."""
    before = len(told(tenant))
    tell(now)
    return told(tenant)[before:]


def health(tenant: Tenant, *troubles: str, side: str = "external") -> None:
    note_health(tenant.connection(side), list(troubles))


def failed(tenant: Tenant, error: str = "The counts do not add up.", **more: Any) -> SyncRun:
    return make_run(tenant, status="failed", error=error, **more)


# connections


def test_a_failing_connection_is_told_once_however_often_one_looks(acme: Tenant) -> None:
    for _ in range(5):
        health(acme, "RingCentral refuses the credentials.")
        tell()
    assert told(acme) == ["connection.failing"]


@pytest.mark.parametrize(("side", "named"), [("external", "RingCentral"), ("cxone", "NICE CXone")])
def test_what_is_told_names_tenant_side_reason_next_step_and_leads_there(
    acme: Tenant, side: str, named: str, settings: Any
) -> None:
    settings.SITE_URL = "https://presence.example.org/"
    health(acme, "The secret is wrong.", side=side)
    tell()
    row = Notification.objects.get()
    page = f"https://presence.example.org/admin/tenants/connection/{acme.connection(side).pk}/change/"
    assert row.subject == f"Acme: the connection to {named} does not work"
    assert "The secret is wrong." in row.body and "Test connection" in row.body and page in row.body


def test_another_reason_is_told_and_one_that_comes_back_is_not(acme: Tenant) -> None:
    for reason in ("refused", "no such host", "refused", "no such host"):
        health(acme, reason)
        tell()
    assert told(acme) == ["connection.failing"] * 2


def test_a_reason_that_differs_in_numbers_only_is_the_same(acme: Tenant) -> None:
    for answer in ("503, request 0a1b2c3d-4e5f, wait 7 seconds", "504, request 1f2e3d4c-aa, wait 12 seconds"):
        health(acme, f"HTTP {answer}")
        tell()
    assert told(acme) == ["connection.failing"]


def test_that_it_works_again_is_told_once_and_then_a_new_failure_anew(acme: Tenant) -> None:
    for trouble in (["refused"], [], [], ["refused"]):
        health(acme, *trouble)
        tell()
    assert told(acme) == ["connection.failing", "connection.recovered", "connection.failing"]


def test_what_has_always_worked_is_no_news(acme: Tenant) -> None:
    health(acme)
    make_run(acme)
    assert heard(acme) == []


def test_both_sides_are_told_apart(acme: Tenant) -> None:
    health(acme, "refused", side="cxone")
    health(acme, "refused")
    assert sorted(heard(acme)) == ["connection.failing"] * 2


def test_credentials_entered_anew_say_nothing_until_they_were_tried(acme: Tenant) -> None:
    health(acme, "refused")
    tell()
    acme.connection("external").set_credentials({"jwt": "new"})
    assert heard(acme) == []
    health(acme)
    assert heard(acme) == ["connection.recovered"]


# runs


def test_a_run_that_fails_every_ten_minutes_with_the_same_error_is_told_once(acme: Tenant) -> None:
    SyncSchedule.objects.update(enabled=False)  # the breaker is a topic of its own
    for minute in range(5):
        failed(acme, f"The counts do not add up: 200 users were read, {minute} are accounted for.")
        tell()
    assert told(acme) == ["run.failed"]


def test_a_failed_run_leads_to_its_page_and_says_its_error(acme: Tenant) -> None:
    run = failed(acme)
    tell()
    row = Notification.objects.get()
    assert (row.subject, row.run) == ("Acme: Auto Sync failed", run)
    assert run.error in row.body and f"/admin/mapping/syncrun/{run.pk}/change/" in row.body


def test_a_run_after_it_that_succeeds_is_told_as_recovered_once(acme: Tenant) -> None:
    failed(acme)
    tell()
    make_run(acme, mapped=3)
    assert heard(acme) == ["run.recovered"]
    make_run(acme)
    assert heard(acme) == []


def test_a_held_run_names_the_limits_but_nobody(acme: Tenant) -> None:
    make_run(acme, status="held", held_for=HELD, finished_at=None)
    tell()
    row = Notification.objects.get()
    assert row.event == "run.held" and "40 of 200 mapped users would lose their account" in row.body
    assert "Ann Lee" not in row.body


def test_the_same_limits_held_again_are_told_once_and_others_anew(acme: Tenant) -> None:
    for limits in (HELD, [HELD[0] | {"count": 41}], [*HELD, HELD[0] | {"limit": "accounts"}]):
        SyncRun.objects.filter(status="held").update(status="discarded")
        make_run(acme, status="held", held_for=limits, finished_at=None)
        tell()
    assert told(acme) == ["run.held"] * 2


def test_errors_in_a_finished_run_are_told(acme: Tenant) -> None:
    make_run(acme, status="partial", failed=3)
    tell()
    assert "3 people could not be done." in Notification.objects.get().body


def test_an_interrupted_run_is_told_when_nobody_took_its_place(acme: Tenant) -> None:
    now = timezone.now()
    run = make_run(acme, status="interrupted", finished_at=now)
    assert heard(acme, now) == []
    assert heard(acme, now + timedelta(minutes=3)) == ["run.interrupted"]
    make_run(acme, successor_of=run)
    assert heard(acme, now + timedelta(minutes=4)) == ["run.recovered"]


def test_an_interrupted_run_with_a_successor_is_no_news(acme: Tenant) -> None:
    run = make_run(acme, status="interrupted", finished_at=timezone.now() - DAY)
    make_run(acme, status="running", successor_of=run, finished_at=None)
    assert heard(acme) == []


@pytest.mark.parametrize("status", ["canceled", "discarded", "running", "queued", "waiting"])
def test_what_a_person_ended_and_what_is_not_over_changes_nothing(acme: Tenant, status: str) -> None:
    failed(acme)
    tell()
    make_run(acme, status=status)
    assert heard(acme) == []


def test_a_preview_is_the_business_of_who_made_it(acme: Tenant) -> None:
    failed(acme, is_preview=True)
    make_run(acme, status="held", is_preview=True)
    assert heard(acme) == []


@pytest.mark.parametrize("trigger", ["hand", "command", "recovery"])
def test_a_failure_is_told_whoever_started_the_run(acme: Tenant, trigger: str) -> None:
    failed(acme, trigger=trigger)
    assert heard(acme) == ["run.failed"]


def test_a_refused_login_is_one_piece_of_news_not_two(company: Company) -> None:
    SyncSchedule.objects.create(tenant=company.tenant, notify="ops@acme.example")
    company.tenant.connection("external").set_credentials(
        {"client_id": "a", "client_secret": "b", "jwt": "c"}
    )
    assert company.run().status == SyncRun.Status.FAILED
    assert heard(company.tenant) == ["connection.failing"]


def test_the_sync_that_works_after_it_is_told_once_as_well(company: Company) -> None:
    SyncSchedule.objects.create(tenant=company.tenant, notify="ops@acme.example")
    company.tenant.connection("external").set_credentials(
        {"client_id": "a", "client_secret": "b", "jwt": "c"}
    )
    company.run()
    tell()
    company.connect(company.tenant.connection("cxone").base_url)
    company.run()
    assert heard(company.tenant) == ["connection.recovered"]


def test_a_connection_mended_by_hand_does_not_bring_up_the_run_that_failed_for_it(acme: Tenant) -> None:
    health(acme, "refused")
    failed(acme, "RingCentral: refused")
    tell()
    health(acme)
    assert heard(acme) == ["connection.recovered"]


def test_a_run_that_a_busy_platform_ended_is_told_as_a_run(acme: Tenant) -> None:
    health(acme)
    failed(acme, "RingCentral: asks us to wait for an hour")
    assert heard(acme) == ["run.failed"]


# missed, slowed down


def test_missed_runs_are_told_once_with_their_number_and_the_run_that_made_up_for_them(acme: Tenant) -> None:
    due = ["2026-11-25T01:00:00+00:00", "2026-11-25T02:00:00+00:00"]
    run = make_run(acme, missed=due, missed_count=2)
    assert (heard(acme), heard(acme)) == (["runs.missed"], [])
    row = Notification.objects.get()
    assert row.subject == "Acme: 2 runs were missed" and f"Run {run.pk} makes up" in row.body
    assert "25 November 2026, 01:00 (UTC)" in row.body
    make_run(acme, missed_count=1)
    assert heard(acme) == ["runs.missed"]


def test_old_misses_are_no_news(acme: Tenant) -> None:
    make_run(acme, missed_count=2)
    assert heard(acme, timezone.now() + 2 * DAY) == []


def test_a_schedule_that_slows_down_and_comes_back_is_told_both_times(acme: Tenant) -> None:
    heard_then = []
    for _ in range(4):
        failed(acme)
        heard_then += heard(acme)
    make_run(acme)
    assert heard_then == ["run.failed", "schedule.slowed_down"]
    assert heard(acme) == ["run.recovered", "schedule.back"]


def test_a_schedule_that_is_off_does_not_slow_down(acme: Tenant) -> None:
    SyncSchedule.objects.update(enabled=False)
    for _ in range(4):
        failed(acme)
    assert heard(acme) == ["run.failed"]


# people left unmapped


def unmapped(tenant: Tenant, days: int, **more: Any) -> UserMapping:
    return make_user(tenant, changed_at=NIGHT - days * DAY, **more)


def morning(day: int) -> datetime:
    return NIGHT + timedelta(hours=5, days=day)


@pytest.fixture
def at_night(acme: Tenant) -> Tenant:
    """Acme, whose first look is in the coming morning."""
    tell(NIGHT)
    return acme


def test_who_is_unmapped_for_too_long_is_listed_in_the_morning(at_night: Tenant) -> None:
    unmapped(at_night, 8, name="Ann Lee")
    unmapped(at_night, 3, name="Not Yet")
    assert heard(at_night, NIGHT + timedelta(hours=1)) == []
    assert heard(at_night, morning(0)) == ["people.unmapped"]
    row = Notification.objects.get()
    assert row.subject == "Acme: 1 person is unmapped for more than 7 days"
    assert "Ann Lee – No match, 17 November 2026" in row.body and "Not Yet" not in row.body
    assert f"/admin/mapping/usermapping/?tenant={at_night.pk}&status=unmapped&decision=yes" in row.body


def test_the_same_people_are_not_listed_again_and_others_are(at_night: Tenant) -> None:
    ann = unmapped(at_night, 8)
    assert [heard(at_night, morning(day)) for day in range(3)] == [["people.unmapped"], [], []]
    unmapped(at_night, 8)
    assert heard(at_night, morning(3)) == ["people.unmapped"]
    UserMapping.objects.exclude(pk=ann.pk).delete()
    assert heard(at_night, morning(4)) == ["people.unmapped"]
    ann.delete()
    assert [heard(at_night, morning(day)) for day in (5, 6)] == [["people.none_unmapped"], []]


def test_there_is_one_list_a_day_whatever_changes(at_night: Tenant) -> None:
    unmapped(at_night, 8)
    tell(morning(0))
    unmapped(at_night, 9)
    assert heard(at_night, morning(0) + timedelta(hours=10)) == []


def test_the_morning_is_that_of_the_schedules_time_zone(acme: Tenant) -> None:
    SyncSchedule.objects.update(time_zone="Asia/Tokyo")
    tell(NIGHT)
    assert SyncSchedule.objects.get().digest_at == datetime.fromisoformat("2026-11-26T07:00:00+09:00")


def test_another_reason_does_not_start_the_days_anew(at_night: Tenant) -> None:
    user = unmapped(at_night, 1, reason="multiple_accounts")
    change = make_change(user, kind="reason", settled_at=NIGHT - 30 * DAY)
    make_change(user, kind="reason", settled_at=NIGHT - DAY)
    assert change.settled_at and heard(at_night, morning(0)) == ["people.unmapped"]


def test_losing_an_account_does(at_night: Tenant) -> None:
    user = unmapped(at_night, 1)
    make_change(user, kind="map", settled_at=NIGHT - 30 * DAY)
    make_change(user, kind="unmap", settled_at=NIGHT - DAY)
    assert heard(at_night, morning(0)) == []


def test_those_whom_nobody_has_to_decide_about_are_left_out(at_night: Tenant) -> None:
    unmapped(at_night, 30, reason="do_not_map")
    unmapped(at_night, 30, reason="no_permission")
    unmapped(at_night, 30, present=False)
    unmapped(at_night, 30, account=make_account(at_night))
    assert heard(at_night, morning(0)) == []


def test_no_days_is_no_list(at_night: Tenant) -> None:
    SyncSchedule.objects.update(unmapped_days=0)
    unmapped(at_night, 30)
    assert heard(at_night, morning(0)) == []


def test_many_people_are_counted_and_some_are_named(
    at_night: Tenant, django_assert_max_num_queries: Any
) -> None:
    for _ in range(25):
        unmapped(at_night, 8)
    with django_assert_max_num_queries(25):
        tell(morning(0))
    row = Notification.objects.get()
    assert "25 people" in row.subject and "and 5 more" in row.body


# whom, and how steadily


def test_every_target_has_a_row_of_its_own_with_a_key_of_its_own(acme: Tenant) -> None:
    schedule = acme.schedule
    schedule.notify = "ops@acme.example\nann@acme.example, OPS@acme.example"
    schedule.webhook_url = "https://hooks.example.org/secret/path"
    schedule.save()
    health(acme, "refused")
    tell()
    rows = Notification.objects.order_by("target")
    assert {row.target for row in rows} == {"ann@acme.example", "OPS@acme.example", "hooks.example.org"}
    assert len({row.webhook_id for row in rows}) == 3


def test_a_tenant_that_nobody_is_told_of_costs_nothing(acme: Tenant, django_assert_num_queries: Any) -> None:
    SyncSchedule.objects.update(notify="")
    health(acme, "refused")
    with django_assert_num_queries(1):
        tell()
    assert told(acme) == []


def test_the_first_who_is_entered_learns_how_things_stand(acme: Tenant) -> None:
    SyncSchedule.objects.update(notify="")
    health(acme, "refused")
    tell()
    SyncSchedule.objects.update(notify="late@acme.example")
    assert heard(acme) == ["connection.failing"]


def test_newer_news_overtake_what_still_waits_but_not_what_was_missed(acme: Tenant) -> None:
    health(acme, "refused")
    make_run(acme, missed_count=1)
    tell()
    health(acme)
    make_run(acme, missed_count=1)
    tell()
    states = dict(Notification.objects.order_by("-pk").values_list("event", "status"))
    assert states == {
        "runs.missed": "queued",
        "connection.failing": "given_up",
        "connection.recovered": "queued",
    }


def test_a_look_at_fifty_quiet_tenants_takes_as_many_queries_as_at_two(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    for number in range(50):
        tenant = Tenant.objects.create(name=f"T{number}", slug=f"t{number}")
        SyncSchedule.objects.create(tenant=tenant, notify="a@b.example", digest_at=NIGHT + 1000 * DAY)
        make_run(tenant)
        health(tenant)
    tell()
    with django_assert_num_queries(5):
        tell()


def test_a_broken_row_stops_no_other_news(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    make_run(acme, status="held", held_for=[HELD[0] | {"limit": "nonsense"}])
    other = Tenant.objects.create(name="Globex", slug="globex")
    SyncSchedule.objects.create(tenant=other, notify="ops@globex.example", time_zone="Mars/Olympus")
    failed(other)
    health(acme, "refused")
    tell()
    assert (told(acme), told(other)) == (["connection.failing"], ["run.failed"])
    assert "nonsense" in caplog.text


def test_other_tenants_hear_nothing_of_it(acme: Tenant) -> None:
    other = Tenant.objects.create(name="Globex", slug="globex")
    SyncSchedule.objects.create(tenant=other, notify="ops@globex.example")
    health(acme, "refused")
    tell()
    assert set(Notification.objects.values_list("tenant", "target")) == {(acme.pk, "ops@acme.example")}


def test_the_tick_looks(acme: Tenant) -> None:
    health(acme, "refused")
    sync.tick()
    assert told(acme) == ["connection.failing"]


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_tell_it_once() -> None:
    tenants = [Tenant.objects.create(name=f"T{number}", slug=f"t{number}") for number in range(12)]
    for tenant in tenants:
        SyncSchedule.objects.create(tenant=tenant, notify="ops@acme.example")
    Connection.objects.update(health="failing", health_text="refused")
    gate = threading.Barrier(3)

    def look() -> None:
        gate.wait()
        tell()
        connection.close()

    ticks = [threading.Thread(target=look) for _ in range(3)]
    for tick in ticks:
        tick.start()
    for tick in ticks:
        tick.join()
    assert [len(told(tenant)) for tenant in tenants] == [2] * 12  # two sides each
