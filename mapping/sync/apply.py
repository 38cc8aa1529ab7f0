"""Apply the stored plan, exactly it, in batches, each its own transaction. A row whose basis has moved since
the plan was made, or whose account somebody else got meanwhile, is refused and says so."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from ..history import from_json
from ..models import Change, UserMapping
from ..models.people import RECORDED
from .lease import Lease

Outcome = Change.Outcome
COLLISIONS = 5

MOVED = "Somebody changed this user after the plan was made."
TAKEN = "Somebody else was given this account after the plan was made."


def apply(lease: Lease) -> None:
    collisions = 0
    pending = Change.objects.filter(run=lease.run, outcome=Outcome.PENDING).order_by("pk")
    total = lease.run.done + pending.count()
    while batch := list(pending[: settings.SYNC_BATCH_SIZE]):
        try:
            with transaction.atomic():
                applied = settle(batch)
                lease.keep(
                    done=lease.run.done + len(batch), expected=total, changed=lease.run.changed + applied
                )
        except (
            IntegrityError
        ):  # somebody mapped one of these accounts by hand in this very moment: look again
            collisions += 1
            if collisions > COLLISIONS:
                raise
            continue
        lease.pause_when_due()


def settle(changes: list[Change]) -> int:
    """Apply or refuse each change, within the caller's transaction. Returns how many were applied."""
    rows = UserMapping.objects.select_for_update().in_bulk([change.mapping_id for change in changes])
    now = timezone.now()  # after the lock: whoever had it before us settled before us
    targets = [change.after["account"] for change in changes if change.after["account"]]
    owner = dict(UserMapping.objects.filter(account__in=targets).values_list("account_id", "pk"))
    applied: list[Change] = []
    refused: list[Change] = []
    for change in changes:
        row = rows[change.mapping_id]
        if row.recorded != from_json(change.before):
            change.refusal = MOVED
        elif owner.get(change.after["account"], row.pk) != row.pk:
            change.refusal = TAKEN
        (refused if change.refusal else applied).append(change)
        if not change.refusal:
            row.record(from_json(change.after), evidence=change.evidence)
            row.changed_at = now
    UserMapping.objects.bulk_create(
        [rows[change.mapping_id] for change in applied],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=RECORDED,
    )
    _note(applied, Outcome.APPLIED, now)
    _note(refused, Outcome.REFUSED, now)
    return len(applied)


def _note(changes: list[Change], outcome: Change.Outcome, now: object) -> None:
    for refusal in {change.refusal for change in changes}:
        ids = [change.pk for change in changes if change.refusal == refusal]
        Change.objects.filter(pk__in=ids).update(outcome=outcome, settled_at=now, refusal=refusal)
