"""What is done to many rows of the User Mapping list at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from mapping.admin import bulk
from mapping.models import Change, UserMapping
from tenants.models import Tenant

from .conftest import LIST, People, make_account, make_user, page, rows


@pytest.fixture
def four(acme: Tenant) -> dict[str, UserMapping]:
    """Ada is mapped by e-mail, Bo by hand, Cy is parked, Di has no match."""
    return {
        "Ada": make_user(acme, name="Ada", account=make_account(acme)),
        "Bo": make_user(acme, name="Bo", account=make_account(acme), method="manual"),
        "Cy": make_user(acme, name="Cy", reason="do_not_map"),
        "Di": make_user(acme, name="Di"),
    }


def act(
    client: Client, action: str, chosen: Any, *, across: bool = False, query: str = "", **more: Any
) -> Any:
    ids = [0] if across else [row.pk for row in chosen]
    data = {"action": action, "_selected_action": ids, "select_across": str(int(across)), **more}
    return client.post(f"{LIST}{query}", data, follow=True)


def asked(answer: Any) -> str:
    return str(answer.context["in_words"])


def confirm(client: Client, action: str, chosen: Any, **more: Any) -> Any:
    """Ask, and then do what the page says."""
    page = act(client, action, chosen, **more)
    return act(client, action, chosen, **more, confirmed=page.context["will"])


def reasons() -> dict[str, str]:
    return dict(UserMapping.objects.values_list("name", "reason"))


def test_actions_are_for_those_who_may_map(people: People, four: dict[str, UserMapping]) -> None:
    assert 'value="bulk_unmap"' in page(people.mapper, LIST)
    assert 'name="action"' not in page(people.viewer, LIST)


def test_a_viewer_does_nothing(people: People, four: dict[str, UserMapping]) -> None:
    act(people.viewer, "bulk_unmap", four.values(), confirmed=str(four["Ada"].pk))
    assert not Change.objects.exists()


def test_a_stranger_reaches_nobody(people: People, four: dict[str, UserMapping]) -> None:
    act(people.stranger, "bulk_unmap", four.values(), confirmed=str(four["Ada"].pk))
    assert not Change.objects.exists()


def test_it_is_counted_before_anything_happens(people: People, four: dict[str, UserMapping]) -> None:
    answer = act(people.mapper, "bulk_do_not_map", four.values())
    assert asked(answer) == "4 users chosen: 3 will be parked as Do not map, 1 is so already."
    assert not Change.objects.exists()


def test_of_the_whole_set_those_decided_by_hand_are_left_alone(
    people: People, four: dict[str, UserMapping]
) -> None:
    answer = act(people.mapper, "bulk_unmap", [], across=True)
    words = "1 will be unmapped, 1 was decided by hand and is left alone, 2 are so already."
    assert asked(answer) == f"4 users chosen: {words}"
    confirm(people.mapper, "bulk_unmap", [], across=True)
    assert reasons() == {"Ada": "unmapped_by_hand", "Bo": "", "Cy": "do_not_map", "Di": "no_match"}


def test_a_forged_list_of_rows_takes_no_row_decided_by_hand(
    people: People, four: dict[str, UserMapping]
) -> None:
    answer = act(people.mapper, "bulk_unmap", [], across=True, confirmed=str(four["Bo"].pk))
    assert "Bo has changed since." in answer.content.decode()
    assert not Change.objects.exists()


def test_chosen_one_by_one_they_are_touched(people: People, four: dict[str, UserMapping]) -> None:
    confirm(people.mapper, "bulk_unmap", [four["Bo"]])
    assert reasons()["Bo"] == "unmapped_by_hand"


def test_leave_to_auto_sync_takes_back_what_was_decided(people: People, four: dict[str, UserMapping]) -> None:
    answer = confirm(people.mapper, "bulk_leave_to_auto_sync", four.values())
    assert "2 users: Left to Auto Sync." in answer.content.decode()
    assert reasons()["Cy"] == "not_yet_synced"


def test_the_filters_of_the_list_hold(people: People, four: dict[str, UserMapping]) -> None:
    confirm(people.mapper, "bulk_do_not_map", [], across=True, query="?q=Di")
    assert list(Change.objects.values_list("mapping__name", flat=True)) == ["Di"]


def test_each_row_is_logged_and_recorded(people: People, four: dict[str, UserMapping]) -> None:
    answer = confirm(people.mapper, "bulk_do_not_map", four.values())
    assert "3 users: Parked: Do not map." in answer.content.decode()
    assert (LogEntry.objects.count(), Change.objects.count()) == (3, 3)


def test_one_that_has_changed_stops_no_other(people: People, four: dict[str, UserMapping]) -> None:
    will = ",".join(str(row.pk) for row in four.values())
    text = act(people.mapper, "bulk_unmap", four.values(), confirmed=will).content.decode()
    assert "2 users: Unmapped." in text and "2 were left alone:" in text


def test_too_many_are_not_taken(
    people: People, four: dict[str, UserMapping], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    answer = act(people.mapper, "bulk_unmap", four.values())
    assert "At most 3 users at once." in answer.content.decode()


def test_no_form_stands_within_the_form_of_the_list(people: People, four: dict[str, UserMapping]) -> None:
    text = page(people.mapper, LIST)
    form = re.search(r'<form id="changelist-form".*?</form>', text, re.S)
    assert form is not None and form[0].count("<form") == 1
    assert form[0].count('name="_selected_action"') == 4


def test_those_who_need_a_human_come_first(people: People, four: dict[str, UserMapping]) -> None:
    found = people.viewer.get(LIST).context["cl"].result_list
    assert [str(row) for row in found] == ["Di", "Ada", "Bo", "Cy"]


def test_filters_tell_how_many(people: People, four: dict[str, UserMapping]) -> None:
    assert "Unmapped (2)" in page(people.viewer, LIST)


@pytest.mark.parametrize(("query", "found"), [("yesterday", {"Ada"}), ("week", {"Ada", "Bo"})])
def test_the_list_shows_who_changed_lately(people: People, acme: Tenant, query: str, found: set[str]) -> None:
    for name, hours in (("Ada", 1), ("Bo", 24 * 5), ("Cy", 24 * 8)):
        make_user(acme, name=name, changed_at=timezone.now() - timedelta(hours=hours))
    assert rows(people.viewer, f"{LIST}?changed={query}") == found


def test_teams_are_those_of_the_tenants_seen(people: People, acme: Tenant, globex: Tenant) -> None:
    make_user(acme, name="Ada", team="Blue"), make_user(globex, name="Gus", team="Green")
    assert rows(people.viewer, f"{LIST}?team=Blue") == {"Ada"}
    assert "Green" not in page(people.viewer, LIST)
    assert people.viewer.get(f"{LIST}?team=Green").status_code == 404
