"""Who is who. Pure: given what was read and what is known, it returns decisions and touches nothing.

It does not read a platform, a database or a clock, and it never looks at names: two people are
the same person when exactly one CXone user and exactly one enabled account of a person stand
under the same e-mail key (see addresses.py), or when somebody said so by hand.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why a user is Unmapped. Closed list; "" is for those who are Mapped."""

    NONE = ""
    NO_MATCH = "no_match"
    MULTIPLE_ACCOUNTS = "multiple_accounts"
    MULTIPLE_USERS = "multiple_users"
    ACCOUNT_TAKEN = "account_taken"
    ACCOUNT_DISABLED = "account_disabled"
    NO_EMAIL = "no_email"
    BAD_EMAIL = "bad_email"
    NO_PERMISSION = "no_permission"
    REJECTED = "rejected"
    DO_NOT_MAP = "do_not_map"
    ACCOUNT_GONE = "account_gone"
    UNMAPPED_BY_HAND = "unmapped_by_hand"
    NOT_YET_SYNCED = "not_yet_synced"
    PLATFORM_ERROR = "platform_error"


class Flag(StrEnum):
    """What looks wrong with a mapping that stands."""

    NONE = ""
    ACCOUNT_GONE = "account_gone"
    ACCOUNT_DISABLED = "account_disabled"
    EMAILS_DIFFER = "emails_differ"
    USER_GONE = "user_gone"


class Method(StrEnum):
    """How a mapping came to be. Only AUTO may be altered by Auto Sync."""

    NONE = ""
    AUTO = "auto"
    MANUAL = "manual"
    IMPORT = "import"


BY_HAND = frozenset({Reason.DO_NOT_MAP, Reason.UNMAPPED_BY_HAND})
"""Reasons that a person gave: no run takes them back."""

TRIED_TWICE = frozenset(
    {
        Reason.NO_MATCH,
        Reason.MULTIPLE_ACCOUNTS,
        Reason.MULTIPLE_USERS,
        Reason.ACCOUNT_DISABLED,
        Reason.ACCOUNT_GONE,
        Reason.NO_EMAIL,
        Reason.BAD_EMAIL,
        Reason.PLATFORM_ERROR,
    }
)
"""None or several on either side: the second try of a run looks at these again."""

READS_TO_RELEASE = 2
"""So many complete reads must agree that an account is gone or disabled before its mapping is released."""


class State(NamedTuple):
    """What is recorded of one user: at most one account, else a reason. `flag_reads` counts the complete
    reads in a row that raised `flag`, up to READS_TO_RELEASE."""

    account: int | None = None
    method: Method = Method.NONE
    reason: Reason = Reason.NONE
    flag: Flag = Flag.NONE
    flag_reads: int = 0


class User(NamedTuple):
    """A CXone user. `key` is "" when the address has a `problem` (a reason); `eligible` says
    that one of their roles has User Mapping: Map; `present` that CXone still has them; `doubtful` that they were
    missing from the last complete read and from none before."""

    id: int
    key: str
    problem: Reason
    eligible: bool
    present: bool
    state: State
    rejected: frozenset[int] = frozenset()
    doubtful: bool = False


class Candidate(NamedTuple):
    """An external account. `usable`: an enabled account of a person; `gone`: no longer in the directory; `doubtful`:
    one that was usable, missing from the last complete read and from none before."""

    id: int
    key: str
    is_person: bool
    usable: bool
    gone: bool
    doubtful: bool = False


class Decision(NamedTuple):
    """What should be recorded of a user, and whom that was decided upon."""

    user: int
    state: State
    accounts: tuple[int, ...] = ()
    users: tuple[int, ...] = ()


class Directory:
    """Both sides, indexed. What is ambiguous is decided by counts alone, so the order of the input is nothing.

    Who is missing from one read only still counts among those who share an address: half a directory must not
    turn two into one."""

    def __init__(self, users: Collection[User], accounts: Iterable[Candidate]) -> None:
        self.account = {account.id: account for account in accounts}
        self.people: Mapping[str, list[Candidate]] = defaultdict(list)
        for account in self.account.values():
            if account.key and account.is_person and (account.doubtful or not account.gone):
                self.people[account.key].append(account)
        self.contenders: Mapping[str, list[int]] = defaultdict(list)
        self.owner: dict[int, int] = {}
        for user in users:
            if user.state.account is not None:
                self.owner[user.state.account] = user.id
            here = user.present or user.doubtful
            if user.key and user.eligible and here and user.state.reason != Reason.DO_NOT_MAP:
                self.contenders[user.key].append(user.id)


def decide(
    users: Collection[User], accounts: Iterable[Candidate], *, only: Collection[int] | None = None
) -> Iterator[Decision]:
    """One decision for every user whose record should change, and for everyone present who stays unmapped.

    `only` limits the decisions, not what they are based on: the second try decides about those that the
    first left unmapped. Users whose mapping stands as it is are passed over.
    """
    directory = Directory(users, accounts)
    for user in users:
        if only is not None and user.id not in only:
            continue
        if not user.present:
            if decision := _left(user):
                yield decision
        elif user.state.account is None:
            yield _find(user, directory)
        elif only is None and (decision := _watch(user, directory)):
            yield decision


def _left(user: User) -> Decision | None:
    """Somebody left CXone. Their account stays theirs until a person takes it away: an address that is given to
    somebody new must not bring the account of whoever had it before along."""
    state = user.state._replace(flag=Flag.USER_GONE, flag_reads=0)
    if user.state.account is None or state == user.state:
        return None
    return Decision(user.id, state, accounts=(user.state.account,))


def _watch(user: User, directory: Directory) -> Decision | None:
    """Does the mapping that stands still look right? None when nothing changes."""
    account_id = user.state.account
    if account_id is None:
        return None
    account = directory.account.get(account_id)
    flag = _flag(user, account)
    counted = flag in (Flag.ACCOUNT_GONE, Flag.ACCOUNT_DISABLED)
    reads = min(user.state.flag_reads * (flag == user.state.flag) + 1, READS_TO_RELEASE) if counted else 0
    if reads == READS_TO_RELEASE and user.state.method == Method.AUTO and user.eligible:
        return _release(user, flag, account_id, directory)
    state = user.state._replace(flag=flag, flag_reads=reads)
    return None if state == user.state else Decision(user.id, state, accounts=(account_id,))


def _flag(user: User, account: Candidate | None) -> Flag:
    if account is None or account.gone:
        return Flag.ACCOUNT_GONE
    if not account.usable:
        return Flag.ACCOUNT_DISABLED
    if user.state.method == Method.AUTO and user.key and user.key != account.key:
        return Flag.EMAILS_DIFFER
    return Flag.NONE


def _release(user: User, flag: Flag, account_id: int, directory: Directory) -> Decision:
    """The account is gone for good: another one under the same address, or none."""
    found = _find(user._replace(state=State()), directory)
    if found.state.account is not None and found.state.account != account_id:
        return found
    reason = Reason.ACCOUNT_GONE if flag == Flag.ACCOUNT_GONE else Reason.ACCOUNT_DISABLED
    if found.state.reason in (Reason.NO_MATCH, Reason.ACCOUNT_DISABLED):
        return Decision(user.id, State(reason=reason), accounts=(account_id,))
    return found


def _find(user: User, directory: Directory) -> Decision:
    """Exactly one on either side, or the reason why not."""
    if user.state.reason in BY_HAND:
        return Decision(user.id, user.state)
    if not user.eligible:
        return _unmapped(user, Reason.NO_PERMISSION)
    if user.problem:
        return _unmapped(user, user.problem)
    others = tuple(sorted(other for other in directory.contenders[user.key] if other != user.id))
    if others:
        return _unmapped(user, Reason.MULTIPLE_USERS, users=others)
    people = directory.people.get(user.key, [])
    contending = [account for account in people if account.usable or account.doubtful]
    if len(contending) == 1 and contending[0].usable:
        return _one(user, contending[0], directory)
    return _none_or_several(user, people, contending)


def _none_or_several(user: User, people: list[Candidate], contending: list[Candidate]) -> Decision:
    if len(contending) > 1:
        return _unmapped(user, Reason.MULTIPLE_ACCOUNTS, accounts=_ids(contending))
    if others := [account for account in people if not account.doubtful]:
        return _unmapped(user, Reason.ACCOUNT_DISABLED, accounts=_ids(others))
    if user.state.reason == Reason.ACCOUNT_GONE:  # still says more than "no match"
        return Decision(user.id, user.state)
    return _unmapped(user, Reason.NO_MATCH)


def _one(user: User, account: Candidate, directory: Directory) -> Decision:
    owner = directory.owner.get(account.id, user.id)
    if owner != user.id:
        return _unmapped(user, Reason.ACCOUNT_TAKEN, accounts=(account.id,), users=(owner,))
    if account.id in user.rejected:
        return _unmapped(user, Reason.REJECTED, accounts=(account.id,))
    return Decision(user.id, State(account=account.id, method=Method.AUTO), accounts=(account.id,))


def _unmapped(
    user: User, reason: Reason, *, accounts: tuple[int, ...] = (), users: tuple[int, ...] = ()
) -> Decision:
    return Decision(user.id, State(reason=reason), accounts, users)


def _ids(accounts: list[Candidate]) -> tuple[int, ...]:
    return tuple(sorted(account.id for account in accounts))
