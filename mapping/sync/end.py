"""The ends that a run does not come to by itself: a person decides about it, its worker dies, its time is over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Change, SyncRun
from .lease import AlreadyRunning, send_ticket

Status = SyncRun.Status


class NotApproved(Exception):
    """The brake holds the run, and nobody who may has said why it is to go on."""


def apply_held(run: SyncRun, *, actor: Any, leave_out: Collection[int] = (), approval: str = "") -> bool:
    """Let a held run go on, without the Changes in `leave_out`. False when somebody has decided already, or its
    time is over. NotApproved when the brake holds it and `approval` does not say why it may go on; AlreadyRunning
    when the tenant has a live run."""
    run.refresh_from_db()
    if run.held_for and not approval.strip():
        raise NotApproved
    in_time = Q(held_until=None) | Q(held_until__gt=Now())
    try:
        with transaction.atomic():
            begun = SyncRun.objects.filter(in_time, pk=run.pk, status=Status.HELD).update(
                status=Status.QUEUED,
                not_before=None,
                approved_by=actor,
                approved_at=timezone.now(),
                approval=approval.strip(),
            )
            if begun:
                drop(run, Q(pk__in=leave_out))
                send_ticket(run.pk)
    except IntegrityError:
        live = SyncRun.objects.filter(tenant=run.tenant_id).live().get()
        raise AlreadyRunning(live) from None
    return bool(begun)


def discard(run: SyncRun, *, actor: Any, why: str = "") -> bool:
    """Forget what a held run proposed. False when somebody has decided already."""
    with transaction.atomic():
        discarded = SyncRun.objects.filter(pk=run.pk, status=Status.HELD).update(
            status=Status.DISCARDED, canceled_by=actor, finished_at=timezone.now(), note=why
        )
        if discarded:
            drop(run, Q())
    return bool(discarded)


def cancel(run: SyncRun, *, actor: Any) -> bool:
    """End a run that is queued, waits or works. One that works ends itself within a page. False when it is over."""
    asked = {"canceled_by": actor, "cancel_asked_at": timezone.now()}
    with transaction.atomic():
        ended = SyncRun.objects.filter(pk=run.pk, status__in=(Status.QUEUED, Status.WAITING)).update(
            status=Status.CANCELED, finished_at=Now(), not_before=None, **asked
        )
        if ended:
            drop(run, Q())
            return True
        told = SyncRun.objects.filter(pk=run.pk, status=Status.RUNNING, cancel_asked_at=None).update(**asked)
    return bool(told)


def take_the_place_of_held(run: SyncRun) -> None:
    """What the brake held before is of yesterday: `run` has looked again. Previews are a person's own: they stay; and
    one takes the place of those alone whose pages, not kept yet, are older than its own."""
    held = SyncRun.objects.filter(tenant=run.tenant_id, status=Status.HELD, is_preview=False, pk__lt=run.pk)
    if run.is_preview:
        held = held.filter(phase=SyncRun.Phase.STORE)
    for older in held:
        discard(older, actor=None, why=_("Run %(run)s has looked again since.") % {"run": run.pk})


def drop(run: SyncRun, which: Q) -> None:
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
                status=Status.CANCELED if run.cancel_asked_at else Status.INTERRUPTED,
                finished_at=timezone.now(),
                token=None,
                lease_until=None,
                error=_(
                    "The worker stopped in the middle. What was applied stays; the next run does the rest."
                ),
            )
            if marked:
                drop(run, Q())
                dead.append(run)
    return dead
