"""Two tenants and four people: the administrator, a mapper and a viewer of Acme, and a stranger, who maps Globex."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from mapping.history import as_json
from mapping.matching import Method, Reason, State
from mapping.models import Change, ExternalAccount, SyncRun, UserMapping
from tenants.models import Tenant

numbers = itertools.count(1)

LIST = "/admin/mapping/usermapping/"
RUNS = "/admin/mapping/syncrun/"
CHANGES = "/admin/mapping/change/"
ACCOUNTS = "/admin/mapping/externalaccount/"


def make_account(tenant: Tenant, **more: Any) -> ExternalAccount:
    number = next(numbers)
    given: dict[str, Any] = {
        "platform_id": f"id-{number:x}z",
        "name": f"Account {number}",
        "extension": f"1{number:04}",
    }
    given |= {"is_person": True, "status": "Enabled", "email": f"person{number}@acme.com"}
    return ExternalAccount.objects.create(tenant=tenant, **given | more)


def make_user(tenant: Tenant, *, account: ExternalAccount | None = None, **more: Any) -> UserMapping:
    number = next(numbers)
    given: dict[str, Any] = {
        "cxone_id": f"cx-{number}",
        "name": f"User {number}",
        "email": f"user{number}@acme.com",
    }
    given |= {"account": account, "method": "auto", "reason": ""} if account else {"reason": "no_match"}
    return UserMapping.objects.create(tenant=tenant, **given | more)


def make_run(tenant: Tenant, **more: Any) -> SyncRun:
    now = timezone.now()
    given: dict[str, Any] = {
        "status": "succeeded",
        "phase": "report",
        "trigger": "schedule",
        "started_at": now,
    }
    given |= {"read_at": now, "finished_at": now}
    return SyncRun.objects.create(tenant=tenant, **given | more)


def make_change(mapping: UserMapping, **more: Any) -> Change:
    """Mapped just now, from no match, to the account that the user has."""
    before, after = State(reason=Reason.NO_MATCH), State(account=mapping.account_id, method=Method.MANUAL)
    given: dict[str, Any] = {"kind": "map", "outcome": "applied"}
    given |= {"before": as_json(before, None), "after": as_json(after, mapping.account)}
    return Change.objects.create(tenant=mapping.tenant, mapping=mapping, **given | more)


@dataclass
class People:
    """A signed-in browser for each."""

    administrator: Client
    mapper: Client
    viewer: Client
    stranger: Client


@pytest.fixture
def acme(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    return Tenant.objects.create(name="Globex", slug="globex")


def _browser(name: str, *, group: str = "", tenant: Tenant | None = None, **more: Any) -> Client:
    user = get_user_model().objects.create(username=name, is_staff=True, **more)
    if group:
        user.groups.add(Group.objects.get(name=group))
    if tenant:
        tenant.members.add(user)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def people(acme: Tenant, globex: Tenant) -> People:
    return People(
        administrator=_browser("administrator", is_superuser=True),
        mapper=_browser("mapper", group="Mappers", tenant=acme),
        viewer=_browser("viewer", group="Viewers", tenant=acme),
        stranger=_browser("stranger", group="Mappers", tenant=globex),
    )


@pytest.fixture
def nobody(acme: Tenant) -> Client:
    """Of the staff and of Acme, but in no group."""
    return _browser("nobody", tenant=acme)


def page(client: Client, url: str, status: int = 200) -> str:
    """The page's text; fails when it answers otherwise."""
    answer = client.get(url)
    assert answer.status_code == status, (url, answer.status_code)
    return answer.content.decode()


def rows(client: Client, url: str) -> set[str]:
    """The names in the rows of a list."""
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return {str(row) for row in answer.context["cl"].result_list}
