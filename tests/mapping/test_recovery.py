"""kill -9 anywhere in a run, with a real worker: the run says interrupted, its successor completes, and nobody is
mapped twice. Which fault ends how is listed in docs/reliability.md."""

import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from mapping import sync
from mapping.models import SyncRun
from tenants.models import AccessToken, Connection

from .afterwards import (
    a_lease_later,
    ask,
    assert_recovered,
    assert_sound,
    ends_well,
    is_reading,
    latest,
    reading,
    status,
)
from .conftest import Company
from .processes import Doom, Start, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Phase, Status = SyncRun.Phase, SyncRun.Status

DEATHS = [
    (Phase.CXONE, 0),
    (Phase.CXONE, 5),
    (Phase.EXTERNAL, 4),
    (Phase.STORE, 6),
    (Phase.MATCH, 7),
    (Phase.APPLY, 5),
    (Phase.APPLY, 14),
    (Phase.REPORT, 0),
    (Phase.REPORT, 6),
]
"""A phase, and after how many more statements the process dies: between transactions and in the middle of one."""


def correct(company: Company, people: int = 3) -> None:
    """RingCentral gets accounts for so many of those it had none for: the second try has something to apply."""
    lacking = [who for who, (_, reason) in company.users().items() if reason == "no_match"]
    for who in lacking[:people]:
        company.world.hire("Nia", "Newman", email=company.user(who).email, cxone=False)


def mapped(company: Company) -> dict[str, str]:
    return {who: account for who, (account, _) in company.users().items() if account}


@pytest.mark.parametrize(("phase", "statements"), DEATHS)
def test_a_process_killed_in_any_phase_is_replaced_and_the_next_run_completes(
    start: Start, company: Company, doom: Doom, phase: str, statements: int
) -> None:
    run = ask(company)
    doom.at(phase, statements)
    worker = start(**doom.environment)
    doom.has_struck(worker)
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)
    assert worker.process.poll() is None


@pytest.mark.parametrize(("phase", "statements"), [death for death in DEATHS if death != (Phase.APPLY, 14)])
def test_a_process_killed_in_any_phase_of_the_second_try_loses_nothing_of_the_first(
    start: Start, company: Company, doom: Doom, phase: str, statements: int
) -> None:
    run = ask(company, retry_delay=timedelta(hours=1))  # longer than the tick of a worker that starts
    worker = start(**doom.environment)
    until(lambda: status(run) == Status.WAITING, what="the first try", of=worker)
    correct(company)
    before = mapped(company)
    doom.at(phase, statements)
    SyncRun.objects.filter(pk=run.pk).update(not_before=timezone.now(), retry_delay=timedelta(0))
    sync.tick()
    doom.has_struck(worker)
    assert before.items() <= mapped(company).items()
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)


def test_a_process_killed_while_it_signs_in_leaves_a_lock_that_lapses(
    start: Start, company: Company, doom: Doom
) -> None:
    run = ask(company)
    doom.at("login", 0)
    worker = start(**doom.environment)
    doom.has_struck(worker)
    locked = AccessToken.objects.exclude(locked_by="")
    assert locked.count() == 1
    locked.update(locked_until=timezone.now())  # a minute later
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)


def test_a_process_that_dies_each_time_is_given_up_and_the_worker_lives(
    start: Start, company: Company, doom: Doom
) -> None:
    """A run that takes its process with it, as one that eats all memory would, is not tried for ever."""
    doom.at(Phase.STORE, 6)
    ask(company)
    worker = start(**doom.environment, DOOM_AGAIN=1)
    for deaths in range(1, 4):
        until(lambda: worker.said.count("after death") == deaths, what="its death", of=worker)  # noqa: B023
        a_lease_later(latest())
        sync.tick()
    sync.tick()
    assert [run.status for run in SyncRun.objects.all()] == [Status.INTERRUPTED] * 3
    doom.file.unlink()
    ask(company)
    assert ends_well(worker).status == Status.SUCCEEDED
    assert_sound(company)


def test_a_run_over_the_queues_time_limit_is_ended_and_the_next_completes(
    start: Start, company: Company, doom: Doom
) -> None:
    company.sandbox.faults.arm("slow", side="ringcentral", path="extension", times=1, value=25)
    run = ask(company)
    worker = start(**doom.environment, Q_TIMEOUT=6, SYNC_SLICE_SECONDS=1)
    worker.says("after timeout")
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)


def test_a_whole_worker_killed_in_the_middle_is_followed_by_the_next(start: Start, company: Company) -> None:
    reading(company)
    run = ask(company)
    worker = start()
    until(lambda: is_reading(run), what="the reading", of=worker)
    worker.send(signal.SIGKILL)
    worker.ends()
    worker.leaves_nobody_behind()
    company.sandbox.faults.clear()
    a_lease_later(run)
    assert_recovered(run, ends_well(start()), company)


def test_a_worker_asked_to_stop_gives_the_run_back_and_the_next_one_goes_on(
    start: Start, company: Company
) -> None:
    """Within a slice, not within a run; and asked twice it is no different."""
    reading(company)
    run = ask(company)
    worker = start(SYNC_SLICE_SECONDS=1)
    until(lambda: is_reading(run), what="the reading", of=worker)
    for _ in range(2):
        worker.send(signal.SIGTERM)
    assert (worker.ends(), status(run)) == (0, Status.QUEUED)
    company.sandbox.faults.clear()
    assert ends_well(start()) == run
    assert SyncRun.objects.get().status == Status.SUCCEEDED
    assert_sound(company)


def test_a_run_is_canceled_within_a_page_and_the_map_stays_as_it_was(start: Start, company: Company) -> None:
    company.run()
    before = company.users()
    correct(company)
    reading(company)
    run = ask(company)
    worker = start()
    until(lambda: is_reading(run), what="the reading", of=worker)
    asked_for = calls(company)
    assert sync.cancel(run, actor=None)
    until(lambda: status(run) == Status.CANCELED, what="its end", of=worker)
    assert calls(company) - asked_for <= 2
    assert company.users() == before
    company.sandbox.faults.clear()
    ask(company)
    assert ends_well(worker).status == Status.SUCCEEDED
    assert_sound(company)


def calls(company: Company) -> int:
    return sum(1 for entry in company.sandbox.log if entry.side == "ringcentral")


def test_a_second_try_comes_at_its_time_though_all_workers_were_killed_meanwhile(
    start: Start, company: Company
) -> None:
    run = ask(company, retry_delay=timedelta(hours=1))
    worker = start()
    until(lambda: status(run) == Status.WAITING, what="the first try", of=worker)
    worker.send(signal.SIGKILL)
    worker.leaves_nobody_behind()
    worker = start()
    sync.tick()
    assert status(run) == Status.WAITING
    SyncRun.objects.update(not_before=timezone.now())  # an hour later
    assert (ends_well(worker), latest().try_number, latest().status) == (run, 2, Status.SUCCEEDED)
    assert_sound(company)


def test_a_run_that_waits_for_anothers_sign_in_keeps_its_lease_and_can_be_canceled(
    start: Start, company: Company
) -> None:
    """As it has to when that other one was killed in the middle of signing in."""
    minute = timezone.now() + timedelta(minutes=1)
    connection = company.tenant.connection(Connection.Side.CXONE)
    AccessToken.objects.create(connection=connection, locked_by="somebody", locked_until=minute)
    run = ask(company)
    worker = start()
    until(lambda: status(run) == Status.RUNNING, what="the claim", of=worker)
    assert sync.cancel(run, actor=None)
    until(lambda: status(run) == Status.CANCELED, what="its end", of=worker, seconds=20)
