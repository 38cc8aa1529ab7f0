"""The second try: the users whom the first left unmapped for want of one match, with freshly read data.

CXone is read again as a whole. Of the external platform only the addresses in question are looked
up where that takes fewer calls than reading the directory again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tenants.platforms import PLATFORMS
from tenants.platforms.errors import BadAnswer, Missing, PlatformError
from tenants.platforms.records import Account, Page

from ..addresses import Problem, Rules, email_key
from ..matching import TRIED_TWICE, Reason
from ..models import ExternalAccount, SyncRun, UserMapping
from .lease import Lease

CHUNK = 25
"""Addresses in one look-up: well below what a query string may hold."""

LOOKUP_IS_CHEAPER = 1000
"""Up to so many addresses are looked up (40 calls, one minute of RingCentral's budget); beyond, the directory
is read as a whole, 1,000 rows a call."""

NOT_THIS_ONE = {400, 414, 422}
"""Answers that speak of an address asked for, not of the platform's state."""


def undecided(run: SyncRun) -> Any:
    """The users who get a second try: present, and left without one match on either side. A run that tries again
    what failed looks also at those of whom nothing is recorded yet."""
    reasons = TRIED_TWICE | {Reason.NOT_YET_SYNCED} if run.retry_of_id else TRIED_TWICE
    return UserMapping.objects.filter(
        tenant=run.tenant_id, present=True, account=None, reason__in=[reason.value for reason in reasons]
    )


def choose(lease: Lease, users: Iterable[Any]) -> None:
    """Settle once, before the first call, which addresses are looked up; `asked` stays None when the whole
    directory is to be read. `users` are the CXone users as read for this try."""
    run = lease.run
    can_look_up = "lookup" in PLATFORMS[run.tenant.platform].capabilities
    if run.asked is None and can_look_up and undecided(run).count() <= LOOKUP_IS_CHEAPER:
        lease.keep(asked=addresses(run, users))


def addresses(run: SyncRun, users: Iterable[Any]) -> list[str]:
    """Every address to look up, once: as CXone has it now, and as the platform last wrote it, because
    whether the platform's filter minds upper case is not documented."""
    ids = set(undecided(run).values_list("cxone_id", flat=True))
    rules = rules_of(run)
    typed: set[str] = set()
    keys: set[str] = set()
    for user in users:
        key = email_key(user.email, rules)
        if user.id in ids and key.problem == Problem.NONE:
            typed.add(user.email.strip())
            keys.add(key.value)
    wanted = sorted(keys)
    for at in range(0, len(wanted), 500):
        known = ExternalAccount.objects.filter(tenant=run.tenant_id, email_key__in=wanted[at : at + 500])
        typed.update(email.strip() for email in known.values_list("email", flat=True))
    return sorted(typed)


def pages(lease: Lease, client: Any) -> Iterator[Page[Account]]:
    """The answers to the look-ups, a chunk of addresses a page, from the first chunk not yet staged. A page's
    `left_out` are accounts that the platform does not have any more."""
    run = lease.run
    asked = run.asked or []
    chunks = [asked[at : at + CHUNK] for at in range(0, len(asked), CHUNK)] or [[]]
    first = run.pages.filter(kind="accounts").count()
    for number, chunk in list(enumerate(chunks, start=1))[first:]:
        rows, unanswered = ask(client, chunk)
        if unanswered:
            lease.keep(unanswered=run.unanswered | unanswered)
        came = {row.id for row in rows}
        answered = [address for address in chunk if address not in unanswered]
        known = ExternalAccount.objects.filter(tenant=run.tenant_id, email__in=answered, gone_since=None)
        moved, left_out = look_closer(client, answered, known.exclude(platform_id__in=came))
        yield Page(number, [*rows, *moved], len(asked), number == len(chunks), left_out)


def look_closer(
    client: Any, asked: list[str], unseen: Iterable[ExternalAccount]
) -> tuple[list[Account], list[str]]:
    """(accounts as they are now, ids of those gone) of accounts that we knew under an address and that did not
    come back under it. BadAnswer when one of them still stands there: then the look-up held rows back."""
    moved: list[Account] = []
    gone: list[str] = []
    typed = {address.casefold() for address in asked}
    for known in unseen:
        try:
            account = client.account(known.platform_id)
        except Missing:
            gone.append(known.platform_id)
            continue
        if account.email.strip().casefold() in typed:
            raise BadAnswer(
                f"Two answers contradict each other: asked for the address, the platform does not name {known}; asked "
                "for the account, it says that it still has this address."
            )
        moved.append(account)
    return moved, gone


def ask(client: Any, chunk: list[str]) -> tuple[list[Account], dict[str, str]]:
    """(accounts, {address: what the platform said}): an address that the platform cannot bear is found by
    halving, and spoils nobody else's try."""
    if not chunk:
        return [], {}
    try:
        return client.lookup(chunk), {}
    except PlatformError as error:
        if error.status not in NOT_THIS_ONE:
            raise
        if len(chunk) == 1:
            return [], {chunk[0]: str(error)}
    half = len(chunk) // 2
    left, right = ask(client, chunk[:half]), ask(client, chunk[half:])
    return left[0] + right[0], left[1] | right[1]


def unanswered(run: SyncRun) -> dict[str, str]:
    """{e-mail key: what the platform said} of the addresses it would not look up."""
    rules = rules_of(run)
    return {email_key(address, rules).value: said for address, said in run.unanswered.items()}


def rules_of(run: SyncRun) -> Rules:
    return Rules(aliases=run.tenant.aliases(), ignore_plus_tags=run.tenant.ignore_plus_tags)
