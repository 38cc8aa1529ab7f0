"""Who has been unmapped for too long: looked at once a day, in the morning of the schedule's own time zone."""

from __future__ import annotations

import hashlib
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import Change, SyncSchedule, UserMapping
from ..reasons import LABELS, NEEDS_A_DECISION
from .news import News, Topic, home, link

MORNING = time(7, 0)
NAMED = 20
"""So many are named, those who wait longest first; all are counted."""


def next_morning(schedule: SyncSchedule, now: datetime) -> datetime:
    here = home(schedule)
    today = now.astimezone(here).date()
    morning = datetime.combine(today, MORNING, here)
    return morning if morning > now else datetime.combine(today + timedelta(days=1), MORNING, here)


def waiting(schedule: SyncSchedule, now: datetime) -> QuerySet[Any]:
    """People of CXone who need a decision and have been without an account for longer than the schedule says: since
    they last lost one, else since they were first found without."""
    history = Change.objects.filter(mapping=OuterRef("pk"), outcome=Change.Outcome.APPLIED).order_by("pk")
    lost = history.filter(kind=Change.Kind.UNMAP).reverse()
    people = UserMapping.objects.unmapped().filter(
        tenant=schedule.tenant_id, present=True, reason__in=[reason.value for reason in NEEDS_A_DECISION]
    )
    since = people.annotate(
        since=Coalesce(
            Subquery(lost.values("settled_at")[:1]),
            Subquery(history.values("settled_at")[:1]),
            "changed_at",
        )
    )
    return since.filter(since__lt=now - timedelta(days=schedule.unmapped_days))


def of(schedule: SyncSchedule, now: datetime) -> News:
    people = waiting(schedule, now)
    pks = sorted(people.values_list("pk", flat=True))
    names = {"tenant": schedule.tenant.name, "count": len(pks), "days": schedule.unmapped_days}
    where = link(
        "mapping_usermapping_changelist", query=f"?tenant={schedule.tenant_id}&status=unmapped&decision=yes"
    )
    facts = {"count": len(pks), "days": schedule.unmapped_days}
    if not pks:
        return News(
            schedule.tenant,
            Topic.UNMAPPED,
            "",
            "people.none_unmapped",
            _("%(tenant)s: nobody is unmapped for more than %(days)d days any more") % names,
            _("Everybody who needed a decision for so long has had one."),
            _("Nothing to do."),
            where,
            facts=facts,
        )
    return News(
        schedule.tenant,
        Topic.UNMAPPED,
        "people:" + hashlib.sha256(repr(pks).encode()).hexdigest()[:32],
        "people.unmapped",
        ngettext(
            "%(tenant)s: %(count)d person is unmapped for more than %(days)d days",
            "%(tenant)s: %(count)d people are unmapped for more than %(days)d days",
            len(pks),
        )
        % names,
        _listed(people, len(pks)),
        _("Each needs a decision: the page says why they have no account, and what to do."),
        where,
        facts=facts,
    )


def _listed(people: QuerySet[Any], count: int) -> str:
    rows = people.order_by("since", "pk")[:NAMED]
    lines = [f"{row} – {LABELS[row.reason]}, {row.since:%-d %B %Y}" for row in rows]
    if count > NAMED:
        lines.append(ngettext("and %d more", "and %d more", count - NAMED) % (count - NAMED))
    return "\n".join(lines)
