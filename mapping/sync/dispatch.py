"""Asking for runs, and the tick that keeps them going whatever happened to queue and workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.models import Tenant

from ..models import Change, StagedPage, SyncRun, SyncSchedule
from .lease import send_ticket

log = logging.getLogger(__name__)

Status = SyncRun.Status

ATTEMPTS = 3
"""A run that dies is started anew by the tick, up to so many attempts in a row."""


class AlreadyRunning(Exception):
    """The tenant has a live run already: `run`."""

    def __init__(self, run: SyncRun) -> None:
        super().__init__(f"Auto Sync {run.pk} of {run.tenant} is {run.get_status_display()}.")
        self.run = run


def request(
    tenant: Tenant,
    *,
    trigger: SyncRun.Trigger,
    actor: Any = None,
    retry_delay: timedelta | None = None,
    ticket: bool = True,
    **more: Any,
) -> SyncRun:
    """A new queued run, and a ticket for it. AlreadyRunning when the tenant has a live one.

    A run that waits for its second try gives way: the new one looks at everybody again, so its own is enough.
    """
    interrupt_dead(SyncRun.objects.filter(tenant=tenant))
    if retry_delay is None:
        schedule = SyncSchedule.objects.filter(tenant=tenant).first() or SyncSchedule()
        retry_delay = schedule.retry_delay
    try:
        with transaction.atomic():
            run = SyncRun.objects.create(
                tenant=tenant, trigger=trigger, actor=actor, retry_delay=retry_delay, **more
            )
            _take_the_place_of_waiting(run)
            if ticket:
                send_ticket(run.pk)
    except IntegrityError:
        live = SyncRun.objects.filter(tenant=tenant).live().first()
        if live is None:  # it ended between our two statements
            return request(
                tenant, trigger=trigger, actor=actor, retry_delay=retry_delay, ticket=ticket, **more
            )
        raise AlreadyRunning(live) from None
    return run


def _take_the_place_of_waiting(run: SyncRun) -> None:
    waiting = SyncRun.objects.filter(tenant=run.tenant_id, status=Status.WAITING)
    note = _("Its second try was left to run %(run)s.") % {"run": run.pk}
    result = {"finished_at": timezone.now(), "not_before": None, "note": note}
    waiting.filter(failed__gt=0).update(status=Status.PARTIAL, **result)
    waiting.update(status=Status.SUCCEEDED, **result)


def begin_second_try(run: SyncRun, *, ticket: bool = True) -> bool:
    """Queue a waiting run whose time has come. False when it was not its time, or another run is live."""
    try:
        with transaction.atomic():
            begun = SyncRun.objects.filter(pk=run.pk, status=Status.WAITING, not_before__lte=Now()).update(
                status=Status.QUEUED,
                try_number=2,
                phase=SyncRun.Phase.CXONE,
                not_before=None,
                done=0,
                expected=0,
                rereads=0,
                ids_digest="",
            )
            if begun and ticket:
                send_ticket(run.pk)
    except IntegrityError:
        return False
    return bool(begun)


def apply_held(run: SyncRun, *, actor: Any, leave_out: Collection[int] = ()) -> bool:
    """Apply what a held run proposed, without the Changes in `leave_out`. False when somebody has decided
    already. AlreadyRunning when the tenant has a live run."""
    try:
        with transaction.atomic():
            begun = SyncRun.objects.filter(pk=run.pk, status=Status.HELD).update(
                status=Status.QUEUED, actor=actor, not_before=None
            )
            if begun:
                _drop(run, Q(pk__in=leave_out))
                send_ticket(run.pk)
    except IntegrityError:
        live = SyncRun.objects.filter(tenant=run.tenant_id).live().get()
        raise AlreadyRunning(live) from None
    return bool(begun)


def discard(run: SyncRun, *, actor: Any) -> bool:
    """Forget what a held run proposed. False when somebody has decided already."""
    with transaction.atomic():
        discarded = SyncRun.objects.filter(pk=run.pk, status=Status.HELD).update(
            status=Status.DISCARDED, actor=actor, finished_at=timezone.now()
        )
        if discarded:
            _drop(run, Q())
    return bool(discarded)


def _drop(run: SyncRun, which: Q) -> None:
    Change.objects.filter(which, run=run, outcome=Change.Outcome.PENDING).update(
        outcome=Change.Outcome.DROPPED, settled_at=timezone.now()
    )


def interrupt_dead(runs: Any) -> list[SyncRun]:
    """Mark running ones whose lease ran out; what they proposed and did not apply is dropped."""
    dead = []
    for run in runs.filter(status=Status.RUNNING, lease_until__lt=Now()):
        with transaction.atomic():
            marked = SyncRun.objects.filter(
                pk=run.pk, status=Status.RUNNING, token=run.token, lease_until__lt=Now()
            ).update(
                status=Status.INTERRUPTED,
                finished_at=timezone.now(),
                token=None,
                lease_until=None,
                error=_(
                    "The worker stopped in the middle. What was applied stays; the next run does the rest."
                ),
            )
            if marked:
                _drop(run, Q())
                dead.append(run)
    return dead


def tick() -> None:
    """Once a minute, by however many workers: every part stands alone, and a fault in one stops no other."""
    for part in (_recover, _due, _second_tries, _lost_tickets, _prune):
        _try(part)


def _try(part: Callable[..., None], *args: Any) -> None:
    try:
        part(*args)
    except Exception:
        log.exception("The tick's part %s failed.", part.__name__)


def _recover() -> None:
    for run in interrupt_dead(SyncRun.objects.all()):
        log.warning("Run %s of %s was interrupted.", run.pk, run.tenant_id)
        if run.attempt < ATTEMPTS:
            _try(_succeed, run)


def _succeed(run: SyncRun) -> None:
    with suppress(AlreadyRunning):  # somebody started the next run meanwhile, which is what we wanted
        request(
            run.tenant,
            trigger=SyncRun.Trigger.RECOVERY,
            actor=run.actor,
            retry_delay=run.retry_delay,
            attempt=run.attempt + 1,
            successor_of=run,
        )


def _due() -> None:
    for schedule in SyncSchedule.objects.filter(enabled=True, due_at__lte=Now()).select_related("tenant"):
        _try(_start_due, schedule)


def _start_due(schedule: SyncSchedule) -> None:
    """One run for however many due times have passed; of two ticks the one that moves `due_at` starts it."""
    upcoming = schedule.next_runs(count=1)
    moved = SyncSchedule.objects.filter(pk=schedule.pk, enabled=True, due_at=schedule.due_at).update(
        due_at=upcoming[0] if upcoming else None
    )
    if moved:
        with suppress(AlreadyRunning):  # the live run looks at everybody, too
            request(schedule.tenant, trigger=SyncRun.Trigger.SCHEDULE)


def _second_tries() -> None:
    for run in SyncRun.objects.filter(status=Status.WAITING, not_before__lte=Now()):
        _try(begin_second_try, run)  # type: ignore[arg-type]


def _lost_tickets() -> None:
    """Queued runs whose time has come and whose ticket, if they ever had one, was not used for long."""
    silent = Q(ticketed_at=None) | Q(ticketed_at__lt=Now() - timedelta(seconds=settings.SYNC_LEASE_SECONDS))
    postponed = Q(not_before__lte=Now()) & Q(ticketed_at__lt=F("not_before"))
    due = Q(not_before=None) | Q(not_before__lte=Now())
    for run in SyncRun.objects.filter(due, silent | postponed, status=Status.QUEUED):
        _try(send_ticket, run.pk)


def _prune() -> None:
    StagedPage.objects.filter(run__status__in=SyncRun.OVER).delete()
