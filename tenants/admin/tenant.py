"""The customers: their matching rules, who of the staff may see them, and how their two sides fare."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from ..models import AccessToken, Connection, Tenant
from ..vault import Sealed
from .health import connections_of, health_badge
from .scope import TenantScoped
from .tenant_form import TenantForm


@admin.register(Tenant)
class TenantAdmin(TenantScoped):
    list_display = ["name", "platform", "health", "staff_count"]
    list_filter = ["platform"]
    search_fields = ["name", "slug"]
    actions = None
    tenant_lookup = "pk"

    form = TenantForm
    fieldsets = [
        (_("Who"), {"fields": ["name", "slug", "platform", "members"]}),
        (
            _("Matching rules"),
            {"fields": ["map_permission", "domain_aliases", "ignore_plus_tags"]},
        ),
        (
            _("Brake"),
            {
                "description": _(
                    "A run that would go beyond one of these is held, and nobody’s mapping moves until a person "
                    "approves it. Shares are of those mapped, or of those there were the last time; an empty field "
                    "is no limit, and up to three are never held."
                ),
                "fields": [
                    ("map_limit", "map_limit_number"),
                    ("remap_limit", "remap_limit_number"),
                    ("unmap_limit", "unmap_limit_number"),
                    ("shrink_limit", "shrink_limit_number"),
                ],
            },
        ),
    ]
    prepopulated_fields = {"slug": ["name"]}

    # form

    def get_prepopulated_fields(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        return {} if obj else self.prepopulated_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"asker": request.user})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)  # type: ignore[union-attr]

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "platform" in form.changed_data:
            _start_anew(obj.connection(Connection.Side.EXTERNAL))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever makes a tenant belongs to it, and so sees it."""
        super().save_related(request, form, formsets, change)
        if not change:
            form.instance.members.add(request.user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """All that hangs on a tenant goes with it; it may be a million rows, so it is counted, not listed."""
        counts: dict[str, int] = {str(self.opts.verbose_name_plural): len(objs)}
        for relation in self.opts.related_objects:
            if relation.one_to_many or relation.one_to_one:
                rows = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": objs})
                counts[str(relation.related_model._meta.verbose_name_plural)] = rows.count()
        return [str(each) for each in objs], counts, set(), []

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Tenant) -> None:
        """Mappings protect their accounts, so they go first."""
        if mappings := getattr(obj, "mappings", None):
            mappings.all().delete()
        obj.delete()

    # queryset

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(staff=Count("members")).prefetch_related("connections")

    # columns

    @admin.display(description=_("health"))
    def health(self, tenant: Tenant) -> str:
        rows = ((each.kind.label, health_badge(each)) for each in connections_of(tenant))
        return format_html_join("", '<span class="secondary">{} {}</span>', rows)

    @admin.display(description=_("staff"), ordering="staff")
    def staff_count(self, tenant: Any) -> int:
        return int(tenant.staff)

    # pages

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if tenant := context.get("original"):
            context |= {
                "connections": [(each, health_badge(each)) for each in connections_of(tenant)],
                "may_connect": request.user.has_perm("tenants.change_connection"),  # type: ignore[union-attr]
                "user_mapping_url": _user_mapping_url(request, tenant),
            }
        return super().render_change_form(request, context, *args, **kwargs)


def _start_anew(connection: Connection) -> None:
    """The address, credentials and token of another platform are of no use to this one."""
    connection.base_url, connection.credentials = connection.kind.base_url, Sealed()
    connection.health, connection.health_text = Connection.Health.UNKNOWN, ""
    connection.checked_at = None
    connection.save()
    AccessToken.objects.filter(connection=connection).delete()


def _user_mapping_url(request: HttpRequest, tenant: Model) -> str:
    """The list of a storey above us, named as every admin page is; "" for those who may not see it."""
    if not request.user.has_perm("mapping.view_usermapping"):  # type: ignore[union-attr]
        return ""
    try:
        return f"{reverse('admin:mapping_usermapping_changelist')}?tenant={tenant.pk}"
    except NoReverseMatch:
        return ""
