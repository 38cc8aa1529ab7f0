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
from tenants.platforms.records import Account, CxoneUser, Role

from ..addresses import Rules, email_key
from ..brake import NAMES, Limit, Measure
from ..folding import search_text
from ..models import ExternalAccount, StagedPage, SyncRun, UserMapping
from . import limits, second_try
from .lease import Lease
from .read import page_of, proven_gone, staged

Kind = StagedPage.Kind

ACCOUNT_FIELDS = (
    "name email email_key extension department phone type status"
    " is_person state search_text gone_since".split()
)
USER_FIELDS = (
    "name username email email_key email_problem team roles cxone_status eligible present absent_since"
).split()

LEFT_OUT = 500
"""So many of those who left are not counted once more as having lost their permission."""

GONE_FROM_CXONE = {"DELETED"}
"""CXone keeps the record of somebody who left: DELETED means deactivated for good, or until revived."""


def keep(lease: Lease) -> None:
    """Both sides, page by page, each page its own transaction; nothing at all while the brake holds the run."""
    run = lease.run
    rules = second_try.rules_of(run)
    roles = {role.id: role for role in staged(run, Kind.ROLES)}
    permitted = _permitted(roles.values(), run.tenant.map_permission)
    known = Known(run, permitted)
    limits.check(run, known.measures())
    only = None if run.try_number == 1 else set(second_try.undecided(run).values_list("cxone_id", flat=True))
    _pages(lease, Kind.ACCOUNTS, lambda rows: _store_accounts(run, rows, rules))
    _pages(lease, Kind.USERS, lambda rows: _store_users(run, rows, rules, permitted, roles, only))
    _in_batches(lease, ExternalAccount.objects.all(), known.gone, gone_since=Now())
    if run.try_number == 1:
        not_listed = UserMapping.objects.filter(
            present=True
        )  # CXone itself said of the others that they left
        _in_batches(lease, not_listed, known.absent, present=False, absent_since=Now())
    if run.try_number == 1 or run.retry_of_id:
        present = UserMapping.objects.filter(tenant=run.tenant_id, present=True).count()
        lease.keep(users=present)
    if run.try_number == 1:
        lease.keep(read_at=Now())


class Known:
    """What we knew and this read does not confirm. The rows stay: mappings and history point at them."""

    def __init__(self, run: SyncRun, permitted: frozenset[str]) -> None:
        self.of: dict[Limit, int] = {}
        self.names: dict[Limit, list[str]] = {limit: [] for limit in Limit}
        if run.asked is None:
            read = {row.id for row in staged(run, Kind.ACCOUNTS)}
            accounts = ExternalAccount.objects.filter(tenant=run.tenant_id, gone_since=None)
            rows = accounts.values_list("pk", "platform_id", "name", "email")
            self.gone = self._lacking(Limit.ACCOUNTS, rows, read)
        else:
            there = ExternalAccount.objects.filter(pk__in=proven_gone(run), gone_since=None)
            self.gone = list(there.values_list("pk", flat=True))
        here, may = set(), set()
        for user in staged(run, Kind.USERS):
            if user.status not in GONE_FROM_CXONE:
                here.add(user.id)
                if not permitted.isdisjoint(user.role_ids):
                    may.add(user.id)
        users = UserMapping.objects.filter(tenant=run.tenant_id, present=True)
        columns = ("pk", "cxone_id", "name", "email")
        self.absent = self._lacking(Limit.USERS, users.values_list(*columns), here)
        eligible = users.filter(eligible=True).exclude(pk__in=self.absent[:LEFT_OUT])
        self.barred = self._lacking(Limit.ELIGIBLE, eligible.values_list(*columns), may)

    def _lacking(self, limit: Limit, rows: Any, confirmed: set[str]) -> list[int]:
        self.of[limit] = 0
        lacking = []
        for pk, key, name, email in rows.iterator(chunk_size=5000):
            self.of[limit] += 1
            if key not in confirmed:
                lacking.append(pk)
                if len(lacking) <= NAMES:
                    self.names[limit].append(name or email or key)
        return lacking

    def measures(self) -> list[Measure]:
        found = {Limit.ACCOUNTS: self.gone, Limit.USERS: self.absent, Limit.ELIGIBLE: self.barred}
        return [
            Measure(limit, len(pks), self.of.get(limit, 0), self.names[limit]) for limit, pks in found.items()
        ]


def _permitted(roles: Iterable[Role], permission: str) -> frozenset[str]:
    """The ids of the active roles that hold User Mapping: Map."""
    return frozenset(role.id for role in roles if role.active and permission in role.permissions)


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
    run: SyncRun,
    rows: list[CxoneUser],
    rules: Rules,
    permitted: frozenset[str],
    roles: dict[str, Role],
    only: set[str] | None,
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
            roles=as_lines([roles[id].name for id in row.role_ids if id in roles]),
            cxone_status=row.status[:30],
            eligible=not permitted.isdisjoint(row.role_ids),
            present=present or run.try_number == 2,
        )
        if before.get(row.id) != tuple(getattr(user, field) for field in USER_FIELDS):
            news.append(user)
    _upsert(UserMapping, news, key=("tenant", "cxone_id"), fields=USER_FIELDS)


def as_lines(names: list[str]) -> str:
    """See UserMapping.role_names."""
    return "\n" + "\n".join(names) + "\n" if names else ""


def _upsert(model: Any, rows: list[Any], *, key: Iterable[str], fields: list[str]) -> None:
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=key, update_fields=fields)


def _in_batches(lease: Lease, rows: Any, pks: list[int], **update: Any) -> None:
    for at in range(0, len(pks), settings.SYNC_BATCH_SIZE):
        with transaction.atomic():
            lease.keep()
            rows.filter(pk__in=pks[at : at + settings.SYNC_BATCH_SIZE]).update(**update)
