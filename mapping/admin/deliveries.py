"""What was sent to whom, and how that came out, as the page Auto Syncing shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import Notification, SyncSchedule
from ..sync.senders import OFF, PRINTED, Result
from .columns import badge

NEWEST = 10
TONES = {
    Notification.Status.QUEUED: "live",
    Notification.Status.SENT: "ok",
    Notification.Status.GIVEN_UP: "bad",
}


def newest(schedule: SyncSchedule) -> list[dict[str, Any]]:
    rows = Notification.objects.filter(tenant=schedule.tenant_id).order_by("-pk")[:NEWEST]
    return [
        {
            "row": row,
            "badge": badge(TONES[Notification.Status(row.status)], row.get_status_display()),
            "attempts": _attempts(row),
        }
        for row in rows
    ]


def _attempts(row: Notification) -> str:
    if not row.attempts or (row.status == Notification.Status.SENT and row.attempts == 1):
        return ""
    words = ngettext("%d attempt", "%d attempts", row.attempts) % row.attempts
    if row.status == Notification.Status.QUEUED:
        again = _("again at %(time)s") % {"time": localtime(row.not_before).strftime("%H:%M")}
        return f"{words}, {again}"
    return words


def findings(outcome: Iterable[tuple[Notification, Result]]) -> list[dict[str, Any]]:
    return [
        {"ok": result.sent, "channel": row.get_channel_display(), "target": row.target, "text": result.words}
        for row, result in outcome
    ]


def notice(schedule: SyncSchedule) -> str:
    """Why what is set here does not reach anybody. "" when nothing stands in the way."""
    if schedule.webhook_url and not schedule.webhook_secret:
        return _("The webhook has no secret yet: nothing is sent to it until you make one.")
    if schedule.addresses and settings.EMAIL_BACKEND == OFF:
        return _("E-mail is switched off on this installation (EMAIL_URL).")
    if schedule.addresses and settings.EMAIL_BACKEND == PRINTED:
        return _("E-mails are only printed to the server’s log: EMAIL_URL is not set.")
    return ""
