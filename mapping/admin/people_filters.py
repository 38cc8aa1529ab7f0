"""The filters of the User Mapping list."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from tenants.admin.scope import tenants_of

from ..matching import Flag
from ..models import UserMapping
from ..reasons import FLAGS
from .filters import NEEDED, ClosedFilter, once

FLAG = "flag__exact"
SAME_EMAIL = Q(email_key=F("account__email_key"))


class StatusFilter(ClosedFilter):
    title = _("Status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mapped", _("Mapped")), ("unmapped", _("Unmapped"))]

    def condition(self, value: str) -> Q:
        return Q(account__isnull=value == "unmapped")


class DecisionFilter(ClosedFilter):
    title = _("needs a decision")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def condition(self, value: str) -> Q:
        return NEEDED if value == "yes" else ~NEEDED


class EmailsFilter(ClosedFilter):
    """Whether the two addresses of somebody mapped are the same, however they came to be mapped."""

    title = _("e-mails")
    parameter_name = "emails"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("differ", _("Differ")), ("same", _("The same"))]

    def condition(self, value: str) -> Q:
        return Q(account__isnull=False) & (SAME_EMAIL if value == "same" else ~SAME_EMAIL)


class PresentFilter(ClosedFilter):
    """Those no longer in CXone are left out until somebody asks for them, or for the flag that only they have."""

    title = _("in CXone")
    parameter_name = "present"

    def value(self) -> str | None:
        asked = super().value()
        return "all" if asked is None and self.request.GET.get(FLAG) == Flag.USER_GONE else asked

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No longer in CXone")), ("all", _("Everybody"))]

    def choices(self, changelist: Any) -> Any:
        default, *others = super().choices(changelist)
        return [{**default, "display": _("In CXone")}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        narrowed = super().queryset(request, queryset)
        return narrowed.filter(present=True) if self.value() is None else narrowed

    def condition(self, value: str) -> Q:
        return Q(present=False) if value == "no" else Q(pk__isnull=False)


class FlagFilter(ClosedFilter):
    """Its count for *Left CXone* is of those that choosing it shows: see PresentFilter."""

    title = _("flag")
    parameter_name = FLAG

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(FLAGS)

    def condition(self, value: str) -> Q:
        return Q(flag=value)

    def get_facet_queryset(self, changelist: Any) -> dict[str, int]:
        if PresentFilter.parameter_name in self.request.GET:
            return super().get_facet_queryset(changelist)  # type: ignore[no-any-return, misc]
        rows = changelist.root_queryset
        for other in changelist.filter_specs:
            if not isinstance(other, FlagFilter | PresentFilter):
                rows = other.queryset(self.request, rows)
        rows, _may_repeat = changelist.model_admin.get_search_results(self.request, rows, changelist.query)
        return dict(rows.aggregate(**self.get_facet_counts(changelist.pk_attname, rows)))

    def get_facet_counts(self, pk_attname: str, filtered_qs: QuerySet[Any]) -> dict[str, Any]:
        return {
            f"{number}__c": Count(pk_attname, filter=self.condition(flag) & self.seen(flag))
            for number, (flag, _label) in enumerate(self.lookup_choices)
        }

    def seen(self, flag: str) -> Q:
        """Of whom the list shows when nothing is said about who is in CXone."""
        asked = PresentFilter.parameter_name in self.request.GET
        return Q() if asked or flag == Flag.USER_GONE else Q(present=True)


class ChangedFilter(ClosedFilter):
    title = _("changed")
    parameter_name = "changed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yesterday", _("Since yesterday")), ("week", _("Last 7 days"))]

    def condition(self, value: str) -> Q:
        since = localtime() - timedelta(days=1 if value == "yesterday" else 7)
        if value == "yesterday":
            since = since.replace(hour=0, minute=0, second=0, microsecond=0)
        return Q(changed_at__gte=since)


class NamesFilter(ClosedFilter):
    """Names that stand in the rows of the tenants seen, the first hundred. Not shown when there is none.

    A hundred conditions would be looked at for each row: what stands in the rows is counted instead."""

    shown = 100
    field: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in once(request, self.field, lambda: self.names(request))]

    def names(self, request: HttpRequest) -> list[str]:
        rows = UserMapping.objects.filter(tenant__in=tenants_of(request)).exclude(**{self.field: ""})
        kept = rows.order_by().values_list(self.field, flat=True).distinct()
        return sorted({name for line in kept for name in self.inside(line)}, key=str.casefold)[: self.shown]

    def inside(self, kept: str) -> list[str]:
        """The names in one row."""
        return [kept]

    def get_facet_queryset(self, changelist: Any) -> dict[str, int]:
        rows = changelist.get_queryset(self.request, exclude_parameters=self.expected_parameters())
        counts: Counter[str] = Counter()
        for kept, count in rows.order_by().values_list(self.field).annotate(Count("pk")):
            counts.update(dict.fromkeys(self.inside(kept), count))
        return {f"{number}__c": counts[name] for number, (name, _label) in enumerate(self.lookup_choices)}


class TeamFilter(NamesFilter):
    title = _("team")
    parameter_name = field = "team"

    def condition(self, value: str) -> Q:
        return Q(team=value)


class RoleFilter(NamesFilter):
    """By a CXone role, the primary one or another."""

    title = _("role")
    parameter_name = "role"
    field = "roles"

    def inside(self, kept: str) -> list[str]:
        return [name for name in kept.split("\n") if name]

    def condition(self, value: str) -> Q:
        return Q(roles__contains=f"\n{value}\n")
