"""Who may come in. Whoever may change people could make themselves anything, so for all but superusers this is
kept within bounds: the three groups, the tenants they share, and nobody who may do more than they."""

from __future__ import annotations

from typing import Any

import django.contrib.auth.admin as auth_admin
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _

from .scope import tenants_of

GROUPS = ("Presence Sync administrators", "Mappers", "Viewers")
RIGHTS = ("is_superuser", "user_permissions")

for model in (User, Group):
    admin.site.unregister(model)  # the import above registered Django's own


def is_beyond(person: Any, asker: Any) -> bool:
    """Whether `person` may do or see what `asker` may not, so that taking over their account would pay."""
    if asker.is_superuser:
        return False
    if person.is_superuser or person.tenants.exclude(pk__in=asker.tenants.all()).exists():
        return True
    ours = Permission.objects.filter(group__name__in=GROUPS)
    granted = {f"{app}.{name}" for app, name in ours.values_list("content_type__app_label", "codename")}
    return bool(person.get_all_permissions() - asker.get_all_permissions() - granted)


@admin.register(User)
class StaffAdmin(auth_admin.UserAdmin):
    list_display = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    actions = None

    # form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The hash of a password is for superusers, and for those who may change it."""
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        names = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "groups"]
        return [(None, {"fields": names}), (_("Important dates"), {"fields": ["last_login", "date_joined"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        readonly = (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
        return readonly if _is_superuser(request) else (*readonly, *RIGHTS)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups" and not _is_superuser(request):
            kwargs["queryset"] = Group.objects.filter(name__in=GROUPS)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups that were not offered stay as they are."""
        hidden = Group.objects.none() if _is_superuser(request) else Group.objects.exclude(name__in=GROUPS)
        kept = list(hidden.filter(user=form.instance))
        super().save_related(request, form, formsets, change)
        form.instance.groups.add(*kept)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and is_beyond(obj, request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and is_beyond(obj, request.user))

    # queryset

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Not by tenant: that would tell who else's people they are."""
        return not lookup.startswith("tenants") and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Superusers, and people who share a tenant with whoever asks or belong to none yet."""
        people = super().get_queryset(request)
        if _is_superuser(request):
            return people
        theirs = Q(tenants__in=tenants_of(request)) | Q(tenants=None) | Q(pk=request.user.pk)
        return people.filter(pk__in=User.objects.filter(theirs).values("pk"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found


@admin.register(Group)
class StaffGroupAdmin(auth_admin.GroupAdmin):
    """A group's permissions are everybody's in it: only superusers touch them."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)  # type: ignore[union-attr]
