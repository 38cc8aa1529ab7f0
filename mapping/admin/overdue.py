"""What keeps a schedule from running, and which due times passed without a run, as Home and Auto Syncing say it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import SyncRun, SyncSchedule
from ..sync import breaker

SHOWN = 50
"""So many missed due times are written out, the newest."""

REMEMBERED = timedelta(days=7)


def troubles(schedule: SyncSchedule, rest: breaker.Rest | None) -> Iterator[dict[str, Any]]:
    """Nobody works, or the platforms failed too often: {"text", "url", "link"}."""
    url = reverse("admin:mapping_syncschedule_of", args=[schedule.tenant_id])
    if missed := schedule.missed(timezone.now()):
        text = ngettext(
            "%(count)d run was due and not started, since %(since)s: no worker is there. One run makes up for it.",
            "%(count)d runs were due and not started, since %(since)s: no worker is there. One run makes up for all.",
            len(missed),
        )
        said = text % {"count": len(missed), "since": clock(missed[0])}
        yield {"text": said, "url": url, "link": _("Auto Syncing")}
    if rest:
        text = _("%(count)d runs in a row have failed: Auto Syncing slows down and tries again at %(until)s.")
        said = text % {"count": rest.failures, "until": clock(rest.until)}
        yield {"text": said, "url": url, "link": _("Auto Syncing")}


def clock(when: datetime) -> str:
    return date_format(localtime(when), "SHORT_DATETIME_FORMAT")


def of_schedule(schedule: SyncSchedule) -> dict[str, Any]:
    """For the page Auto Syncing: the troubles, the due times missed by now, and the run that made up for the last."""
    if not schedule.enabled:
        return {}
    recent = SyncRun.objects.filter(
        tenant=schedule.tenant_id, missed_count__gt=0, created_at__gt=timezone.now() - REMEMBERED
    )
    made_up = recent.order_by("-pk").first()
    return {
        "troubles": list(troubles(schedule, breaker.rest(schedule.tenant_id))),
        "missed": schedule.missed(timezone.now())[-SHOWN:],
        "made_up": made_up,
        "made_up_times": [datetime.fromisoformat(due) for due in made_up.missed[-SHOWN:]] if made_up else [],
    }
