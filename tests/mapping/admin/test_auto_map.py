"""Auto Map Users: a preview, its proposals, and who decides about them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from mapping import sync
from mapping.admin import auto_map
from mapping.history import as_json
from mapping.matching import Method, Reason, State
from mapping.models import Change, SyncRun, UserMapping
from tenants.models import Tenant

from ..conftest import Company
from .conftest import LIST, RUNS, People, make_account, make_change, make_run, make_user, page

Status = SyncRun.Status


def propose(run: SyncRun, name: str, **more: Any) -> Change:
    """That `name` be mapped to an account of their own."""
    user, account = make_user(run.tenant, name=name), make_account(run.tenant, name=f"{name} Phone")
    before, after = State(reason=Reason.NO_MATCH), State(account=account.pk, method=Method.AUTO)
    given = {"before": as_json(before, None), "after": as_json(after, account), "outcome": "pending"}
    return make_change(user, run=run, **given | more)


@pytest.fixture
def held(acme: Tenant) -> SyncRun:
    return make_run(acme, status="held", phase="apply", finished_at=None, is_preview=True)


def auto_map_url(tenant: Tenant) -> str:
    return f"{RUNS}auto-map/{tenant.pk}/"


def text_of(client: Client, url: str, **data: Any) -> str:
    return client.post(url, data, follow=True).content.decode()


def test_the_button_asks_for_a_preview(people: People, acme: Tenant) -> None:
    assert auto_map_url(acme) in page(people.mapper, LIST)
    assert auto_map_url(acme) not in page(people.viewer, LIST)
    people.mapper.post(auto_map_url(acme))
    run = SyncRun.objects.get()
    assert (run.is_preview, run.trigger, run.actor) == (True, "hand", acme.members.get(username="mapper"))
    assert LogEntry.objects.get().get_change_message() == "Auto Map Users."


def test_one_that_is_at_work_is_shown_instead(people: People, acme: Tenant) -> None:
    make_run(acme, status="queued", finished_at=None)
    assert "is at work already" in text_of(people.mapper, auto_map_url(acme))
    assert SyncRun.objects.count() == 1


VERBS = ["add-and-map", "confirm", "discard"]


@pytest.mark.parametrize("verb", VERBS)
def test_only_those_who_may_decide_do(people: People, held: SyncRun, nobody: Client, verb: str) -> None:
    url = f"{RUNS}{held.pk}/{verb}/"
    assert people.mapper.get(url).status_code == 405
    assert people.viewer.post(url).status_code == 403
    assert people.stranger.post(url).status_code == 404
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_only_those_of_the_tenant_start_a_preview(people: People, acme: Tenant) -> None:
    url = auto_map_url(acme)
    answers = [people.viewer.post(url), people.stranger.post(url), people.mapper.get(url)]
    assert [answer.status_code for answer in answers] == [403, 404, 405]
    assert not SyncRun.objects.exists()


def test_proposals_are_hidden_from_strangers_and_those_of_no_group(
    people: People, held: SyncRun, nobody: Client
) -> None:
    url = f"{RUNS}{held.pk}/proposals/"
    assert (people.stranger.get(url).status_code, nobody.get(url).status_code) == (404, 403)


def test_viewers_read_the_proposals_and_decide_nothing(people: People, held: SyncRun) -> None:
    propose(held, "Ada")
    text = page(people.viewer, f"{RUNS}{held.pk}/proposals/")
    assert "Ada Phone ext." in text and "Unmapped: No match" in text
    assert 'name="include"' not in text and "Discard" not in text and "Map</button>" not in text


def test_a_held_run_says_what_waits_for_a_decision(people: People, held: SyncRun) -> None:
    propose(held, "Ada"), propose(held, "Bo"), propose(held, "Cy", kind="reason")
    text = page(people.mapper, f"{RUNS}{held.pk}/change/")
    assert "2 users will be mapped" in text
    assert f"{RUNS}{held.pk}/proposals/" in text


def test_what_only_tells_a_reason_is_summed_up(people: People, held: SyncRun) -> None:
    propose(held, "Ada"), propose(held, "Bo", kind="reason"), propose(held, "Cy", kind="flag")
    text = page(people.mapper, f"{RUNS}{held.pk}/proposals/")
    assert text.count('name="include"') == 1
    assert "1 user stays unmapped, 1 mapping is flagged" in text


def test_all_are_ticked_until_none_is_asked_for(people: People, held: SyncRun) -> None:
    propose(held, "Ada")
    url = f"{RUNS}{held.pk}/proposals/"
    assert [page(people.mapper, there).count(" checked>") for there in (url, f"{url}?none")] == [1, 0]


def test_add_and_map_asks_before_anything_moves(people: People, held: SyncRun) -> None:
    ada, bo = propose(held, "Ada"), propose(held, "Bo")
    text = text_of(people.mapper, f"{RUNS}{held.pk}/add-and-map/", include=[ada.pk, "9" * 40, "x"])
    assert "1 user will be mapped" in text and "1 is left out" in text
    assert f'name="leave_out" value="{bo.pk}"' in text
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_confirm_queues_the_run_without_those_left_out(people: People, held: SyncRun) -> None:
    ada, bo = propose(held, "Ada"), propose(held, "Bo")
    text = text_of(people.mapper, f"{RUNS}{held.pk}/confirm/", leave_out=str(bo.pk))
    held.refresh_from_db(), ada.refresh_from_db(), bo.refresh_from_db()
    assert (held.status, ada.outcome, bo.outcome) == (Status.QUEUED, "pending", "dropped")
    assert "1 change is being applied." in text
    assert "left out: 1" in LogEntry.objects.get().get_change_message()


def test_ids_of_another_run_are_ignored(people: People, held: SyncRun, acme: Tenant) -> None:
    propose(held, "Ada")
    other = propose(make_run(acme, status="held"), "Bo")
    people.mapper.post(f"{RUNS}{held.pk}/confirm/", {"leave_out": f"{other.pk},x,-1,{'9' * 40}"})
    other.refresh_from_db()
    assert other.outcome == "pending"
    assert not Change.objects.filter(outcome="dropped").exists()


def test_discard_forgets_the_proposals(people: People, held: SyncRun) -> None:
    ada = propose(held, "Ada")
    assert "were discarded" in text_of(people.mapper, f"{RUNS}{held.pk}/discard/")
    ada.refresh_from_db(), held.refresh_from_db()
    assert (held.status, ada.outcome) == (Status.DISCARDED, "dropped")
    assert LogEntry.objects.get().get_change_message() == "Discarded."


@pytest.mark.parametrize("verb", VERBS)
def test_what_somebody_else_decided_meanwhile_is_told(people: People, held: SyncRun, verb: str) -> None:
    sync.discard(held, actor=None)
    assert "waits for no decision" in text_of(people.mapper, f"{RUNS}{held.pk}/{verb}/")
    assert not LogEntry.objects.exists()


def test_confirm_waits_while_another_run_is_at_work(people: People, held: SyncRun, acme: Tenant) -> None:
    live = make_run(acme, status="queued", finished_at=None)
    assert f"Run {live.pk} of Acme is at work." in text_of(people.mapper, f"{RUNS}{held.pk}/confirm/")
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_those_beyond_the_list_are_applied_together(
    people: People, held: SyncRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_map, "SHOWN", 1)
    propose(held, "Ada"), propose(held, "Bo"), propose(held, "Cy")
    assert "2 more are not listed" in page(people.mapper, f"{RUNS}{held.pk}/proposals/")
    assert "2 users will be mapped" in text_of(people.mapper, f"{RUNS}{held.pk}/add-and-map/")


def test_as_many_boxes_as_are_shown_are_not_too_many(people: People, held: SyncRun) -> None:
    answer = people.mapper.post(f"{RUNS}{held.pk}/add-and-map/", {"include": range(auto_map.SHOWN)})
    assert answer.status_code == 200


def test_the_whole_flow_maps_those_who_were_ticked(company: Company, django_user_model: Any) -> None:
    browser = Client()
    browser.force_login(django_user_model.objects.create(username="b", is_staff=True, is_superuser=True))
    run = company.run(is_preview=True)
    left_out, *rest = auto_map.shown(run)
    asked = browser.post(f"{RUNS}{run.pk}/add-and-map/", {"include": rest})
    assert not UserMapping.objects.mapped().exists()
    browser.post(f"{RUNS}{run.pk}/confirm/", {"leave_out": asked.context["left_out_ids"]})
    run = sync.run_here(SyncRun.objects.get(pk=run.pk), watch=lambda run: None, poll=0.01)
    assert (run.status, run.mapped) == (Status.SUCCEEDED, len(rest))
    assert Change.objects.get(pk=left_out).outcome == "dropped"


def test_who_watches_the_run_sees_the_proposals_come(people: People, held: SyncRun) -> None:
    propose(held, "Ada")
    assert "1 user will be mapped" in page(people.viewer, f"{RUNS}{held.pk}/progress/")
