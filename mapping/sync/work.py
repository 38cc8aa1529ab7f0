"""Work on a run, phase by phase, until it is over, waits, or the slice is used up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.utils import timezone

from tenants.platforms.errors import PlatformError, TryLater

from ..models import SyncRun
from . import apply, plan, read, report, store
from .dispatch import begin_second_try
from .lease import Lease, LeaseLost, SliceOver, claim

log = logging.getLogger(__name__)

Phase = SyncRun.Phase

STEPS: dict[str, Callable[[Lease], None]] = {
    Phase.CXONE: read.cxone,
    Phase.EXTERNAL: read.external,
    Phase.STORE: store.keep,
    Phase.MATCH: plan.make,
    Phase.APPLY: apply.apply,
    Phase.REPORT: report.settle,
}
"""What each phase does. A step returns when its phase is complete and may be called again in the middle."""

ORDER = list(STEPS)
POSTPONEMENTS = 10
"""So often in a row, without a single page read between, a run lets itself be asked to wait."""

LONGEST_POSTPONEMENT = 900.0  # seconds


def execute(run_id: int, *, ticket: bool = True) -> None:
    """Work on the run for one slice. Returns at once when somebody else has it or it is over.

    `ticket` says whether the queue is to deliver the next slice; without it the caller goes on by itself.
    """
    lease = claim(run_id)
    if lease is None:
        return
    try:
        _go_on(lease)
    except LeaseLost:
        log.info("Run %s was taken over or ended meanwhile.", run_id)
    except SliceOver:
        lease.release(ticket=ticket)
    except TryLater as error:
        _postpone(lease, error, ticket=ticket)
    except PlatformError as error:
        _fail(lease, str(error))
    except Exception as error:
        log.exception("Run %s failed by a fault of ours.", run_id)
        _fail(lease, f"Internal error ({type(error).__name__}); the server's log has the details.")


def _go_on(lease: Lease) -> None:
    while lease.run.status == SyncRun.Status.RUNNING:
        phase = lease.run.phase
        STEPS[phase](lease)
        if phase == Phase.MATCH and lease.run.is_preview:
            lease.end(SyncRun.Status.HELD, phase=Phase.APPLY, done=0)
        elif phase != ORDER[-1]:
            lease.keep(phase=ORDER[ORDER.index(phase) + 1], done=0, expected=0)


def _postpone(lease: Lease, error: TryLater, *, ticket: bool) -> None:
    """A platform that asks for a bounded wait gets it, without keeping a worker busy meanwhile."""
    run = lease.run
    if error.after and error.after <= LONGEST_POSTPONEMENT and run.postponed < POSTPONEMENTS:
        lease.release(
            after=error.after,
            ticket=ticket,
            postponed=run.postponed + 1,
            throttled=run.throttled + error.after,
            note=str(error),
        )
    else:
        _fail(lease, str(error))


def _fail(lease: Lease, text: str) -> None:
    """A first try that fails leaves the map as it was; a second one leaves what the first has done."""
    try:
        if lease.run.try_number == 1:
            lease.run.changes.filter(outcome="pending").update(outcome="dropped", settled_at=timezone.now())
            lease.end(SyncRun.Status.FAILED, error=text)
        else:
            lease.end(SyncRun.Status.PARTIAL, error=f"The second try could not be made: {text}")
    except LeaseLost:
        log.info("Run %s was ended meanwhile.", lease.run.pk)


def run_here(run: SyncRun, *, watch: Callable[[SyncRun], None], poll: float = 0.2) -> SyncRun:
    """Work the run off in this process, second try included, and return it when it is over. A worker
    that takes it meanwhile is let go on; `watch` is called with the fresh row again and again."""
    while True:
        run.refresh_from_db()
        watch(run)
        if run.is_over or run.status == SyncRun.Status.HELD:
            return run
        if run.status == SyncRun.Status.WAITING:
            begin_second_try(run, ticket=False)
        execute(run.pk, ticket=False)
        run.refresh_from_db()
        if not run.is_over and (run.status != SyncRun.Status.QUEUED or run.not_before):
            time.sleep(poll)
