"""Changes: the history of the map, as proposed and as it came out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin.scope import ReadOnly, TenantScoped

from .. import reasons
from ..models import Change
from .columns import by, link, moment, outcome_badge, platform_of, state_in_words, step, two_lines
from .filters import RunFilter, TenantFilter


@admin.register(Change)
class ChangeAdmin(ReadOnly, TenantScoped):
    list_display = [
        "user",
        "kind",
        "before_and_after",
        "reason",
        "came_out",
        "in_run",
        "actor_in_words",
        "proposed_at",
    ]
    list_display_links = ["kind"]
    list_filter = [TenantFilter, "kind", "outcome", RunFilter]
    search_fields = ["mapping__name", "mapping__email", "mapping__username"]
    search_help_text = gettext_lazy("Name, e-mail or username of the CXone user")
    ordering = ["-id"]
    list_per_page = 100
    show_full_result_count = False
    empty_value_display = "–"
    actions = None

    fields = [
        "user",
        "tenant",
        "kind",
        "was",
        "became",
        "sentence",
        "came_out",
        "in_run",
        "actor_in_words",
        "created_at",
        "settled_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        return super().get_queryset(request).select_related("tenant", "mapping", "actor", "run")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    @admin.display(description=gettext_lazy("user"), ordering="mapping__name")
    def user(self, change: Change) -> str:
        return link(change.mapping, "mapping_usermapping_change", change.mapping_id)

    @admin.display(description=gettext_lazy("before → after"))
    def before_and_after(self, change: Change) -> str:
        return step(change)

    @admin.display(description=gettext_lazy("before"))
    def was(self, change: Change) -> str:
        return state_in_words(change.before)

    @admin.display(description=gettext_lazy("after"))
    def became(self, change: Change) -> str:
        return state_in_words(change.after)

    @admin.display(description=gettext_lazy("reason"))
    def sentence(self, change: Change) -> str:
        email, platform = change.mapping.email, platform_of(change.tenant)
        return reasons.sentence(change.reason, change.evidence, email=email, platform=platform) or "–"

    @admin.display(description=gettext_lazy("outcome"), ordering="outcome")
    def came_out(self, change: Change) -> str:
        return two_lines(outcome_badge(change), change.refusal)

    @admin.display(description=gettext_lazy("run"), ordering="run")
    def in_run(self, change: Change) -> str:
        if change.run_id is None:
            return _("by hand")
        return link(_("Run %(number)d") % {"number": change.run_id}, "mapping_syncrun_change", change.run_id)

    @admin.display(description=gettext_lazy("proposed"), ordering="created_at")
    def proposed_at(self, change: Change) -> str:
        return moment(change.created_at)

    @admin.display(description=gettext_lazy("by"), ordering="actor")
    def actor_in_words(self, change: Change) -> str:
        return by(change)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Changes"), **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"title": _("Change"), "subtitle": str(context["original"].mapping)}
        return super().render_change_form(request, context, *args, **kwargs)
