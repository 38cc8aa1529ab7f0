"""The circuit breaker of one tenant: after a row of failed runs its schedule slows down, says so, and probes.

Nothing is stored: what the last runs came to is the state. A run that a person starts is never held back, and one
that works ends the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from django.db.models import F, Window
from django.db.models.functions import RowNumber
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
    """{tenant: its rest} of those whose breaker is open, in one query."""
    age = Window(RowNumber(), partition_by="tenant", order_by=F("pk").desc())
    over = SyncRun.objects.filter(tenant__in=tenant_ids, status__in=SyncRun.OVER).annotate(age=age)
    newest = over.filter(age__lte=LOOKED_AT).order_by("tenant", "age")
    ended: dict[int, list[tuple[str, datetime | None]]] = defaultdict(list)
    for tenant_id, status, finished_at in newest.values_list("tenant", "status", "finished_at"):
        ended[tenant_id].append((status, finished_at))
    return {tenant_id: found for tenant_id, runs in ended.items() if (found := _rest(runs))}


def _rest(newest_first: Sequence[tuple[str, datetime | None]]) -> Rest | None:
    failed = list(takewhile(lambda run: run[0] == SyncRun.Status.FAILED, newest_first))
    last = failed[0][1] if failed else None
    if last is None or len(failed) < FAILURES:
        return None
    pause = min(SHORTEST * 2 ** (len(failed) - FAILURES), LONGEST)
    return Rest(len(failed), last + pause)
