"""What is answered to whatever watches over an installation."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone
from django_q.models import Success

from mapping.models import SyncRun
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def ticked(ago: timedelta) -> None:
    then = timezone.now() - ago
    Success.objects.create(
        id="1", name="t", func="mapping.tasks.tick", started=then, stopped=then, success=True
    )


def queued(ago: timedelta, **more: object) -> None:
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    run = SyncRun.objects.create(tenant=tenant, trigger=SyncRun.Trigger.HAND, **more)
    SyncRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - ago)


def ask(client: Client, path: str = "/workerz") -> tuple[int, dict[str, object]]:
    answer = client.get(path)
    return answer.status_code, answer.json()


def test_workers_that_tick_are_working(client: Client) -> None:
    ticked(timedelta(seconds=30))
    assert ask(client) == (200, {"working": True, "last_tick_seconds": 30, "oldest_queued_seconds": None})


def test_an_installation_on_which_no_worker_ever_ticked_is_not(client: Client) -> None:
    status, said = ask(client)
    assert (status, said["why"]) == (503, "No worker has worked off a tick yet.")


def test_workers_silent_for_five_minutes_are_not_working(client: Client) -> None:
    ticked(timedelta(minutes=6))
    status, said = ask(client)
    assert (status, said["last_tick_seconds"]) == (503, 360)
    assert "for more than 5 minutes" in str(said["why"])


def test_a_run_queued_for_ten_minutes_says_that_workers_do_not_keep_up(client: Client) -> None:
    ticked(timedelta(seconds=30))
    queued(timedelta(minutes=11))
    status, said = ask(client)
    assert (status, said["oldest_queued_seconds"]) == (503, 660)


@pytest.mark.parametrize(
    "run",
    [
        {"not_before": timezone.now() + timedelta(hours=1)},
        {"started_at": timezone.now()},
        {"status": SyncRun.Status.RUNNING},
    ],
    ids=["asked to wait", "between two slices", "at work"],
)
def test_a_run_that_waits_for_no_worker_is_not_counted(client: Client, run: dict[str, object]) -> None:
    ticked(timedelta(seconds=30))
    queued(timedelta(minutes=11), **run)
    assert ask(client) == (200, {"working": True, "last_tick_seconds": 30, "oldest_queued_seconds": None})


def test_pages_are_served_without_workers_and_say_how_they_do(client: Client) -> None:
    ticked(timedelta(hours=1))
    queued(timedelta(hours=1))
    assert ask(client, "/readyz") == (
        200,
        {"ready": True, "last_tick_seconds": 3600, "oldest_queued_seconds": 3600},
    )


@pytest.mark.parametrize("path", ["/readyz", "/workerz"])
def test_a_database_that_does_not_answer_is_said_and_no_more(client: Client, path: str) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("password authentication failed for user presence")

    with connection.execute_wrapper(refuse):
        status, said = ask(client, path)
    assert (status, said["why"]) == (503, "The database does not answer.")


def test_alive_asks_the_database_for_nothing(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert ask(client, "/healthz") == (200, {"alive": True})
