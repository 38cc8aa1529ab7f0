"""kill -9 anywhere in a run, with a real worker: the run says interrupted, its successor completes, and nobody is
mapped twice. Which fault ends how is listed in docs/reliability.md."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from mapping import sync
from mapping.models import SyncRun
from tenants.models import AccessToken

from .afterwards import (
    a_lease_later,
    assert_recovered,
    ends_well,
    status,
)
from .conftest import Company
from .processes import Command, Start, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Phase, Status = SyncRun.Phase, SyncRun.Status
DOOMED = "tests.mapping.doomed"

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


@pytest.fixture
def doom(tmp_path: Path, company: Company) -> dict[str, object]:
    """The environment of a worker that dies where the file `DOOM` says; its runs come in many small steps."""
    company.sandbox.ringcentral_page = 40
    return {
        "DJANGO_SETTINGS_MODULE": DOOMED,
        "DOOM": tmp_path / "doom",
        "SYNC_BATCH_SIZE": 20,
    }


def at(doom: dict[str, object], phase: str, statements: int) -> None:
    Path(str(doom["DOOM"])).write_text(f"{phase} {statements}")


def has_struck(doom: dict[str, object], worker: Command) -> None:
    until(lambda: not Path(str(doom["DOOM"])).exists(), what="its death", of=worker)


def correct(company: Company, people: int = 3) -> None:
    """RingCentral gets accounts for so many of those it had none for: the second try has something to apply."""
    lacking = [who for who, (_, reason) in company.users().items() if reason == "no_match"]
    for who in lacking[:people]:
        company.world.hire("Nia", "Newman", email=company.user(who).email, cxone=False)


def mapped(company: Company) -> dict[str, str]:
    return {who: account for who, (account, _) in company.users().items() if account}


def ask(company: Company, **more: object) -> SyncRun:
    return sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, **{"retry_delay": timedelta(0)} | more)


@pytest.mark.parametrize(("phase", "statements"), DEATHS)
def test_a_process_killed_in_any_phase_is_replaced_and_the_next_run_completes(
    start: Start, company: Company, doom: dict[str, object], phase: str, statements: int
) -> None:
    run = ask(company)
    at(doom, phase, statements)
    worker = start(**doom)
    has_struck(doom, worker)
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)
    assert worker.process.poll() is None


@pytest.mark.parametrize(("phase", "statements"), [death for death in DEATHS if death != (Phase.APPLY, 14)])
def test_a_process_killed_in_any_phase_of_the_second_try_loses_nothing_of_the_first(
    start: Start, company: Company, doom: dict[str, object], phase: str, statements: int
) -> None:
    run = ask(company)
    worker = start(**doom)
    until(lambda: status(run) == Status.WAITING, what="the first try", of=worker)
    correct(company)
    before = mapped(company)
    at(doom, phase, statements)
    sync.tick()
    has_struck(doom, worker)
    assert before.items() <= mapped(company).items()
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)


def test_a_process_killed_while_it_signs_in_leaves_a_lock_that_lapses(
    start: Start, company: Company, doom: dict[str, object]
) -> None:
    run = ask(company)
    at(doom, "login", 0)
    worker = start(**doom)
    has_struck(doom, worker)
    locked = AccessToken.objects.exclude(locked_by="")
    assert locked.count() == 1
    locked.update(locked_until=timezone.now())  # a minute later
    a_lease_later(run)
    assert_recovered(run, ends_well(worker), company)
