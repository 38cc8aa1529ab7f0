"""What was read and proven becomes rows: who exists on either side, and what is known of them.

No mapping moves here. A user seen for the first time is Unmapped, not yet synced; only rows that differ
from what was read are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from tenants.models import Tenant
from tenants.platforms.errors import BadAnswer
from tenants.platforms.records import Account, CxoneUser

from ..addresses import Rules, email_key
from ..folding import search_text
from ..models import ExternalAccount, StagedPage, SyncRun, UserMapping
from . import second_try
from .lease import Lease
from .read import page_of, pages_of, staged

Kind = StagedPage.Kind

ACCOUNT_FIELDS = (
    "name email email_key extension department phone type status"
    " is_person state search_text gone_since".split()
)
USER_FIELDS = "name username email email_key email_problem team cxone_status eligible present".split()

GONE_FROM_CXONE = {"DELETED"}
"""CXone keeps the record of somebody who left: DELETED means deactivated for good, or until revived."""


FEW = 3
"""So many may be missing whatever the share: two leavers of a team of eight are no fault of the platform."""


def keep(lease: Lease) -> None:
    """Both sides, page by page, each page its own transaction; nothing at all of a directory that shrank."""
    run = lease.run
    rules = second_try.rules_of(run)
    permitted = _permitted_roles(run)
    gone = _missing(run, Kind.ACCOUNTS) if run.asked is None else _found_missing(run)
    absent = _missing(run, Kind.USERS)
    only = None if run.try_number == 1 else set(second_try.undecided(run).values_list("cxone_id", flat=True))
    _pages(lease, Kind.ACCOUNTS, lambda rows: _store_accounts(run, rows, rules))
    _pages(lease, Kind.USERS, lambda rows: _store_users(run, rows, rules, permitted, only))
    _in_batches(lease, ExternalAccount, gone, gone_since=Now())
    if run.try_number == 1:
        _in_batches(lease, UserMapping, absent, present=False)
        present = UserMapping.objects.filter(tenant=run.tenant_id, present=True).count()
        lease.keep(read_at=Now(), users=present)


def _missing(run: SyncRun, kind: str) -> list[int]:
    """The rows that we know and a complete read no longer holds. They stay as rows: mappings and history point
    at them. BadAnswer when they are more than the tenant's limit: half a directory looks just like this."""
    here: Any = (
        ExternalAccount.objects.filter(tenant=run.tenant_id, gone_since=None).values_list("pk", "platform_id")
        if kind == Kind.ACCOUNTS
        else UserMapping.objects.filter(tenant=run.tenant_id, present=True).values_list("pk", "cxone_id")
    )
    seen = {row.id for row in staged(run, kind)}
    known = missing = 0
    pks = []
    for pk, value in here.iterator(chunk_size=5000):
        known += 1
        if value not in seen:
            missing += 1
            pks.append(pk)
    if missing > FEW and missing > known * run.tenant.shrink_limit / 100:
        what = StagedPage.Kind(kind).label
        raise BadAnswer(
            f"{missing:,} of the {known:,} {what} known from the last time are missing. That is more than the "
            f"tenant's shrink limit of {run.tenant.shrink_limit} %, so the answer is not believed. If it is true, "
            "raise the limit for one run."
        )
    return pks


def _permitted_roles(run: SyncRun) -> frozenset[str]:
    """The ids of the active roles that hold User Mapping: Map."""
    roles = staged(run, Kind.ROLES)
    return frozenset(
        role.id for role in roles if role.active and run.tenant.map_permission in role.permissions
    )


def _pages(lease: Lease, kind: str, store: Callable[[list[Any]], None]) -> None:
    for number in list(lease.run.pages.filter(kind=kind).order_by("number").values_list("number", flat=True)):
        rows = page_of(lease.run, kind, number).rows
        with transaction.atomic():
            lease.keep(done=lease.run.done + len(rows))
            store(rows)


def add_accounts(tenant: Tenant, rows: list[Account]) -> None:
    """Accounts that a person found by asking the platform: those not yet known become rows, the known ones stay
    as the last complete read has them, because a search tells less than the directory."""
    rules = Rules(tenant.aliases(), tenant.ignore_plus_tags)
    new = [_account(tenant.pk, row, rules) for row in rows]
    ExternalAccount.objects.bulk_create(new, ignore_conflicts=True)


def _store_accounts(run: SyncRun, rows: list[Account], rules: Rules) -> None:
    known = ExternalAccount.objects.filter(tenant=run.tenant_id, platform_id__in=[row.id for row in rows])
    before = {known[0]: known[1:] for known in known.values_list("platform_id", *ACCOUNT_FIELDS)}
    read = [_account(run.tenant_id, row, rules) for row in {row.id: row for row in rows}.values()]
    news = [
        account
        for account in read
        if before.get(account.platform_id) != tuple(getattr(account, field) for field in ACCOUNT_FIELDS)
    ]
    _upsert(ExternalAccount, news, key=("tenant", "platform_id"), fields=ACCOUNT_FIELDS)


def _account(tenant: int, row: Account, rules: Rules) -> ExternalAccount:
    return ExternalAccount(
        tenant_id=tenant,
        platform_id=row.id,
        name=row.name[:300],
        email=row.email[:320],
        email_key=email_key(row.email, rules).value,
        extension=row.extension[:30],
        department=row.department[:200],
        phone=row.phone[:50],
        type=row.type[:50],
        status=row.status[:50],
        is_person=row.is_person,
        state=row.state.value,
        search_text=search_text(row.name, row.email, row.extension, row.phone, row.department),
    )


def _store_users(
    run: SyncRun, rows: list[CxoneUser], rules: Rules, permitted: frozenset[str], only: set[str] | None
) -> None:
    known = UserMapping.objects.filter(tenant=run.tenant_id, cxone_id__in=[row.id for row in rows])
    before = {known[0]: known[1:] for known in known.values_list("cxone_id", *USER_FIELDS)}
    news = []
    for row in {row.id: row for row in rows}.values():
        if only is not None and row.id not in only:
            continue
        key = email_key(row.email, rules)
        present = row.status not in GONE_FROM_CXONE
        if not present and row.id not in before:
            continue  # left before we ever knew them
        user = UserMapping(
            tenant_id=run.tenant_id,
            cxone_id=row.id,
            name=row.name[:300],
            username=row.username[:320],
            email=row.email[:320],
            email_key=key.value,
            email_problem=key.problem.value,
            team=row.team[:200],
            cxone_status=row.status[:30],
            eligible=not permitted.isdisjoint(row.role_ids),
            present=present or run.try_number == 2,
        )
        if before.get(row.id) != tuple(getattr(user, field) for field in USER_FIELDS):
            news.append(user)
    _upsert(UserMapping, news, key=("tenant", "cxone_id"), fields=USER_FIELDS)


def _upsert(model: Any, rows: list[Any], *, key: Iterable[str], fields: list[str]) -> None:
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=key, update_fields=fields)


def _found_missing(run: SyncRun) -> list[int]:
    """Accounts that the platform said one by one it does not have any more."""
    ids = [platform_id for page in pages_of(run, Kind.ACCOUNTS) for platform_id in page.left_out]
    gone = ExternalAccount.objects.filter(tenant=run.tenant_id, platform_id__in=ids, gone_since=None)
    return list(gone.values_list("pk", flat=True))


def _in_batches(lease: Lease, model: Any, pks: list[int], **update: Any) -> None:
    for at in range(0, len(pks), settings.SYNC_BATCH_SIZE):
        with transaction.atomic():
            lease.keep()
            model.objects.filter(pk__in=pks[at : at + settings.SYNC_BATCH_SIZE]).update(**update)
