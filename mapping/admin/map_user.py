"""Map User: from a user's details to the account that is theirs, and the other things a person decides about them.

Row menu › Map User opens the details; there, Map User opens the search; the choice is confirmed by Map User.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.messages import get_messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from tenants import reach
from tenants.models import Connection
from tenants.platforms.errors import PlatformError, TryLater

from .. import by_hand, search
from ..models import Change, ExternalAccount, UserMapping
from ..sync.store import add_accounts
from .columns import platform_of, sentence
from .filters import NEEDED

MAP = "mapping.map_usermapping"
JUST_DONE = "just_done"
"""Session key: {"mapping": pk, "changes": [pks]} of what was done last, for Undo."""

LAST_LIST = "last_list"
"""Session key: the query of the User Mapping list as last seen, so that the way back keeps its filters."""

VERBS = {
    "unmap": (by_hand.unmap_user, gettext_lazy("Unmapped.")),
    "do-not-map": (by_hand.do_not_map, gettext_lazy("Parked: Do not map.")),
    "reject": (by_hand.reject_match, gettext_lazy("Match rejected.")),
    "leave-to-auto-sync": (by_hand.leave_to_auto_sync, gettext_lazy("Left to Auto Sync.")),
}
"""What the row menu offers beside Map User: the verb, and what the log says of it."""


class MapUser(admin.ModelAdmin):  # type: ignore[type-arg]
    """The pages, for the ModelAdmin of UserMapping. Each asks for User Mapping: Map itself."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        name = "mapping_usermapping_{}".format
        return [
            path("<int:pk>/map/", view(self.map_page), name=name("map")),
            path("<int:pk>/map/results/", view(require_GET(self.results)), name=name("results")),
            path("<int:pk>/undo/", view(require_POST(self.undo)), name=name("undo")),
            path("<int:pk>/next/", view(require_GET(self.next_unmapped)), name=name("next")),
            path("<int:pk>/<slug:verb>/now/", view(require_POST(self.verb)), name=name("verb")),
            *super().get_urls(),
        ]

    def theirs(self, request: HttpRequest, pk: int) -> UserMapping:
        """The row, for somebody who may map it. 403 or 404 otherwise."""
        mapping: UserMapping = self.get_object(request, str(pk))  # type: ignore[assignment]
        if not request.user.has_perm(MAP):  # type: ignore[union-attr]
            raise PermissionDenied
        return mapping

    def map_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        mapping = self.theirs(request, pk)
        if request.method == "POST":
            return self.map(request, mapping)
        typed = request.GET.get("q", "")
        context = self.admin_site.each_context(request) | {
            "title": _("Map User"),
            "original": mapping,
            "opts": self.opts,
            "platform": platform_of(mapping.tenant),
            "typed": typed,
            "candidates": search.candidates(mapping),
            "sentence": sentence(mapping),
            "waiting": self.waiting(request, mapping).count(),
            "back": back_to_list(request),
            **self.found(request, mapping, typed),
        }
        return TemplateResponse(request, "admin/mapping/usermapping/map.html", context)

    def results(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The fragment under the search bar."""
        mapping = self.theirs(request, pk)
        context = {"original": mapping, "platform": platform_of(mapping.tenant)}
        context |= self.found(request, mapping, request.GET.get("q", ""))
        return TemplateResponse(request, "admin/mapping/usermapping/results.html", context)

    def found(self, request: HttpRequest, mapping: UserMapping, typed: str) -> dict[str, Any]:
        """From the stored directory; with `live`, after the platform itself was asked."""
        problem = ""
        if typed.strip() and "live" in request.GET:
            problem = ask_platform(mapping, typed)
        return {"typed": typed, "results": search.accounts(mapping.tenant, typed), "problem": problem}

    def map(self, request: HttpRequest, mapping: UserMapping) -> HttpResponse:
        chosen = request.POST.get("account", "")
        account = (
            ExternalAccount.objects.select_related("mapping")
            .filter(tenant=mapping.tenant_id, pk=chosen if chosen.isdecimal() else 0)
            .first()
        )
        if account is None:
            messages.error(request, _("Choose an account first."))
            return HttpResponseRedirect(reverse("admin:mapping_usermapping_map", args=[mapping.pk]))
        owner = getattr(account, "mapping", None)
        wants_care = (owner and owner.pk != mapping.pk) or not account.is_candidate
        if wants_care and "confirmed" not in request.POST:
            return self.ask(request, mapping, account, owner)
        try:
            changes = by_hand.map_user(
                mapping, account, actor=request.user, reassign="reassign" in request.POST
            )
        except by_hand.NotPossible as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:mapping_usermapping_map", args=[mapping.pk]))
        said = _("%(user)s is mapped to %(account)s.") % {"user": mapping, "account": account}
        return self.done(request, mapping, changes, said)

    def ask(
        self, request: HttpRequest, mapping: UserMapping, account: ExternalAccount, owner: UserMapping | None
    ) -> HttpResponse:
        """Nothing that takes an account away, or gives one that cannot be used, happens at one click."""
        taken = owner if owner and owner.pk != mapping.pk else None
        context = self.admin_site.each_context(request) | {
            "title": _("Reassign the account?") if taken else _("Map this account?"),
            "original": mapping,
            "opts": self.opts,
            "account": account,
            "owner": taken,
            "typed": request.POST.get("q", ""),
            "platform": platform_of(mapping.tenant),
        }
        return TemplateResponse(request, "admin/mapping/usermapping/confirm.html", context)

    def verb(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        mapping = self.theirs(request, pk)
        if verb not in VERBS:
            return HttpResponseRedirect(reverse("admin:mapping_usermapping_change", args=[pk]))
        do, said = VERBS[verb]
        try:
            change = do(mapping, actor=request.user)
        except by_hand.NotPossible as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:mapping_usermapping_change", args=[pk]))
        return self.done(request, mapping, [change], f"{mapping}: {said}")

    def done(
        self, request: HttpRequest, mapping: UserMapping, changes: list[Change], said: str
    ) -> HttpResponse:
        for change in changes:
            self.log_change(request, change.mapping, said)
        request.session[JUST_DONE] = {"mapping": mapping.pk, "changes": [change.pk for change in changes]}
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:mapping_usermapping_change", args=[mapping.pk]))

    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        mapping = self.theirs(request, pk)
        done = request.session.pop(JUST_DONE, {})
        changes = list(
            Change.objects.filter(pk__in=done.get("changes", []), actor=request.user.pk).order_by("pk")
        )
        list(get_messages(request))  # what it says is true no more
        try:
            if done.get("mapping") != pk or not changes:
                raise by_hand.NotPossible(_("There is nothing to undo here."))
            undone = by_hand.undo(changes, actor=request.user)
        except by_hand.NotPossible as error:
            messages.error(request, str(error))
        else:
            for change in undone:
                self.log_change(request, change.mapping, _("Undone."))
            count = len(undone)
            messages.success(request, ngettext("%d change undone.", "%d changes undone.", count) % count)
        return HttpResponseRedirect(reverse("admin:mapping_usermapping_change", args=[mapping.pk]))

    def waiting(self, request: HttpRequest, mapping: UserMapping) -> QuerySet[UserMapping]:
        """The others of the tenant who are unmapped and need a decision."""
        tenants = self.get_queryset(request).filter(tenant=mapping.tenant_id, present=True)
        return tenants.filter(NEEDED, account=None).exclude(pk=mapping.pk)  # type: ignore[no-any-return]

    def next_unmapped(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The next person who needs a decision, by name after this one and then from the start."""
        mapping = self.theirs(request, pk)
        ordered = self.waiting(request, mapping).order_by("name", "pk")
        found = ordered.filter(name__gte=mapping.name).exclude(name=mapping.name, pk__lt=pk).first()
        found = found or ordered.first()
        if found is None:
            messages.success(request, _("Everybody who needed a decision has one."))
            return HttpResponseRedirect(
                reverse("admin:mapping_usermapping_changelist") + back_to_list(request)
            )
        return HttpResponseRedirect(reverse("admin:mapping_usermapping_map", args=[found.pk]))


def back_to_list(request: HttpRequest) -> str:
    """“?decision=yes”, or "" when the list was not filtered."""
    query = request.session.get(LAST_LIST, "")
    return f"?{query}" if query else ""


def ask_platform(mapping: UserMapping, typed: str) -> str:
    """Ask the platform now; accounts that were not known become rows. What is wrong in words, or ""."""
    try:
        connection = mapping.tenant.connection(Connection.Side.EXTERNAL)
        add_accounts(mapping.tenant, reach.external(connection).search(typed))
    except TryLater as error:
        if error.after:
            seconds = round(error.after)
            return _("%(platform)s allows the next search in %(seconds)d seconds.") % {
                "platform": platform_of(mapping.tenant),
                "seconds": seconds,
            }
        return str(error)
    except PlatformError as error:
        return str(error)
    return ""
