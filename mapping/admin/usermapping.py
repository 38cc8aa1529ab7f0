"""User Mapping: everyone in CXone, their Status, and why it is so. Read-only but for its own verbs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Case, Max, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin.scope import ReadOnly, TenantScoped, tenants_of

from .. import reasons
from ..models import SyncRun, UserMapping
from . import switcher
from .bulk import BulkActions
from .columns import badge, by, moment, platform_of, sentence, status_badge, step, two_lines
from .filters import NEEDED, TenantFilter
from .map_user import JUST_DONE, LAST_LIST, MAP, MapUser, back_to_list
from .people_filters import (
    ChangedFilter,
    DecisionFilter,
    EmailsFilter,
    FlagFilter,
    PresentFilter,
    RoleFilter,
    StatusFilter,
    TeamFilter,
)
from .people_search import PeopleSearch

BUTTONS = 5
"""So many tenants get an Auto Sync button of their own above the list; those who see more choose one first."""

HISTORY = 100
"""So many of a user's Changes are shown, newest first."""


@admin.register(UserMapping)
class UserMappingAdmin(MapUser, BulkActions, PeopleSearch, ReadOnly, TenantScoped):
    list_display = [
        "status",
        "user",
        "email_in_cxone",
        "account_in_words",
        "method",
        "why",
        "last_synced",
        "menu",
    ]
    list_display_links = ["user"]
    list_filter = [TenantFilter, StatusFilter, DecisionFilter, "reason", "method", FlagFilter, EmailsFilter]
    list_filter += [TeamFilter, RoleFilter, ChangedFilter, PresentFilter]
    search_fields = ["name", "email", "username", "account__name", "account__email", "account__extension"]
    search_fields += ["account__platform_id"]
    search_help_text = gettext_lazy("Name, e-mail, username, extension or platform id, on both sides")
    ordering = [Case(When(NEEDED, then=0), default=1), "name", "id"]
    list_per_page = 100
    show_full_result_count = False
    empty_value_display = "–"
    show_facets = admin.ShowFacets.ALWAYS

    fieldsets = [(None, {"fields": []})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserMapping]:
        return super().get_queryset(request).select_related("account", "tenant")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """When the tenants of this page were last read is asked once, not per row."""
        page = super().get_changelist_instance(request)
        note_last_read(page.result_list)
        may_map = request.user.has_perm(MAP)
        for mapping in page.result_list:
            mapping.menu_context = {"original": mapping, "may_map": may_map}
        return page

    @admin.display(description=gettext_lazy("Status"), ordering="account")
    def status(self, mapping: UserMapping) -> str:
        return status_badge(mapping)

    @admin.display(description=gettext_lazy("user"), ordering="name")
    def user(self, mapping: UserMapping) -> str:
        return two_lines(mapping, mapping.username if mapping.username != str(mapping) else "")

    @admin.display(description=gettext_lazy("e-mail"), ordering="email")
    def email_in_cxone(self, mapping: UserMapping) -> str:
        theirs = mapping.account.email if mapping.account else ""
        differs = theirs.casefold() != mapping.email.casefold()
        return two_lines(mapping.email or "–", theirs if differs else "")

    @admin.display(description=gettext_lazy("account"), ordering="account__name")
    def account_in_words(self, mapping: UserMapping) -> str:
        return str(mapping.account or "–")

    @admin.display(description=gettext_lazy("reason"), ordering="reason")
    def why(self, mapping: UserMapping) -> str:
        """Why somebody is unmapped, or what looks wrong with a mapping."""
        if mapping.flag:
            said = reasons.flag_sentence(mapping.flag, platform=platform_of(mapping.tenant))
            return two_lines(badge("warn", mapping.get_flag_display()), said)
        return two_lines(mapping.get_reason_display() or "–", sentence(mapping))

    @admin.display(description=gettext_lazy("last synced"))
    def last_synced(self, mapping: UserMapping) -> str:
        return last_synced(mapping)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        ours = {"title": _("User Mapping"), **self._auto_sync(request)}
        if request.session.get(LAST_LIST, "") != (query := request.GET.urlencode()):
            request.session[LAST_LIST] = query
        return super().changelist_view(request, ours | (extra_context or {}))

    def _auto_sync(self, request: HttpRequest) -> dict[str, Any]:
        """The tenants that get a button: the one the list is filtered by, else all when they are few."""
        if not request.user.has_perm(MAP):
            return {}
        tenants = tenants_of(request)
        chosen = request.GET.get("tenant") or str(switcher.chosen(request) or "")
        if chosen.isdecimal():
            tenants = tenants.filter(pk=chosen)
        found = list(tenants[: BUTTONS + 1])
        return {"sync_tenants": found if len(found) <= BUTTONS else [], "choose_first": len(found) > BUTTONS}

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        mapping = context["original"]
        note_last_read([mapping])
        context |= {
            "title": _("User Mapping"),
            "status": status_badge(mapping),
            "sentence": sentence(mapping),
            "next_step": reasons.next_step(mapping.reason, platform=platform_of(mapping.tenant)),
            "flag_sentence": reasons.flag_sentence(mapping.flag, platform=platform_of(mapping.tenant)),
            "flag_next_step": reasons.flag_next_step(mapping.flag, platform=platform_of(mapping.tenant)),
            "platform": platform_of(mapping.tenant),
            "last_synced": last_synced(mapping),
            "history": history_of(mapping),
            "back": back_to_list(request),
            "may_map": request.user.has_perm(MAP),
            "just_done": request.session.get(JUST_DONE, {}).get("mapping") == mapping.pk,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="")
    def menu(self, mapping: UserMapping) -> str:
        return render_to_string("admin/mapping/usermapping/menu.html", mapping.menu_context)  # type: ignore[attr-defined]


def note_last_read(mappings: Iterable[Any]) -> None:
    """Put on each row when both directories of its tenant were last read, in one query."""
    tenants = {mapping.tenant_id for mapping in mappings}
    runs = SyncRun.objects.filter(tenant__in=tenants, read_at__isnull=False).order_by()
    read: dict[int, datetime] = dict(runs.values_list("tenant").annotate(Max("read_at")))
    for mapping in mappings:
        mapping.last_read = read.get(mapping.tenant_id)


def last_synced(mapping: Any) -> str:
    if not mapping.present:
        return _("no longer in CXone")
    if mapping.last_read is None:
        return _("never")
    return moment(mapping.last_read)


def history_of(mapping: UserMapping) -> list[dict[str, Any]]:
    changes = mapping.changes.select_related("actor").order_by("-id")[:HISTORY]
    return [{"change": change, "by": by(change), "step": step(change)} for change in changes]
