"""Reasons, flags and methods in words: the label, the sentence with its data, and the next step."""

from __future__ import annotations

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .matching import Flag, Method, Reason

NEEDS_A_DECISION = (
    Reason.MULTIPLE_ACCOUNTS,
    Reason.MULTIPLE_USERS,
    Reason.NO_MATCH,
    Reason.ACCOUNT_TAKEN,
    Reason.ACCOUNT_GONE,
    Reason.ACCOUNT_DISABLED,
    Reason.NO_EMAIL,
    Reason.BAD_EMAIL,
    Reason.REJECTED,
    Reason.PLATFORM_ERROR,
)
"""Unmapped for a reason that a person can mend."""

LABELS = {
    Reason.NO_MATCH: _("No match"),
    Reason.MULTIPLE_ACCOUNTS: _("Several accounts"),
    Reason.MULTIPLE_USERS: _("Several users"),
    Reason.ACCOUNT_TAKEN: _("Account taken"),
    Reason.ACCOUNT_DISABLED: _("Account not enabled"),
    Reason.NO_EMAIL: _("No e-mail"),
    Reason.BAD_EMAIL: _("Unusable e-mail"),
    Reason.NO_PERMISSION: _("Skipped: no permission"),
    Reason.REJECTED: _("Match rejected"),
    Reason.DO_NOT_MAP: _("Do not map"),
    Reason.ACCOUNT_GONE: _("Account gone"),
    Reason.UNMAPPED_BY_HAND: _("Unmapped by hand"),
    Reason.NOT_YET_SYNCED: _("Not yet synced"),
    Reason.PLATFORM_ERROR: _("Platform error"),
}

SENTENCES = {
    Reason.NO_MATCH: _("No {platform} account uses {email}."),
    Reason.MULTIPLE_ACCOUNTS: _("{count} {platform} accounts use this address: {accounts}."),
    Reason.MULTIPLE_USERS: _("Other CXone users have the same address: {users}."),
    Reason.ACCOUNT_TAKEN: _("{accounts} has this address, but is mapped to {users}."),
    Reason.ACCOUNT_DISABLED: _("The only {platform} account with this address cannot be used: {accounts}."),
    Reason.NO_EMAIL: _("This CXone user has no e-mail address."),
    Reason.BAD_EMAIL: _("The address {email} is not one that can be compared safely."),
    Reason.NO_PERMISSION: _(
        "None of this user's CXone roles has User Mapping: Map, so Auto Sync skips them."
    ),
    Reason.REJECTED: _("{accounts} matches, but was rejected for this user by hand."),
    Reason.DO_NOT_MAP: _("Somebody decided that this user is not to be mapped."),
    Reason.ACCOUNT_GONE: _("The account this user had, {accounts}, is no longer in {platform}."),
    Reason.UNMAPPED_BY_HAND: _("Somebody took the mapping away; Auto Sync leaves it so."),
    Reason.NOT_YET_SYNCED: _("Auto Sync has not looked at this user yet."),
    Reason.PLATFORM_ERROR: _("{platform} could not answer for {email}: {error}"),
}

NEXT_STEPS = {
    Reason.NO_MATCH: _("Correct the address in CXone or {platform}, or map by hand."),
    Reason.MULTIPLE_ACCOUNTS: _("Choose the right account by hand, or correct the address of the others."),
    Reason.MULTIPLE_USERS: _("Give each CXone user an address of their own, or map by hand."),
    Reason.ACCOUNT_TAKEN: _(
        "Find out whose account it is; unmap the other user first if it is theirs no more."
    ),
    Reason.ACCOUNT_DISABLED: _("Enable the account in {platform}; the next run maps it."),
    Reason.NO_EMAIL: _("Enter an address in CXone, or map by hand."),
    Reason.BAD_EMAIL: _(
        "Type the address anew in CXone: it holds invisible or mixed characters, or is no address."
    ),
    Reason.NO_PERMISSION: _("Give one of their CXone roles User Mapping: Map, or map by hand."),
    Reason.REJECTED: _("Map another account by hand."),
    Reason.DO_NOT_MAP: _("Nothing to do. Map by hand to change that."),
    Reason.ACCOUNT_GONE: _("Map the new account by hand when there is one under another address."),
    Reason.UNMAPPED_BY_HAND: _("Map by hand when the right account is known."),
    Reason.NOT_YET_SYNCED: _("Run Auto Sync."),
    Reason.PLATFORM_ERROR: _("The next run tries again; if it stays, test the connection."),
}

FLAG_LABELS = {
    Flag.ACCOUNT_GONE: _("Account gone"),
    Flag.ACCOUNT_DISABLED: _("Account not enabled"),
    Flag.EMAILS_DIFFER: _("E-mails differ"),
    Flag.USER_GONE: _("Left CXone"),
}

FLAG_SENTENCES = {
    Flag.ACCOUNT_GONE: _("The account was missing the last time {platform} was read."),
    Flag.ACCOUNT_DISABLED: _("The account is not enabled in {platform} any more."),
    Flag.EMAILS_DIFFER: _("CXone and {platform} have different addresses for this person."),
    Flag.USER_GONE: _("This person has left CXone, and still has the account."),
}

FLAG_NEXT_STEPS = {
    Flag.ACCOUNT_GONE: _(
        "If the next complete read agrees, a mapping made by Auto Sync is released; one made by hand waits for you."
    ),
    Flag.ACCOUNT_DISABLED: _(
        "Enable the account in {platform}. If the next complete read finds it so again, a mapping made by Auto Sync "
        "is released; one made by hand waits for you."
    ),
    Flag.EMAILS_DIFFER: _(
        "See whether the account is still this person’s. If it is, correct one of the addresses; if not, change the "
        "account or reject the match."
    ),
    Flag.USER_GONE: _("Unmap them when somebody else is to get the account; nobody gets it by themselves."),
}

METHOD_LABELS = {Method.AUTO: _("Auto"), Method.MANUAL: _("Manual"), Method.IMPORT: _("Import")}

REASONS = [(reason.value, label) for reason, label in LABELS.items()]
FLAGS = [(flag.value, label) for flag, label in FLAG_LABELS.items()]
METHODS = [(method.value, label) for method, label in METHOD_LABELS.items()]


def sentence(reason: str, evidence: dict[str, Any], *, email: str, platform: str) -> str:
    """The reason with the data behind it. "" for a mapped user."""
    return _fill(SENTENCES, reason, evidence, email=email, platform=platform)


def next_step(reason: str, *, platform: str) -> str:
    return _fill(NEXT_STEPS, reason, {}, email="", platform=platform)


def flag_sentence(flag: str, *, platform: str) -> str:
    """What looks wrong with a mapping. "" when nothing does."""
    return str(format_lazy(FLAG_SENTENCES[Flag(flag)], platform=platform)) if flag else ""


def flag_next_step(flag: str, *, platform: str) -> str:
    return str(format_lazy(FLAG_NEXT_STEPS[Flag(flag)], platform=platform)) if flag else ""


def _fill(
    texts: dict[Reason, Any], reason: str, evidence: dict[str, Any], *, email: str, platform: str
) -> str:
    if not reason:
        return ""
    accounts = evidence.get("accounts", [])
    return str(
        format_lazy(
            texts[Reason(reason)],
            platform=platform,
            email=email or _("their address"),
            count=len(accounts),
            accounts=_listed([account_in_words(account) for account in accounts]) or _("an account"),
            users=_listed([user["name"] for user in evidence.get("users", [])]) or _("somebody"),
            error=evidence.get("error", ""),
        )
    )


def account_in_words(account: dict[str, Any]) -> str:
    """“Ann Lee ext. 101 (Disabled)”, from an account as kept in evidence."""
    words = [account.get("name") or account["id"]]
    if account.get("extension"):
        words.append(f"ext. {account['extension']}")
    if account.get("status") not in ("", None, "Enabled"):
        words.append(f"({account['status']})")
    return " ".join(words)


SHOWN = 5


def _listed(names: list[str]) -> str:
    if len(names) <= SHOWN:
        return ", ".join(names)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + " " + ngettext("and %d more", "and %d more", more) % more
