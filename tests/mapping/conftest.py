"""A tenant whose both sides are the sandbox, reached over real HTTP, and the happenings that tests tell of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from mapping import sync
from mapping.models import SyncRun, UserMapping
from mapping.verify import verify
from tenants import reach
from tenants.models import Connection, Tenant
from tenants.sandbox.app import Sandbox
from tenants.sandbox.server import serve
from tenants.sandbox.world import World

from .processes import doom as doom
from .processes import start as start


@dataclass
class Company:
    """A tenant and the world behind it. `run` works off one whole Auto Sync in this process."""

    tenant: Tenant
    world: World
    sandbox: Sandbox

    def run(self, *, between: Callable[[], object] = lambda: None, **request: Any) -> SyncRun:
        """`between` happens after the first try and before the second."""
        run = sync.request(
            self.tenant,
            ticket=False,
            **{"trigger": SyncRun.Trigger.COMMAND, "retry_delay": timedelta(0)} | request,
        )
        happened: list[object] = []

        def watch(run: SyncRun) -> None:
            if run.status == SyncRun.Status.WAITING and not happened:
                happened.append(between())
            if run.status == SyncRun.Status.QUEUED and run.not_before:  # nobody waits here
                SyncRun.objects.filter(pk=run.pk).update(not_before=None)

        return sync.run_here(run, watch=watch, poll=0.01)

    def users(self) -> dict[str, tuple[str, str]]:
        """{CXone id: (platform id of the account or "", reason)}."""
        rows = UserMapping.objects.filter(tenant=self.tenant)
        return {
            cxone_id: (account or "", reason)
            for cxone_id, account, reason in rows.values_list("cxone_id", "account__platform_id", "reason")
        }

    def user(self, cxone_id: str) -> UserMapping:
        return UserMapping.objects.select_related("account").get(tenant=self.tenant, cxone_id=cxone_id)

    def connect(self, url: str) -> None:
        for side, kind in {Connection.Side.CXONE: "cxone", Connection.Side.EXTERNAL: "ringcentral"}.items():
            connection = self.tenant.connection(side)
            connection.base_url = url
            connection.set_credentials(self.sandbox.credentials(self.world.name)[kind])


@pytest.fixture
def company(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """Acme, 200 people: one block of the sandbox's stories. Nobody waits, and no rate limit holds. Whatever the test
    did, all walls must stand after it."""
    monkeypatch.setattr(reach, "wait", lambda seconds: None)
    world = World(200, name="acme")
    sandbox = Sandbox(world)
    sandbox.limits = False
    sandbox.ringcentral_page = 100  # so that a small company has later pages too
    server = serve(sandbox)
    company = Company(Tenant.objects.create(name="Acme", slug="acme"), world, sandbox)
    company.connect(server.url)
    yield company
    server.close()
    assert [str(violation) for violation in verify([company.tenant])] == []


@pytest.fixture
def companies(db: None) -> Iterator[list[Company]]:
    """Four tenants of one sandbox, 60 people each."""
    names = ["acme", "globex", "initech", "umbrella"]
    sandbox = Sandbox([World(60, number, name=name) for number, name in enumerate(names, start=1)])
    sandbox.limits = False
    with serve(sandbox) as server:
        found = [
            Company(Tenant.objects.create(name=name.title(), slug=name), sandbox.worlds[name], sandbox)
            for name in names
        ]
        for company in found:
            company.connect(server.url)
        yield found
