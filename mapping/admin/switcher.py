"""The tenant that somebody works on: chosen once, remembered, shown on each page. Who sees one never chooses."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.admin.scope import tenant_or_404, tenants_of

CHOSEN = "tenant"
"""Session key: the tenant's primary key."""


def chosen(request: HttpRequest) -> int | None:
    """The remembered tenant, as long as the person still belongs to it."""
    pk = request.session.get(CHOSEN)
    return pk if pk and tenants_of(request).filter(pk=pk).exists() else None


def context(request: HttpRequest) -> dict[str, Any]:
    """What the header shows: nothing where there is nothing to choose."""
    user = getattr(request, "user", None)
    if user is None or not user.is_staff:
        return {}
    tenants = list(tenants_of(request).values("pk", "name"))
    if len(tenants) < 2:
        return {}
    now = request.session.get(CHOSEN)
    current = next((tenant for tenant in tenants if tenant["pk"] == now), None)
    return {"tenants": tenants, "current": current}


def switch(request: HttpRequest) -> HttpResponse:
    """Remember the tenant in `tenant`, or forget it when that is empty, and go back to the list one came from."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    wanted = request.POST.get("tenant", "")
    if wanted.isdecimal():
        request.session[CHOSEN] = tenant_or_404(request, int(wanted)).pk
    else:
        request.session.pop(CHOSEN, None)
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if safe else reverse("admin:index"))
