"""The demo's furniture: two tenants whose both sides are the bundled sandbox, and three people on the staff."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction

from tenants.models import Connection, Tenant
from tenants.sandbox import Sandbox
from tenants.vault import VaultError

from .models import SyncSchedule

TENANTS = {"acme": "Acme Support", "globex": "Globex Care"}
"""The sandbox's companies, and what their tenants are called."""

STAFF = {
    "administrator": ("Presence Sync administrators", tuple(TENANTS)),
    "mapper": ("Mappers", tuple(TENANTS)),
    "viewer": ("Viewers", ("acme",)),
}
"""{username: (group, the tenants they see)}"""


def seed(sandbox: Sandbox, *, sandbox_url: str, retry_delay: timedelta, folder: Path) -> dict[str, str]:
    """Make what is not there yet, point the connections at the sandbox, and return {username: password}."""
    with transaction.atomic():
        tenants = {slug: _tenant(sandbox, slug, sandbox_url, retry_delay) for slug in TENANTS}
        return {username: _member(username, tenants, folder) for username in STAFF}


def somebody_works_here(folder: Path) -> bool:
    """Whether this database holds tenants or staff although no demo was ever seeded from `folder`."""
    if (folder / f"password_{next(iter(STAFF))}").exists():
        return False
    try:
        return Tenant.objects.exists() or get_user_model().objects.exists()
    except DatabaseError:  # not even tables
        return False


def _tenant(sandbox: Sandbox, slug: str, sandbox_url: str, retry_delay: timedelta) -> Tenant:
    tenant, _ = Tenant.objects.get_or_create(slug=slug, defaults={"name": TENANTS[slug]})
    SyncSchedule.objects.get_or_create(tenant=tenant, defaults={"retry_delay": retry_delay})
    credentials = sandbox.credentials(slug)
    for side, kind in {Connection.Side.CXONE: "cxone", Connection.Side.EXTERNAL: tenant.platform}.items():
        connection = tenant.connection(side)
        if connection.base_url != sandbox_url or _opened(connection) != credentials[kind]:
            connection.base_url = sandbox_url
            connection.set_credentials(credentials[kind])
    return tenant


def _opened(connection: Connection) -> dict[str, str]:
    """Nothing when the keys have changed since: then they are sealed anew."""
    try:
        return connection.credentials.open()
    except VaultError:
        return {}


def _member(username: str, tenants: dict[str, Tenant], folder: Path) -> str:
    group, slugs = STAFF[username]
    user, is_new = get_user_model().objects.get_or_create(
        username=username,
        defaults={"is_staff": True, "is_superuser": username == "administrator"},
    )
    password = _password(folder / f"password_{username}")
    if is_new or not user.check_password(password):
        user.set_password(password)
        user.save()
    user.groups.add(Group.objects.get(name=group))
    for slug in slugs:
        tenants[slug].members.add(user)
    return password


def _password(path: Path) -> str:
    """Made once, kept in a file only its owner reads."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text()
