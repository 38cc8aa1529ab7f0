"""The circuit breaker of one tenant: after a row of failed runs its schedule slows down, says so, and probes.

Nothing is stored: what the last runs came to is the state. A run that a person starts is never held back, and one
that works ends the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from ..models import SyncRun

FAILURES = 3
"""So many failed runs in a row open the breaker."""

SHORTEST, LONGEST = timedelta(hours=1), timedelta(hours=24)
LOOKED_AT = FAILURES + 6


class Rest(NamedTuple):
    """How many runs failed in a row, and when the next scheduled run is let through as a probe."""

    failures: int
    until: datetime


def rest(tenant_id: int) -> Rest | None:
    """None while the breaker is closed."""
    return rests([tenant_id]).get(tenant_id)


def rests_until(tenant_id: int) -> datetime | None:
    """When the next scheduled run may start; None when it may now."""
    found = rest(tenant_id)
    return found.until if found and found.until > timezone.now() else None


def rests(tenant_ids: Sequence[int]) -> dict[int, Rest]:
    """{tenant: its rest} of those whose breaker is open. One query a tenant that has failed lately."""
    failing = SyncRun.objects.filter(tenant__in=tenant_ids, status=SyncRun.Status.FAILED).order_by()
    found = {}
    for tenant_id in failing.values_list("tenant", flat=True).distinct():
        if opened := _rest(tenant_id):
            found[tenant_id] = opened
    return found


def _rest(tenant_id: int) -> Rest | None:
    over = SyncRun.objects.filter(tenant=tenant_id, status__in=SyncRun.OVER).order_by("-pk")
    failures, last = 0, None
    for status, finished_at in over.values_list("status", "finished_at")[:LOOKED_AT]:
        if status != SyncRun.Status.FAILED:
            break
        failures += 1
        last = last or finished_at
    if failures < FAILURES or last is None:
        return None
    pause = min(SHORTEST * 2 ** (failures - FAILURES), LONGEST)
    return Rest(failures, last + pause)
