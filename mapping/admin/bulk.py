"""Bulk actions on the User Mapping list: first a page that counts what will happen, then each row on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from .. import by_hand
from ..matching import Reason
from ..models import UserMapping
from .map_user import MAP

AT_ONCE = 5_000
"""So many rows are taken in one request."""

WILL, ALONE, ALREADY = "will", "alone", "already"


class Bulk(NamedTuple):
    """A verb for many: what it says it does, how it is done, and who is so already."""

    title: Any
    do: Callable[..., Any]
    said: Any
    will: Any
    is_so: Callable[[UserMapping], bool]


BULK = {
    "bulk_do_not_map": Bulk(
        gettext_lazy("Do not map"),
        by_hand.do_not_map,
        gettext_lazy("Parked: Do not map."),
        ngettext_lazy("%d will be parked as Do not map", "%d will be parked as Do not map"),
        lambda row: row.reason == Reason.DO_NOT_MAP,
    ),
    "bulk_unmap": Bulk(
        gettext_lazy("Unmap"),
        by_hand.unmap_user,
        gettext_lazy("Unmapped."),
        ngettext_lazy("%d will be unmapped", "%d will be unmapped"),
        lambda row: not row.is_mapped,
    ),
    "bulk_leave_to_auto_sync": Bulk(
        gettext_lazy("Leave to Auto Sync"),
        by_hand.leave_to_auto_sync,
        gettext_lazy("Left to Auto Sync."),
        ngettext_lazy("%d will be left to Auto Sync", "%d will be left to Auto Sync"),
        lambda row: not by_hand.decided_by_hand(row),
    ),
}


class BulkActions(admin.ModelAdmin):  # type: ignore[type-arg]
    """The actions, for the ModelAdmin of UserMapping."""

    actions = list(BULK)

    def has_map_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAP)  # type: ignore[union-attr]

    @admin.action(description=BULK["bulk_do_not_map"].title, permissions=["map"])
    def bulk_do_not_map(self, request: HttpRequest, rows: QuerySet[UserMapping]) -> HttpResponse | None:
        return self.bulk(request, rows, "bulk_do_not_map")

    @admin.action(description=BULK["bulk_unmap"].title, permissions=["map"])
    def bulk_unmap(self, request: HttpRequest, rows: QuerySet[UserMapping]) -> HttpResponse | None:
        return self.bulk(request, rows, "bulk_unmap")

    @admin.action(description=BULK["bulk_leave_to_auto_sync"].title, permissions=["map"])
    def bulk_leave_to_auto_sync(
        self, request: HttpRequest, rows: QuerySet[UserMapping]
    ) -> HttpResponse | None:
        return self.bulk(request, rows, "bulk_leave_to_auto_sync")

    def bulk(self, request: HttpRequest, rows: QuerySet[UserMapping], name: str) -> HttpResponse | None:
        """The page that asks; with `confirmed`, what it asked about is done. None leads back to the list."""
        across = request.POST.get("select_across") == "1"
        chosen = list(rows[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            said = _("At most %(count)d users at once. Narrow the list by its filters first.")
            messages.error(request, said % {"count": AT_ONCE})
            return None
        if "confirmed" in request.POST:
            asked = set(request.POST["confirmed"].split(","))
            self.do_all(request, [row for row in chosen if str(row.pk) in asked], BULK[name], across=across)
            return None
        return self.ask_bulk(request, chosen, name, across=across)

    def ask_bulk(
        self, request: HttpRequest, chosen: list[UserMapping], name: str, *, across: bool
    ) -> HttpResponse:
        bulk = BULK[name]
        fates = {row.pk: fate(row, bulk, across=across) for row in chosen}
        context = self.admin_site.each_context(request) | {
            "title": bulk.title,
            "opts": self.opts,
            "name": name,
            "across": int(across),
            "checkbox": ACTION_CHECKBOX_NAME,
            "selected": [0] if across else list(fates),
            "will": ",".join(str(pk) for pk, its in fates.items() if its == WILL),
            "in_words": in_words(fates, bulk),
        }
        return TemplateResponse(request, "admin/mapping/usermapping/bulk.html", context)

    def do_all(self, request: HttpRequest, rows: list[UserMapping], bulk: Bulk, *, across: bool) -> None:
        """Each row in its own transaction, looked at again: one refusal stops no other."""
        done, refused = 0, []
        for row in rows:
            try:
                with transaction.atomic():
                    row = UserMapping.objects.select_for_update().get(pk=row.pk)
                    if fate(row, bulk, across=across) != WILL:
                        raise by_hand.NotPossible(_("%(user)s has changed since.") % {"user": row})
                    bulk.do(row, actor=request.user)
                    self.log_change(request, row, str(bulk.said))
                done += 1
            except by_hand.NotPossible as error:
                refused.append(str(error))
        counted = ngettext("%d user", "%d users", done) % done
        messages.success(request, f"{counted}: {bulk.said}")
        if refused:
            count = len(refused)
            said = ngettext("%d was left alone:", "%d were left alone:", count) % count
            messages.warning(request, f"{said} {' '.join(refused[:5])}")


def fate(row: UserMapping, bulk: Bulk, *, across: bool) -> str:
    """What happens to the row. `across`: it was not chosen itself, but with the whole filtered set."""
    if bulk.is_so(row):
        return ALREADY
    return ALONE if across and by_hand.decided_by_hand(row) else WILL


def in_words(fates: dict[int, str], bulk: Bulk) -> str:
    """“12 users chosen: 9 will be unmapped, 2 were decided by hand and are left alone, 1 is so already.”"""
    counts = Counter(fates.values())
    words = [str(bulk.will % counts[WILL])]
    if alone := counts[ALONE]:
        words.append(
            ngettext(
                "%d was decided by hand and is left alone",
                "%d were decided by hand and are left alone",
                alone,
            )
            % alone
        )
    if already := counts[ALREADY]:
        words.append(ngettext("%d is so already", "%d are so already", already) % already)
    chosen = ngettext("%d user chosen", "%d users chosen", len(fates)) % len(fates)
    return f"{chosen}: {', '.join(words)}."
