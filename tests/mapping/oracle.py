"""Who should be whom, counted from the sandbox's worlds in the simplest way: a second opinion that shares nothing
with matching.py but the words."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from mapping.matching import BY_HAND, Flag, Method, Reason
from mapping.models import UserMapping
from tenants.sandbox.company import Row
from tenants.sandbox.stories import PERSON_TYPES
from tenants.sandbox.world import World

MAY = {"Administrator", "Agent", "Supervisor", "Manager", "Presence Mapping"}
"""The sandbox's roles in force that hold User Mapping: Map."""


def key(address: str | None) -> tuple[str, str]:
    """(key, "") or ("", why there is none)."""
    folded = (address or "").strip().lower()
    if not folded:
        return "", Reason.NO_EMAIL
    if not re.fullmatch(r"[!-~]+@[a-z0-9-]+(\.[a-z0-9-]+)+", folded) or folded.count("@") > 1:
        return "", Reason.BAD_EMAIL
    return folded, ""


def may_be_mapped(row: Row) -> bool:
    return bool(MAY & {row.role, *row.secondary})


class Oracle:
    """What a tenant's rows must be after three clean runs: the first flags, the second releases, the third is
    about everybody as they now are."""

    def __init__(self, world: World, rows: list[UserMapping]) -> None:
        self.rows = rows
        people = (row for row in world.rows("cxone") if not row.impersonated)  # CXone's own users are nobody
        self.users = {row.id: row for row in people if row.status != "DELETED"}
        self.accounts: dict[str, list[Row]] = defaultdict(list)
        self.usable: dict[str, str] = {}
        for account in world.rows("ringcentral"):
            if account.type in PERSON_TYPES and not account.removed and key(account.email)[0]:
                self.accounts[key(account.email)[0]].append(account)
            if account.type in PERSON_TYPES and not account.removed and account.status == "Enabled":
                self.usable[account.id] = key(account.email)[0]
        parked = {row.cxone_id for row in rows if row.reason == Reason.DO_NOT_MAP}
        contenders = (user for user in self.users.values() if may_be_mapped(user) and user.id not in parked)
        self.contenders = Counter(key(user.email)[0] for user in contenders)
        self.owner = {row.account.platform_id: row.cxone_id for row in rows if row.account is not None}

    def objections(self) -> Iterator[str]:
        for row in self.rows:
            decided = row.method in (Method.MANUAL, Method.IMPORT) or row.reason in BY_HAND
            if row.present != (row.cxone_id in self.users):
                yield f"{row.cxone_id}: present is {row.present}"
            elif row.present and not decided:
                user = self.users[row.cxone_id]
                if wrong := self._mapped(row, user) if row.account else self._unmapped(row, user):
                    yield f"{row.cxone_id} {user.email}: {wrong}"
        if unknown := self.users.keys() - {row.cxone_id for row in self.rows}:
            yield f"never seen: {unknown}"

    def _mapped(self, row: UserMapping, user: Row) -> str:
        account = row.account.platform_id
        if not may_be_mapped(user):
            return ""  # kept, and looked after no more
        if account not in self.usable:
            return f"still has {account}, which cannot be used"
        differs = bool(key(user.email)[0]) and key(user.email)[0] != self.usable[account]
        if differs != (row.flag == Flag.EMAILS_DIFFER):
            return f"has {account} under {self.usable[account]}, flagged “{row.flag}”"
        return ""

    def _unmapped(self, row: UserMapping, user: Row) -> str:
        wanted = self.reasons(row, user)
        return "" if row.reason in wanted else f"is {row.reason}, and should be {' or '.join(wanted)}"

    def reasons(self, row: UserMapping, user: Row) -> tuple[str, ...]:
        address, problem = key(user.email)
        if not may_be_mapped(user):
            return (Reason.NO_PERMISSION,)
        if problem:
            return (problem,)
        if self.contenders[address] > 1:
            return (Reason.MULTIPLE_USERS,)
        usable = [account.id for account in self.accounts[address] if account.id in self.usable]
        if len(usable) > 1:
            return (Reason.MULTIPLE_ACCOUNTS,)
        if not usable:
            gone = (Reason.NO_MATCH, Reason.ACCOUNT_GONE)  # the second says more, and stays
            return (Reason.ACCOUNT_DISABLED,) if self.accounts[address] else gone
        if self.owner.get(usable[0], row.cxone_id) != row.cxone_id:
            return (Reason.ACCOUNT_TAKEN,)
        return (Reason.REJECTED,) if row.rejected else ("mapped",)
