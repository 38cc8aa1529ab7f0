"""The runs: what they say of themselves is true, and nothing of those that are over is left lying about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Now

from tenants.models import Tenant

from ..models import Change, StagedPage, SyncRun
from .found import Violation, name_of

Status = SyncRun.Status
Outcome = Change.Outcome

COUNTED = (Status.SUCCEEDED, Status.PARTIAL, Status.WAITING)
"""These have counted. Runs that failed, were interrupted, canceled or discarded may have ended before that: of them
only counts that are there must add up."""

UNDECIDED = (*SyncRun.LIVE, Status.HELD)
"""Only these may still have proposals: a run that waits for its second try has applied those of its first."""


def the_counts_of_a_run_add_up(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    columns = "pk status users mapped unmapped skipped failed".split()
    for pk, status, users, *counts in (
        SyncRun.objects.filter(tenant=tenant).order_by("pk").values_list(*columns)
    ):
        if users != sum(counts) and (status in COUNTED or any(counts)):
            yield (
                pk,
                f"{users} users, but {' + '.join(map(str, counts))} = {sum(counts)} (mapped, unmapped, …)",
            )


def a_run_has_changed_what_its_changes_say(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    counts = Change.objects.filter(tenant=tenant, outcome=Outcome.APPLIED, run__isnull=False).order_by()
    applied = dict(counts.values_list("run").annotate(Count("pk")))
    for pk, changed in SyncRun.objects.filter(tenant=tenant).order_by("pk").values_list("pk", "changed"):
        if changed != applied.get(pk, 0):
            yield pk, f"it says {changed} changes, and {applied.get(pk, 0)} were applied"


def a_run_succeeds_without_errors_only(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    wrong = ~Q(error="") | Q(failed__gt=0)
    runs = SyncRun.objects.filter(wrong, tenant=tenant, status=Status.SUCCEEDED).order_by("pk")
    for pk, failed, error in runs.values_list("pk", "failed", "error"):
        yield pk, f"it succeeded with {failed} failed and “{error}”"


def a_run_that_is_over_proposes_nothing(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    pending = Change.objects.filter(tenant=tenant, outcome=Outcome.PENDING).exclude(run__status__in=UNDECIDED)
    for pk, status, count in pending.order_by("run").values_list("run", "run__status").annotate(Count("pk")):
        yield pk, f"it is {status or 'no run'}, and {count} of its changes are still proposed"


def a_tenant_has_one_live_run(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    live = list(SyncRun.objects.filter(tenant=tenant).live().order_by("pk").values_list("pk", flat=True))
    for pk in live[1:]:
        yield pk, f"it is live, and so is run {live[0]}"


def a_run_at_work_has_a_worker(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    dead = Q(lease_until=None) | Q(lease_until__lt=Now() - patience)
    for pk, until in SyncRun.objects.filter(dead, tenant=tenant, status=Status.RUNNING).values_list(
        "pk", "lease_until"
    ):
        yield pk, f"its lease ran out ({until}) and nothing has cleared it away: is no worker running?"


def what_a_run_has_read_goes_with_it(tenant: Tenant, patience: timedelta) -> Iterator[tuple[Any, str]]:
    left = Q(run__finished_at=None) | Q(run__finished_at__lt=Now() - patience)
    pages = StagedPage.objects.filter(left, run__tenant=tenant, run__status__in=SyncRun.OVER).order_by("run")
    for pk, count in pages.values_list("run").annotate(Count("pk")):
        yield pk, f"it is over, and {count} pages that it read are still kept: is no worker running?"


INVARIANTS: tuple[Callable[[Tenant, timedelta], Iterator[tuple[Any, str]]], ...] = (
    the_counts_of_a_run_add_up,
    a_run_has_changed_what_its_changes_say,
    a_run_succeeds_without_errors_only,
    a_run_that_is_over_proposes_nothing,
    a_tenant_has_one_live_run,
    a_run_at_work_has_a_worker,
    what_a_run_has_read_goes_with_it,
)


def check(tenant: Tenant, patience: timedelta) -> Iterator[Violation]:
    for invariant in INVARIANTS:
        for pk, wrong in invariant(tenant, patience):
            yield Violation(tenant.slug, name_of(invariant), f"SyncRun {pk}", wrong)
