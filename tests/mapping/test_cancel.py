"""A person ends a run: at once where nobody works on it, within a page or a batch where somebody does."""

from collections.abc import Callable
from typing import Any

import pytest

from mapping import heart, sync
from mapping.models import Change, SyncRun, UserMapping

from .conftest import Company

Status, Phase = SyncRun.Status, SyncRun.Phase


@pytest.fixture
def run(company: Company) -> SyncRun:
    return sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False)


@pytest.fixture
def cancel_in(run: SyncRun, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SyncRun]:
    """Work on the run, and cancel it at the second sign of life that its worker gives in this phase."""
    settings.SYNC_BATCH_SIZE = 10

    def cancel_in(phase: str) -> SyncRun:
        beats: list[int] = []

        def beat() -> None:
            if SyncRun.objects.get(pk=run.pk).phase == phase:
                beats.append(SyncRun.objects.get(pk=run.pk).done)
                if len(beats) == 2:
                    sync.cancel(run, actor=None)

        monkeypatch.setattr(heart, "beat", beat)
        sync.execute(run.pk, ticket=False)
        run.refresh_from_db()
        return run

    return cancel_in


def test_a_queued_run_ends_at_once(run: SyncRun) -> None:
    assert sync.cancel(run, actor=None)
    sync.execute(run.pk, ticket=False)
    run.refresh_from_db()
    assert (run.status, UserMapping.objects.count()) == (Status.CANCELED, 0)


def test_a_run_that_waits_for_its_second_try_is_not_tried_again(run: SyncRun) -> None:
    sync.execute(run.pk, ticket=False)
    assert sync.cancel(run, actor=None)
    SyncRun.objects.filter(pk=run.pk).update(not_before=run.created_at)
    sync.tick()
    run.refresh_from_db()
    assert (run.status, run.try_number) == (Status.CANCELED, 1)


@pytest.mark.parametrize("phase", [Phase.EXTERNAL, Phase.STORE, Phase.MATCH])
def test_one_at_work_ends_before_anybody_is_mapped(cancel_in: Callable[[str], SyncRun], phase: Phase) -> None:
    run = cancel_in(phase)
    assert (run.status, run.phase, run.finished_at is None) == (Status.CANCELED, phase, False)
    assert not UserMapping.objects.mapped().exists()
    assert not Change.objects.exclude(outcome=Change.Outcome.DROPPED).exists()


def test_one_that_applies_keeps_what_it_applied_and_drops_the_rest(
    cancel_in: Callable[[str], SyncRun],
) -> None:
    run = cancel_in(Phase.APPLY)
    applied = Change.objects.filter(outcome=Change.Outcome.APPLIED)
    assert (run.status, run.changed) == (Status.CANCELED, applied.count())
    assert 0 < applied.count() < Change.objects.count()
    assert not Change.objects.filter(outcome=Change.Outcome.PENDING).exists()


def test_the_next_run_does_what_the_canceled_one_left(
    cancel_in: Callable[[str], SyncRun], company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel_in(Phase.APPLY)
    monkeypatch.undo()
    assert company.run().status == Status.SUCCEEDED
    assert (company.run().changed, UserMapping.objects.mapped().count() > 100) == (0, True)


def test_one_that_is_over_cannot_be_canceled(company: Company) -> None:
    run = company.run()
    assert not sync.cancel(run, actor=None)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED


def test_one_whose_worker_died_after_it_was_canceled_is_not_started_anew(run: SyncRun) -> None:
    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING, lease_until=run.created_at)
    assert sync.cancel(run, actor=None)
    sync.tick()
    assert [run.status for run in SyncRun.objects.all()] == [Status.CANCELED]
