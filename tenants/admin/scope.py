"""Staff see only the tenants they belong to: in lists, details, choices and guessed addresses alike."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest

from ..models import Tenant


def tenants_of(request: HttpRequest) -> models.QuerySet[Tenant]:
    """The tenants that the person who asks may see."""
    return Tenant.objects.for_staff(request.user)  # type: ignore[no-any-return]


def tenant_or_404(request: HttpRequest, pk: int) -> Tenant:
    tenant = tenants_of(request).filter(pk=pk).first()
    if tenant is None:
        raise Http404
    return tenant


class TenantScoped(admin.ModelAdmin):  # type: ignore[type-arg]
    """A ModelAdmin of rows that belong to a tenant. `tenant_lookup` is the path from the row to it."""

    tenant_lookup = "tenant"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(**{f"{self.tenant_lookup}__in": tenants_of(request)})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.related_model is Tenant:
            kwargs["queryset"] = tenants_of(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """404 for what is not theirs: a guessed address tells nothing, not even that the row exists."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
