"""How the share of mapped users moved over the last runs, as points of a small line."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from tenants.models import Tenant

from ..models import SyncRun

RUNS = 30
WIDTH, HEIGHT = 290, 40


def trends(tenants: list[Tenant]) -> dict[int, dict[str, Any]]:
    """{tenant: drawing} of those with two runs or more, in one query."""
    newest = Window(RowNumber(), partition_by="tenant", order_by=F("pk").desc())
    runs = SyncRun.objects.filter(tenant__in=tenants, users__gt=0).annotate(age=newest).filter(age__lte=RUNS)
    shares: dict[int, list[float]] = defaultdict(list)
    for tenant, mapped, users in runs.order_by("pk").values_list("tenant", "mapped", "users"):
        shares[tenant].append(100 * mapped / users)
    return {tenant: drawing(values) for tenant, values in shares.items() if len(values) > 1}


def drawing(shares: list[float]) -> dict[str, Any]:
    """The line from left to right, 0 % at the bottom: {"points", "end": (x, y), "first", "last", "runs"}."""
    step = WIDTH / (len(shares) - 1)
    points = [
        (round(at * step, 1), round(HEIGHT - share / 100 * HEIGHT, 1)) for at, share in enumerate(shares)
    ]
    return {
        "points": " ".join(f"{x},{y}" for x, y in points),
        "first": round(shares[0]),
        "last": round(shares[-1]),
        "runs": len(shares),
    }
