"""The map's rows: each is whole in itself, and is what its history says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Count

from tenants.models import Tenant
from tenants.platforms import PLATFORMS

from ..matching import BY_HAND, Flag, Method, Reason
from ..models import UserMapping
from ..reasons import sentence
from .found import Violation, name_of
from .past import History, Past, in_words

NEEDED = {
    Reason.MULTIPLE_ACCOUNTS: {"accounts": 2},
    Reason.MULTIPLE_USERS: {"users": 1},
    Reason.ACCOUNT_TAKEN: {"accounts": 1, "users": 1},
    Reason.ACCOUNT_DISABLED: {"accounts": 1},
    Reason.ACCOUNT_GONE: {"accounts": 1},
    Reason.REJECTED: {"accounts": 1},
    Reason.PLATFORM_ERROR: {"error": 1},
}
"""The data without which a reason's sentence has a hole; the other sentences need none."""


def an_account_is_of_its_users_own_tenant(row: UserMapping, past: Past) -> str:
    if row.account is None or row.account.tenant_id == row.tenant_id:
        return ""
    return f"account {row.account_id} is of tenant {row.account.tenant_id}"


def a_user_has_an_account_or_a_reason(row: UserMapping, past: Past) -> str:
    if row.account_id is not None:
        fits = bool(row.method) and not row.reason
    else:
        fits = bool(row.reason) and not row.method and not row.flag
    fits = fits and row.method in {"", *Method} and row.reason in {"", *Reason} and row.flag in {"", *Flag}
    said = f"account {row.account_id}, method “{row.method}”, reason “{row.reason}”, flag “{row.flag}”"
    return "" if fits else said


def each_reason_has_the_data_its_sentence_needs(row: UserMapping, past: Past) -> str:
    for name, least in NEEDED.get(row.reason, {}).items():  # type: ignore[call-overload]
        if len(row.evidence.get(name, ())) < least:
            return f"{row.reason} without {name}: {row.evidence}"
    platform = PLATFORMS[row.tenant.platform].label
    try:
        said = sentence(row.reason, row.evidence, email=row.email, platform=platform)
    except (KeyError, TypeError, ValueError) as error:
        return f"{row.reason} cannot be told: {error!r} in {row.evidence}"
    return f"{row.reason} says nothing" if row.account_id is None and not said else ""


def each_row_is_what_its_history_says(row: UserMapping, past: Past) -> str:
    if tuple(past.state) == recorded(row):
        return ""
    return f"it is {recorded(row)}, but its history ends at {in_words(past.state)}"


def what_was_decided_by_hand_stands(row: UserMapping, past: Past) -> str:
    if row.method not in (Method.MANUAL, Method.IMPORT) and row.reason not in BY_HAND:
        return ""
    if past.by_hand is not None and tuple(past.by_hand)[:3] == recorded(row)[:3]:
        return ""
    decided = in_words(past.by_hand) if past.by_hand else "nothing"
    return f"it is {recorded(row)}, but what was last decided by hand is {decided}"


def no_rejected_account_is_mapped_by_itself(row: UserMapping, past: Past) -> str:
    if row.method != Method.AUTO or row.account_id not in row.rejected:
        return ""
    return f"account {row.account_id} was rejected for this user"


INVARIANTS: tuple[Callable[[UserMapping, Past], str], ...] = (
    an_account_is_of_its_users_own_tenant,
    a_user_has_an_account_or_a_reason,
    each_reason_has_the_data_its_sentence_needs,
    each_row_is_what_its_history_says,
    what_was_decided_by_hand_stands,
    no_rejected_account_is_mapped_by_itself,
)


def no_account_has_two_users(tenant: Tenant) -> Iterator[tuple[Any, str]]:
    """The database forbids it; a restored dump, or a constraint dropped by hand, would not."""
    shared = UserMapping.objects.filter(tenant=tenant).mapped().order_by("account").values_list("account")
    for account, count in shared.annotate(count=Count("pk")).filter(count__gt=1):
        yield account, f"{count} users have it"


def check(tenant: Tenant, history: History) -> Iterator[Violation]:
    for pk, wrong in no_account_has_two_users(tenant):
        yield Violation(tenant.slug, name_of(no_account_has_two_users), f"ExternalAccount {pk}", wrong)
    rows = UserMapping.objects.filter(tenant=tenant).select_related("account").defer("account__search_text")
    for row in rows.order_by("pk").iterator(chunk_size=2000):
        row.tenant = tenant
        for invariant in INVARIANTS:
            if wrong := invariant(row, history.of(row.pk)):
                yield Violation(tenant.slug, name_of(invariant), f"UserMapping {row.pk}", wrong)


def recorded(row: UserMapping) -> tuple[int | None, str, str, str, int]:
    """As UserMapping.recorded, of rows that may hold anything."""
    return row.account_id, row.method, row.reason, row.flag, row.flag_reads
