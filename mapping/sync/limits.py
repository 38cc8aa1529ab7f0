"""The brake in a run: what it would do, counted and held against the tenant's limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from tenants.models import Tenant

from ..brake import NAMES, Bounds, Limit, Measure, findings
from ..models import Change, SyncRun, UserMapping
from .lease import Hold

Status = SyncRun.Status


def bounds_of(tenant: Tenant) -> dict[Limit, Bounds]:
    shrink = Bounds(tenant.shrink_limit, tenant.shrink_limit_number)
    return {
        Limit.FIRST: Bounds(0, None),
        Limit.MAP: Bounds(tenant.map_limit, tenant.map_limit_number),
        Limit.REMAP: Bounds(tenant.remap_limit, tenant.remap_limit_number),
        Limit.UNMAP: Bounds(tenant.unmap_limit, tenant.unmap_limit_number),
        Limit.ACCOUNTS: shrink,
        Limit.USERS: shrink,
        Limit.ELIGIBLE: shrink,
    }


def check(run: SyncRun, measures: Iterable[Measure]) -> None:
    """Hold when any goes beyond the tenant's limits, except those that a person has approved for this run, and no
    larger than they saw them."""
    approved = {each["limit"]: each["count"] for each in run.held_for} if run.approved_at else {}
    beyond = findings(measures, bounds_of(run.tenant))
    if any(each["count"] > approved.get(each["limit"], -1) for each in beyond):
        raise Hold(beyond)


def of_plan(run: SyncRun) -> list[Measure]:
    """What the proposed Changes of this run would do to the map."""
    proposed = Change.objects.filter(run=run, outcome=Change.Outcome.PENDING).order_by()
    counts: dict[str, int] = dict(proposed.values_list("kind").annotate(Count("pk")))
    people = UserMapping.objects.filter(tenant=run.tenant_id, present=True)
    mapped = people.mapped().count()
    measures = [
        _measure(run, Limit.REMAP, counts, mapped),
        _measure(run, Limit.UNMAP, counts, mapped),
    ]
    if limit := _limit_of_new(run, mapped):
        measures.append(_measure(run, limit, counts, people.filter(eligible=True).count()))
    return measures


def _limit_of_new(run: SyncRun, mapped: int) -> Limit | None:
    """What holds new mappings. There is nothing to compare the first run of all with: one that a person starts maps
    everybody; one that a schedule starts waits until a person has looked at it, because half a directory would look
    just like a whole one."""
    if is_first(run):
        return Limit.FIRST if run.due_at else None
    return Limit.MAP if mapped else None


def _measure(run: SyncRun, limit: Limit, counts: dict[str, int], of: int) -> Measure:
    kind = Limit.MAP.value if limit == Limit.FIRST else limit.value
    proposed: Any = run.changes.filter(outcome=Change.Outcome.PENDING, kind=kind)
    names = proposed.order_by("mapping__name").values_list("mapping__name", flat=True)
    return Measure(limit, counts.get(kind, 0), of, names[:NAMES])


def is_first(run: SyncRun) -> bool:
    """Whether no run before this one has come to an end: then there is nothing to compare new mappings with."""
    done = (Status.SUCCEEDED, Status.PARTIAL, Status.WAITING)
    return not SyncRun.objects.filter(tenant=run.tenant_id, status__in=done, pk__lt=run.pk).exists()
