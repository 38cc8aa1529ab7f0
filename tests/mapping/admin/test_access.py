"""Who may see and do what, on every address of these pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from mapping.models import SyncRun
from tenants.models import Tenant

from .conftest import ACCOUNTS, CHANGES, LIST, RUNS, People, make_account, make_change, make_run, make_user

LISTS = [LIST, RUNS, CHANGES, ACCOUNTS]


def details_of(tenant: Tenant) -> list[str]:
    account = make_account(tenant)
    user, run = make_user(tenant, account=account), make_run(tenant)
    change = make_change(user, run=run)
    return [
        f"{LIST}{user.pk}/change/",
        f"{LIST}{user.pk}/history/",
        f"{RUNS}{run.pk}/change/",
        f"{RUNS}{run.pk}/progress/",
        f"{RUNS}{run.pk}/history/",
        f"{CHANGES}{change.pk}/change/",
        f"{ACCOUNTS}{account.pk}/change/",
    ]


def codes(client: Client, urls: list[str]) -> set[int]:
    return {client.get(url).status_code for url in urls}


@pytest.mark.parametrize("who", ["administrator", "mapper", "viewer"])
def test_those_of_a_tenant_see_its_lists_and_details(people: People, acme: Tenant, who: str) -> None:
    assert codes(getattr(people, who), LISTS + details_of(acme)) == {200}


def test_a_stranger_gets_404_on_every_detail_of_another_tenant(people: People, acme: Tenant) -> None:
    assert codes(people.stranger, details_of(acme)) == {404}


def test_a_stranger_sees_no_row_of_another_tenant(people: People, acme: Tenant) -> None:
    details_of(acme)
    lists = [
        people.stranger.get(url).context["cl"].result_count for url in [*LISTS[1:], f"{LIST}?present=all"]
    ]
    assert lists == [0, 0, 0, 0]


def test_staff_without_a_group_may_not_even_see_lists_and_details(nobody: Client, acme: Tenant) -> None:
    assert codes(nobody, LISTS + details_of(acme)) == {403}


def test_who_is_not_signed_in_is_asked_to_sign_in(acme: Tenant) -> None:
    assert codes(Client(), LISTS + details_of(acme)) == {302}


@pytest.mark.parametrize("url", LISTS)
def test_a_filter_by_another_tenant_does_not_exist(people: People, globex: Tenant, url: str) -> None:
    assert people.mapper.get(f"{url}?tenant={globex.pk}").status_code == 404
    assert people.stranger.get(f"{url}?tenant={globex.pk}").status_code == 200


def test_a_filter_by_a_run_of_another_tenant_does_not_exist(people: People, globex: Tenant) -> None:
    run = make_run(globex)
    assert people.mapper.get(f"{CHANGES}?run__id__exact={run.pk}").status_code == 404
    assert people.stranger.get(f"{CHANGES}?run__id__exact={run.pk}").status_code == 200


def test_filters_name_no_tenant_that_one_does_not_see(people: People, acme: Tenant, globex: Tenant) -> None:
    make_run(globex)
    assert not [url for url in LISTS if "Globex" in people.mapper.get(url).content.decode()]
    assert "Globex" in people.administrator.get(LIST).content.decode()


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("value", ["abc", "", "0", "-1", "9" * 40, "²", "1'"])
def test_a_senseless_filter_is_no_fault_of_the_server(people: People, url: str, value: str) -> None:
    for name in ("tenant", "status", "decision", "present", "gone", "run__id__exact", "q", "p", "o"):
        assert people.mapper.get(url, {name: value}).status_code < 500


@pytest.mark.parametrize("what", ["add", "delete", "change"])
def test_nothing_is_added_deleted_or_edited_here(people: People, acme: Tenant, what: str) -> None:
    for detail in details_of(acme):
        if detail.endswith("/change/"):
            base = detail.removesuffix("change/")
            url = base.rstrip("/").rpartition("/")[0] + "/add/" if what == "add" else f"{base}{what}/"
            assert people.administrator.post(url, {"post": "yes"}).status_code == 403


def test_only_user_mapping_offers_actions(people: People, acme: Tenant) -> None:
    details_of(acme)
    assert not [url for url in LISTS[1:] if 'name="action"' in people.administrator.get(url).content.decode()]


def start(tenant: Tenant) -> str:
    return f"{RUNS}start/{tenant.pk}/"


def unmap(tenant: Tenant) -> str:
    return f"{LIST}{make_user(tenant, account=make_account(tenant)).pk}/unmap/now/"


VERBS = pytest.mark.parametrize("verb", [start, unmap])


@VERBS
def test_a_verb_is_never_done_by_looking(people: People, acme: Tenant, verb: Callable[[Tenant], str]) -> None:
    assert people.mapper.get(verb(acme)).status_code == 405


@VERBS
def test_a_viewer_may_not(people: People, acme: Tenant, verb: Callable[[Tenant], str]) -> None:
    assert people.viewer.post(verb(acme)).status_code == 403


@VERBS
def test_a_stranger_finds_nothing_to_act_upon(
    people: People, acme: Tenant, verb: Callable[[Tenant], str]
) -> None:
    assert people.stranger.post(verb(acme)).status_code == 404
    assert not SyncRun.objects.exists()


@VERBS
def test_a_verb_without_the_token_of_the_form_is_refused(
    people: People, acme: Tenant, verb: Callable[[Tenant], str]
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = people.mapper.cookies
    assert browser.post(verb(acme)).status_code == 403


def test_numbers_that_no_row_can_have_do_not_exist(people: People) -> None:
    far = 10**30
    assert codes(people.administrator, [f"{RUNS}{far}/progress/", f"{LIST}{far}/change/"]) == {404}
    assert people.administrator.post(f"{RUNS}start/{far}/").status_code == 404
