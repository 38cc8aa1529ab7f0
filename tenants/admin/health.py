"""How a connection fares, as the pages show it: a word and a sign, never colour alone."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..models import Connection, Tenant

TONES = {
    Connection.Health.WORKING: "ok",
    Connection.Health.FAILING: "bad",
    Connection.Health.UNKNOWN: "idle",
}


def badge(tone: str, text: Any) -> str:
    return format_html('<span class="badge badge-{}"><span aria-hidden="true">●</span> {}</span>', tone, text)


def health_badge(connection: Connection) -> str:
    if not connection.is_complete:
        return badge("warn", _("no credentials"))
    return badge(TONES[Connection.Health(connection.health)], connection.get_health_display())


def connections_of(tenant: Tenant) -> list[Connection]:
    """Its connections, without asking again for what they belong to; prefetched ones are not asked for."""
    rows = list(tenant.connections.all())
    for row in rows:
        row.tenant = tenant
    return rows
