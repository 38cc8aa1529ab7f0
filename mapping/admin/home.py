"""What the home page says of each tenant: how much is mapped, how the last run went, and what to do next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.admin.health import connections_of, health_badge
from tenants.models import Connection, Tenant

from .. import limits_in_words
from ..matching import Flag, Reason
from ..models import SyncRun, SyncSchedule, UserMapping
from ..reasons import FLAG_LABELS, LABELS, NEEDS_A_DECISION
from ..sync import breaker
from . import overdue
from .columns import length, platform_of, run_badge
from .trend import trends

SKIPPED = Reason.NO_PERMISSION.value


def cards(user: Any) -> list[dict[str, Any]]:
    """One card for each tenant this person may see, those with trouble first. The number of queries does not
    depend on the number of tenants."""
    tenants = list(Tenant.objects.for_staff(user).prefetch_related("connections"))
    standing = people(tenants)
    runs = last_runs(tenants)
    made = [card(tenant, standing[tenant.pk], runs=runs[tenant.pk], user=user) for tenant in tenants]
    lines, schedules = trends(tenants), schedules_of(tenants)
    resting = breaker.rests(list(schedules))
    may_schedule = user.has_perm("mapping.map_usermapping")
    for each in made:
        pk = each["tenant"].pk
        each["trend"] = lines.get(pk)
        if schedule := schedules.get(pk):
            each["due_at"] = schedule.due_at
            each["troubles"] += overdue.troubles(schedule, resting.get(pk))
        each["schedule_url"] = reverse("admin:mapping_syncschedule_of", args=[pk]) if may_schedule else ""
    return sorted(made, key=lambda each: (-len(each["troubles"]), -each["decisions"], each["tenant"].name))


def schedules_of(tenants: list[Tenant]) -> dict[int, SyncSchedule]:
    """{tenant: its schedule} of those that are on."""
    return {each.tenant_id: each for each in SyncSchedule.objects.filter(tenant__in=tenants, enabled=True)}


class Standing(NamedTuple):
    """How many of a tenant's people there are by reason ("" is mapped), and how many mappings by flag."""

    reasons: Counter[str]
    flags: Counter[str]

    @property
    def decisions(self) -> int:
        return sum(self.reasons[reason.value] for reason in NEEDS_A_DECISION) + self.flags.total()


def people(tenants: list[Tenant]) -> dict[int, Standing]:
    standing: dict[int, Standing] = defaultdict(lambda: Standing(Counter(), Counter()))
    present = UserMapping.objects.filter(tenant__in=tenants, present=True).order_by()
    for tenant, reason, flag, number in present.values_list("tenant", "reason", "flag").annotate(Count("pk")):
        standing[tenant].reasons[reason] += number
        if flag:
            standing[tenant].flags[flag] += number
    return standing


def last_runs(tenants: list[Tenant]) -> dict[int, list[SyncRun]]:
    """The newest run of each tenant, and the newest one that is over when that is another."""
    over = Max("pk", filter=Q(status__in=SyncRun.OVER))
    rows = (
        SyncRun.objects.filter(tenant__in=tenants)
        .order_by()
        .values("tenant")
        .annotate(newest=Max("pk"), over=over)
    )
    ids = {row[key] for row in rows for key in ("newest", "over")} - {None}
    runs: dict[int, list[SyncRun]] = defaultdict(list)
    for run in SyncRun.objects.filter(pk__in=ids).order_by("-pk"):
        runs[run.tenant_id].append(run)
    return runs


def card(tenant: Tenant, standing: Standing, *, runs: list[SyncRun], user: Any) -> dict[str, Any]:
    counts, decisions = standing.reasons, standing.decisions
    mapped, skipped, total = counts[""], counts[SKIPPED], counts.total()
    now = next((run for run in runs if not run.is_over), None)
    last = next((run for run in runs if run.is_over), None)
    connections = connections_of(tenant)
    decide = ngettext("%d person needs a decision", "%d people need a decision", decisions) % decisions
    is_complete = all(each.is_complete for each in connections)
    return {
        "tenant": tenant,
        "url": listed(tenant),
        "mapped": mapped,
        "skipped": skipped,
        "unmapped": total - mapped - skipped,
        "total": total,
        "percent": 100 * mapped // total if total else 0,
        "bar": bar(mapped, total - mapped - skipped, total),
        "reasons": waiting_by_reason(tenant, standing),
        "others": others_by_reason(tenant, counts),
        "decisions": decisions,
        "decisions_text": decide,
        "decisions_url": listed(tenant, decision="yes"),
        "now": now and described(now),
        "last": last and described(last),
        "connections": [{"row": each, "badge": health_badge(each)} for each in connections],
        "may_start": is_complete and not (now and now.is_live) and user.has_perm("mapping.map_usermapping"),
        "troubles": [*connection_troubles(connections, user), *run_troubles(now, last, user)],
    }


def bar(mapped: int, unmapped: int, total: int) -> dict[str, int]:
    """Widths in per mille, for a drawing that is 1000 wide."""
    scale = 1000 / total if total else 0
    return {"mapped": round(mapped * scale), "unmapped": round(unmapped * scale)}


def waiting_by_reason(tenant: Tenant, standing: Standing) -> list[dict[str, Any]]:
    """What the decisions are about; the numbers add up to theirs."""
    reasons = [(standing.reasons[reason.value], reason) for reason in NEEDS_A_DECISION]
    rows = [row(tenant, LABELS[reason], number, reason__exact=reason) for number, reason in reasons]
    flags = standing.flags.items()
    rows += [
        row(tenant, _("Mapped, but: %s") % FLAG_LABELS[Flag(flag)], number, flag__exact=flag)
        for flag, number in flags
    ]
    return sorted((each for each in rows if each["number"]), key=lambda each: -each["number"])


def others_by_reason(tenant: Tenant, counts: Counter[str]) -> list[dict[str, Any]]:
    """Unmapped as it should be: nobody has to decide about them."""
    needed = {"", *(reason.value for reason in NEEDS_A_DECISION)}
    rows = [(number, reason) for reason, number in counts.most_common() if reason not in needed]
    return [row(tenant, LABELS[Reason(reason)], number, reason__exact=reason) for number, reason in rows]


def row(tenant: Tenant, label: Any, number: int, **filters: str) -> dict[str, Any]:
    return {"label": label, "number": number, "url": listed(tenant, **filters)}


def listed(tenant: Tenant, **filters: str) -> str:
    """The tenant's User Mapping list, filtered."""
    return f"{reverse('admin:mapping_usermapping_changelist')}?{urlencode({'tenant': tenant.pk, **filters})}"


def described(run: SyncRun) -> dict[str, Any]:
    took = length(run.duration) if run.duration else ""
    waits = run.not_before if run.status == SyncRun.Status.WAITING else None
    return {"row": run, "badge": run_badge(run), "url": page_of(run), "took": took, "waits_until": waits}


def page_of(run: SyncRun) -> str:
    return reverse("admin:mapping_syncrun_change", args=[run.pk])


def connection_troubles(connections: list[Connection], user: Any) -> Iterator[dict[str, Any]]:
    """What stands in the way, in words, and where to go for those who may."""
    may_change = user.has_perm("tenants.change_connection")
    for each in connections:
        url = reverse("admin:tenants_connection_change", args=[each.pk]) if may_change else ""
        if not each.is_complete:
            text = _("%s has no credentials yet.") % each.kind.label
            yield {"text": text, "url": url, "link": _("Enter them")}
        elif each.health == Connection.Health.FAILING:
            yield {"text": f"{each.kind.label}: {each.health_text}", "url": url, "link": _("Connection")}


def run_troubles(now: SyncRun | None, last: SyncRun | None, user: Any) -> Iterator[dict[str, Any]]:
    if now and now.status == SyncRun.Status.HELD and now.held_for:
        platform = platform_of(now.tenant)
        said = " ".join(limits_in_words.sentence(found, platform=platform) for found in now.held_for)
        url = reverse("admin:mapping_syncrun_proposals", args=[now.pk])
        may = user.has_perm("mapping.approve_syncrun")
        text = _("The brake holds a run: %s") % said
        yield {"text": text, "url": url, "link": _("Decide") if may else _("Look at it")}
    if last and last.status in SyncRun.TROUBLE:
        text = _("The last Auto Sync: %s.") % last.get_status_display()
        yield {"text": f"{text} {last.error}".strip(), "url": page_of(last), "link": _("Look at the run")}
    if last and last.missed_count:
        count = last.missed_count
        text = ngettext("%d run was missed and made up for.", "%d runs were missed and made up for.", count)
        yield {"text": text % count, "url": page_of(last), "link": _("Look at the run")}
