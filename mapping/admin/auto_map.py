"""Auto Map Users: a preview run, its proposals in a list, and a person who decides about them.

User Mapping › Auto Map Users starts the run; Review shows what it proposes; Add & Map asks; Confirm applies.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tenants.admin.scope import tenant_or_404

from .. import limits_in_words, reasons, sync
from ..models import Change, SyncRun
from .columns import platform_of, step

MAP = "mapping.map_usermapping"
APPROVE = "mapping.approve_syncrun"
SHOWN = min(2_000, (settings.DATA_UPLOAD_MAX_NUMBER_FIELDS or 2_100) - 100)
"""So many proposals can be left out one by one, and no more than one form may carry; those beyond are applied
together."""

Kind = Change.Kind
DECIDED = (Kind.MAP, Kind.REMAP, Kind.UNMAP)
"""Kinds that move an account: each has a checkbox. The others only tell why somebody stays as they are."""


class AutoMap(admin.ModelAdmin):  # type: ignore[type-arg]
    """The pages, for the ModelAdmin of SyncRun."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "mapping_syncrun_{}".format
        return [
            path("auto-map/<int:tenant_pk>/", wrap(require_POST(self.auto_map)), name=name("auto_map")),
            path("<int:pk>/proposals/", wrap(require_GET(self.proposals)), name=name("proposals")),
            path("<int:pk>/add-and-map/", wrap(require_POST(self.add_and_map)), name=name("add_and_map")),
            path("<int:pk>/confirm/", wrap(require_POST(self.confirm)), name=name("confirm")),
            path("<int:pk>/discard/", wrap(require_POST(self.discard)), name=name("discard")),
            *super().get_urls(),
        ]

    def auto_map(self, request: HttpRequest, tenant_pk: int) -> HttpResponse:
        """Ask for a preview run. Nobody's mapping moves by it."""
        must_map(request)
        tenant = tenant_or_404(request, tenant_pk)
        try:
            run = sync.request(tenant, trigger=SyncRun.Trigger.HAND, actor=request.user, is_preview=True)
        except sync.AlreadyRunning as error:
            return self.at_work(request, error)
        self.log_addition(request, run, _("Auto Map Users."))
        said = _("Looking for matches in %(tenant)s. Nothing is changed until you confirm.")
        messages.success(request, said % {"tenant": tenant})
        return to_run(run)

    def at_work(self, request: HttpRequest, error: sync.AlreadyRunning) -> HttpResponse:
        said = _("Auto Sync of %(tenant)s is at work already: here it is.")
        messages.info(request, said % {"tenant": error.run.tenant})
        return to_run(error.run)

    def proposals(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The list. `?none` has every box empty; without it every box is ticked."""
        run: SyncRun = self.get_object(request, str(pk))  # type: ignore[assignment]
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        if run.status != SyncRun.Status.HELD:
            return self.too_late(request, run)
        return self.answer(
            request,
            _("Held by the brake") if run.held_for else _("Proposed matches"),
            run=run,
            rows=rows_of(run),
            beyond=max(decided(run).count() - SHOWN, 0),
            ticked="none" not in request.GET,
            may_map=may_decide(request, run),
            **summary(run),
        )

    def add_and_map(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask once more, with the numbers. What is shown and not ticked is left out."""
        run = self.held(request, pk)
        if run.status != SyncRun.Status.HELD:
            return self.too_late(request, run)
        left_out = left_out_of(run, request)
        return self.answer(
            request,
            _("Confirm"),
            run=run,
            confirming=True,
            will=[text for _kind, text in counted(decided(run).exclude(pk__in=left_out))],
            left_out=left_out,
            left_out_ids=",".join(map(str, left_out)),
        )

    def confirm(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.held(request, pk)
        left_out = left_out_of(run, request)
        approval = request.POST.get("approval", "")
        try:
            begun = sync.apply_held(run, actor=request.user, leave_out=left_out, approval=approval)
        except sync.NotApproved:
            messages.error(request, _("Say why this run may go beyond the limits."))
            return HttpResponseRedirect(reverse("admin:mapping_syncrun_proposals", args=[run.pk]))
        except sync.AlreadyRunning as error:
            said = _("Run %(run)s of %(tenant)s is at work. Confirm once it is over.")
            messages.warning(request, said % {"run": error.run.pk, "tenant": run.tenant})
            return to_run(run)
        if not begun:
            return self.too_late(request, run)
        if run.held_for:
            self.log_change(request, run, _("Approved once: %(why)s") % {"why": approval.strip()})
        self.log_change(request, run, _("Confirmed; left out: %(count)d.") % {"count": len(left_out)})
        messages.success(request, being_applied(run))
        return to_run(run)

    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.held(request, pk)
        if not sync.discard(run, actor=request.user):
            return self.too_late(request, run)
        self.log_change(request, run, _("Discarded."))
        messages.success(request, _("The proposals of run %(run)s were discarded.") % {"run": run.pk})
        return to_run(run)

    def held(self, request: HttpRequest, pk: int) -> SyncRun:
        """The run, for somebody who may decide about it. 403 or 404 otherwise."""
        run = self.theirs(request, pk)
        if not may_decide(request, run):
            raise PermissionDenied
        return run

    def theirs(self, request: HttpRequest, pk: int) -> SyncRun:
        """The run, for somebody who may map its tenant's users. 403 or 404 otherwise."""
        run: SyncRun = self.get_object(request, str(pk))  # type: ignore[assignment]
        must_map(request)
        return run

    def too_late(self, request: HttpRequest, run: SyncRun) -> HttpResponse:
        messages.info(request, _("Run %(run)s waits for no decision (any more).") % {"run": run.pk})
        return to_run(run)

    def answer(self, request: HttpRequest, title: str, **more: Any) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"title": title, "opts": self.opts} | more
        return TemplateResponse(request, "admin/mapping/syncrun/proposals.html", context)


def must_map(request: HttpRequest) -> None:
    if not request.user.has_perm(MAP):  # type: ignore[union-attr]
        raise PermissionDenied


def may_decide(request: HttpRequest, run: SyncRun) -> bool:
    """What the brake holds takes a permission of its own."""
    return request.user.has_perms([MAP, APPROVE] if run.held_for else [MAP])  # type: ignore[union-attr]


def being_applied(run: SyncRun) -> str:
    if run.phase != SyncRun.Phase.APPLY:
        return _("Run %(run)s goes on.") % {"run": run.pk}
    count = decided(run).count()
    return ngettext("%d change is being applied.", "%d changes are being applied.", count) % count


def to_run(run: SyncRun) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:mapping_syncrun_change", args=[run.pk]))


def proposed(run: SyncRun) -> QuerySet[Change]:
    return Change.objects.filter(run=run, outcome=Change.Outcome.PENDING)


def decided(run: SyncRun) -> QuerySet[Change]:
    """Proposals that a person decides about: those that take most care last, by name within."""
    places = [When(kind=kind, then=Value(place)) for place, kind in enumerate(DECIDED)]
    place = Case(*places, output_field=IntegerField())
    return proposed(run).filter(kind__in=DECIDED).order_by(place, "mapping__name", "pk")


def shown(run: SyncRun) -> list[int]:
    return list(decided(run).values_list("pk", flat=True)[:SHOWN])


def left_out_of(run: SyncRun, request: HttpRequest) -> list[int]:
    """What was shown and is not wanted: named by the page that asks, else what is not ticked in the list."""
    if "leave_out" in request.POST:
        named = set(request.POST["leave_out"].split(","))
        return [pk for pk in shown(run) if str(pk) in named]
    ticked = set(request.POST.getlist("include"))
    return [pk for pk in shown(run) if str(pk) not in ticked]


def counted(changes: QuerySet[Change]) -> list[tuple[str, str]]:
    """[(kind, “292 users will be mapped”)], none for what does not occur."""
    found = dict(changes.order_by().values_list("kind").annotate(Count("pk")))
    words = {
        Kind.MAP: ngettext("%d user will be mapped", "%d users will be mapped", found.get("map", 0)),
        Kind.REMAP: ngettext(
            "%d user will get another account", "%d users will get another account", found.get("remap", 0)
        ),
        Kind.UNMAP: ngettext("%d user will be unmapped", "%d users will be unmapped", found.get("unmap", 0)),
        Kind.REASON: ngettext("%d user stays unmapped", "%d users stay unmapped", found.get("reason", 0)),
        Kind.FLAG: ngettext("%d mapping is flagged", "%d mappings are flagged", found.get("flag", 0)),
    }
    return [(kind.value, text % found[kind]) for kind, text in words.items() if kind in found]


def summary(run: SyncRun) -> dict[str, Any]:
    """What is proposed, in counts: what moves an account, and what only tells why it does not; and the limits that
    the brake holds the run for, in words."""
    kinds = counted(proposed(run))
    return {
        "limits": [
            limits_in_words.described(found, platform=platform_of(run.tenant)) for found in run.held_for
        ],
        "moves": [text for kind, text in kinds if kind in DECIDED],
        "others": [text for kind, text in kinds if kind not in DECIDED],
    }


def rows_of(run: SyncRun) -> list[dict[str, Any]]:
    platform = platform_of(run.tenant)
    return [
        {
            "change": change,
            "step": step(change),
            "email": change.after.get("account_email") or change.before.get("account_email", ""),
            "why": reasons.sentence(
                change.reason, change.evidence, email=change.mapping.email, platform=platform
            ),
        }
        for change in decided(run).select_related("mapping")[:SHOWN]
    ]
