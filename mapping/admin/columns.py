"""What several lists show alike: badges, two-line cells, and a run or a Change in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.models import Tenant
from tenants.platforms import PLATFORMS

from .. import reasons
from ..matching import Flag, Method, Reason
from ..models import Change, SyncRun, UserMapping
from ..reasons import FLAG_LABELS, LABELS, METHOD_LABELS

RUN_TONES = {
    SyncRun.Status.QUEUED: "live",
    SyncRun.Status.RUNNING: "live",
    SyncRun.Status.WAITING: "live",
    SyncRun.Status.HELD: "warn",
    SyncRun.Status.SUCCEEDED: "ok",
    SyncRun.Status.PARTIAL: "warn",
    SyncRun.Status.FAILED: "bad",
    SyncRun.Status.INTERRUPTED: "bad",
    SyncRun.Status.DISCARDED: "idle",
    SyncRun.Status.CANCELED: "idle",
}

OUTCOME_TONES = {
    Change.Outcome.PENDING: "live",
    Change.Outcome.APPLIED: "ok",
    Change.Outcome.REFUSED: "bad",
    Change.Outcome.DROPPED: "idle",
}

NOTHING_TO_MEND = (Reason.DO_NOT_MAP, Reason.NO_PERMISSION)
"""Unmapped as it should be: no warning in the Status column."""


def badge(tone: str, text: Any) -> SafeString:
    return format_html('<span class="badge badge-{}"><span aria-hidden="true">●</span> {}</span>', tone, text)


def two_lines(first: Any, second: Any = "") -> SafeString:
    """A value and, when there is one, a smaller line under it."""
    if not second:
        return format_html("{}", first)
    return format_html('{} <span class="secondary">{}</span>', first, second)


def moment(time: datetime) -> SafeString:
    """A time in the reader's zone, which is said by whoever stops on it."""
    shown, zone = date_format(localtime(time), "SHORT_DATETIME_FORMAT"), get_current_timezone_name()
    return format_html('<time datetime="{}" title="{}">{}</time>', time.isoformat(), zone, shown)


def link(text: Any, name: str, *args: Any, query: str = "") -> SafeString:
    return format_html('<a href="{}{}">{}</a>', reverse(f"admin:{name}", args=args), query, text)


def status_badge(mapping: UserMapping) -> SafeString:
    if mapping.is_mapped:
        return badge("ok", _("Mapped"))
    return badge("idle" if mapping.reason in NOTHING_TO_MEND else "warn", _("Unmapped"))


def run_badge(run: SyncRun) -> SafeString:
    return badge(RUN_TONES[SyncRun.Status(run.status)], run.get_status_display())


def outcome_badge(change: Change) -> SafeString:
    return badge(OUTCOME_TONES[Change.Outcome(change.outcome)], change.get_outcome_display())


def platform_of(tenant: Tenant) -> str:
    return PLATFORMS[tenant.platform].label


def sentence(mapping: UserMapping) -> str:
    """Why the user is as they are, with the data behind it."""
    platform = platform_of(mapping.tenant)
    return reasons.sentence(mapping.reason, mapping.evidence, email=mapping.email, platform=platform)


def length(time: timedelta | None) -> str:
    """“1 h 2 min”, “1 min 5 s”, “3 s”; an en dash for a time that is not known."""
    if time is None:
        return "–"
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)d s") % {"seconds": seconds}


def equation(run: SyncRun) -> str:
    """“388 users = 292 mapped + 72 unmapped + 24 skipped + 0 failed”; "" while nobody is counted."""
    if not run.users:
        return ""
    users = ngettext("%d user", "%d users", run.users) % run.users
    counts = {"mapped": run.mapped, "unmapped": run.unmapped, "skipped": run.skipped, "failed": run.failed}
    if sum(counts.values()) != run.users:  # read, and not all decided yet
        return users
    return (
        users
        + " = "
        + _("%(mapped)d mapped + %(unmapped)d unmapped + %(skipped)d skipped + %(failed)d failed") % counts
    )


def started(run: SyncRun) -> SafeString:
    """Who or what asked for the run, and how."""
    return (
        two_lines(run.actor, run.get_trigger_display())
        if run.actor
        else format_html("{}", run.get_trigger_display())
    )


def by(change: Change) -> str:
    if change.actor:
        return str(change.actor)
    return _("Auto Sync") if change.run_id else _("command line")


def state_in_words(kept: dict[str, Any]) -> str:
    """One side of a Change: the account as it was called then, or why there was none."""
    if kept.get("account") is None:
        reason = kept.get("reason", "")
        return (
            str(format_lazy(_("Unmapped: {reason}"), reason=LABELS[Reason(reason)]))
            if reason
            else _("Unmapped")
        )
    words = [kept.get("account_name") or _("account %(id)s") % {"id": kept["account"]}]
    if method := kept.get("method"):
        words.append(f"({METHOD_LABELS[Method(method)]})")
    if flag := kept.get("flag"):
        words.append("– " + str(format_lazy(_("flagged: {flag}"), flag=FLAG_LABELS[Flag(flag)])))
    return " ".join(words)


def step(change: Change) -> SafeString:
    """“Unmapped: No match → Ann Lee ext. 101 (Auto)”."""
    return format_html(
        '<span><span class="muted">{}</span> <span aria-hidden="true">→</span>'
        '<span class="visually-hidden">{}</span> {}</span>',
        state_in_words(change.before),
        _("became"),
        state_in_words(change.after),
    )
