"""Filters that ask the operator's question. None of them tells of a tenant that the person may not see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from tenants.admin.scope import tenants_of

from ..models import SyncRun, UserMapping
from ..reasons import NEEDS_A_DECISION
from . import switcher

NEEDED = Q(reason__in=[reason.value for reason in NEEDS_A_DECISION]) | ~Q(flag="")
"""Unmapped and a person can mend it, or mapped and it looks wrong."""


class ClosedFilter(admin.SimpleListFilter):
    """One whose values are those it offers: any other is a page that does not exist."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in {str(key) for key, _label in self.lookup_choices}:
            raise Http404
        return self.chosen(queryset, value)

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError


class TenantFilter(ClosedFilter):
    """The tenant chosen in the header, unless another is asked for here. Not shown to those who see just one."""

    title = _("tenant")
    parameter_name = "tenant"
    everyone = "all"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.remembered = switcher.chosen(request)
        super().__init__(request, params, model, model_admin)

    def value(self) -> str | None:
        asked = super().value()
        if asked is None:
            return str(self.remembered) if self.remembered else None
        return None if asked == self.everyone else asked

    def choices(self, changelist: Any) -> Any:
        default, *others = super().choices(changelist)
        query = changelist.get_query_string({self.parameter_name: self.everyone})
        return [{**default, "query_string": query}, *others]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tenants = [(str(pk), name) for pk, name in tenants_of(request).values_list("pk", "name")]
        return tenants if len(tenants) > 1 or self.value() else []

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1 or self.value() is not None

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(tenant_id=value)


class StatusFilter(ClosedFilter):
    title = _("Status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mapped", _("Mapped")), ("unmapped", _("Unmapped"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(account__isnull=value == "unmapped")


class DecisionFilter(ClosedFilter):
    title = _("needs a decision")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(NEEDED if value == "yes" else ~NEEDED)


class PresentFilter(ClosedFilter):
    """Those no longer in CXone are left out until somebody asks for them."""

    title = _("in CXone")
    parameter_name = "present"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No longer in CXone")), ("all", _("Everybody"))]

    def choices(self, changelist: Any) -> Any:
        default, *others = super().choices(changelist)
        return [{**default, "display": _("In CXone")}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        narrowed = super().queryset(request, queryset)
        return narrowed.filter(present=True) if self.value() is None else narrowed

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(present=False) if value == "no" else queryset


class ChangedFilter(ClosedFilter):
    title = _("changed")
    parameter_name = "changed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yesterday", _("Since yesterday")), ("week", _("Last 7 days"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        since = localtime() - timedelta(days=1 if value == "yesterday" else 7)
        if value == "yesterday":
            since = since.replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.filter(changed_at__gte=since)


class TeamFilter(ClosedFilter):
    """The teams of the tenants seen, the first hundred by name. Not shown when there is none."""

    title = _("team")
    parameter_name = "team"
    shown = 100

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = UserMapping.objects.filter(tenant__in=tenants_of(request)).exclude(team="")
        teams = rows.order_by("team").values_list("team", flat=True).distinct()
        return [(team, team) for team in teams[: self.shown]]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(team=value)


class GoneFilter(ClosedFilter):
    title = _("in the directory")
    parameter_name = "gone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("There")), ("yes", _("Gone"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(gone_since__isnull=value == "no")


class RunFilter(ClosedFilter):
    """The latest runs, and the one that a link asks for."""

    title = _("run")
    parameter_name = "run__id__exact"
    shown = 10

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        runs = SyncRun.objects.for_staff(request.user)
        latest = list(runs.values_list("pk", "tenant__name")[: self.shown])
        asked = str(self.value() or "")
        if asked.isdecimal() and int(asked) not in dict(latest):
            latest += runs.filter(pk=int(asked)).values_list("pk", "tenant__name")
        return [(str(pk), f"{pk} – {name}") for pk, name in latest]

    def has_output(self) -> bool:
        return bool(self.lookup_choices) or self.value() is not None

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(run_id=value)


class RunOutcomeFilter(ClosedFilter):
    """What an operator looks for among runs."""

    title = _("needs attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("decision", _("Waits for a decision")),
            ("trouble", _("Failed, interrupted or with errors")),
            ("missed", _("Made up for missed runs")),
            ("changed", _("Changed something")),
        ]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        wanted = {
            "decision": Q(status=SyncRun.Status.HELD),
            "trouble": Q(status__in=SyncRun.TROUBLE),
            "missed": Q(missed_count__gt=0),
            "changed": Q(changed__gt=0),
        }
        return queryset.filter(wanted[value])
