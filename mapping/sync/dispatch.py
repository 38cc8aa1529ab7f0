"""Asking for runs: by hand, by command, by the tick. One live run a tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.models import Tenant

from ..models import SyncRun, SyncSchedule
from .end import interrupt_dead
from .lease import AlreadyRunning, send_ticket

Status = SyncRun.Status


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

    A run that waits for its second try gives way: the new one looks at everybody again, so its own is enough. A
    preview, which applies nothing, takes nobody's place.
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
            if not run.is_preview:
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


def retry_failed(run: SyncRun, *, actor: Any) -> SyncRun:
    """A run that looks, with freshly read data, only at those whom `run` could not do and who are still without
    one match. AlreadyRunning when the tenant has a live run."""
    return request(
        run.tenant,
        trigger=SyncRun.Trigger.HAND,
        actor=actor,
        retry_of=run,
        try_number=2,
        retry_delay=timedelta(0),
    )


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
                phase_at=None,
            )
            if begun and ticket:
                send_ticket(run.pk)
    except IntegrityError:
        return False
    return bool(begun)
