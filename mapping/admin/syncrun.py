"""The runs of Auto Sync: asked for by a button, watched while they work, read afterwards."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tenants.admin.scope import ReadOnly, TenantScoped, tenant_or_404

from .. import sync
from ..models import SyncRun
from . import progress
from .auto_map import MAP, AutoMap
from .columns import length, link, run_badge, started
from .filters import TenantFilter

FRAGMENT = "admin/mapping/syncrun/progress.html"


@admin.register(SyncRun)
class SyncRunAdmin(AutoMap, ReadOnly, TenantScoped):
    list_display = [
        "number",
        "tenant",
        "state",
        "asked_by",
        "created_at",
        "took",
        "users",
        "mapped",
        "unmapped",
        "skipped",
        "failed",
        "changes",
    ]
    list_display_links = ["number"]
    list_filter = [TenantFilter, "status", "trigger"]
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False
    actions = None

    fieldsets = [(None, {"fields": []})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncRun]:
        return super().get_queryset(request).select_related("tenant", "actor", "successor_of", "successor")

    @admin.display(description=gettext_lazy("run"), ordering="id")
    def number(self, run: SyncRun) -> str:
        return _("Run %(number)d") % {"number": run.pk}

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, run: SyncRun) -> str:
        return run_badge(run)

    @admin.display(description=gettext_lazy("started"), ordering="trigger")
    def asked_by(self, run: SyncRun) -> str:
        return started(run)

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
        context |= more | progress.context(run, request)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/progress/", wrap(require_GET(self.progress)), name="mapping_syncrun_progress"),
            path("start/<int:tenant_pk>/", wrap(require_POST(self.start)), name="mapping_syncrun_start"),
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
        if not request.user.has_perm(MAP):
            raise PermissionDenied
        tenant = tenant_or_404(request, tenant_pk)
        try:
            run = sync.request(tenant, trigger=SyncRun.Trigger.HAND, actor=request.user)
        except sync.AlreadyRunning as error:
            run = error.run
            messages.info(
                request, _("Auto Sync of %(tenant)s is at work already: here it is.") % {"tenant": tenant}
            )
        else:
            self.log_addition(request, run, _("Auto Sync now."))
            messages.success(
                request, _("1 run of Auto Sync was started for %(tenant)s.") % {"tenant": tenant}
            )
        return HttpResponseRedirect(reverse("admin:mapping_syncrun_change", args=[run.pk]))
