"""The tick: the one schedule that the code owns, and what sees to it that it is never late for long.

django-q2 looks at all schedules in one transaction, for the first time half a minute after its start, and one row
that it cannot read stops all of them for ever. Everything that heals a run hangs on the tick, so a worker asks for it
as soon as it starts, and whenever it is late.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.contrib.contenttypes.models import ContentType
from django.db import close_old_connections, transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

log = logging.getLogger(__name__)

TICK = {"func": "mapping.tasks.tick", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
EVERY = timedelta(minutes=1)
LATE = timedelta(minutes=2)
LOOK_SECONDS = 5.0
LATE_AGAIN = (
    "The tick was late and is asked for. Said again and again, it means a broken row among the schedules."
)


def ensure_tick() -> None:
    """The schedule exactly as the code says, due at once. Schedule names are not unique in the database, so the row of
    its content type is the lock under which two workers do this one after the other."""
    with transaction.atomic():
        ContentType.objects.select_for_update().get(pk=ContentType.objects.get_for_model(Schedule).pk)
        ticks = list(Schedule.objects.filter(name="tick").order_by("pk"))
        Schedule.objects.filter(pk__in=[tick.pk for tick in ticks[1:]]).delete()
        tick = ticks[0] if ticks else Schedule(name="tick")
        for name, value in TICK.items():
            setattr(tick, name, value)
        tick.args = tick.kwargs = tick.hook = tick.cluster = tick.cron = None
        tick.next_run = timezone.now()
        tick.save()
    if foreign := Schedule.objects.exclude(name="tick").count():
        log.warning("%s schedules in the queue's table are not ours; they run all the same.", foreign)


def watch(is_over: Callable[[], bool]) -> None:
    """Ask for the tick now, and again whenever it is late. Database and queue may be away meanwhile."""
    first = True
    while not is_over():
        try:
            if first:
                async_task(TICK["func"])
                first = False
            elif tick_when_late():
                log.warning(LATE_AGAIN)
        except Exception as error:
            log.debug("The tick could not be looked at: %s", error)
        close_old_connections()
        time.sleep(LOOK_SECONDS)


def tick_when_late() -> bool:
    """Ask for the tick if its time has gone by unused. Of several workers one does."""
    now = timezone.now()
    with transaction.atomic():  # a queue that refuses leaves it late
        late = Schedule.objects.filter(name="tick", next_run__lt=now - LATE)
        asked = late.update(next_run=now + EVERY)
        if asked:
            async_task(TICK["func"])
    return bool(asked)
