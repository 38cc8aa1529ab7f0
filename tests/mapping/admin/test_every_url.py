"""A mapper of Acme gets 404 on every address of Globex: the addresses are read from the URLconf, so that a new page
is covered by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from mapping.models import Change, ExternalAccount, SyncRun, SyncSchedule, UserMapping
from tenants.models import Connection, Tenant

NOBODYS = {"app_label", "url"}  # parameters that name no row


def addresses() -> Iterator[tuple[str, set[str]]]:
    """(name, its parameters) of every address of the admin that names a row of ours."""
    for resolver in get_resolver().url_patterns:
        if getattr(resolver, "app_name", "") == "admin":
            yield from _inside(resolver.url_patterns)


def _inside(patterns: list[Any]) -> Iterator[tuple[str, set[str]]]:
    for pattern in patterns:
        if not isinstance(pattern, URLPattern):
            yield from _inside(pattern.url_patterns)
        elif pattern.name and pattern.name.startswith(("mapping_", "tenants_")):
            parameters = set(pattern.pattern.regex.groupindex)
            if parameters - NOBODYS:
                yield pattern.name, parameters


ADDRESSES = sorted(dict(addresses()).items())


def test_the_urlconf_was_read() -> None:
    assert {"mapping_usermapping_map", "mapping_syncrun_start", "tenants_connection_test"} <= dict(
        ADDRESSES
    ).keys()


@pytest.fixture
def globex(db: None) -> dict[str, Any]:
    """One row of every model, of the tenant that the mapper does not belong to."""
    tenant = Tenant.objects.create(name="Globex", slug="globex")
    account = ExternalAccount.objects.create(tenant=tenant, platform_id="1", name="Foreign", is_person=True)
    mapping = UserMapping.objects.create(
        tenant=tenant, cxone_id="1", name="Foreign", account=account, method="auto", reason=""
    )
    state = {"account": None, "method": "", "reason": "no_match", "flag": "", "flag_reads": 0}
    return {
        "tenant": tenant,
        "connection": tenant.connection(Connection.Side.CXONE),
        "externalaccount": account,
        "usermapping": mapping,
        "syncrun": SyncRun.objects.create(tenant=tenant, trigger="hand", status="held"),
        "syncschedule": SyncSchedule.objects.create(tenant=tenant),
        "change": Change.objects.create(
            tenant=tenant, mapping=mapping, kind="map", before=state, after=state, outcome="applied"
        ),
    }


@pytest.fixture
def mapper(db: None) -> Client:
    """Of Acme, with every permission that a group can give: only the tenant stands in the way."""
    user = get_user_model().objects.create_user("mapper", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=["Mappers", "Presence Sync administrators"]))
    Tenant.objects.create(name="Acme", slug="acme").members.add(user)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("name", "parameters"), ADDRESSES)
def test_every_address_of_another_tenant_is_404(
    mapper: Client, globex: dict[str, Any], name: str, parameters: set[str]
) -> None:
    row = globex[name.split("_")[1]]
    values = dict.fromkeys(parameters, row.pk)
    values |= {parameter: globex["tenant"].pk for parameter in parameters if parameter.startswith("tenant")}
    values |= {"verb": "unmap"} if "verb" in parameters else {}
    url = reverse(f"admin:{name}", kwargs=values)
    codes = {mapper.get(url).status_code, mapper.post(url).status_code}
    assert codes <= {404, 405} and 404 in codes, url
