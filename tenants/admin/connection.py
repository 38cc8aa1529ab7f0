"""How one side of a tenant is reached: its form, and the connection test."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from .. import reach
from ..models import Connection
from .connection_form import PREFIX, form_for
from .health import health_badge
from .scope import TenantScoped

HEALTH = ["health_badge", "health_text", "checked_at"]


@admin.register(Connection)
class ConnectionAdmin(TenantScoped):
    """The rows are made by their tenant: none is added or deleted here."""

    list_display = ["tenant", "side_name", "base_url", "health_badge", "checked_at"]
    list_display_links = ["tenant", "side_name"]
    list_filter = ["side", "health"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name", "tenant__slug", "base_url"]
    actions = None
    readonly_fields = HEALTH

    # form

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        """Those who may only look see no credentials at all."""
        asked = [PREFIX + name for name in obj.kind.fields] if obj else []
        credentials = (gettext_lazy("Credentials"), {"fields": asked})
        return [
            (None, {"fields": ["base_url"]}),
            *([credentials] if self.has_change_permission(request, obj) else []),
            (gettext_lazy("Health"), {"fields": HEALTH}),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change, **({"form": form_for(obj.kind)} if obj else {}) | kwargs
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        """A new address asks for a new access token as much as new credentials do."""
        if form.is_new:
            obj.set_credentials(form.credentials)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["trouble"] = getattr(context["adminform"].form, "trouble", "")
        return super().render_change_form(request, context, *args, **kwargs)

    # columns

    @admin.display(description=gettext_lazy("side"), ordering="side")
    def side_name(self, connection: Connection) -> str:
        return connection.kind.label

    @admin.display(description=gettext_lazy("health"), ordering="health")
    def health_badge(self, connection: Connection) -> str:
        return health_badge(connection)

    # pages

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.test_view)
        return [path("<path:object_id>/test/", view, name="tenants_connection_test"), *super().get_urls()]

    @method_decorator(require_POST)
    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Sign in and read, as a run would. What was found is shown, and kept as the connection's health."""
        connection = self.get_object(request, object_id)
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        findings = reach.check(connection)
        failed = sum(not finding.ok for finding in findings)
        result = ngettext("%d step failed", "%d steps failed", failed) % failed if failed else _("it works")
        self.log_change(request, connection, _("Tested the connection: %s.") % result)
        context = self.admin_site.each_context(request) | {
            "title": _("Test of %s") % connection,
            "opts": self.opts,
            "connection": connection,
            "findings": findings,
            "failed": failed,
        }
        return TemplateResponse(request, "admin/tenants/connection/test.html", context)
