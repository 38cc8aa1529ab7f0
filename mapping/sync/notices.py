"""What is worth telling, and to whom: news that was not told before becomes rows of the outbox, one for each target.

Nothing else remembers: what was told is what the rows of a topic say, so a restart tells nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Notification, SyncSchedule
from . import digest, news
from .news import News, Present

log = logging.getLogger(__name__)

Topic = Notification.Topic
Channel = Notification.Channel
Status = Notification.Status

MOST_QUEUED = 200
"""So many wait for a tenant at most; the oldest give way."""

HAPPENINGS = (Topic.MISSED, Topic.TEST)
"""What has happened stays true: it is not overtaken by the next."""


class Told(NamedTuple):
    """Of one topic of one tenant: the last state told, and all since it was well."""

    last: str
    since_well: frozenset[str]


NOTHING = Told("", frozenset())
Memory = Mapping[tuple[int, str], Told]


def tell(now: datetime | None = None) -> None:
    """The tick's part: look at how all tenants stand, and queue what is new. A fault in one topic, or with one
    tenant, stops no other."""
    now = now or timezone.now()
    rows = SyncSchedule.objects.exclude(notify="", webhook_url="").select_related("tenant")
    schedules = {row.tenant_id: row for row in rows}
    if not schedules:
        return
    told = told_so_far(schedules)
    present = news.look(schedules, now)
    for schedule in schedules.values():
        for part in news.PARTS:
            _tried(_topic, part, present, schedule, told, now)
        if schedule.unmapped_days and (schedule.digest_at is None or schedule.digest_at <= now):
            _tried(_digest, schedule, now)


def _tried(part: Callable[..., None], *args: Any) -> None:
    try:
        part(*args)
    except Exception:
        log.exception("A part of the notifications failed.")


def _topic(
    part: Callable[..., Iterable[News]], present: Present, schedule: SyncSchedule, told: Memory, now: datetime
) -> None:
    for item in part(present, schedule, now):
        if is_new(item, told.get((schedule.tenant_id, item.topic), NOTHING)):
            _queue_if_new(schedule, item, now)


def told_so_far(tenants: Iterable[int]) -> Memory:
    rows = Notification.objects.filter(tenant__in=list(tenants)).exclude(topic=Topic.TEST).order_by()
    last: dict[tuple[int, str], dict[str, int]] = {}
    for tenant, topic, state, pk in rows.values_list("tenant", "topic", "state").annotate(Max("pk")):
        last.setdefault((tenant, topic), {})[state] = pk
    return {
        key: Told(
            max(states, key=lambda state: states[state]),
            frozenset(state for state, pk in states.items() if pk > states.get("", 0)),
        )
        for key, states in last.items()
    }


def is_new(item: News, told: Told) -> bool:
    """A reason told since all was well is not told again, also when another came between. The digest is: who is on it
    has changed."""
    if not item.state:
        return told.last != ""
    if item.topic == Topic.UNMAPPED:
        return item.state != told.last
    return item.state not in told.since_well


def _queue_if_new(schedule: SyncSchedule, item: News, now: datetime) -> None:
    """Of two ticks at once, one waits for the other here and then finds it told."""
    with transaction.atomic():
        _lock(schedule)
        told = told_so_far([schedule.tenant_id])
        if is_new(item, told.get((schedule.tenant_id, item.topic), NOTHING)):
            queue(schedule, item, now)


def _digest(schedule: SyncSchedule, now: datetime) -> None:
    """The first look is in the next morning; then once a day."""
    upcoming = digest.next_morning(schedule, now)
    with transaction.atomic():
        ours = SyncSchedule.objects.filter(pk=schedule.pk, digest_at=schedule.digest_at)
        if ours.update(digest_at=upcoming) and schedule.digest_at is not None:
            _queue_if_new(schedule, digest.of(schedule, now), now)


def _lock(schedule: SyncSchedule) -> None:
    SyncSchedule.objects.select_for_update().only("pk").get(pk=schedule.pk)


def targets(schedule: SyncSchedule) -> list[tuple[Notification.Channel, str]]:
    found = [(Channel.EMAIL, address) for address in schedule.addresses]
    return found + ([(Channel.WEBHOOK, schedule.webhook_host)] if schedule.webhook_url else [])


def queue(schedule: SyncSchedule, item: News, now: datetime) -> list[Notification]:
    """A row for each target. What still waits of the same topic has been overtaken."""
    waiting = Notification.objects.filter(tenant=schedule.tenant_id, status=Status.QUEUED)
    given_up = {"status": Status.GIVEN_UP, "settled_at": now}
    if item.topic not in HAPPENINGS:
        waiting.filter(topic=item.topic).update(
            error=_("Overtaken by newer news of the same kind."), **given_up
        )
    rows = [_row(item, channel, target, now) for channel, target in targets(schedule)]
    kept = max(MOST_QUEUED - len(rows), 0)
    too_many = list(waiting.order_by("-pk").values_list("pk", flat=True)[kept:])
    waiting.filter(pk__in=too_many).update(error=_("Too many were waiting to be sent."), **given_up)
    return Notification.objects.bulk_create(rows)


def _row(item: News, channel: Notification.Channel, target: str, now: datetime) -> Notification:
    subject = " ".join(item.subject.split())[:300]
    data = {
        "tenant": item.tenant.slug,
        "tenant_name": item.tenant.name,
        "subject": subject,
        "text": item.text,
        "next_step": item.next_step,
        "url": item.link,
        "run": item.run,
        **item.facts,
    }
    return Notification(
        tenant=item.tenant,
        topic=item.topic,
        state=item.state,
        event=item.event,
        run_id=item.run,
        channel=channel,
        target=target,
        subject=subject,
        body=f"{item.text}\n\n{item.next_step}\n\n{item.link}\n",
        payload={"type": item.event, "timestamp": now.isoformat(), "data": data},
        not_before=now,
        created_at=now,
    )
