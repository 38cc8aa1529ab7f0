"""How far a run is, as its page and the page's live part show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from .. import reasons
from ..models import Change, SyncRun
from .auto_map import MAP, may_decide, summary
from .columns import equation, length, outcome_badge, platform_of, run_badge, step

Status = SyncRun.Status

CHANGES = 50
"""So many Changes are shown on the run's own page; the list of changes has all."""

EVERY = {Status.WAITING: 10_000, Status.HELD: 10_000}
"""Milliseconds between two looks at a run; 2,000 unless said."""


def context(run: SyncRun, request: HttpRequest) -> dict[str, Any]:
    """What the fragment needs. It is asked for every other second while the run lives."""
    live = not run.is_over
    may_map = request.user.has_perm(MAP)
    held = summary(run) | {"may_decide": may_decide(request, run)} if run.status == Status.HELD else {}
    return held | {
        "run": run,
        "badge": run_badge(run),
        "live": live,
        "every": EVERY.get(Status(run.status), 2_000),
        "in_words": in_words(run),
        "tries": tries(run),
        "equation": equation(run),
        "duration": length(run.duration),
        "throttled": round(run.throttled),
        "pages": run.pages.count() if run.is_live else 0,
        "rows": rows_of(run) if not run.is_live else [],
        "kinds": kinds_of(run) if not run.is_live else [],
        "changes_shown": CHANGES,
        "successor": getattr(run, "successor", None),
        "time_left": length(time_left(run)) if time_left(run) else "",
        "may_start": may_map and (run.is_over or run.status == Status.HELD),
        "may_retry": may_map and run.is_over and run.failed > 0,
        "may_cancel": may_map and (run.is_live or run.status == Status.WAITING) and not run.cancel_asked_at,
    }


def time_left(run: SyncRun) -> timedelta | None:
    """Of this phase, at the pace it had so far; None while that says nothing yet."""
    if not (run.is_live and run.phase_at and run.done and run.expected > run.done and not run.not_before):
        return None
    return (timezone.now() - run.phase_at) * (run.expected - run.done) / run.done


def in_words(run: SyncRun) -> str:
    """One sentence, read aloud when it changes."""
    clock = localtime(run.not_before).strftime("%H:%M") if run.not_before else ""
    if run.status == Status.WAITING:
        return _("Waiting for the second try at %(time)s.") % {"time": clock}
    if run.status == Status.HELD and run.held_for:
        return _("The brake holds this run: nobody’s mapping moves until a person approves it.")
    if run.status == Status.HELD:
        return _("The changes are proposed; they wait for a person to decide.")
    if run.is_live and run.cancel_asked_at:
        return _("It is being canceled.")
    if run.status == Status.QUEUED and clock:
        return _("A platform asked us to wait; it goes on at %(time)s.") % {"time": clock}
    if run.status == Status.QUEUED and run.started_at is None:
        return _("Queued; it starts as soon as a worker is free.")
    if run.is_live:
        phase = labels(run)[SyncRun.Phase(run.phase)]
        return _("Try %(try)d: %(phase)s.") % {"try": run.try_number, "phase": phase}
    return _("The run is over: %(status)s.") % {"status": run.get_status_display()}


def labels(run: SyncRun) -> dict[SyncRun.Phase, str]:
    return {
        SyncRun.Phase.CXONE: _("Read CXone"),
        SyncRun.Phase.EXTERNAL: _("Read %(platform)s") % {"platform": platform_of(run.tenant)},
        SyncRun.Phase.STORE: _("Keep"),
        SyncRun.Phase.MATCH: _("Match"),
        SyncRun.Phase.APPLY: _("Apply"),
        SyncRun.Phase.REPORT: _("Report"),
    }


def tries(run: SyncRun) -> list[dict[str, Any]]:
    """The phase strip of each try: [{number, steps: [{label, state, word, …}]}]. The second is shown when there
    was one or when it is waited for."""
    shown = [_strip(run, 1, _state_of_try(run, 1))]
    if run.try_number == 2 or run.status == Status.WAITING:
        shown.append(_strip(run, 2, _state_of_try(run, 2)))
    return shown


def _state_of_try(run: SyncRun, number: int) -> str:
    """“done” or “todo” as a whole, or how it stands at the phase that the run is in: “now”, “failed” or “held”."""
    if number < run.try_number:
        return "done"
    if run.status == Status.WAITING:
        return "done" if number == 1 else "todo"
    if run.is_live:
        return "now" if run.started_at else "todo"
    if run.status in (Status.HELD, Status.DISCARDED, Status.CANCELED):
        return "held"
    return "failed" if run.error else "done"


def _strip(run: SyncRun, number: int, state: str) -> dict[str, Any]:
    phases = labels(run)
    current = list(phases).index(SyncRun.Phase(run.phase))
    words = {"done": _("done"), "now": _("now"), "todo": _("to do"), "failed": _("failed")}
    steps = []
    for position, label in enumerate(phases.values()):
        here = state
        if state in ("now", "failed", "held") and position != current:
            here = "done" if position < current else "todo"
        elif state == "held":
            here = "todo"
        steps.append({"label": label, "state": here, "word": words[here], "is_now": here == "now"})
    return {"number": number, "steps": steps}


def kinds_of(run: SyncRun) -> list[dict[str, Any]]:
    """What came of the run's Changes, each kind with its count and the list of them: “292 mapped”, “3 refused”."""
    listed = reverse("admin:mapping_change_changelist")
    found = run.changes.order_by("kind", "outcome").values_list("kind", "outcome").annotate(Count("pk"))
    applied, others = [], []
    for kind, outcome, count in found:
        query = {"run__id__exact": run.pk, "kind__exact": kind, "outcome__exact": outcome}
        label = Change.Kind(kind).label
        row = {"label": label, "count": count, "url": f"{listed}?{urlencode(query)}"}
        if outcome == Change.Outcome.APPLIED:
            applied.append(row)
        else:
            others.append(row | {"label": f"{label}: {Change.Outcome(outcome).label}"})
    return [*applied, *others]


def rows_of(run: SyncRun) -> list[dict[str, Any]]:
    platform = platform_of(run.tenant)
    changes = run.changes.select_related("mapping").order_by("id")[:CHANGES]
    return [
        {
            "change": change,
            "step": step(change),
            "outcome": outcome_badge(change),
            "why": reasons.sentence(
                change.reason, change.evidence, email=change.mapping.email, platform=platform
            ),
        }
        for change in changes
    ]
