"""How each tenant stands, topic by topic, in words for whoever is to be told. What of it is new is for notices.py."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.models import Connection, Tenant
from tenants.platforms import PLATFORMS

from .. import limits_in_words
from ..models import Notification, SyncRun, SyncSchedule
from . import breaker

Topic = Notification.Topic
Status = SyncRun.Status
Health = Connection.Health
Schedules = Mapping[int, SyncSchedule]

SAYING = (Status.SUCCEEDED, Status.PARTIAL, Status.FAILED, Status.HELD)
"""What a run comes to that says how Auto Sync fares. What a person ended says nothing."""

PATIENCE = timedelta(minutes=2)
"""An interrupted run that nobody has taken the place of by then was given up."""

FRESH = timedelta(days=1)
"""Older misses are no news to those who are told for the first time."""

_VARIES = re.compile(r"\b[0-9a-fA-F]{8}[0-9a-fA-F-]*\b|\d+")


class News(NamedTuple):
    """`state` is "" when all is well, `event` is the name that webhooks give it."""

    tenant: Tenant
    topic: str
    state: str
    event: str
    subject: str
    text: str
    next_step: str
    link: str
    run: int | None = None
    facts: Mapping[str, Any] = {}


def state_of(kind: str, text: str) -> str:
    """Two errors are the same when only their numbers differ: how many, how long, which request."""
    return f"{kind}:{hashlib.sha256(_VARIES.sub('#', text).encode()).hexdigest()[:32]}"


def link(name: str, *args: Any, query: str = "") -> str:
    return str(settings.SITE_URL).rstrip("/") + reverse(f"admin:{name}", args=args) + query


def local(moment: datetime | None, schedule: SyncSchedule) -> str:
    """“25 November 2026, 06:30 (Europe/Prague)”."""
    if moment is None:
        return "–"
    here = home(schedule)
    return f"{moment.astimezone(here):%-d %B %Y, %H:%M} ({here})"


def home(schedule: SyncSchedule) -> ZoneInfo:
    """Not by schedules.zone(), which looks through the whole zone database each time."""
    try:
        return ZoneInfo(schedule.time_zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


class Present(NamedTuple):
    """What the topics look at, read at once for all tenants."""

    sides: dict[int, list[Connection]]
    runs: dict[int, SyncRun]
    """The latest that says something."""
    due_runs: dict[int, SyncRun]
    """The latest that the schedule started."""
    rests: dict[int, breaker.Rest]


def look(schedules: Schedules, now: datetime) -> Present:
    sides: dict[int, list[Connection]] = {pk: [] for pk in schedules}
    for side in Connection.objects.filter(tenant__in=schedules).defer("credentials"):
        side.tenant = schedules[side.tenant_id].tenant
        sides[side.tenant_id].append(side)
    mine = SyncRun.objects.filter(tenant=OuterRef("tenant")).order_by("-pk")
    own = mine.filter(is_preview=False)
    latest = SyncSchedule.objects.filter(tenant__in=schedules).annotate(
        newest=Subquery(mine.values("pk")[:1]),
        saying=Subquery(own.filter(status__in=SAYING).values("pk")[:1]),
        due=Subquery(own.filter(trigger=SyncRun.Trigger.SCHEDULE).values("pk")[:1]),
    )
    pks = {tenant: found for tenant, *found in latest.values_list("tenant", "newest", "saying", "due")}
    rows = SyncRun.objects.in_bulk({pk for found in pks.values() for pk in found if pk})
    runs, due_runs = {}, {}
    for tenant, (newest, saying, due) in pks.items():
        if newest and _was_given_up(rows[newest], now):
            runs[tenant] = rows[newest]
        elif saying:
            runs[tenant] = rows[saying]
        if due:
            due_runs[tenant] = rows[due]
    failed = [tenant for tenant, run in runs.items() if run.status == Status.FAILED]
    return Present(sides, runs, due_runs, breaker.rests(failed) if failed else {})


def _was_given_up(newest: SyncRun, now: datetime) -> bool:
    """Interrupted, and in all that time nobody started the next one."""
    ended = newest.finished_at
    return (
        newest.status == Status.INTERRUPTED
        and not newest.is_preview
        and bool(ended and ended <= now - PATIENCE)
    )


def of_connections(present: Present, schedule: SyncSchedule, now: datetime) -> Iterator[News]:
    for side in present.sides[schedule.tenant_id]:
        names = {"tenant": side.tenant.name, "side": side.kind.label}
        where = link("tenants_connection_change", side.pk)
        topic = Topic.CXONE if side.side == Connection.Side.CXONE else Topic.EXTERNAL
        facts = {"side": side.side, "platform": side.kind.label}
        if side.health == Health.FAILING:
            yield News(
                side.tenant,
                topic,
                state_of("failing", side.health_text),
                "connection.failing",
                _("%(tenant)s: the connection to %(side)s does not work") % names,
                side.health_text,
                _("Nobody’s mapping has changed. Correct the connection, then press “Test connection”."),
                where,
                facts=facts,
            )
        elif side.health == Health.WORKING:
            yield News(
                side.tenant,
                topic,
                "",
                "connection.recovered",
                _("%(tenant)s: the connection to %(side)s works again") % names,
                _("The last call to %(side)s succeeded.") % names,
                _("Nothing to do."),
                where,
                facts=facts,
            )


def of_run(present: Present, schedule: SyncSchedule, now: datetime) -> Iterator[News]:
    run = present.runs.get(schedule.tenant_id)
    if run is None or (
        run.status == Status.FAILED and _is_the_connections(run, present.sides[run.tenant_id])
    ):
        return
    run.tenant = schedule.tenant
    tell = _TELLING.get(Status(run.status), _recovered)
    state, event, subject, text, step = tell(run, schedule)
    held_for = [{name: each[name] for name in each.keys() - {"names"}} for each in run.held_for]
    facts = {"status": run.status, "trigger": run.trigger, "held_for": held_for}
    where = link("mapping_syncrun_change", run.pk)
    yield News(
        run.tenant, Topic.RUN, state, event, f"{run.tenant}: {subject}", text, step, where, run.pk, facts
    )


def _is_the_connections(run: SyncRun, sides: list[Connection]) -> bool:
    """Whether the run failed for a connection of which that was told already, or that was mended since."""
    for side in sides:
        if run.error.startswith(f"{side.kind.label}: "):
            mended = side.checked_at and run.finished_at and side.checked_at > run.finished_at
            return bool(side.health != Health.WORKING or mended)
    return False


Words = tuple[str, str, str, str, str]
"""state, event, subject, text, next step"""


def _ended(run: SyncRun, schedule: SyncSchedule) -> str:
    return _("Run %(run)s ended on %(when)s.") % {"run": run.pk, "when": local(run.finished_at, schedule)}


def _held(run: SyncRun, schedule: SyncSchedule) -> Words:
    """Without the names that the brake found: a mail goes to more people than the page."""
    platform = PLATFORMS[run.tenant.platform].label
    found = " ".join(limits_in_words.sentence(each, platform=platform) for each in run.held_for)
    return (
        "held:" + ",".join(sorted(limit["limit"] for limit in run.held_for)),
        "run.held",
        _("Auto Sync waits for a decision"),
        _("Run %(run)s would go beyond the tenant’s limits: %(found)s") % {"run": run.pk, "found": found},
        _("Look at what it would do, then approve it once or discard it. Until then nothing moves."),
    )


def _failed(run: SyncRun, schedule: SyncSchedule) -> Words:
    return (
        state_of("failed", run.error),
        "run.failed",
        _("Auto Sync failed"),
        f"{run.error}\n{_ended(run, schedule)}",
        _("Nobody’s mapping has changed. The next run tries again; if it stays so, look at the run."),
    )


def _interrupted(run: SyncRun, schedule: SyncSchedule) -> Words:
    return (
        "interrupted",
        "run.interrupted",
        _("Auto Sync was interrupted and given up"),
        f"{run.error}\n{_ended(run, schedule)}",
        _("See whether the workers run and have memory and disk, then start Auto Sync again."),
    )


def _partial(run: SyncRun, schedule: SyncSchedule) -> Words:
    failed = ngettext("%d person could not be done.", "%d people could not be done.", run.failed) % run.failed
    said = [failed if run.failed else "", run.error, _ended(run, schedule)]
    return (
        state_of("partial", run.error),
        "run.partial",
        _("Auto Sync finished with errors"),
        "\n".join(filter(None, said)),
        _("The next run tries them again; the run’s page names them."),
    )


def _recovered(run: SyncRun, schedule: SyncSchedule) -> Words:
    counts = {"mapped": run.mapped, "unmapped": run.unmapped}
    return (
        "",
        "run.recovered",
        _("Auto Sync works again"),
        _("%(mapped)d mapped, %(unmapped)d unmapped.") % counts + f"\n{_ended(run, schedule)}",
        _("Nothing to do."),
    )


_TELLING = {
    Status.HELD: _held,
    Status.FAILED: _failed,
    Status.INTERRUPTED: _interrupted,
    Status.PARTIAL: _partial,
}


def of_missed(present: Present, schedule: SyncSchedule, now: datetime) -> Iterator[News]:
    run = present.due_runs.get(schedule.tenant_id)
    if run is None or not run.missed_count or run.created_at < now - FRESH:
        return
    count = run.missed_count
    text = ngettext(
        "A due run was not started, because no worker was there to start it.",
        "%(count)d due runs were not started, because no worker was there to start them.",
        count,
    ) % {"count": count}
    if times := [datetime.fromisoformat(due) for due in run.missed]:
        span = {"first": local(times[0], schedule), "last": local(times[-1], schedule)}
        text += " " + _("Due first on %(first)s, last on %(last)s.") % span
    yield News(
        schedule.tenant,
        Topic.MISSED,
        f"run:{run.pk}",
        "runs.missed",
        ngettext("%(tenant)s: %(count)d run was missed", "%(tenant)s: %(count)d runs were missed", count)
        % {"tenant": schedule.tenant.name, "count": count},
        text,
        _("Run %(run)s makes up for all of them. See why the workers were away.") % {"run": run.pk},
        link("mapping_syncrun_change", run.pk),
        run.pk,
        {"missed": count},
    )


def of_breaker(present: Present, schedule: SyncSchedule, now: datetime) -> Iterator[News]:
    """Only while the schedule is on: a run by hand is never held back."""
    if not schedule.enabled:
        return
    rest = present.rests.get(schedule.tenant_id)
    names: dict[str, Any] = {"tenant": schedule.tenant.name}
    where = link("mapping_syncrun_changelist", query=f"?tenant={schedule.tenant_id}")
    if rest is None:
        subject = _("%(tenant)s: Auto Sync is back on its schedule") % names
        text, step = _("A run has worked, so the schedule holds again."), _("Nothing to do.")
        yield News(schedule.tenant, Topic.BREAKER, "", "schedule.back", subject, text, step, where)
        return
    names |= {"failures": rest.failures, "until": local(rest.until, schedule)}
    yield News(
        schedule.tenant,
        Topic.BREAKER,
        "resting",
        "schedule.slowed_down",
        _("%(tenant)s: Auto Sync was slowed down after %(failures)d failed runs") % names,
        _("%(failures)d runs in a row failed. The schedule rests until %(until)s, then tries one.") % names,
        _("Mend what makes the runs fail, then start one by hand: one that works ends the rest."),
        where,
        facts={"failures": rest.failures, "until": rest.until.isoformat()},
    )


PARTS = (of_connections, of_run, of_missed, of_breaker)
