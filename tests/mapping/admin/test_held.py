"""What the brake holds, canceling, trying again, and what the pages say of missed runs and a tenant that rests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from mapping.models import SyncRun, SyncSchedule
from tenants.models import Tenant

from .conftest import RUNS, People, make_run, page
from .test_auto_map import propose, text_of

Status = SyncRun.Status
FOUND = {"limit": "unmap", "count": 34, "of": 292, "share": 10, "number": 200, "names": ["Ada Lee", "Bo <b>"]}


@pytest.fixture
def held(acme: Tenant) -> SyncRun:
    return make_run(
        acme,
        status="held",
        phase="apply",
        finished_at=None,
        held_for=[FOUND],
        held_until=timezone.now() + timedelta(hours=72),
    )


def verb(run: SyncRun, name: str) -> str:
    return f"{RUNS}{run.pk}/{name}/"


def test_the_run_says_what_holds_it_and_names_those_concerned(people: People, held: SyncRun) -> None:
    text = page(people.viewer, f"{RUNS}{held.pk}/change/")
    assert "34 of 292 mapped users would lose their account (12 %); the limit is 10 %." in text
    assert "<bdi>Ada Lee</bdi>" in text and "Bo &lt;b&gt;" in text and "and 32 more" in text


def test_home_puts_it_first_and_leads_to_the_decision(people: People, held: SyncRun) -> None:
    text = page(people.administrator, "/admin/")
    assert "The brake holds a run: 34 of 292 mapped users" in text and verb(held, "proposals") in text


def test_only_who_may_approve_is_asked(people: People, held: SyncRun) -> None:
    propose(held, "Ada")
    assert "Approve once" in page(people.administrator, verb(held, "proposals"))
    mapper = page(people.mapper, verb(held, "proposals"))
    assert "Approve once" not in mapper and "User Mapping: Approve held runs" in mapper


@pytest.mark.parametrize("name", ["confirm", "discard", "add-and-map"])
def test_a_mapper_cannot_decide_what_the_brake_holds(people: People, held: SyncRun, name: str) -> None:
    assert people.mapper.post(verb(held, name), {"approval": "Please."}).status_code == 403
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_approving_takes_a_reason(people: People, held: SyncRun) -> None:
    assert "Say why this run may go beyond" in text_of(
        people.administrator, verb(held, "confirm"), approval=" "
    )
    held.refresh_from_db()
    assert (held.status, held.approved_at) == (Status.HELD, None)


def test_an_approval_is_recorded_with_its_reason_and_what_was_left_out(people: People, held: SyncRun) -> None:
    ada, bo = propose(held, "Ada"), propose(held, "Bo")
    text_of(people.administrator, verb(held, "confirm"), include=[ada.pk], approval="The site moved.")
    held.refresh_from_db(), ada.refresh_from_db(), bo.refresh_from_db()
    assert (held.status, held.approval, str(held.approved_by)) == (
        Status.QUEUED,
        "The site moved.",
        "administrator",
    )
    assert (ada.outcome, bo.outcome) == ("pending", "dropped")
    assert any("The site moved." in entry.get_change_message() for entry in LogEntry.objects.all())
    assert "The site moved." in page(people.viewer, f"{RUNS}{held.pk}/change/")


def test_one_that_is_held_before_anything_was_stored_is_approved_without_a_list(
    people: People, held: SyncRun
) -> None:
    SyncRun.objects.filter(pk=held.pk).update(phase="store", held_for=[FOUND | {"limit": "accounts"}])
    assert "RingCentral accounts known from the last time" in page(
        people.administrator, verb(held, "proposals")
    )
    assert "goes on" in text_of(people.administrator, verb(held, "confirm"), approval="They closed a site.")


def test_discarding_says_who_did(people: People, held: SyncRun) -> None:
    people.administrator.post(verb(held, "discard"))
    held.refresh_from_db()
    assert (held.status, str(held.canceled_by)) == (Status.DISCARDED, "administrator")


# --- cancel, and try again ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "offered"),
    [("queued", True), ("running", True), ("waiting", True), ("held", False), ("succeeded", False)],
)
def test_what_is_not_over_can_be_canceled(people: People, acme: Tenant, status: str, offered: bool) -> None:
    run = make_run(acme, status=status, finished_at=None, lease_until=timezone.now() + timedelta(hours=1))
    text = page(people.mapper, f"{RUNS}{run.pk}/progress/")
    assert (verb(run, "cancel") in text) is offered
    assert verb(run, "cancel") not in page(people.viewer, f"{RUNS}{run.pk}/progress/")


def test_canceling_says_who_did_and_is_refused_to_others(people: People, acme: Tenant) -> None:
    run = make_run(acme, status="waiting", finished_at=None)
    refused = [each.post(verb(run, "cancel")).status_code for each in (people.viewer, people.stranger)]
    assert refused == [403, 404] and people.mapper.get(verb(run, "cancel")).status_code == 405
    assert "is being canceled" in text_of(people.mapper, verb(run, "cancel"))
    run.refresh_from_db()
    assert (run.status, str(run.canceled_by)) == (Status.CANCELED, "mapper")
    assert "was over" in text_of(people.mapper, verb(run, "cancel"))


@pytest.mark.parametrize(("failed", "offered"), [(3, True), (0, False)])
def test_what_failed_can_be_tried_again(people: People, acme: Tenant, failed: int, offered: bool) -> None:
    run = make_run(acme, status="partial", failed=failed)
    assert (verb(run, "retry-failed") in page(people.mapper, f"{RUNS}{run.pk}/progress/")) is offered


def test_trying_again_asks_for_a_second_try_of_its_own(people: People, acme: Tenant) -> None:
    run = make_run(acme, status="partial", failed=1)
    assert people.viewer.post(verb(run, "retry-failed")).status_code == 403
    people.mapper.post(verb(run, "retry-failed"))
    again = SyncRun.objects.get(retry_of=run)
    assert (again.status, again.try_number, str(again.actor)) == (Status.QUEUED, 2, "mapper")


# --- what the pages say of time -----------------------------------------------------------------------------


def test_missed_runs_are_listed_on_the_run_that_makes_up_for_them(people: People, acme: Tenant) -> None:
    run = make_run(acme, missed=["2026-03-03T10:10:00+00:00"], missed_count=7, due_at=timezone.now())
    text = page(people.viewer, f"{RUNS}{run.pk}/change/")
    assert "7 runs were due while no worker was there" in text and "2026-03-03T10:10:00+00:00" in text
    assert "7 runs were missed and made up for" in page(people.viewer, "/admin/")
    assert f"{RUNS}{run.pk}/change/" in page(people.viewer, f"{RUNS}?attention=missed")


@pytest.fixture
def six_past_ten() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 3, 10, 6, tzinfo=UTC), tick=False):
        yield


def schedule(tenant: Tenant, **since: Any) -> SyncSchedule:
    made = SyncSchedule.objects.create(tenant=tenant, enabled=True, frequency="minutes", every=10)
    SyncSchedule.objects.filter(pk=made.pk).update(due_at=timezone.now() - timedelta(**since))
    return made


@pytest.mark.usefixtures("six_past_ten")
def test_home_says_while_no_worker_is_there_that_runs_are_overdue(people: People, acme: Tenant) -> None:
    schedule(acme, minutes=66)
    assert "7 runs were due and not started" in page(people.viewer, "/admin/")


@pytest.mark.usefixtures("six_past_ten")
def test_a_run_that_is_due_just_now_is_no_trouble(people: People, acme: Tenant) -> None:
    schedule(acme, minutes=2)
    assert "not started" not in page(people.viewer, "/admin/")


def test_home_says_that_a_tenant_rests_after_failures(people: People, acme: Tenant) -> None:
    schedule(acme, minutes=-5)
    for _ in range(3):
        make_run(acme, status="failed", error="RingCentral does not answer.")
    assert "3 runs in a row have failed: Auto Syncing slows down" in page(people.viewer, "/admin/")


def test_a_long_phase_says_how_long_it_may_still_take(people: People, acme: Tenant) -> None:
    began = timezone.now() - timedelta(minutes=2)
    run = make_run(
        acme, status="running", finished_at=None, started_at=began, phase_at=began, done=200, expected=400
    )
    assert "about 2 min 0 s left in this phase" in page(people.viewer, f"{RUNS}{run.pk}/progress/")


def test_home_says_when_the_second_try_is_made(people: People, acme: Tenant) -> None:
    make_run(acme, status="waiting", finished_at=None, not_before=timezone.now().replace(hour=10, minute=42))
    assert "at 10:42" in page(people.viewer, "/admin/")


def test_a_run_that_is_over_counts_its_changes_and_leads_to_each_kind(people: People, acme: Tenant) -> None:
    run = make_run(acme)
    propose(run, "Ada", outcome="applied"), propose(run, "Bo", outcome="refused")
    text = page(people.viewer, f"{RUNS}{run.pk}/change/")
    assert "1 mapped</a>" in text and "1 mapped: refused</a>" in text
    url = f"/admin/mapping/change/?run__id__exact={run.pk}&kind__exact=map&outcome__exact=refused"
    assert url.replace("&", "&amp;") in text and "Bo" in page(people.viewer, url)


def schedule_page(people: People, made: SyncSchedule) -> str:
    return page(people.mapper, f"/admin/mapping/syncschedule/{made.pk}/change/")


@pytest.mark.usefixtures("six_past_ten")
def test_auto_syncing_says_which_runs_are_missed_while_no_worker_is_there(
    people: People, acme: Tenant
) -> None:
    made = schedule(acme, minutes=66)
    made.refresh_from_db()
    text = schedule_page(people, made)
    assert "7 runs were due and not started" in text and "Missed runs" in text
    assert text.count("<time datetime=") == 7
    assert "Missed runs" not in schedule_page(people, schedule_of_today(made))


def schedule_of_today(made: SyncSchedule) -> SyncSchedule:
    made.save()  # as if somebody had pressed Save: counts from now on
    return made


def test_auto_syncing_says_which_run_made_up_for_the_missed_ones(people: People, acme: Tenant) -> None:
    made = schedule(acme, minutes=-5)
    run = make_run(acme, missed=["2026-03-03T10:10:00+00:00", "2026-03-03T10:20:00+00:00"], missed_count=2)
    text = schedule_page(people, made)
    assert f"Run {run.pk} made up for it" in text and "2026-03-03T10:20:00+00:00" in text


def test_auto_syncing_says_that_it_rests_after_failures(people: People, acme: Tenant) -> None:
    made = schedule(acme, minutes=-5)
    for _ in range(3):
        make_run(acme, status="failed", error="RingCentral does not answer.")
    assert "3 runs in a row have failed" in schedule_page(people, made)
