"""The tick: once a minute, by however many workers, it keeps all runs going whatever happened to queue and workers.
Every part stands alone, and a fault in one, or in one row, stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django_q.brokers import get_broker

from ..models import StagedPage, SyncRun, SyncSchedule
from . import breaker
from .dispatch import begin_second_try, request
from .end import discard, interrupt_dead
from .lease import AlreadyRunning, send_ticket
from .notices import tell
from .outbox import deliver

log = logging.getLogger(__name__)

Status = SyncRun.Status

ATTEMPTS = 3
"""A run that dies is started anew, up to so many attempts in a row."""

LISTED = 100
"""So many missed due times are listed on a run; all are counted."""


def tick() -> None:
    for part in (_recover, _due, _second_tries, _lost_tickets, _expire, tell, deliver, _prune):
        _try(part)


def _try(part: Callable[..., None], *args: Any) -> None:
    try:
        part(*args)
    except Exception:
        log.exception("The tick's part %s failed.", part.__name__)


def _recover() -> None:
    for run in interrupt_dead(SyncRun.objects.all()):
        log.warning("Run %s of %s was interrupted.", run.pk, run.tenant_id)
        if run.attempt < ATTEMPTS and run.cancel_asked_at is None:
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
            is_preview=run.is_preview,
            due_at=run.due_at,
        )


def _due() -> None:
    now = timezone.now()
    for schedule in SyncSchedule.objects.filter(enabled=True, due_at__lte=now).select_related("tenant"):
        if schedule.starts_at <= now:
            _try(_start_due, schedule)


def _start_due(schedule: SyncSchedule) -> None:
    """One run for however many due times have passed. Of two ticks the one that moves `due_at` starts it; moving and
    starting are one transaction, so that a due time is not lost between them."""
    now = timezone.now()
    passed, upcoming = schedule.passed(now)
    missed = schedule.missed(now)
    with transaction.atomic():
        moved = SyncSchedule.objects.filter(pk=schedule.pk, enabled=True, due_at=schedule.due_at).update(
            due_at=upcoming
        )
        if moved and breaker.rests_until(schedule.tenant_id) is None:
            _request(schedule, passed, missed)


def _request(schedule: SyncSchedule, passed: list[datetime], missed: list[datetime]) -> None:
    try:
        request(
            schedule.tenant,
            trigger=SyncRun.Trigger.SCHEDULE,
            due_at=passed[-1],
            missed=[due.isoformat() for due in missed[-LISTED:]],
            missed_count=len(missed),
        )
    except AlreadyRunning as error:  # the live run looks at everybody, too, and makes up for what was missed
        run = error.run
        late = [*run.missed, *(due.isoformat() for due in missed)]
        left = [*run.coalesced, *(due.isoformat() for due in passed if due not in missed)]
        SyncRun.objects.filter(pk=run.pk).update(
            missed=late[-LISTED:],
            missed_count=F("missed_count") + len(missed),
            coalesced=left[-LISTED:],
        )


def _second_tries() -> None:
    for run in SyncRun.objects.filter(status=Status.WAITING, not_before__lte=Now()):
        _try(begin_second_try, run)  # type: ignore[arg-type]


def _lost_tickets() -> None:
    """Queued runs whose time has come: those that never had a ticket for it, and those whose ticket was not used for
    long. While the queue is as long as there are of the latter, theirs still wait in it: more of them would only
    delay the tick itself."""
    due = SyncRun.objects.filter(Q(not_before=None) | Q(not_before__lte=Now()), status=Status.QUEUED)
    without = due.filter(Q(ticketed_at=None) | Q(ticketed_at__lt=F("not_before")))
    unused = due.filter(ticketed_at__lt=Now() - timedelta(seconds=settings.SYNC_LEASE_SECONDS))
    runs, waiting = list(without), list(unused)
    if waiting and get_broker().queue_size() < len(waiting):
        runs += waiting
    for run_id in {run.pk for run in runs}:
        _try(send_ticket, run_id)


def _expire() -> None:
    """What nobody decided about in time is true no more."""
    for run in SyncRun.objects.filter(status=Status.HELD, held_until__lte=Now()):
        _try(_discard_late, run)


def _discard_late(run: SyncRun) -> None:
    discard(run, actor=None, why=_("Nobody approved it in time; the next run looks again."))


def _prune() -> None:
    StagedPage.objects.filter(run__status__in=SyncRun.OVER).delete()
