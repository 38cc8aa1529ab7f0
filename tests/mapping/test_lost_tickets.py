"""The queue loses what it was given, or cannot be reached: the tick notices, and the run is worked on all the same."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.utils import timezone
from django_q.models import OrmQ

from mapping.models import SyncRun

from .afterwards import a_lease_later, ask, assert_recovered, assert_sound, ends_well, ends_well_there, latest
from .conftest import Company
from .processes import RUNNING, Doom, Start, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Phase, Status = SyncRun.Phase, SyncRun.Status


def unanswered(run: SyncRun) -> None:
    """The clock is put forward: the ticket of `run` was sent long ago."""
    SyncRun.objects.filter(pk=run.pk).update(ticketed_at=timezone.now() - timedelta(hours=1))


def test_a_run_whose_ticket_was_deleted_gets_another(start: Start, company: Company) -> None:
    run = ask(company)
    assert OrmQ.objects.all().delete()[0] == 1
    unanswered(run)
    assert ends_well(start()) == run
    assert_sound(company)


def test_tickets_signed_with_another_secret_key_are_replaced(start: Start, company: Company) -> None:
    run = ask(company)
    rotated = {"SECRET_KEY": "another-" * 8}
    worker = start(**rotated)
    worker.says("BadSignature")
    until(lambda: not OrmQ.objects.filter(lock__isnull=False).exists(), what="its removal", of=worker)
    unanswered(run)
    assert ends_well_there(start, **rotated) == run
    assert latest().status == Status.SUCCEEDED
    assert_sound(company)


@pytest.fixture
def through(redis_url: str, tmp_path: Path) -> Iterator[dict[str, object]]:
    """The environment of processes whose queue is a list of this test's own in Redis."""
    name = f"test-{tmp_path.parent.name}-{tmp_path.name}"
    yield {"Q_BROKER_URL": redis_url, "Q_NAME": name}
    redis.from_url(redis_url).delete(f"django_q:{name}:q")


@pytest.mark.redis
@pytest.mark.parametrize("phase", [Phase.EXTERNAL, Phase.APPLY])
def test_redis_loses_the_ticket_of_a_killed_process_and_the_tick_replaces_it(
    start: Start, company: Company, doom: Doom, through: dict[str, object], phase: str
) -> None:
    doom.at(phase, 5)
    worker = start(**doom.environment, **through)
    assert start("sync_users", "acme", "--retry-delay", "0", **through).ends() == 0
    doom.has_struck(worker)
    run = latest()
    a_lease_later(run)
    assert_recovered(run, ends_well_there(start, **through), company)


@pytest.mark.redis
def test_a_flushed_redis_costs_nothing_but_time(
    start: Start, company: Company, through: dict[str, object]
) -> None:
    assert start("sync_users", "acme", "--retry-delay", "0", **through).ends() == 0
    assert redis.from_url(str(through["Q_BROKER_URL"])).delete(f"django_q:{through['Q_NAME']}:q") == 1
    start(**through).says(RUNNING)
    run = latest()
    unanswered(run)
    assert (ends_well_there(start, **through), latest().status) == (run, Status.SUCCEEDED)
    assert_sound(company)
