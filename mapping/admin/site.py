"""The site that all pages are part of: its name, its navigation, and its home page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

NAVIGATION = [
    ("mapping.view_usermapping", "mapping_usermapping", _("User Mapping")),
    ("mapping.view_syncrun", "mapping_syncrun", _("Sync runs")),
    ("mapping.view_syncschedule", "mapping_syncschedule", _("Auto Syncing")),
    ("mapping.view_change", "mapping_change", _("Changes")),
    ("mapping.view_externalaccount", "mapping_externalaccount", _("Accounts")),
    ("tenants.view_tenant", "tenants_tenant", _("Tenants")),
    ("tenants.view_connection", "tenants_connection", _("Connections")),
    ("auth.view_user", "auth_user", _("Staff")),
]


class Site(AdminSite):
    site_header = site_title = _("Presence Sync")
    index_title = _("Home")
    index_template = "mapping/home.html"
    site_url = None
    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from . import switcher  # the models are not ready when the site is made

        ours = {"navigation": navigation(request), "switcher": switcher.context(request)}
        return super().each_context(request) | ours

    def get_urls(self) -> list[Any]:
        from . import switcher

        return [path("switch/", self.admin_view(switcher.switch), name="switch"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        from .home import cards  # the models are not ready when the site is made

        may_see = request.user.has_perm("mapping.view_usermapping")
        context = {"title": _("Home"), "cards": cards(request.user) if may_see else [], "may_see": may_see}
        return super().index(request, context | (extra_context or {}))


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The lists this person may see; the one they are in is marked."""
    if not getattr(request, "user", None) or not request.user.is_active:
        return []
    links = []
    for permission, name, label in NAVIGATION:
        if request.user.has_perm(permission):
            url = reverse(f"admin:{name}_changelist")
            inside = "true" if request.path.startswith(url) else ""
            links.append({"label": label, "url": url, "here": "page" if request.path == url else inside})
    return links
