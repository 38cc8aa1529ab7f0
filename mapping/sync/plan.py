"""Match what was stored, and keep what should change as proposed Changes. Nobody's mapping moves here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from tenants.platforms.records import AccountState

from ..history import as_json, evidence_of, kind_of
from ..matching import Candidate, Decision, Flag, Method, Reason, State, User, decide
from ..models import Change, ExternalAccount, SyncRun, UserMapping
from . import limits, second_try
from .lease import Lease
from .read import proven_gone

USER = "id email_key email_problem eligible present absent_since account_id method reason flag flag_reads rejected"
ACCOUNT = "pk email_key is_person state gone_since"


def make(lease: Lease) -> None:
    """One pass over all of the tenant's rows, then a Change for each decision that alters something."""
    run = lease.run
    only = None if run.try_number == 1 else set(second_try.undecided(run).values_list("pk", flat=True))
    people = list(users(run))
    decisions = decide(people, candidates(run), only=only)
    before = {user.id: user.state for user in people if user.state.account is None or user.state.flag}
    del people
    chunk: list[Decision] = []
    for decision in decisions:
        if before.get(decision.user) == decision.state and not (decision.accounts or decision.users):
            continue
        chunk.append(decision)
        if len(chunk) >= settings.SYNC_BATCH_SIZE:
            _propose(lease, chunk)
            chunk = []
    _propose(lease, chunk)
    limits.check(run, limits.of_plan(run))


def users(run: SyncRun) -> Iterator[User]:
    unanswered = second_try.unanswered(run)
    before = read_before(run)
    rows = UserMapping.objects.filter(tenant=run.tenant_id).order_by("pk").values_list(*USER.split())
    for pk, key, problem, eligible, present, absent, *recorded, rejected in rows.iterator(5000):
        account, method, reason, flag, reads = recorded
        yield User(
            id=pk,
            key=key,
            problem=Reason.PLATFORM_ERROR if key in unanswered else Reason(problem),
            eligible=eligible,
            present=present,
            state=State(account, Method(method), Reason(reason), Flag(flag), reads),
            rejected=frozenset(rejected),
            doubtful=absent is not None and (before is None or absent > before),
        )


def candidates(run: SyncRun) -> Iterator[Candidate]:
    before = read_before(run)
    proven = proven_gone(run)
    accounts = (
        ExternalAccount.objects.filter(tenant=run.tenant_id).order_by("pk").values_list(*ACCOUNT.split())
    )
    for pk, key, is_person, state, gone in accounts.iterator(5000):
        could = is_person and state == AccountState.ENABLED
        is_news = gone is not None and (before is None or gone > before) and pk not in proven
        yield Candidate(pk, key, is_person, could and gone is None, gone is not None, could and is_news)


def read_before(run: SyncRun) -> datetime | None:
    """When both directories were last read whole before this run did so: whoever is missing since later than that was
    missing from one read only."""
    runs = SyncRun.objects.filter(tenant=run.tenant_id, pk__lt=run.pk, read_at__isnull=False)
    return runs.order_by("-pk").values_list("read_at", flat=True).first()  # type: ignore[no-any-return]


def _propose(lease: Lease, decisions: list[Decision]) -> None:
    unanswered = second_try.unanswered(lease.run)
    rows = UserMapping.objects.select_related("account").in_bulk([decision.user for decision in decisions])
    accounts = ExternalAccount.objects.in_bulk({pk for decision in decisions for pk in decision.accounts})
    names = UserMapping.objects.only("id", "name", "username").in_bulk(
        {pk for decision in decisions for pk in decision.users[:50]}
    )
    changes = []
    for decision in decisions:
        row, state = rows[decision.user], decision.state
        mapped = state.account is not None
        evidence = {} if mapped and not state.flag else _evidence(decision, accounts, names)
        if state.reason == Reason.PLATFORM_ERROR:
            evidence["error"] = unanswered.get(row.email_key, "")
        if state == row.recorded and evidence == row.evidence:
            continue
        after_account = accounts.get(state.account) if state.account else None
        changes.append(
            Change(
                tenant_id=row.tenant_id,
                mapping=row,
                run=lease.run,
                kind=kind_of(row.recorded, state),
                before=as_json(row.recorded, row.account),
                after=as_json(state, after_account),
                reason=state.reason.value,
                evidence=evidence,
            )
        )
    with transaction.atomic():
        lease.keep(done=lease.run.done + len(decisions))
        Change.objects.bulk_create(changes)


def _evidence(
    decision: Decision, accounts: dict[int, ExternalAccount], names: dict[int, UserMapping]
) -> dict[str, Any]:
    """The data behind a reason, as it was:
    {"accounts": [{id, pk, name, extension, email, status}], "users": [{id, name}]}."""
    evidence: dict[str, Any] = {}
    if decision.accounts:
        known = filter(None, map(accounts.get, decision.accounts[:50]))
        evidence["accounts"] = [evidence_of(account) for account in known]
    if decision.users:
        evidence["users"] = [{"id": pk, "name": str(names[pk])} for pk in decision.users[:50] if pk in names]
    return evidence
