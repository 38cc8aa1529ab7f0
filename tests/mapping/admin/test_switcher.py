"""The tenant in the header: chosen once, remembered, and never another's."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from mapping.models import UserMapping
from tenants.models import Tenant

LIST = reverse("admin:mapping_usermapping_changelist")


@pytest.fixture
def tenants(db: None) -> list[Tenant]:
    made = [Tenant.objects.create(name=name, slug=name.lower()) for name in ("Acme", "Globex")]
    for tenant in made:
        UserMapping.objects.create(tenant=tenant, cxone_id="1", name=f"Somebody at {tenant}")
    return made


@pytest.fixture
def client(tenants: list[Tenant]) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("administrator"))
    return client


def switch(client: Client, tenant: object, back: str = LIST) -> str:
    return client.post(reverse("admin:switch"), {"tenant": tenant, "next": back}).headers["Location"]


def names(client: Client, query: str = "") -> set[str]:
    return {str(row) for row in client.get(LIST + query).context["cl"].result_list}


def test_the_chosen_tenant_is_remembered_by_every_list(client: Client, tenants: list[Tenant]) -> None:
    assert switch(client, tenants[0].pk) == LIST
    assert names(client) == {"Somebody at Acme"}


def test_the_filter_may_ask_for_another_or_for_all(client: Client, tenants: list[Tenant]) -> None:
    switch(client, tenants[0].pk)
    assert names(client, f"?tenant={tenants[1].pk}") == {"Somebody at Globex"}
    assert len(names(client, "?tenant=all")) == 2


def test_the_choice_can_be_taken_back(client: Client, tenants: list[Tenant]) -> None:
    switch(client, tenants[0].pk)
    switch(client, "")
    assert len(names(client)) == 2


def test_a_tenant_of_others_cannot_be_chosen(tenants: list[Tenant]) -> None:
    client, mapper = Client(), get_user_model().objects.create_user("mapper", is_staff=True)
    tenants[0].members.add(mapper)
    client.force_login(mapper)
    assert client.post(reverse("admin:switch"), {"tenant": tenants[1].pk}).status_code == 404


def test_a_choice_is_forgotten_with_the_membership(tenants: list[Tenant]) -> None:
    client = Client()
    mapper = get_user_model().objects.create_superuser("boss")
    client.force_login(mapper)
    switch(client, tenants[0].pk)
    tenants[0].delete()
    assert names(client) == {"Somebody at Globex"}


def test_who_sees_one_tenant_never_sees_a_chooser(tenants: list[Tenant]) -> None:
    client, mapper = Client(), get_user_model().objects.create_user("mapper", is_staff=True)
    tenants[0].members.add(mapper)
    client.force_login(mapper)
    assert b"tenant-switcher" not in client.get(reverse("admin:index")).content


def test_the_way_back_stays_on_this_site(client: Client, tenants: list[Tenant]) -> None:
    assert switch(client, tenants[0].pk, "https://elsewhere.example/") == reverse("admin:index")


def test_choosing_is_a_post(client: Client) -> None:
    assert client.get(reverse("admin:switch")).status_code == 405
