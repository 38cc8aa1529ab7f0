"""Send what is queued: at least once, bounded in number and in time, and no target delays another tenant's.

A row is claimed by a conditional update that counts the attempt and moves `not_before` beyond the time it may take:
two ticks never send one at the same moment, and what a dead worker had in hand comes back by itself.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.vault import VaultError

from ..models import Notification, SyncSchedule
from . import senders
from .news import News, Topic, link
from .notices import Channel, queue, targets
from .senders import Endpoint, Result

log = logging.getLogger(__name__)

Status = Notification.Status

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""After each attempt that failed; after the one that follows the last pause it is given up."""

LEASE = timedelta(minutes=5)
MOST_A_TICK = 100
SECONDS_A_TICK = 20.0
AT_ONCE = 8
"""So many tenants' webhooks are called side by side."""

KEPT = timedelta(days=30)

NOT_WANTED = "This target was taken off the list meanwhile."


def deliver(now: datetime | None = None) -> None:
    """The tick's part."""
    now = now or timezone.now()
    _send(claim(now), now)
    prune(now)


def claim(now: datetime, most: int = MOST_A_TICK) -> list[Notification]:
    """Due rows, ours from here on: the first of every tenant before the second of any, and what was never tried
    before what failed."""
    order = Window(RowNumber(), partition_by="tenant", order_by=["attempts", "id"])
    due = Notification.objects.filter(status=Status.QUEUED, not_before__lte=now)
    turns = due.annotate(turn=order).order_by("turn", "attempts", "id")
    return [row for row in turns[:most] if _claimed(row, now)]


def _claimed(row: Notification, now: datetime) -> bool:
    unchanged = Notification.objects.filter(
        pk=row.pk, status=Status.QUEUED, attempts=row.attempts, not_before=row.not_before
    )
    row.attempts += 1
    row.not_before = now + LEASE
    return bool(unchanged.update(attempts=row.attempts, not_before=row.not_before))


def _send(rows: list[Notification], now: datetime) -> dict[int, Result]:
    """Try each, and keep how it came out. {row: result} of those that were tried."""
    schedules = SyncSchedule.objects.filter(tenant__in={row.tenant_id for row in rows})
    wanted = {schedule.tenant_id: schedule for schedule in schedules}
    results: dict[int, Result] = {}
    jobs, left_over = [], []
    for (channel, tenant), group in _grouped(rows):
        theirs = [row for row in group if _is_wanted(row, wanted.get(row.tenant_id), now)]
        if theirs:
            jobs.append((_job(channel, wanted.get(tenant), now), theirs))
    if not jobs:
        return results
    ends = time.monotonic() + SECONDS_A_TICK
    with ThreadPoolExecutor(min(AT_ONCE, len(jobs))) as pool:
        running = {pool.submit(_attempt, job, theirs, ends): theirs for job, theirs in jobs}
        for done in as_completed(running):
            tried = done.result()
            for row in running[done]:
                if row.pk in tried:
                    results[row.pk] = tried[row.pk]
                    settle(row, tried[row.pk], now)
                else:
                    left_over.append(row)
    give_back(left_over, now)
    return results


Job = Callable[[list[Notification], float], "senders.Outcomes"]


def _grouped(rows: Iterable[Notification]) -> list[tuple[tuple[str, int], list[Notification]]]:
    """One mail server serves all tenants; webhooks are each tenant's own."""
    groups: dict[tuple[str, int], list[Notification]] = {}
    for row in rows:
        tenant = row.tenant_id if row.channel == Channel.WEBHOOK else 0
        groups.setdefault((row.channel, tenant), []).append(row)
    return list(groups.items())


def _job(channel: str, schedule: SyncSchedule | None, now: datetime) -> Job:
    """Everything read from the database before the threads begin."""
    if channel == Channel.EMAIL:
        return senders.by_email
    endpoint = endpoint_of(schedule, now) if schedule else Endpoint(trouble=NOT_WANTED)
    return lambda rows, ends: senders.by_webhook(rows, endpoint, ends, now.timestamp())


def endpoint_of(schedule: SyncSchedule, now: datetime) -> Endpoint:
    try:
        secrets = schedule.signing_secrets(now)
    except VaultError:
        return Endpoint(trouble=_("The webhook’s secret was sealed with another key: make a new one."))
    if not secrets:
        return Endpoint(trouble=_("The webhook has no secret yet: make one."))
    return Endpoint(schedule.webhook_url, secrets)


def _attempt(job: Job, rows: list[Notification], ends: float) -> dict[int, Result]:
    results: dict[int, Result] = {}
    try:
        for row, result in job(rows, ends):
            results[row.pk] = result
    except (
        Exception
    ) as error:  # a fault of ours must not hold the others up, nor be tried every minute for ever
        log.exception("A notification could not be sent by a fault of ours.")
        failed = next(row for row in rows if row.pk not in results)
        results[failed.pk] = Result(False, _("Internal error (%s).") % type(error).__name__)
    return results


def _is_wanted(row: Notification, schedule: SyncSchedule | None, now: datetime) -> bool:
    """Whoever was taken off the list is not written to any more. A webhook goes to the address there is now."""
    if schedule and row.channel == Channel.WEBHOOK and schedule.webhook_url:
        return True
    if schedule and (row.channel, row.target) in targets(schedule):
        return True
    settle(row, Result(False, NOT_WANTED, final=True), now)
    return False


def settle(row: Notification, result: Result, now: datetime) -> None:
    """Keep the outcome of the attempt that was claimed; nothing when another took the row over meanwhile."""
    ours = Notification.objects.filter(pk=row.pk, attempts=row.attempts)
    if result.sent:
        ours.update(status=Status.SENT, settled_at=now, error="")
        return
    log.info("Notification %s to %s was not sent: %s", row.pk, row.target, result.words)
    if result.final or row.attempts > len(PAUSES):
        words = {"status": Status.GIVEN_UP, "settled_at": now, "error": result.words}
    else:
        asked = timedelta(seconds=min(result.after or 0, PAUSES[-1].total_seconds()))
        words = {"not_before": now + max(PAUSES[row.attempts - 1], asked), "error": result.words}
    ours.filter(status=Status.QUEUED).update(**words)


def give_back(rows: list[Notification], now: datetime) -> None:
    """Not tried, because nobody was there for the one before, or the time was up: the attempt does not count."""
    for row in rows:
        Notification.objects.filter(pk=row.pk, attempts=row.attempts, status=Status.QUEUED).update(
            attempts=F("attempts") - 1, not_before=now + PAUSES[0]
        )


def prune(now: datetime) -> None:
    """Old rows go, but not the newest of a topic: it says what was told."""
    topics = Notification.objects.order_by().values("tenant", "topic")
    newest = topics.annotate(newest=Max("pk")).values("newest")
    old = Notification.objects.filter(settled_at__lt=now - KEPT).order_by().values_list("pk", flat=True)
    if pks := list(itertools.islice(old.exclude(pk__in=newest), 1_000)):
        Notification.objects.filter(pk__in=pks).delete()


def send_test(schedule: SyncSchedule, now: datetime | None = None) -> list[tuple[Notification, Result]]:
    """Tell every target of the schedule now, once. The newest deliveries show it like any other."""
    now = now or timezone.now()
    item = News(
        schedule.tenant,
        Topic.TEST,
        "test",
        "test",
        _("%(tenant)s: a test of the notifications") % {"tenant": schedule.tenant.name},
        _("Somebody pressed “Send test” on the page Auto Syncing. This is how news of this tenant arrives."),
        _("Nothing to do."),
        link("mapping_syncschedule_change", schedule.pk),
    )
    with transaction.atomic():  # no tick sees them before they are ours
        rows = [row for row in queue(schedule, item, now) if _claimed(row, now)]
    results = _send(rows, now)
    late = Result(False, _("There was no time left to try it."))
    for row in rows:
        Notification.objects.filter(pk=row.pk, status=Status.QUEUED).update(
            status=Status.GIVEN_UP, settled_at=now, error=results.get(row.pk, late).words
        )
    return [(row, results.get(row.pk, late)) for row in rows]
