"""The filters of User Mapping that look into other rows, their counts, and the search without accents."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mapping.folding import search_text
from tenants.models import Tenant

from .conftest import LIST, People, make_account, make_user, page, rows


@pytest.fixture
def six(acme: Tenant) -> None:
    """Ada and Bo are agents; Bo's account has another address; Cy's has none; Di left with her account; Ed left."""
    make_user(acme, name="Ada", roles="\nAgent\nLead\n", **both(acme, "ada@acme.com", "ada@acme.com"))
    make_user(acme, name="Bo", roles="\nAgent\n", **both(acme, "bo@acme.com", "bo@phones.com"))
    make_user(acme, name="Cy", roles="\nAgents of old\n", **both(acme, "cy@acme.com", ""))
    make_user(acme, name="Di", present=False, flag="user_gone", **both(acme, "di@acme.com", "di@acme.com"))
    make_user(acme, name="Ed", present=False)
    make_user(acme, name="Flo", flag="emails_differ", **both(acme, "flo@acme.com", "f@acme.com"))


def both(tenant: Tenant, key: str, account_key: str) -> dict[str, Any]:
    return {"email_key": key, "account": make_account(tenant, email_key=account_key)}


@pytest.mark.usefixtures("six")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("role=Agent", "Ada Bo"),
        ("role=Lead", "Ada"),
        ("role=Agents+of+old", "Cy"),
        ("emails=differ", "Bo Cy Flo"),
        ("emails=same", "Ada"),
        ("emails=same&present=all", "Ada Di"),
        ("flag__exact=user_gone", "Di"),
        ("flag__exact=user_gone&present=no", "Di"),
        ("flag__exact=emails_differ", "Flo"),
        ("role=Agent&emails=differ", "Bo"),
    ],
)
def test_the_list_shows_who_was_asked_for(people: People, query: str, found: str) -> None:
    assert rows(people.viewer, f"{LIST}?{query}") == set(found.split())


@pytest.mark.usefixtures("six")
@pytest.mark.parametrize("query", ["role=Agen", "role=Ada", "emails=both", "flag__exact=nonsense", "role="])
def test_a_value_that_is_not_offered_is_a_page_that_does_not_exist(people: People, query: str) -> None:
    assert people.viewer.get(f"{LIST}?{query}").status_code == 404


@pytest.mark.usefixtures("six")
def test_each_value_has_its_count(people: People) -> None:
    text = page(people.viewer, LIST)
    said = ["Agent (2)", "Lead (1)", "Agents of old (1)", "Differ (3)", "The same (1)"]
    said += ["Left CXone (1)", "E-mails differ (1)", "No longer in CXone (2)", "Mapped (4)"]
    assert [count for count in said if f">{count}</a>" not in text] == []


@pytest.mark.usefixtures("six")
def test_counts_are_of_those_whom_the_other_filters_leave(people: People) -> None:
    text = page(people.viewer, f"{LIST}?emails=differ&q=bo")
    said = ["Agent (1)", "Lead (0)", "Differ (1)", "Left CXone (0)", "E-mails differ (0)"]
    assert [count for count in said if f">{count}</a>" not in text] == []


def test_another_tenants_roles_are_not_told(people: People, acme: Tenant, globex: Tenant) -> None:
    make_user(acme, roles="\nAgent\n"), make_user(globex, roles="\nSecret role\n")
    assert "Secret role" not in page(people.viewer, LIST)
    assert people.viewer.get(f"{LIST}?role=Secret+role").status_code == 404


def queries(people: People, url: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        page(people.administrator, url)
    return len(caught)


@pytest.mark.parametrize("query", ["", "?q=étienne+dupont", "?role=Role+0", "?flag__exact=user_gone"])
def test_more_roles_and_teams_cost_no_more_queries(people: People, acme: Tenant, query: str) -> None:
    counts = []
    queries(people, LIST + query)  # the first time, the list is noted for the way back
    for more in (3, 40):
        for number in range(more):
            roles = "\n" + "\n".join(f"Role {each}" for each in range(number + 1)) + "\n"
            make_user(acme, name=f"Étienne {number}", team=f"Team {number}", roles=roles)
        counts.append(queries(people, LIST + query))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("etienne", "Étienne"),
        ("ÉTIENNE", "Étienne"),
        ("zoë", "Zoe"),
        ("straße", "Strasse"),
        ("lukasz", "Łukasz"),
        ("etienne acme", "Étienne"),
        ("etienne nobody", ""),
        ("müller", "Łukasz"),
        ("100%", ""),
        ("́", ""),
    ],
)
def test_accents_and_case_are_nothing_to_the_search(
    people: People, acme: Tenant, typed: str, found: str
) -> None:
    for name in ("Étienne", "Zoe", "Strasse"):
        make_user(acme, name=name, email=f"{len(name)}@acme.com")
    muller = make_account(acme, search_text=search_text("Ł. Müller", "", "", "", ""))
    make_user(acme, name="Łukasz", email="l@phones.com", account=muller)
    assert rows(people.viewer, f"{LIST}?q={typed.replace('%', '%25')}") == set(found.split())


def test_the_page_of_a_user_names_their_roles(people: People, acme: Tenant) -> None:
    user = make_user(acme, roles="\nAgent\nTeam lead\n")
    assert "<bdi>Agent</bdi>, <bdi>Team lead</bdi>" in page(people.viewer, f"{LIST}{user.pk}/change/")
