"""A preview stops when the changes are proposed; what is applied is what was shown, less what was left out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mapping import by_hand, sync
from mapping.models import Change, SyncRun, SyncSchedule, UserMapping

from .conftest import Company

Status = SyncRun.Status


def test_a_preview_changes_nobody(company: Company) -> None:
    run = company.run(is_preview=True)
    assert run.status == Status.HELD
    assert not UserMapping.objects.mapped().exists()
    assert run.changes.filter(kind="map", outcome="pending").count() > 100


def test_what_is_left_out_is_not_applied_and_all_the_rest_is(company: Company) -> None:
    run = company.run(is_preview=True)
    left_out, *rest = run.changes.filter(kind="map").order_by("pk")
    assert sync.apply_held(run, actor=None, leave_out=[left_out.pk])
    run = sync.run_here(run, watch=lambda run: None, poll=0.01)
    assert (run.status, run.mapped) == (Status.SUCCEEDED, len(rest))
    assert UserMapping.objects.get(pk=left_out.mapping_id).account_id is None


def test_a_preview_is_decided_once(company: Company) -> None:
    run = company.run(is_preview=True)
    assert sync.discard(run, actor=None)
    assert not sync.discard(run, actor=None) and not sync.apply_held(run, actor=None)
    assert set(run.changes.values_list("outcome", flat=True)) == {Change.Outcome.DROPPED}


def test_a_row_mapped_by_hand_since_the_preview_is_refused(company: Company) -> None:
    run = company.run(is_preview=True)
    change = run.changes.filter(kind="map").first()
    by_hand.do_not_map(change.mapping, actor=None)
    sync.apply_held(run, actor=None)
    run = sync.run_here(run, watch=lambda run: None, poll=0.01)
    change.refresh_from_db()
    assert (change.outcome, run.status) == (Change.Outcome.REFUSED, Status.PARTIAL)


def test_a_held_run_does_not_stand_in_the_way_of_others(company: Company) -> None:
    held = company.run(is_preview=True)
    assert company.run().status == Status.SUCCEEDED
    held.refresh_from_db()
    assert held.status == Status.HELD


# --- due by schedule ----------------------------------------------------------------------------------------


@pytest.fixture
def schedule(company: Company) -> SyncSchedule:
    return SyncSchedule.objects.create(tenant=company.tenant, enabled=True, time_zone="Europe/Prague")


def due(schedule: SyncSchedule) -> None:
    SyncSchedule.objects.filter(pk=schedule.pk).update(due_at=timezone.now() - timedelta(hours=30))


def test_a_due_schedule_starts_one_run_however_long_it_was_missed(schedule: SyncSchedule) -> None:
    due(schedule)
    sync.tick()
    sync.tick()
    assert [run.trigger for run in SyncRun.objects.all()] == [SyncRun.Trigger.SCHEDULE]
    schedule.refresh_from_db()
    assert schedule.due_at > timezone.now()


def test_a_disabled_schedule_starts_nothing(schedule: SyncSchedule) -> None:
    due(schedule)
    schedule.enabled = False
    schedule.save()
    sync.tick()
    assert not SyncRun.objects.exists()


def test_a_broken_schedule_does_not_stop_the_others(schedule: SyncSchedule, company: Company) -> None:
    from tenants.models import Tenant

    broken = SyncSchedule.objects.create(tenant=Tenant.objects.create(name="B", slug="b"), enabled=True)
    SyncSchedule.objects.filter(pk=broken.pk).update(
        time_zone="Mars/Olympus", due_at=timezone.now() - timedelta(days=2)
    )
    due(schedule)
    sync.tick()
    assert SyncRun.objects.filter(tenant=company.tenant).exists()
