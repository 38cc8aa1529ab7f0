"""Times are shown in the zone of whoever reads. The browser says its zone in a cookie (mapping/zone.js), which is
believed when it is the name of one; without it, times are in TIME_ZONE."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mapping.schedules import zone_names

COOKIE = "timezone"


def readers_zone(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        said = request.COOKIES.get(COOKIE, "")
        with timezone.override(ZoneInfo(said) if said in zone_names() else None):
            return get_response(request)

    return middleware
