"""Two tenants, and the staff: Ada may do all of Acme, Vic may look at it, Gus belongs to Globex, Root to all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from tenants import reach
from tenants.models import Connection, Tenant
from tenants.sandbox import Sandbox, World, serve
from tenants.vault import Sealed

SECRET = "s3cr3t-that-nobody-may-see"
CREDENTIALS = {
    "cxone": {"access_key_id": "KEY-ID", "access_key_secret": SECRET + "-key"},
    "external": {"client_id": "APP-ID", "client_secret": SECRET + "-app", "jwt": SECRET + "-jwt"},
}


@dataclass
class Staff:
    user: User
    client: Client

    def get(self, url: str, **query: Any) -> Any:
        return self.client.get(url, query)

    def post(self, url: str, **data: Any) -> Any:
        return self.client.post(url, data)


def person(
    name: str, *, groups: tuple[str, ...] = (), tenants: tuple[Tenant, ...] = (), root: bool = False
) -> Staff:
    user = User.objects.create_user(name, password="pw", is_staff=True, is_superuser=root)
    user.groups.set(Group.objects.filter(name__in=groups))
    user.tenants.set(tenants)
    client = Client()
    client.force_login(user)
    return Staff(user, client)


@pytest.fixture
def acme(db: None) -> Tenant:
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    for side, values in CREDENTIALS.items():
        tenant.connection(side).set_credentials(values)
    return tenant


@pytest.fixture
def globex(db: None) -> Tenant:
    return Tenant.objects.create(name="Globex", slug="globex")


@pytest.fixture
def ada(acme: Tenant) -> Staff:
    return person("ada", groups=("Presence Sync administrators",), tenants=(acme,))


@pytest.fixture
def vic(acme: Tenant) -> Staff:
    return person("vic", groups=("Viewers",), tenants=(acme,))


@pytest.fixture
def gus(globex: Tenant) -> Staff:
    return person("gus", groups=("Presence Sync administrators",), tenants=(globex,))


@pytest.fixture
def root(db: None) -> Staff:
    return person("root", root=True)


@pytest.fixture
def connection(acme: Tenant) -> Connection:
    """Acme's RingCentral side."""
    return acme.connection("external")


@pytest.fixture
def another_key(acme: Tenant, settings: Any) -> None:
    """The keys of this installation are not those that sealed Acme's credentials."""
    from cryptography.fernet import Fernet

    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    assert isinstance(acme.connection("cxone").credentials, Sealed)


@pytest.fixture
def sandbox(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Acme's two sides are the sandbox, over a socket; nobody waits, and no rate limit holds."""
    monkeypatch.setattr(reach, "wait", lambda seconds: None)
    sandbox = Sandbox(World(40, name="acme"))
    sandbox.limits = False
    with serve(sandbox) as server:
        for side, kind in {"cxone": "cxone", "external": "ringcentral"}.items():
            connection = acme.connection(side)
            connection.base_url = server.url
            connection.set_credentials(sandbox.credentials("acme")[kind])
        yield sandbox


@pytest.fixture
def url() -> Callable[..., str]:
    """url("connection_change", connection): the address of an admin page of ours."""
    return lambda name, *rows: reverse(
        f"admin:tenants_{name}", args=[getattr(row, "pk", row) for row in rows]
    )
