"""The home page: a card for each tenant one may see, and what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from mapping.admin.home import bar, cards
from tenants.models import Connection, Tenant

from .conftest import People, make_account, make_run, make_user, page

HOME = "/admin/"


def card(tenant: Tenant) -> dict[str, Any]:
    root = get_user_model().objects.get(username="administrator")
    return next(each for each in cards(root) if each["tenant"] == tenant)


def connect(tenant: Tenant) -> None:
    for connection in tenant.connections.all():
        connection.set_credentials({"client_id": "id", "client_secret": "not-to-be-seen"})
        Connection.objects.filter(pk=connection.pk).update(health="working")


def test_each_sees_the_cards_of_their_own_tenants(people: People) -> None:
    assert "Acme" in page(people.mapper, HOME)
    assert "Globex" not in page(people.mapper, HOME)
    assert all(name in page(people.administrator, HOME) for name in ("Acme", "Globex"))


def test_staff_in_no_group_are_told_so_and_see_no_tenant(nobody: Client) -> None:
    home = page(nobody, HOME)
    assert "nobody has given you a role" in home
    assert "Acme" not in home


def test_an_empty_installation_leads_to_the_first_tenant(people: People) -> None:
    Tenant.objects.all().delete()
    assert "/admin/tenants/tenant/add/" in page(people.administrator, HOME)
    assert "/admin/tenants/tenant/add/" not in page(people.mapper, HOME)


def test_everybody_present_is_counted_once(people: People, acme: Tenant) -> None:
    make_user(acme, account=make_account(acme))
    make_user(acme, reason="no_match")
    make_user(acme, reason="no_permission", eligible=False)
    make_user(acme, present=False)
    home = card(acme)
    assert (home["mapped"], home["unmapped"], home["skipped"], home["total"]) == (1, 1, 1, 3)


def test_a_card_says_how_many_need_a_decision_and_leads_to_them(people: People, acme: Tenant) -> None:
    make_user(acme, reason="multiple_accounts")
    make_user(acme, reason="do_not_map")
    make_user(acme, account=make_account(acme), flag="emails_differ")
    home = card(acme)
    listed = people.mapper.get(home["decisions_url"]).context["cl"].result_count
    assert (home["decisions"], listed) == (2, 2)


def test_a_reason_leads_to_its_people(people: People, acme: Tenant) -> None:
    make_user(acme, reason="no_email")
    make_user(acme, reason="no_match")
    (url,) = [each["url"] for each in card(acme)["reasons"] if each["label"] == "No e-mail"]
    assert people.mapper.get(url).context["cl"].result_count == 1


def test_the_last_run_and_the_one_at_work_are_both_shown(people: People, acme: Tenant) -> None:
    over, live = make_run(acme), make_run(acme, status="running", finished_at=None)
    home = card(acme)
    assert (home["last"]["row"], home["now"]["row"]) == (over, live)


def test_a_tenant_with_trouble_comes_first(people: People, acme: Tenant, globex: Tenant) -> None:
    connect(acme)
    connect(globex)
    make_run(globex, status="failed", error="RingCentral did not answer.")
    home = page(people.administrator, HOME)
    assert home.index("Globex</a>") < home.index("Acme</a>")
    assert "RingCentral did not answer." in home


def test_missing_credentials_are_said_and_only_those_who_may_are_led_there(
    people: People, acme: Tenant
) -> None:
    url = f"/admin/tenants/connection/{acme.connection('cxone').pk}/change/"
    assert "NICE CXone has no credentials yet." in page(people.viewer, HOME)
    assert url not in page(people.viewer, HOME)
    assert url in page(people.administrator, HOME)


def test_auto_sync_is_offered_to_mappers_of_a_connected_tenant_alone(people: People, acme: Tenant) -> None:
    button = f'action="/admin/mapping/syncrun/start/{acme.pk}/"'
    assert button not in page(people.mapper, HOME)
    connect(acme)
    assert button in page(people.mapper, HOME)
    assert button not in page(people.viewer, HOME)


def test_auto_sync_is_not_offered_while_it_is_at_work(people: People, acme: Tenant) -> None:
    connect(acme)
    make_run(acme, status="queued", started_at=None, finished_at=None)
    assert f"/admin/mapping/syncrun/start/{acme.pk}/" not in page(people.mapper, HOME)


def test_no_secret_and_no_raw_markup_reaches_the_page(people: People, acme: Tenant) -> None:
    connect(acme)
    Tenant.objects.filter(pk=acme.pk).update(name="<script>alert(1)</script>")
    home = page(people.mapper, HOME)
    assert "not-to-be-seen" not in home
    assert "<script>alert" not in home


@pytest.mark.parametrize("more", [0, 20])
def test_the_number_of_queries_does_not_depend_on_the_number_of_tenants(
    people: People, django_assert_max_num_queries: Any, more: int
) -> None:
    for number in range(more):
        tenant = Tenant.objects.create(name=f"Tenant {number}", slug=f"tenant-{number}")
        make_user(tenant)
        make_run(tenant)
    with django_assert_max_num_queries(11):
        page(people.administrator, HOME)


def test_the_bar_is_as_long_as_the_people_are_many() -> None:
    assert bar(1, 1, 4) == {"mapped": 250, "unmapped": 250}
    assert bar(0, 0, 0) == {"mapped": 0, "unmapped": 0}


def test_what_needs_a_decision_adds_up_flags_included(people: People, acme: Tenant) -> None:
    make_user(acme, reason="no_match"), make_user(acme, reason="no_permission")
    make_user(acme, account=make_account(acme), flag="account_gone")
    text = page(people.viewer, "/admin/")
    assert "2 people need a decision" in text and "Mapped, but: Account gone" in text
    assert (
        text.index("Mapped, but") < text.index("Unmapped, and nothing to decide") < text.index("Skipped: no")
    )


def test_a_page_that_does_not_exist_leads_home(people: People) -> None:
    answer = people.viewer.get("/admin/mapping/usermapping/999999/change/")
    assert (answer.status_code, "Nothing is here" in answer.content.decode()) == (404, True)
    answer = people.viewer.get("/admin/auth/user/")
    assert (answer.status_code, "Not allowed" in answer.content.decode()) == (403, True)
