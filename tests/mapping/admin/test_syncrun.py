"""The runs: their list, the page that follows one, and Auto Sync now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mapping.models import SyncRun
from tenants.models import Tenant

from ..conftest import Company
from .conftest import LIST, RUNS, People, make_change, make_run, make_user, page, rows

TEN_FORTY_TWO = datetime(2031, 5, 4, 10, 42, tzinfo=UTC)
UNDER_WAY: dict[str, Any] = {"status": "running", "phase": "external", "read_at": None, "finished_at": None}


def start(tenant: Tenant) -> str:
    return f"{RUNS}start/{tenant.pk}/"


def progress(people: People, run: SyncRun) -> str:
    return page(people.viewer, f"{RUNS}{run.pk}/progress/")


def strips(text: str) -> list[list[str]]:
    """The states of the phases, a list for each try."""
    found = re.findall(r'<ol class="steps">(.*?)</ol>', text, re.S)
    return [re.findall(r'<li class="(\w+)"', strip) for strip in found]


def test_auto_sync_now_makes_a_queued_run_of_that_person(people: People, acme: Tenant) -> None:
    people.mapper.post(start(acme))
    run = SyncRun.objects.get()
    assert (run.tenant, run.status, run.trigger) == (acme, "queued", "hand")
    assert run.actor == acme.members.get(username="mapper")


def test_auto_sync_now_leads_to_the_run_and_is_logged(people: People, acme: Tenant) -> None:
    answer = people.mapper.post(start(acme), follow=True)
    run = SyncRun.objects.get()
    assert answer.redirect_chain == [(f"{RUNS}{run.pk}/change/", 302)]
    assert "Auto Sync was started for Acme." in answer.content.decode()
    assert LogEntry.objects.get().object_id == str(run.pk)


def test_a_second_start_leads_to_the_run_that_is_at_work(people: People, acme: Tenant) -> None:
    people.mapper.post(start(acme))
    answer = people.administrator.post(start(acme), follow=True)
    run = SyncRun.objects.get()
    assert answer.redirect_chain == [(f"{RUNS}{run.pk}/change/", 302)]
    assert "Auto Sync of Acme is at work already" in answer.content.decode()
    assert LogEntry.objects.count() == 1


def test_a_run_that_works_shows_where_it_is(people: People, acme: Tenant) -> None:
    text = progress(people, make_run(acme, **UNDER_WAY, expected=388, done=200))
    assert 'data-live="true"' in text
    assert "Try 1: Read RingCentral." in text
    assert strips(text) == [["done", "now", "todo", "todo", "todo", "todo"]]
    assert '<progress class="bar" max="388" value="200"' in text


def test_a_queued_run_has_done_nothing_yet(people: People, acme: Tenant) -> None:
    run = make_run(acme, status="queued", phase="cxone", started_at=None, finished_at=None)
    text = progress(people, run)
    assert "Queued; it starts as soon as a worker is free." in text
    assert strips(text) == [["todo"] * 6]


def test_a_run_that_was_asked_to_wait_says_until_when(people: People, acme: Tenant) -> None:
    run = make_run(
        acme, **UNDER_WAY | {"status": "queued", "not_before": TEN_FORTY_TWO, "note": "Too many requests."}
    )
    text = progress(people, run)
    assert "it goes on at 10:42." in text
    assert "Too many requests." in text


def test_a_run_that_waits_names_the_time_of_its_second_try(people: People, acme: Tenant) -> None:
    run = make_run(acme, status="waiting", not_before=TEN_FORTY_TWO, finished_at=None)
    text = progress(people, run)
    assert "Waiting for the second try at 10:42." in text
    assert 'data-live="true"' in text
    assert strips(text) == [["done"] * 6, ["todo"] * 6]


def test_the_second_try_has_a_strip_of_its_own(people: People, acme: Tenant) -> None:
    text = progress(people, make_run(acme, **UNDER_WAY | {"phase": "match", "try_number": 2}))
    assert strips(text) == [["done"] * 6, ["done", "done", "done", "now", "todo", "todo"]]


def test_a_failed_run_shows_where_and_why(people: People, acme: Tenant) -> None:
    text = progress(people, make_run(acme, status="failed", phase="cxone", error="CXone refused <the> key."))
    assert 'data-live="false"' in text
    assert '<div class="notice notice-bad" role="alert"><p>CXone refused &lt;the&gt; key.</p></div>' in text
    assert strips(text) == [["failed", "todo", "todo", "todo", "todo", "todo"]]


def test_a_second_try_that_failed_leaves_the_first_done(people: People, acme: Tenant) -> None:
    run = make_run(
        acme, status="partial", try_number=2, phase="external", error="The second try could not be made."
    )
    assert strips(progress(people, run)) == [["done"] * 6, ["done", "failed", "todo", "todo", "todo", "todo"]]


def test_the_counts_are_an_equation(people: People, acme: Tenant) -> None:
    run = make_run(acme, users=388, mapped=292, unmapped=72, skipped=24, failed=0)
    assert "388 users = 292 mapped + 72 unmapped + 24 skipped + 0 failed" in progress(people, run)


def test_users_that_are_not_decided_yet_make_no_false_equation(people: People, acme: Tenant) -> None:
    text = progress(people, make_run(acme, **UNDER_WAY, users=388))
    assert "388 users" in text
    assert "388 users =" not in text


def test_requests_and_waiting_are_told(people: People, acme: Tenant) -> None:
    text = progress(people, make_run(acme, requests=17, throttled=61.6, note="One address was left out."))
    assert "<dd>17</dd>" in text
    assert "<dd>62 seconds</dd>" in text
    assert "One address was left out." in text


def test_a_run_leads_to_the_one_it_replaces_and_back(people: People, acme: Tenant) -> None:
    dead = make_run(acme, status="interrupted", error="The worker stopped.")
    next_one = make_run(acme, trigger="recovery", successor_of=dead)
    assert f'<a href="{RUNS}{next_one.pk}/change/">' in page(people.viewer, f"{RUNS}{dead.pk}/change/")
    assert f'<a href="{RUNS}{dead.pk}/change/">' in page(people.viewer, f"{RUNS}{next_one.pk}/change/")


def test_the_first_fifty_changes_stand_on_the_page(people: People, acme: Tenant) -> None:
    run = make_run(acme, changed=51)
    for number in range(51):
        make_change(make_user(acme, name=f"Person {number}."), run=run)
    text = page(people.viewer, f"{RUNS}{run.pk}/change/")
    assert "Person 0." in text and "Person 49." in text and "Person 50." not in text
    assert f'href="/admin/mapping/change/?run__id__exact={run.pk}"' in text


def test_the_page_of_a_run_works_without_its_script(people: People, acme: Tenant) -> None:
    run = make_run(acme, **UNDER_WAY)
    text = page(people.viewer, f"{RUNS}{run.pk}/change/")
    assert "Try 1: Read RingCentral." in text
    assert f'data-live-url="{RUNS}{run.pk}/progress/"' in text
    assert "mapping/live.js" in text


def test_only_a_run_that_is_not_at_work_can_be_run_again(people: People, acme: Tenant) -> None:
    over, at_work = make_run(acme), make_run(acme, **UNDER_WAY)
    urls = [f"{RUNS}{run.pk}/progress/" for run in (over, at_work)]
    assert [start(acme) in page(people.mapper, url) for url in urls] == [True, False]
    assert start(acme) not in page(people.viewer, urls[0])


@pytest.mark.parametrize("what", ["status__exact=failed", "trigger__exact=hand"])
def test_runs_are_filtered(people: People, acme: Tenant, what: str) -> None:
    make_run(acme)
    wanted = make_run(acme, status="failed", trigger="hand")
    assert rows(people.viewer, f"{RUNS}?{what}") == {str(wanted)}


def test_the_list_of_runs_tells_how_each_went(people: People, acme: Tenant) -> None:
    begun = timezone.now()
    make_run(acme, started_at=begun, finished_at=begun + timedelta(seconds=75), users=388, mapped=292)
    text = page(people.viewer, RUNS)
    facts = ["succeeded", "by schedule", "1 min 15 s", 'class="field-users">388</td>', ">292</td>"]
    assert not [fact for fact in facts if fact not in text]


def test_sixty_runs_cost_no_more_queries_than_five(people: People, acme: Tenant) -> None:
    counts = []
    for more in (5, 45):
        for _ in range(more):
            make_run(acme, actor=acme.members.get(username="mapper"), successor_of=SyncRun.objects.first())
        with CaptureQueriesContext(connection) as caught:
            page(people.administrator, RUNS)
        counts.append(len(caught))
    assert counts[0] == counts[1]


def test_a_look_at_a_live_run_costs_few_queries(people: People, acme: Tenant) -> None:
    run = make_run(acme, **UNDER_WAY)
    with CaptureQueriesContext(connection) as caught:
        progress(people, run)
    assert len(caught) <= 6  # session, user, tenants, permissions, the run


def test_whoever_may_only_map_is_led_to_the_run_from_the_list(people: People, acme: Tenant) -> None:
    assert f'action="{start(acme)}"' in page(people.mapper, LIST)


def test_the_pages_of_a_real_company_all_open(company: Company, admin_client: Client) -> None:
    run = company.run()
    equation = f"{run.users} users = {run.mapped} mapped + {run.unmapped} unmapped + {run.skipped} skipped + 0 failed"
    assert equation in page(admin_client, f"{RUNS}{run.pk}/change/")
    for user in company.tenant.mappings.all()[:60]:
        page(admin_client, f"{LIST}{user.pk}/change/")
    assert "never" not in page(admin_client, LIST)


def test_a_held_run_waits_for_a_person_before_it_applies(people: People, acme: Tenant) -> None:
    text = progress(people, make_run(acme, status="held", phase="apply", finished_at=None, is_preview=True))
    assert "they wait for a person to decide." in text
    assert strips(text) == [["done", "done", "done", "done", "todo", "todo"]]


@pytest.mark.parametrize("status", SyncRun.Status.values)
@pytest.mark.parametrize("phase", SyncRun.Phase.values)
def test_no_status_is_without_a_page(people: People, acme: Tenant, status: str, phase: str) -> None:
    run = make_run(acme, status=status, phase=phase)
    for url in (RUNS, f"{RUNS}{run.pk}/change/"):
        assert run.get_status_display() in page(people.viewer, url)
