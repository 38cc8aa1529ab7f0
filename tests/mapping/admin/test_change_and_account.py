"""The history as a list, and the accounts with those who have them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import Tenant

from .conftest import (
    ACCOUNTS,
    CHANGES,
    LIST,
    People,
    make_account,
    make_change,
    make_run,
    make_user,
    page,
    rows,
)

EVIL = "<script>alert(1)</script>"


def test_a_change_is_told_in_words(people: People, acme: Tenant) -> None:
    user = make_user(acme, name="Ada", account=make_account(acme, name="Ada Phone", extension="101"))
    make_change(user, run=make_run(acme))
    text = page(people.viewer, CHANGES)
    facts = ["Ada", "Unmapped: No match", "Ada Phone ext. 101 (Manual)", "applied", "Auto Sync"]
    assert not [fact for fact in facts if fact not in text]


def test_a_refused_change_says_why(people: People, acme: Tenant) -> None:
    change = make_change(make_user(acme), outcome="refused", refusal="It has moved since.")
    assert "It has moved since." in page(people.viewer, CHANGES)
    assert "It has moved since." in page(people.viewer, f"{CHANGES}{change.pk}/change/")


def test_the_page_of_a_change_has_the_sentence(people: People, acme: Tenant) -> None:
    user = make_user(acme, email="bo@acme.com")
    change = make_change(user, kind="reason", reason="no_match")
    assert "No RingCentral account uses bo@acme.com." in page(people.viewer, f"{CHANGES}{change.pk}/change/")


@pytest.mark.parametrize(
    "query", ["kind__exact=unmap", "outcome__exact=refused", "run__id__exact={run}", "q=Cy"]
)
def test_changes_are_filtered(people: People, acme: Tenant, query: str) -> None:
    run = make_run(acme)
    make_change(make_user(acme, name="Bo"), run=make_run(acme))
    wanted = make_change(make_user(acme, name="Cy"), run=run, kind="unmap", outcome="refused")
    assert rows(people.viewer, f"{CHANGES}?{query.format(run=run.pk)}") == {str(wanted)}


def test_an_old_run_can_still_be_filtered_by(people: People, acme: Tenant) -> None:
    old = make_run(acme)
    wanted = make_change(make_user(acme), run=old)
    for _ in range(12):
        make_change(make_user(acme), run=make_run(acme))
    assert rows(people.viewer, f"{CHANGES}?run__id__exact={old.pk}") == {str(wanted)}


def test_an_account_says_who_has_it(people: People, acme: Tenant) -> None:
    taken = make_account(acme)
    user = make_user(acme, name="Ada", account=taken)
    for url in (ACCOUNTS, f"{ACCOUNTS}{taken.pk}/change/"):
        assert f'<a href="{LIST}{user.pk}/change/">Ada</a>' in page(people.viewer, url)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "Ann Bob Conf Dee"),
        ("is_person__exact=0", "Conf"),
        ("state__exact=disabled", "Bob"),
        ("gone=yes", "Dee"),
        ("gone=no", "Ann Bob Conf"),
        ("q=ann@x.com", "Ann"),
        ("q=4711", "Bob"),
    ],
)
def test_accounts_are_found(people: People, acme: Tenant, query: str, found: str) -> None:
    make_account(acme, name="Ann", extension="", email="ann@x.com")
    make_account(acme, name="Bob", extension="", platform_id="4711", state="disabled", status="Disabled")
    make_account(acme, name="Conf", extension="", is_person=False)
    make_account(acme, name="Dee", extension="", gone_since=timezone.now())
    assert rows(people.viewer, f"{ACCOUNTS}?{query}") == set(found.split())


def test_names_are_text_and_never_markup(people: People, acme: Tenant) -> None:
    account = make_account(acme, name=EVIL, department=EVIL, status=EVIL, state="disabled", extension="")
    change = make_change(make_user(acme, name=EVIL, account=account), outcome="refused", refusal=EVIL)
    details = [f"{ACCOUNTS}{account.pk}/change/", f"{CHANGES}{change.pk}/change/"]
    for url in [ACCOUNTS, CHANGES, *details]:
        assert "<script>alert" not in page(people.viewer, url)


@pytest.mark.parametrize("url", [CHANGES, ACCOUNTS])
def test_sixty_rows_cost_no_more_queries_than_five(people: People, acme: Tenant, url: str) -> None:
    counts, run = [], make_run(acme)
    for more in (5, 55):
        for number in range(more):
            make_change(make_user(acme, account=make_account(acme) if number % 2 else None), run=run)
        with CaptureQueriesContext(connection) as caught:
            page(people.administrator, url)
        counts.append(len(caught))
    assert counts[0] == counts[1]
