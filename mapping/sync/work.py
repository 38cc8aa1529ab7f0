"""Work on a run, phase by phase, until it is over, waits, or the slice is used up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.db.models.functions import Now

from tenants.platforms.errors import PlatformError, TryLater

from ..models import SyncRun
from . import apply, plan, read, report, store
from .dispatch import begin_second_try
from .end import drop, take_the_place_of_held
from .lease import Canceled, Hold, Lease, LeaseLost, SliceOver, claim

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
        _for_a_slice(lease, ticket=ticket)
    except LeaseLost:
        log.info("Run %s was taken over or ended meanwhile.", run_id)
    except Canceled:
        _cancel(lease)
    except (OperationalError, InterfaceError):
        # The database is away or full: nothing can be said on the row. The lease runs out, and the tick goes on.
        log.exception("Run %s was left in the middle.", run_id)
    except Exception as error:
        log.exception("Run %s failed by a fault of ours.", run_id)
        _fail(lease, f"Internal error ({type(error).__name__}); the server's log has the details.")


def _cancel(lease: Lease) -> None:
    """What was applied stays, what was only proposed is dropped."""
    drop(lease.run, Q())
    with suppress(LeaseLost):
        lease.end(SyncRun.Status.CANCELED)


def _for_a_slice(lease: Lease, *, ticket: bool) -> None:
    try:
        _go_on(lease)
    except SliceOver:
        lease.release(ticket=ticket)
    except Hold as problem:
        _hold(lease, problem)
    except TryLater as error:
        _postpone(lease, error, ticket=ticket)
    except PlatformError as error:
        _fail(lease, str(error))


def _go_on(lease: Lease) -> None:
    while lease.run.status == SyncRun.Status.RUNNING:
        phase = lease.run.phase
        STEPS[phase](lease)
        if phase == Phase.MATCH and lease.run.is_preview:
            lease.end(SyncRun.Status.HELD, phase=Phase.APPLY, phase_at=None, done=0)
            return
        if phase == Phase.STORE:  # what was read before is of yesterday from here on
            take_the_place_of_held(lease.run)
        if phase != ORDER[-1]:
            lease.keep(phase=ORDER[ORDER.index(phase) + 1], phase_at=Now(), done=0, expected=0)


def _hold(lease: Lease, problem: Hold) -> None:
    """Until a person approves it, or a newer run that needs no approval takes its place. Before anything of the
    directories is kept, the pages are needed to go on with."""
    run = lease.run
    held: dict[str, Any] = {
        "held_for": problem.limits,
        "held_until": Now() + timedelta(hours=settings.SYNC_HELD_HOURS),
        "approved_by": None,
        "approved_at": None,
    }
    if run.phase == Phase.MATCH:
        held |= {"phase": Phase.APPLY, "phase_at": None, "done": 0}
    lease.end(SyncRun.Status.HELD, keep_pages=run.phase == Phase.STORE, **held)
    take_the_place_of_held(run)


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
        if lease.run.try_number == 1 or lease.run.retry_of_id:
            drop(lease.run, Q())
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
