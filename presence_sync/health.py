"""Answers for whatever watches over us: alive, ready to serve, and whether the workers keep up."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce
from django.db.utils import Error
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django_q.models import Success

from mapping.metronome import TICK
from mapping.models import SyncRun

SILENT = timedelta(minutes=5)
QUEUED = timedelta(minutes=10)
NO_DATABASE = "The database does not answer."


def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"alive": True})


def ready(request: HttpRequest) -> JsonResponse:
    """503 while the database does not answer or migrations are still to be applied. How the workers do is told, and
    changes nothing: pages are served without them."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return JsonResponse({"ready": False, "why": "Migrations are to be applied."}, status=503)
        return JsonResponse({"ready": True, **_in_seconds(_ages())})
    except Error:
        return JsonResponse({"ready": False, "why": NO_DATABASE}, status=503)


def working(request: HttpRequest) -> JsonResponse:
    """503 when the workers do not keep up: no tick came to its end for long, or a run waits for long to be begun."""
    try:
        ages = _ages()
    except Error:
        return JsonResponse({"working": False, "why": NO_DATABASE}, status=503)
    why = _trouble(**ages)
    found = {"working": not why, **({"why": why} if why else {}), **_in_seconds(ages)}
    return JsonResponse(found, status=503 if why else 200)


def _ages() -> dict[str, timedelta | None]:
    """How long ago a tick was last worked off, and how long the oldest run that could begin has been queued."""
    now = timezone.now()
    last: datetime | None = (
        Success.objects.filter(func=TICK["func"]).values_list("stopped", flat=True).first()
    )
    could_begin = Q(not_before=None, started_at=None) | Q(not_before__lte=now)
    queued = SyncRun.objects.filter(could_begin, status=SyncRun.Status.QUEUED)
    since: datetime | None = queued.aggregate(since=Min(Coalesce(F("not_before"), F("created_at"))))["since"]
    return {"last_tick": now - last if last else None, "oldest_queued": now - since if since else None}


def _trouble(last_tick: timedelta | None, oldest_queued: timedelta | None) -> str:
    if last_tick is None:
        return "No worker has worked off a tick yet."
    if last_tick > SILENT:
        return "No worker has worked off a tick for more than 5 minutes."
    if oldest_queued and oldest_queued > QUEUED:
        return "A run has been queued for more than 10 minutes."
    return ""


def _in_seconds(ages: dict[str, timedelta | None]) -> dict[str, Any]:
    return {
        f"{name}_seconds": None if age is None else round(age.total_seconds()) for name, age in ages.items()
    }
