"""The runs of Auto Sync: asked for by a button, watched while they work, read afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tenants.admin.scope import ReadOnly, TenantScoped, tenant_or_404

from .. import sync
from ..models import SyncRun
from . import progress
from .auto_map import AutoMap, must_map, to_run
from .columns import length, link, moment, run_badge, started
from .filters import RunOutcomeFilter, TenantFilter

FRAGMENT = "admin/mapping/syncrun/progress.html"


@admin.register(SyncRun)
class SyncRunAdmin(AutoMap, ReadOnly, TenantScoped):
    list_display = [
        "number",
        "tenant",
        "state",
        "asked_by",
        "asked_at",
        "took",
        "users",
        "mapped",
        "unmapped",
        "skipped",
        "failed",
        "changes",
    ]
    list_display_links = ["number"]
    list_filter = [TenantFilter, RunOutcomeFilter, "status", "trigger"]
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False
    actions = None

    fieldsets = [(None, {"fields": []})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncRun]:
        people = ("actor", "approved_by", "canceled_by")
        return super().get_queryset(request).select_related("tenant", *people, "successor_of", "successor")

    @admin.display(description=gettext_lazy("run"), ordering="id")
    def number(self, run: SyncRun) -> str:
        return _("Run %(number)d") % {"number": run.pk}

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, run: SyncRun) -> str:
        return run_badge(run)

    @admin.display(description=gettext_lazy("started"), ordering="trigger")
    def asked_by(self, run: SyncRun) -> str:
        return started(run)

    @admin.display(description=gettext_lazy("when"), ordering="created_at")
    def asked_at(self, run: SyncRun) -> str:
        return moment(run.created_at)

    @admin.display(description=gettext_lazy("duration"))
    def took(self, run: SyncRun) -> str:
        return length(run.duration)

    @admin.display(description=gettext_lazy("changes"), ordering="changed")
    def changes(self, run: SyncRun) -> str:
        return link(run.changed, "mapping_change_changelist", query=f"?run__id__exact={run.pk}")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Sync runs"), **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        run = context["original"]
        more = {"title": _("Sync run"), "started": started(run), "successor": getattr(run, "successor", None)}
        more |= {"missed": dues(run.missed), "coalesced": dues(run.coalesced)}
        context |= more | progress.context(run, request)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/progress/", wrap(require_GET(self.progress)), name="mapping_syncrun_progress"),
            path("start/<int:tenant_pk>/", wrap(require_POST(self.start)), name="mapping_syncrun_start"),
            path("<int:pk>/cancel/", wrap(require_POST(self.cancel)), name="mapping_syncrun_cancel"),
            path(
                "<int:pk>/retry-failed/", wrap(require_POST(self.retry)), name="mapping_syncrun_retry_failed"
            ),
            *super().get_urls(),
        ]

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes while the run works."""
        run = self.get_object(request, str(pk))
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return TemplateResponse(request, FRAGMENT, progress.context(run, request))

    def start(self, request: HttpRequest, tenant_pk: int) -> HttpResponse:
        """Auto Sync now."""
        must_map(request)
        tenant = tenant_or_404(request, tenant_pk)
        try:
            run = sync.request(tenant, trigger=SyncRun.Trigger.HAND, actor=request.user)
        except sync.AlreadyRunning as error:
            return self.at_work(request, error)
        self.log_addition(request, run, _("Auto Sync now."))
        messages.success(request, _("Auto Sync was started for %(tenant)s.") % {"tenant": tenant})
        return to_run(run)

    def retry(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Look once more at those whom the run could not do, and at all who are still without one match."""
        failed = self.theirs(request, pk)
        try:
            run = sync.retry_failed(failed, actor=request.user)
        except sync.AlreadyRunning as error:
            return self.at_work(request, error)
        self.log_addition(request, run, _("Retry failed."))
        said = _("Run %(run)s tries again what failed in run %(failed)s.")
        messages.success(request, said % {"run": run.pk, "failed": failed.pk})
        return to_run(run)

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self.theirs(request, pk)
        if sync.cancel(run, actor=request.user):
            self.log_change(request, run, _("Canceled."))
            messages.success(request, _("Run %(run)s is being canceled.") % {"run": run.pk})
        else:
            messages.info(request, _("Run %(run)s was over, or being canceled, already.") % {"run": run.pk})
        return to_run(run)


def dues(kept: list[str]) -> list[datetime]:
    """Due times as a run keeps them."""
    return [datetime.fromisoformat(due) for due in kept]
