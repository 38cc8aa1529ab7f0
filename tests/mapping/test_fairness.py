"""What one tenant's platform does to the others: nothing, as long as a worker is free."""

import pytest
from django.utils import timezone

from mapping import sync
from mapping.models import SyncRun

from .afterwards import ask, assert_sound, status
from .conftest import Company
from .processes import Start, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Status = SyncRun.Status


def test_a_throttled_and_a_silent_platform_delay_nobody_else(start: Start, companies: list[Company]) -> None:
    """Two processes for four tenants: the throttled run gives its process back, the silent one keeps the other."""
    silent, throttled, *others = companies
    faults = companies[0].sandbox.faults
    faults.arm("slow", world=silent.world.name, side="cxone", times="always", value=12)
    faults.arm("throttled", world=throttled.world.name, path="/users/search", times="always", value=25)
    slow, asked_to_wait, *prompt = [ask(company) for company in (silent, throttled, *others)]
    worker = start(Q_WORKERS=2)
    tried = (
        Status.WAITING,
        Status.SUCCEEDED,
    )  # the worker's first tick may have made the second tries already
    until(lambda: all(status(run) in tried for run in prompt), what="the others", of=worker)
    asked_to_wait.refresh_from_db()
    assert (status(slow), status(asked_to_wait)) == (Status.RUNNING, Status.QUEUED)
    assert asked_to_wait.not_before is not None and "wait" in asked_to_wait.note
    faults.clear()
    until(lambda: all_done([slow, asked_to_wait, *prompt]), what="all of them", of=worker, seconds=100)
    assert {run.status for run in SyncRun.objects.all()} == {Status.SUCCEEDED}
    assert_sound(*companies)


def all_done(runs: list[SyncRun]) -> bool:
    """What is to wait a minute is told that the minute is over."""
    now = timezone.now()
    SyncRun.objects.filter(not_before__gt=now).update(not_before=now)
    sync.tick()
    return all(status(run) in SyncRun.OVER for run in runs)
