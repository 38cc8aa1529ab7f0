"""How an address is spelt: one function per manner named in the stories."""

from collections.abc import Callable

Spelling = Callable[[str, str, str, int, str], "str | None"]


def _plain(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given}.{family}{number}@{domain}"


def _mixed(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given.title()}.{family.title()}{number}@{domain.title()}"


def _upper(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given}.{family}{number}@{domain}".upper()


def _padded(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f" {given}.{family}{number}@{domain}  "


def _plus(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given}.{family}{number}+cxone@{domain}"


def _alias(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{family}.{given}{number}@{domain}"


def _domain(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given}.{family}{number}@voice-{domain}"


def _invisible(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given}.\u200b{family}{number}@{domain}"


def _cyrillic(given: str, family: str, number: str, person: int, domain: str) -> str:
    # At least one letter must change, and every name in names.py holds one of these four.
    return (
        f"{given}.{family}{number}".translate({ord("a"): "а", ord("o"): "о", ord("e"): "е", ord("i"): "і"})
        + f"@{domain}"
    )


def _word(given: str, family: str, number: str, person: int, domain: str) -> str:
    return f"{given}.{family}{number} (no address)"


def _none(given: str, family: str, number: str, person: int, domain: str) -> None:
    return None


def _numbered(word: str) -> Spelling:
    def spelling(given: str, family: str, number: str, person: int, domain: str) -> str:
        return f"{word}.{person}@{domain}"

    return spelling


SPELLINGS: dict[str, Spelling] = {
    "plain": _plain,
    "mixed": _mixed,
    "upper": _upper,
    "padded": _padded,
    "plus": _plus,
    "alias": _alias,
    "domain": _domain,
    "invisible": _invisible,
    "cyrillic": _cyrillic,
    "word": _word,
    "none": _none,
    "group": _numbered("group"),
    "room": _numbered("room"),
    "desk": _numbered("desk"),
}
