"""From a connection's row to a client that can be called, and what a connection test finds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from .models import Connection
from .platforms import ExternalPlatform
from .platforms.cxone import Cxone
from .platforms.errors import PlatformError, Refused
from .platforms.http import Http
from .platforms.records import Finding
from .tokens import DatabaseTokens
from .vault import VaultError

wait = time.sleep
"""How every client waits; here so that tests need not."""

IN_A_RUN: dict[str, Any] = {"longest_wait": 10.0, "total_wait": 20.0, "tries": 3}
"""A run waits for no more than that in its worker: asked to wait longer, it gives the worker back to the others."""


def cxone(connection: Connection, *, heartbeat: Callable[[], None] | None = None) -> Cxone:
    """The client of a CXone side; `heartbeat` is called while it waits for a rate limit and may raise to
    give up. Refused when its credentials are missing or cannot be opened."""
    return Cxone(**_means(connection, heartbeat))


def external(connection: Connection, *, heartbeat: Callable[[], None] | None = None) -> ExternalPlatform:
    """The same for an external side."""
    return connection.kind.client()(**_means(connection, heartbeat))  # type: ignore[no-any-return]


def _means(connection: Connection, heartbeat: Callable[[], None] | None) -> dict[str, Any]:
    try:
        credentials = connection.credentials.open()
    except VaultError as error:
        raise Refused(str(error)) from error
    if not credentials:
        raise Refused("No credentials have been entered for this connection.")
    return {
        "base_url": connection.base_url,
        "credentials": credentials,
        "tokens": DatabaseTokens(heartbeat),
        "http": Http(
            connection.base_url,
            heartbeat=heartbeat,
            wait=lambda seconds: wait(seconds),
            **(IN_A_RUN if heartbeat else {}),
        ),
        "key": str(connection.pk),
    }


def check(connection: Connection) -> list[Finding]:
    """Sign in and read, as a run would; what was found is kept on the connection."""
    try:
        if connection.side == Connection.Side.CXONE:
            findings = cxone(connection).check(permission=connection.tenant.map_permission)
        else:
            findings = external(connection).check()
    except PlatformError as error:
        findings = [Finding("Prepare", False, error.message)]
    note_health(connection, [finding.text for finding in findings if not finding.ok])
    return findings


def note_health(connection: Connection, troubles: list[str]) -> None:
    """Keep how the connection fares: working without troubles, failing with them."""
    connection.health = Connection.Health.FAILING if troubles else Connection.Health.WORKING
    connection.health_text = "\n".join(troubles)
    connection.checked_at = timezone.now()
    connection.save(update_fields=["health", "health_text", "checked_at"])
