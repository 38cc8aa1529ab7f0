"""The User Mapping list and the page of one user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mapping import by_hand
from mapping.models import Change
from tenants.models import Tenant

from .conftest import LIST, People, make_account, make_change, make_run, make_user, page, rows

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def five(acme: Tenant) -> None:
    """Ada is mapped, Bo has no match, Cy is parked, Di is mapped and flagged, Ed has left CXone."""
    ada = make_account(acme, name="Ada Phone", extension="8642", email="ada@phones.com", platform_id="rc-9")
    make_user(acme, name="Ada", username="ada.l", email="ada@acme.com", account=ada)
    make_user(acme, name="Bo", username="bo.b", email="bo@acme.com")
    make_user(acme, name="Cy", reason="do_not_map")
    make_user(acme, name="Di", account=make_account(acme), method="manual", flag="account_gone")
    make_user(acme, name="Ed", present=False)


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "Ada Bo Cy Di"),
        ("status=mapped", "Ada Di"),
        ("status=unmapped", "Bo Cy"),
        ("decision=yes", "Bo Di"),
        ("decision=no", "Ada Cy"),
        ("reason__exact=do_not_map", "Cy"),
        ("method__exact=manual", "Di"),
        ("flag__exact=account_gone", "Di"),
        ("present=no", "Ed"),
        ("present=all", "Ada Bo Cy Di Ed"),
        ("status=unmapped&decision=yes&present=all", "Bo Ed"),
        ("q=bo@acme", "Bo"),
        ("q=ada.l", "Ada"),
        ("q=phones.com", "Ada"),
        ("q=Ada+Phone", "Ada"),
        ("q=8642", "Ada"),
        ("q=rc-9", "Ada"),
        ("q=nobody", ""),
    ],
)
def test_the_list_shows_who_was_asked_for(people: People, query: str, found: str) -> None:
    assert rows(people.viewer, f"{LIST}?{query}") == set(found.split())


def test_the_list_is_of_the_tenant_filtered_by(people: People, acme: Tenant, globex: Tenant) -> None:
    make_user(acme, name="Ada"), make_user(globex, name="Gus")
    assert rows(people.administrator, LIST) == {"Ada", "Gus"}
    assert rows(people.administrator, f"{LIST}?tenant={globex.pk}") == {"Gus"}


@pytest.mark.parametrize(
    ("reason", "tone", "word"),
    [
        ("", "ok", "Mapped"),
        ("no_match", "warn", "Unmapped"),
        ("no_permission", "idle", "Unmapped"),
        ("do_not_map", "idle", "Unmapped"),
    ],
)
def test_status_is_a_word_in_a_badge(people: People, acme: Tenant, reason: str, tone: str, word: str) -> None:
    more: dict[str, Any] = {"reason": reason} if reason else {"account": make_account(acme)}
    make_user(acme, **more)
    sign = '<span aria-hidden="true">●</span>'
    assert f'<span class="badge badge-{tone}">{sign} {word}</span>' in page(people.viewer, LIST)


def test_a_row_says_why_in_a_sentence(people: People, acme: Tenant) -> None:
    make_user(acme, email="bo@acme.com")
    text = page(people.viewer, LIST)
    assert "No match" in text
    assert "No RingCentral account uses bo@acme.com." in text


def test_the_accounts_address_is_shown_where_it_differs(people: People, acme: Tenant) -> None:
    make_user(acme, email="Ada@acme.com", account=make_account(acme, email="ada@ACME.com"))
    make_user(acme, email="bo@acme.com", account=make_account(acme, email="robert@acme.com"))
    text = page(people.viewer, LIST)
    assert '<span class="secondary">robert@acme.com</span>' in text
    assert "ada@ACME.com" not in text


def test_last_synced_is_when_the_tenant_was_last_read(people: People, acme: Tenant, globex: Tenant) -> None:
    make_user(acme)
    make_run(globex)
    assert 'data-label="Last synced" class="field-last_synced">never</td>' in page(people.viewer, LIST)
    make_run(acme, read_at=datetime(2031, 5, 4, 3, 2, tzinfo=UTC))
    make_run(acme, read_at=None)
    assert "4 May 2031, 03:02" in page(people.viewer, LIST)


def test_who_left_cxone_is_said_to_have_left(people: People, acme: Tenant) -> None:
    make_user(acme, present=False)
    make_run(acme)
    assert "no longer in CXone" in page(people.viewer, f"{LIST}?present=no")


def queries(people: People, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        page(people.administrator, url)
    return len(caught)


def test_sixty_users_cost_no_more_queries_than_five(people: People, acme: Tenant, globex: Tenant) -> None:
    make_run(acme), make_run(globex)
    counts = []
    for more in (5, 55):
        for number in range(more):
            tenant = (acme, globex)[number % 2]
            make_user(tenant, account=make_account(tenant) if number % 3 else None)
        counts.append(queries(people, LIST))
    assert counts[0] == counts[1]


def test_names_are_text_and_never_markup(people: People, acme: Tenant) -> None:
    account = make_account(acme, name=EVIL, email=EVIL, extension=EVIL[:9])
    user = make_user(acme, name=EVIL, username=f"{EVIL}2", email=f"{EVIL}3", account=account)
    make_change(user)
    make_user(acme, name="Zed", reason="multiple_users", evidence={"users": [{"id": user.pk, "name": EVIL}]})
    for url in (LIST, f"{LIST}{user.pk}/change/", f"{LIST}{user.pk + 1}/change/", f"{LIST}?q={EVIL}"):
        assert "<script>alert" not in page(people.viewer, url)


def test_the_page_of_a_user_has_the_facts_of_both_sides(people: People, acme: Tenant) -> None:
    account = make_account(acme, name="Ada Phone", extension="101", department="Sales")
    user = make_user(acme, name="Ada", team="Blue Team", cxone_id="cx-ada", account=account)
    text = page(people.viewer, f"{LIST}{user.pk}/change/")
    assert not [fact for fact in ("Blue Team", "cx-ada", "Ada Phone ext. 101", "Sales") if fact not in text]


def test_the_page_of_a_user_says_why_and_what_to_do(people: People, acme: Tenant) -> None:
    accounts = [
        {
            "id": "7",
            "pk": 7,
            "name": "Ann Lee",
            "extension": "204",
            "email": "ann@acme.com",
            "status": "Frozen",
        }
    ]
    user = make_user(acme, reason="account_disabled", evidence={"accounts": accounts})
    text = page(people.viewer, f"{LIST}{user.pk}/change/")
    assert "cannot be used: Ann Lee ext. 204 (Frozen)." in text
    assert "Enable the account in RingCentral; the next run maps it." in text
    assert "<td>204</td>" in text


def test_a_flag_is_explained(people: People, acme: Tenant) -> None:
    user = make_user(acme, account=make_account(acme), flag="account_gone")
    assert "The account was missing the last time RingCentral was read." in page(
        people.viewer, f"{LIST}{user.pk}/change/"
    )


def test_history_tells_who_did_what_and_when(people: People, acme: Tenant) -> None:
    user, run = make_user(acme, account=make_account(acme, name="Ada Phone", extension="101")), make_run(acme)
    make_change(user, run=run)
    by_hand.unmap_user(user, actor=acme.members.get(username="mapper"))
    text = page(people.viewer, f"{LIST}{user.pk}/change/")
    assert "Unmapped: No match" in text and "Ada Phone ext. 101 (Manual)" in text
    assert f'<a href="/admin/mapping/syncrun/{run.pk}/change/">run {run.pk}</a>' in text
    assert "Unmapped: Unmapped by hand" in text and "– mapper" in text and "– Auto Sync" in text


def test_a_mapper_unmaps_and_it_is_kept_twice(people: People, acme: Tenant) -> None:
    user = make_user(acme, name="Ada", account=make_account(acme, name="Ada Phone", extension="101"))
    answer = people.mapper.post(f"{LIST}{user.pk}/unmap/now/", follow=True)
    user.refresh_from_db()
    assert (user.account, user.reason) == (None, "unmapped_by_hand")
    assert "Ada: Unmapped." in answer.content.decode()
    assert Change.objects.get().actor == LogEntry.objects.get().user == acme.members.get(username="mapper")


def test_unmapping_whoever_is_not_mapped_is_said_to_be_impossible(people: People, acme: Tenant) -> None:
    user = make_user(acme, name="Bo")
    answer = people.mapper.post(f"{LIST}{user.pk}/unmap/now/", follow=True)
    assert "Bo is not mapped." in answer.content.decode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("who", "there"), [("mapper", True), ("viewer", False)])
def test_buttons_are_for_those_who_may(people: People, acme: Tenant, who: str, there: bool) -> None:
    user = make_user(acme, account=make_account(acme))
    assert ("Auto Sync now" in page(getattr(people, who), LIST)) is there
    assert ("/unmap/now/" in page(getattr(people, who), f"{LIST}{user.pk}/change/")) is there


def test_there_is_a_button_for_each_tenant_or_for_the_chosen_one(
    people: People, acme: Tenant, globex: Tenant
) -> None:
    both, one = (page(people.administrator, url) for url in (LIST, f"{LIST}?tenant={acme.pk}"))
    assert (both.count("/syncrun/start/"), one.count("/syncrun/start/")) == (2, 1)
    assert f"/syncrun/start/{acme.pk}/" in one


def test_with_many_tenants_one_is_chosen_first(people: People) -> None:
    for number in range(5):
        Tenant.objects.create(name=f"Tenant {number}", slug=f"tenant-{number}")
    text = page(people.administrator, LIST)
    assert "/syncrun/start/" not in text
    assert "Choose a tenant in the filter" in text
