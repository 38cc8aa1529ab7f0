"""Find an external account by what a person remembers of it: words of the name in any order, address, extension.

Over the stored directory; asking the platform itself is tenants/platforms' search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex
from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant

from .folding import fold, words
from .models import ExternalAccount, UserMapping

FOUND = 20
CONSIDERED = 200
"""So many rows are ranked; whoever finds more types another letter."""


def accounts(tenant: Tenant, text: str, *, limit: int = FOUND) -> list[ExternalAccount]:
    """The best `limit` accounts, best first. Each has `mapping` loaded when somebody has it."""
    wanted = words(text)
    if not wanted:
        return []
    here = ExternalAccount.objects.filter(tenant=tenant, gone_since=None).select_related("mapping")
    begins, holds = Q(), Q()
    for word in wanted[:8]:
        begins &= Q(search_text__contains=f" {word}")
        holds &= Q(search_text__contains=word)
    found = list(here.filter(begins)[:CONSIDERED])
    if len(found) < limit:
        found += here.filter(holds).exclude(pk__in=[one.pk for one in found])[: CONSIDERED - len(found)]
    return sorted(found, key=lambda account: _rank(account, wanted))[:limit]


def _rank(account: ExternalAccount, wanted: list[str]) -> tuple[bool, int, bool, bool, str, int]:
    """Exact extension or address first, then how much of the name was typed, then who can be mapped, the free
    before those that somebody has."""
    exact = fold(account.extension) in wanted or fold(account.email) in wanted
    named = words(account.name)
    whole = sum(word in named for word in wanted)
    taken = hasattr(account, "mapping")
    return (not exact, -whole, not account.is_candidate, taken, fold(account.name), account.pk)


class Resemblance(TextChoices):
    """Why an account may be somebody's, in the order of how much it says."""

    SAME_EMAIL = "same_email", _("same e-mail")
    SAME_LOCAL_PART = "same_local_part", _("same e-mail on another domain")
    SAME_NAME = "same_name", _("same name")
    SAME_EXTENSION = "same_extension", _("same extension as in the username")
    SAME_PHONE = "same_phone", _("same phone number as in the username")
    SIMILAR_NAME = "similar_name", _("similar name")


EXTENSION_DIGITS, PHONE_DIGITS = 3, 7
"""So many digits make an extension, or a telephone number: “ann2” is the second Ann."""


def _is_same_name(ours: list[str], theirs: list[str]) -> bool:
    return {word for word in ours if len(word) > 1} <= set(theirs)


def _is_similar_name(ours: list[str], theirs: list[str]) -> bool:
    """The family name, or one that begins with it, and another word with the first letter of the given name."""
    families = [word for word in theirs if word.startswith(ours[-1])]
    others = [word for word in theirs if word not in families[:1]]
    is_alike = bool(families) and any(word[0] == ours[0][0] for word in others)
    return is_alike and not _is_same_name(ours, theirs)


BY_NAME: dict[Resemblance, Callable[[list[str], list[str]], bool]] = {
    Resemblance.SAME_NAME: _is_same_name,
    Resemblance.SIMILAR_NAME: _is_similar_name,
}
"""What is asked of the names themselves: the stored directory finds words of the address as well."""


def candidates(mapping: UserMapping, *, limit: int = 10) -> list[tuple[ExternalAccount, list[Resemblance]]]:
    """Accounts that resemble the user, best first, each with the reasons. For a person to look at: a machine never
    maps by them. Names are shared, and extensions and numbers are handed on to whoever comes next."""
    ranked: dict[int, tuple[ExternalAccount, list[Resemblance]]] = {}
    for reason, accounts_ in _resembling(mapping):
        for account in accounts_[:50]:
            if reason in BY_NAME and not BY_NAME[reason](words(mapping.name), words(account.name)):
                continue  # the words stand in the address alone
            ranked.setdefault(account.pk, (account, []))[1].append(reason)
    weight = list(Resemblance)

    def order(found: tuple[ExternalAccount, list[Resemblance]]) -> tuple[int, int, bool, str]:
        account, reasons = found
        return (min(map(weight.index, reasons)), -len(reasons), not account.is_candidate, account.name)

    return sorted(ranked.values(), key=order)[:limit]


def _resembling(mapping: UserMapping) -> Iterator[tuple[Resemblance, QuerySet[ExternalAccount]]]:
    people = ExternalAccount.objects.filter(
        tenant=mapping.tenant_id, is_person=True, gone_since=None
    ).select_related("mapping")
    local, at, _domain = mapping.email_key.partition("@")
    if at:
        yield Resemblance.SAME_EMAIL, people.filter(email_key=mapping.email_key)
        elsewhere = people.filter(email_key__startswith=f"{local}@")
        yield Resemblance.SAME_LOCAL_PART, elsewhere.exclude(email_key=mapping.email_key)
    named = [word for word in words(mapping.name) if len(word) > 1]
    if len(named) > 1:
        whole = Q()
        for word in named:
            whole &= Q(search_text__contains=f" {word}")
        yield Resemblance.SAME_NAME, people.filter(whole)
        ends = Q(search_text__contains=f" {named[0][0]}") & Q(search_text__contains=f" {named[-1]}")
        yield Resemblance.SIMILAR_NAME, people.filter(ends)
    yield from _same_number(mapping, people)


def _same_number(
    mapping: UserMapping, people: QuerySet[ExternalAccount]
) -> Iterator[tuple[Resemblance, QuerySet[ExternalAccount]]]:
    """CXone says no telephone number of a user. Some companies end the username in the extension, or make it the
    number: “agent4711”, “4711@cx.acme.com”, “+14155550123”."""
    digits = regex.search(r"\d*$", mapping.username.partition("@")[0])[0]  # type: ignore[index]
    if len(digits) >= EXTENSION_DIGITS:
        yield Resemblance.SAME_EXTENSION, people.filter(extension=digits)
    if len(digits) >= PHONE_DIGITS:
        ends = Q(search_text__contains=f"{digits} ") | Q(search_text__endswith=digits)
        yield Resemblance.SAME_PHONE, people.filter(ends).exclude(phone="").exclude(extension=digits)
