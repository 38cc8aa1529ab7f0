"""How tests of faults begin and end: a run is asked for and met in the middle; afterwards it ends, nobody is doubled,
and the next run is healthy."""

from datetime import timedelta

from django.utils import timezone

from mapping import sync
from mapping.models import Change, SyncRun, UserMapping

from .conftest import Company
from .processes import TICK, Command, Start, until


def ask(company: Company, **more: object) -> SyncRun:
    return sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, **{"retry_delay": timedelta(0)} | more)


def reading(company: Company) -> None:
    """RingCentral becomes so slow that a run can be met in the middle of reading it."""
    company.sandbox.faults.arm("slow", side="ringcentral", path="extension", times="always", value=0.5)
    company.sandbox.ringcentral_page = 20


def is_reading(run: SyncRun) -> bool:
    now = SyncRun.objects.get(pk=run.pk)
    assert not now.is_over, f"{now.get_status_display()} too early: {now.error}"
    return bool(now.phase == SyncRun.Phase.EXTERNAL and now.done)


def status(run: SyncRun) -> str:
    return SyncRun.objects.get(pk=run.pk).status


def latest() -> SyncRun:
    return SyncRun.objects.order_by("pk").last()


def is_over() -> bool:
    return latest().is_over


def a_lease_later(run: SyncRun) -> None:
    """The clock is put forward rather than waited for: nobody has renewed the lease of `run` in time."""
    lapsed = SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.RUNNING)
    assert lapsed.update(lease_until=timezone.now() - timedelta(seconds=1)) == 1


def ends_well(worker: Command | None = None) -> SyncRun:
    """The latest run when it is over. The tick, which the worker calls once a minute, is called without that wait."""

    def over() -> bool:
        sync.tick()
        return is_over()

    until(over, what="the successor to end", of=worker)
    return latest()


def ends_well_there(start: Start, **environment: object) -> SyncRun:
    """The same where the queue is not ours: each tick is a process with that environment."""

    def over() -> bool:
        tick = start(*TICK, **environment)
        assert tick.ends() == 0, tick.said
        return is_over()

    until(over, what="the run to end")
    return latest()


def assert_recovered(run: SyncRun, successor: SyncRun, company: Company) -> None:
    """`run` says interrupted, its successor has done the rest, and nothing is doubled or lost."""
    run.refresh_from_db()
    assert (run.status, run.successor) == (SyncRun.Status.INTERRUPTED, successor)
    assert (successor.status, successor.trigger) == (SyncRun.Status.SUCCEEDED, SyncRun.Trigger.RECOVERY)
    assert_sound(company)


def assert_sound(*companies: Company) -> None:
    """One account one user, each map change made once, nothing left proposed; and another run has nothing to do."""
    users = list(UserMapping.objects.values_list("tenant", "cxone_id"))
    accounts = list(UserMapping.objects.mapped().values_list("account", flat=True))
    mapped_once = Change.objects.filter(kind=Change.Kind.MAP, outcome=Change.Outcome.APPLIED)
    assert len(users) == len(set(users)) and len(accounts) == len(set(accounts)) == mapped_once.count() > 0
    assert not Change.objects.filter(outcome=Change.Outcome.PENDING).exists()
    for company in companies:
        again = company.run()
        assert (again.status, again.changed) == (SyncRun.Status.SUCCEEDED, 0), again.error
