"""The search of the User Mapping list: every word stands somewhere on either side, accents and case aside."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tenants.admin.scope import tenants_of

from ..folding import fold
from ..models import UserMapping
from .filters import once

WORDS = 8
"""So many words of a search are looked at."""


class PeopleSearch(admin.ModelAdmin):  # type: ignore[type-arg]
    """For the ModelAdmin of UserMapping. A search costs one query more than the list, however many words it has."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for word in search_term.split()[:WORDS]:
            queryset = queryset.filter(self.holds(request, word))
        return queryset, False

    def holds(self, request: HttpRequest, word: str) -> Q:
        found = Q()
        for field in self.search_fields:
            found |= Q(**{f"{field}__icontains": word})
        if bare := fold(word):
            found |= Q(name__icontains=bare) | Q(account__search_text__contains=bare)
            found |= Q(pk__in=[pk for pk, name in accented(request) if bare in name])
        return found


def accented(request: HttpRequest) -> list[tuple[int, str]]:
    """(primary key, name folded) of those whose name no database compares without accents by itself."""

    def read() -> list[tuple[int, str]]:
        rows = UserMapping.objects.filter(tenant__in=tenants_of(request), name__regex=r"[^ -~]")
        return [(pk, fold(name)) for pk, name in rows.values_list("pk", "name")]

    return once(request, "accented", read)
