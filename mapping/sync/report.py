"""What came of a run: counts that add up, and whether there is a second try to wait for."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from ..matching import Reason
from ..models import Change, SyncRun, UserMapping
from . import second_try
from .lease import Lease

Status = SyncRun.Status


def settle(lease: Lease) -> None:
    run = lease.run
    counts: dict[str, Any] = count(run)
    total = sum(counts.values())
    if run.approved_at or run.try_number == 2:  # another run may have met newcomers while this one waited
        counts["users"] = run.users = UserMapping.objects.filter(tenant=run.tenant_id, present=True).count()
    if run.users != total:
        lease.end(
            Status.FAILED,
            error=f"The counts do not add up: {run.users} users were read, {total} are accounted for.",
            **counts,
        )
    elif run.try_number == 1 and not run.is_preview and second_try.undecided(run).exists():
        lease.end(Status.WAITING, not_before=Now() + run.retry_delay, **counts)
    else:
        lease.end(Status.PARTIAL if counts["failed"] else Status.SUCCEEDED, not_before=None, **counts)


def count(run: SyncRun) -> dict[str, int]:
    """Each present user once: failed, else skipped, else mapped or unmapped."""
    present = UserMapping.objects.filter(tenant=run.tenant_id, present=True)
    refused = Change.objects.filter(run=run, outcome=Change.Outcome.REFUSED).values("mapping")
    failed = Q(pk__in=refused) | Q(reason=Reason.PLATFORM_ERROR)
    fine = present.exclude(failed)
    return {
        "failed": present.filter(failed).count(),
        "skipped": fine.filter(eligible=False).count(),
        "mapped": fine.filter(eligible=True).mapped().count(),
        "unmapped": fine.filter(eligible=True).unmapped().count(),
    }
