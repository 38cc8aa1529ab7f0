"""Who works on a run. A run is claimed by a conditional update; its lease is renewed on the database's clock
while it works; a token fences off whoever comes back after the lease was lost."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django_q.conf import Conf
from django_q.tasks import async_task

from .. import heart
from ..models import SyncRun

BEAT_SECONDS = 5


class AlreadyRunning(Exception):
    """The tenant has a live run already: `run`."""

    def __init__(self, run: SyncRun) -> None:
        super().__init__(f"Auto Sync {run.pk} of {run.tenant} is {run.get_status_display()}.")
        self.run = run


class Canceled(Exception):
    """A person asked for the run's end: give it one."""


class Hold(Exception):
    """The run would go beyond the tenant's limits: nothing moves until a person approves it. `limits` are the
    brake's findings."""

    def __init__(self, limits: list[dict[str, Any]]) -> None:
        super().__init__(", ".join(limit["limit"] for limit in limits))
        self.limits = limits


class LeaseLost(Exception):
    """Another worker has the run, or it was ended meanwhile: stop without a trace."""


class SliceOver(Exception):
    """The slice is used up: give the run back and let the next ticket go on."""


class Lease:
    """The right to work on a run until the slice is over."""

    def __init__(self, run: SyncRun, token: uuid.UUID) -> None:
        self.run = run
        self.token = token
        self.slice_ends = time.monotonic() + settings.SYNC_SLICE_SECONDS
        self.next_beat = time.monotonic() + BEAT_SECONDS

    def keep(self, **progress: Any) -> None:
        """Renew the lease and write `progress` on the run, in the transaction of the caller. Canceled when somebody
        asked for that."""
        ours = SyncRun.objects.filter(pk=self.run.pk, token=self.token, status=SyncRun.Status.RUNNING)
        kept = ours.filter(cancel_asked_at=None).update(
            lease_until=Now() + timedelta(seconds=settings.SYNC_LEASE_SECONDS), **progress
        )
        if not kept:
            raise Canceled if ours.exists() else LeaseLost
        heart.beat()
        self.next_beat = time.monotonic() + BEAT_SECONDS
        for name, value in progress.items():
            setattr(self.run, name, value)

    def beat(self) -> None:
        """Renew the lease when it is time; called by everything that may take long."""
        if time.monotonic() >= self.next_beat:
            self.keep()

    def pause_when_due(self) -> None:
        if time.monotonic() >= self.slice_ends:
            raise SliceOver

    def release(self, *, after: float = 0, ticket: bool = True, **progress: Any) -> None:
        """Give the run back to the queue, to go on at once or `after` seconds."""
        with transaction.atomic():
            self.keep(
                status=SyncRun.Status.QUEUED,
                not_before=Now() + timedelta(seconds=after) if after else None,
                **progress,
            )
            SyncRun.objects.filter(pk=self.run.pk).update(token=None, lease_until=None)
            if ticket and not after:
                send_ticket(self.run.pk)

    def end(self, status: SyncRun.Status, *, keep_pages: bool = False, **result: Any) -> None:
        """The run is over, or waits for its second try or a decision: nobody holds it any more."""
        stays_open = (SyncRun.Status.WAITING, SyncRun.Status.HELD)
        over = {} if status in stays_open else {"finished_at": Now()}
        with transaction.atomic():
            ended = SyncRun.objects.filter(
                pk=self.run.pk, token=self.token, status=SyncRun.Status.RUNNING
            ).update(status=status, token=None, lease_until=None, **over, **result)
            if not ended:
                raise LeaseLost
            if not keep_pages:
                self.run.pages.all().delete()
        heart.beat()
        self.run.refresh_from_db()


def claim(run_id: int) -> Lease | None:
    """The lease of a queued run whose time has come; None when there is nothing to claim."""
    token = uuid.uuid4()
    due = Q(not_before=None) | Q(not_before__lte=Now())
    claimed = SyncRun.objects.filter(due, pk=run_id, status=SyncRun.Status.QUEUED).update(
        status=SyncRun.Status.RUNNING,
        token=token,
        lease_until=Now() + timedelta(seconds=settings.SYNC_LEASE_SECONDS),
        not_before=None,
        started_at=Coalesce("started_at", Now()),
        phase_at=Coalesce("phase_at", Now()),
    )
    if not claimed:
        return None
    run = SyncRun.objects.select_related("tenant").get(pk=run_id)
    return Lease(run, token)


def send_ticket(run_id: int) -> None:
    """Ask the queue to call `execute`. With the database as broker the ticket is part of the caller's
    transaction; another broker is told after it, and the tick repeats what it lost."""
    SyncRun.objects.filter(pk=run_id).update(ticketed_at=Now())
    if Conf.ORM:
        async_task("mapping.tasks.execute", run_id)
    else:
        transaction.on_commit(lambda: async_task("mapping.tasks.execute", run_id), robust=True)
