"""What a person does to one user's mapping. Each verb is one transaction: the rows and their Changes, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from .history import as_json, evidence_of, from_json, kind_of
from .matching import BY_HAND, Method, Reason, State
from .models import Change, ExternalAccount, UserMapping
from .models.people import RECORDED


class NotPossible(Exception):
    """The verb cannot be done as asked; the text says why, in words for the person who asked."""


def map_user(
    mapping: UserMapping, account: ExternalAccount, *, actor: Any, reassign: bool = False
) -> list[Change]:
    """Give `account` to the user, whatever they had before. NotPossible when somebody else has it and `reassign`
    is not set, when it is of another tenant, or when it has left the platform. Returns the Changes in the order
    in which they were made: with `reassign`, first that of the user who lost it."""
    if account.tenant_id != mapping.tenant_id:
        raise NotPossible(_("That account belongs to another tenant."))
    if account.gone_since is not None:
        raise NotPossible(_("%(account)s is no longer there.") % {"account": account})
    try:
        with transaction.atomic():
            changes = _take_from_owner(mapping, account, actor=actor, reassign=reassign)
            after = State(account=account.pk, method=Method.MANUAL)
            return [*changes, _record(mapping, after, account=account, actor=actor)]
    except IntegrityError as error:
        raise NotPossible(
            _("Somebody else was given %(account)s just now.") % {"account": account}
        ) from error


def _take_from_owner(
    mapping: UserMapping, account: ExternalAccount, *, actor: Any, reassign: bool
) -> list[Change]:
    owner = UserMapping.objects.select_for_update().filter(account=account).exclude(pk=mapping.pk).first()
    if owner is None:
        return []
    if not reassign:
        raise NotPossible(_("%(account)s is mapped to %(owner)s.") % {"account": account, "owner": owner})
    return [_record(owner, State(reason=Reason.UNMAPPED_BY_HAND), actor=actor)]


def unmap_user(mapping: UserMapping, *, actor: Any) -> Change:
    """Take the user's account away; Auto Sync then leaves the user alone."""
    with transaction.atomic():
        return _record(mapping, State(reason=Reason.UNMAPPED_BY_HAND), actor=actor, must_be_mapped=True)


def do_not_map(mapping: UserMapping, *, actor: Any) -> Change:
    """Park the user, with or without an account: not to be mapped until a person says otherwise."""
    with transaction.atomic():
        return _record(mapping, State(reason=Reason.DO_NOT_MAP), actor=actor)


def reject_match(mapping: UserMapping, *, actor: Any) -> Change:
    """The user's present account is not theirs: take it away, and never let Auto Sync give it to them again."""
    with transaction.atomic():
        row = _locked(mapping)
        if row.account is None:
            raise NotPossible(_("%(user)s is not mapped.") % {"user": row})
        rejected = sorted({*row.rejected, row.account.pk})
        evidence = {"accounts": [evidence_of(row.account)]}
        after = State(reason=Reason.REJECTED)
        return _record(mapping, after, actor=actor, evidence=evidence, rejected=rejected)


def leave_to_auto_sync(mapping: UserMapping, *, actor: Any) -> Change:
    """Take back what was decided by hand: the next run looks at the user as if it were new, rejections forgotten."""
    with transaction.atomic():
        row = _locked(mapping)
        if not decided_by_hand(row):
            raise NotPossible(_("Nothing was decided by hand about %(user)s.") % {"user": row})
        after = State(reason=Reason.NOT_YET_SYNCED)
        if row.account is not None:  # it stays theirs, but Auto Sync may watch over it again
            after = State(account=row.account.pk, method=Method.AUTO)
        return _record(mapping, after, account=row.account, actor=actor, rejected=[])


def decided_by_hand(row: UserMapping) -> bool:
    """Whether what is recorded of the user is a person's decision rather than a run's."""
    return row.method in (Method.MANUAL, Method.IMPORT) or row.reason in {*BY_HAND, Reason.REJECTED}


def undo(changes: Sequence[Change], *, actor: Any) -> list[Change]:
    """Put back what these Changes changed, the last one first, all or nothing. NotPossible when any of the rows
    has changed since."""
    try:
        with transaction.atomic():
            return [_undo(change, actor=actor) for change in reversed(changes)]
    except IntegrityError as error:
        raise NotPossible(_("Somebody else has that account by now.")) from error


def _undo(change: Change, *, actor: Any) -> Change:
    row = _locked(change.mapping)
    if change.outcome != Change.Outcome.APPLIED or row.recorded != from_json(change.after):
        raise NotPossible(_("%(user)s has changed since; nothing was undone.") % {"user": row})
    before = from_json(change.before)
    return _record(
        change.mapping,
        before,
        account=ExternalAccount.objects.get(pk=before.account) if before.account else None,
        actor=actor,
        evidence=_evidence_before(change),
        rejected=change.before.get("rejected"),
    )


def _evidence_before(change: Change) -> dict[str, Any]:
    """The data behind the state that `change` ended: that of the one which led to it."""
    same_moment = Q(settled_at=change.settled_at, pk__lt=change.pk)
    earlier = Change.objects.filter(
        same_moment | Q(settled_at__lt=change.settled_at),
        mapping=change.mapping_id,
        outcome=Change.Outcome.APPLIED,
    )
    led_to_it = earlier.order_by("-settled_at", "-pk").first()
    return led_to_it.evidence if led_to_it else {}


def _locked(mapping: UserMapping) -> UserMapping:
    return UserMapping.objects.select_for_update(of=("self",)).select_related("account").get(pk=mapping.pk)


def _record(
    mapping: UserMapping,
    after: State,
    *,
    actor: Any,
    account: ExternalAccount | None = None,
    evidence: dict[str, Any] | None = None,
    rejected: list[int] | None = None,
    must_be_mapped: bool = False,
) -> Change:
    """`rejected`, when given, are the user's rejected accounts from now on; the Change keeps both lists."""
    row = _locked(mapping)
    if must_be_mapped and not row.is_mapped:
        raise NotPossible(_("%(user)s is not mapped.") % {"user": row})
    before = row.recorded
    if before == after:
        raise NotPossible(_("%(user)s is recorded so already.") % {"user": row})
    now = timezone.now()
    lists = ({}, {}) if rejected is None else ({"rejected": row.rejected}, {"rejected": rejected})
    change = Change.objects.create(
        tenant_id=row.tenant_id,
        mapping=row,
        actor=actor,
        kind=kind_of(before, after),
        before=as_json(before, row.account) | lists[0],
        after=as_json(after, account) | lists[1],
        reason=after.reason.value,
        evidence=evidence or {},
        outcome=Change.Outcome.APPLIED,
        settled_at=now,
    )
    row.record(after, evidence=evidence or {})
    row.changed_at = now
    row.rejected = row.rejected if rejected is None else rejected
    row.save(update_fields=(*RECORDED, "rejected"))
    mapping.refresh_from_db()
    return change
