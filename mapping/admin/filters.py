"""Filters that ask the operator's question, on any list; those of User Mapping alone are in people_filters.py.
None of them tells of a tenant that the person may not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.admin.scope import tenants_of

from ..models import SyncRun
from ..reasons import NEEDS_A_DECISION
from . import switcher

Kept = TypeVar("Kept")

NEEDED = Q(reason__in=[reason.value for reason in NEEDS_A_DECISION]) | ~Q(flag="")
"""Unmapped and a person can mend it, or mapped and it looks wrong."""


class ClosedFilter(admin.SimpleListFilter):
    """One whose values are those it offers: any other is a page that does not exist. A filter says with `condition`
    what a value means; the counts beside all its values are one query that reads each row once."""

    def condition(self, value: str) -> Q:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in {str(key) for key, _label in self.lookup_choices}:
            raise Http404
        return queryset.filter(self.condition(value))

    def get_facet_counts(self, pk_attname: str, filtered_qs: QuerySet[Any]) -> dict[str, Any]:
        return {
            f"{number}__c": Count(pk_attname, filter=self.condition(str(value)))
            for number, (value, _label) in enumerate(self.lookup_choices)
        }


def once(request: HttpRequest, name: str, make: Callable[[], Kept]) -> Kept:
    """What `make` returned the first time in this request: a list with counts makes each of its filters anew for
    the counts of every other."""
    kept: dict[str, Kept] = request.__dict__.setdefault("_kept_for_filters", {})
    if name not in kept:
        kept[name] = make()
    return kept[name]


class TenantFilter(ClosedFilter):
    """The tenant chosen in the header, unless another is asked for here. Not shown to those who see just one."""

    title = _("tenant")
    parameter_name = "tenant"
    everyone = "all"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.remembered = once(request, "tenant", lambda: switcher.chosen(request))
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
        seen = once(request, "tenants", lambda: list(tenants_of(request).values_list("pk", "name")))
        tenants = [(str(pk), name) for pk, name in seen]
        return tenants if len(tenants) > 1 or self.value() else []

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1 or self.value() is not None

    def condition(self, value: str) -> Q:
        return Q(tenant_id=value)


class GoneFilter(ClosedFilter):
    title = _("in the directory")
    parameter_name = "gone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("There")), ("yes", _("Gone"))]

    def condition(self, value: str) -> Q:
        return Q(gone_since__isnull=value == "no")


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

    def condition(self, value: str) -> Q:
        return Q(run_id=value)


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

    def condition(self, value: str) -> Q:
        return {
            "decision": Q(status=SyncRun.Status.HELD),
            "trouble": Q(status__in=SyncRun.TROUBLE),
            "missed": Q(missed_count__gt=0),
            "changed": Q(changed__gt=0),
        }[value]
