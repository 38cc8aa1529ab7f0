"""Text folded for looking things up: case, accents and punctuation are nothing. Pure.

Only for people who search. Matching compares e-mail keys (addresses.py), never this.
"""

import unicodedata

import regex

LETTERS_WITHOUT_ACCENT = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"}
)
"""Letters that Unicode does not take apart into a base and an accent."""


def fold(text: str) -> str:
    """“  Łukasz ÉTIENNE ” is “lukasz etienne”."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(bare.translate(LETTERS_WITHOUT_ACCENT).split())


def words(text: str) -> list[str]:
    """What somebody typed, word by word: “Lee, Ann” is “lee” and “ann”; an address stays one word."""
    return [word for word in regex.split(r"[\s,;()\"<>]+", fold(text)) if word]


def search_text(name: str, email: str, extension: str, phone: str, department: str) -> str:
    """One line in which every word begins after a space: the words of the name, of the address (also its parts),
    the extension, the telephone number's digits, and the department."""
    address = fold(email)
    parts = [part for part in regex.split(r"[.@_+-]+", address.partition("@")[0]) if part]
    digits = "".join(regex.findall(r"\d", phone))
    found = [*words(name), address, *parts, fold(extension), digits, *words(department)]
    return " " + " ".join(dict.fromkeys(filter(None, found)))
