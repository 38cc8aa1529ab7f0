"""E-mail addresses become keys under which two people are the same person. Pure: no Django, no network.

The address as typed is kept elsewhere and shown; a key is only ever compared.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import idna
import regex

PLAIN = regex.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
"""What nearly every address looks like, folded: RFC 5321's dot-atom and an ASCII domain."""

UNSEEN = regex.compile(r"[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]")
"""Characters that cannot be seen, or look like nothing: they make two addresses look alike."""

ONE_SCRIPT = regex.compile(
    r"(?:[\p{Common}\p{Inherited}\p{Latin}]*"
    r"|[\p{Common}\p{Inherited}\p{Greek}]*"
    r"|[\p{Common}\p{Inherited}\p{Cyrillic}]*"
    r"|[\p{Common}\p{Inherited}\p{Arabic}]*"
    r"|[\p{Common}\p{Inherited}\p{Hebrew}]*"
    r"|[\p{Common}\p{Inherited}\p{Devanagari}]*"
    r"|[\p{Common}\p{Inherited}\p{Thai}]*"
    r"|[\p{Common}\p{Inherited}\p{Latin}\p{Han}\p{Hiragana}\p{Katakana}]*"
    r"|[\p{Common}\p{Inherited}\p{Latin}\p{Han}\p{Bopomofo}]*"
    r"|[\p{Common}\p{Inherited}\p{Latin}\p{Han}\p{Hangul}]*)"
)
"""Unicode TS 39, "highly restrictive": https://www.unicode.org/reports/tr39/#Restriction_Level_Detection"""


class Problem(StrEnum):
    """Why an address has no key."""

    NONE = ""
    NO_EMAIL = "no_email"
    BAD_EMAIL = "bad_email"


class Rules(NamedTuple):
    """A tenant's own rules. `aliases` maps a domain to the domain it counts as, both in ASCII."""

    aliases: Mapping[str, str] = {}
    ignore_plus_tags: bool = False


class Key(NamedTuple):
    value: str
    problem: Problem


def email_key(address: str, rules: Rules) -> Key:
    """The key of an address as typed; an address that cannot be trusted has a problem instead."""
    folded = address.strip()
    if not folded:
        return Key("", Problem.NO_EMAIL)
    if not folded.isascii():
        if UNSEEN.search(folded):
            return Key("", Problem.BAD_EMAIL)
        folded = unicodedata.normalize("NFKC", folded)
    folded = folded.casefold()
    return _key(folded, rules) or Key("", Problem.BAD_EMAIL)


def _key(folded: str, rules: Rules) -> Key | None:
    local, _, domain = folded.rpartition("@")
    if not PLAIN.fullmatch(folded):
        domain = _ascii(domain)
        if not (domain and _is_trusted(local) and PLAIN.fullmatch(f"x@{domain}")):
            return None
    if len(local) > 64 or len(domain) > 253 or local[0] == "." or local[-1] == "." or ".." in local:
        return None
    if rules.ignore_plus_tags:
        local = local.partition("+")[0] or local
    return Key(f"{local}@{rules.aliases.get(domain, domain)}", Problem.NONE)


def _is_trusted(local: str) -> bool:
    """Readable characters of one script, and nothing that an address may not hold unquoted."""
    return bool(
        local
        and not UNSEEN.search(local)
        and not regex.search(r"[\s\"(),:;<>@\[\\\]]", local)
        and ONE_SCRIPT.fullmatch(local)
    )


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return ""
