"""External accounts as last read, and who has each of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin.scope import ReadOnly, TenantScoped

from ..models import ExternalAccount
from .columns import badge, link, two_lines
from .filters import GoneFilter, TenantFilter


@admin.register(ExternalAccount)
class ExternalAccountAdmin(ReadOnly, TenantScoped):
    list_display = ["called", "email", "extension", "type", "condition", "who_has_it"]
    list_display_links = ["called"]
    list_filter = [TenantFilter, "is_person", "state", GoneFilter]
    search_fields = ["name", "email", "extension", "platform_id", "department"]
    search_help_text = gettext_lazy("Name, e-mail, extension, department or platform id")
    ordering = ["name", "id"]
    list_per_page = 100
    show_full_result_count = False
    empty_value_display = "–"
    actions = None

    fields = [
        "tenant",
        "platform_id",
        "name",
        "email",
        "extension",
        "department",
        "phone",
        "type",
        "condition",
        "gone_since",
        "who_has_it",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExternalAccount]:
        return super().get_queryset(request).select_related("tenant", "mapping")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def called(self, account: ExternalAccount) -> str:
        return two_lines(account.name or account.platform_id, account.department)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def condition(self, account: ExternalAccount) -> str:
        if account.gone_since is not None:
            return badge("bad", _("Gone"))
        if account.is_candidate:
            return badge("ok", account.status or _("Enabled"))
        return two_lines(
            badge("idle", account.status or account.get_state_display()),
            "" if account.is_person else _("not a person"),
        )

    @admin.display(description=gettext_lazy("who has it"))
    def who_has_it(self, account: ExternalAccount) -> str:
        mapping = getattr(account, "mapping", None)
        return link(mapping, "mapping_usermapping_change", mapping.pk) if mapping else "–"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": _("External accounts"), **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"title": _("External account"), "subtitle": str(context["original"])}
        return super().render_change_form(request, context, *args, **kwargs)
