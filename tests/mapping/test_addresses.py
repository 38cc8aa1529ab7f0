"""Addresses and the keys under which they are the same person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.addresses import Problem, Rules, email_key

PLAIN = Rules()
ALIASED = Rules(aliases={"acme.co.uk": "acme.com"}, ignore_plus_tags=True)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("ann.lee@acme.com", "ann.lee@acme.com"),
        ("  Ann.Lee@ACME.com ", "ann.lee@acme.com"),
        ("ann+work@acme.com", "ann+work@acme.com"),
        ("o'neil@acme.com", "o'neil@acme.com"),
        ("jürgen@müller.de", "jürgen@xn--mller-kva.de"),
        ("JÜRGEN@MÜLLER.DE", "jürgen@xn--mller-kva.de"),
        ("ann@xn--mller-kva.de", "ann@xn--mller-kva.de"),
        ("ａｎｎ@acme.com", "ann@acme.com"),
        ("иван@пример.рф", "иван@xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_what_means_the_same_has_the_same_key(typed: str, key: str) -> None:
    assert email_key(typed, PLAIN) == (key, Problem.NONE)


@pytest.mark.parametrize("typed", ["", "   ", "\t\n"])
def test_nothing_typed_is_no_email(typed: str) -> None:
    assert email_key(typed, PLAIN) == ("", Problem.NO_EMAIL)


@pytest.mark.parametrize(
    "typed",
    [
        "ann",
        "@acme.com",
        "ann@",
        "ann@acme",
        "ann lee@acme.com",
        "ann@acme.com, bob@acme.com",
        ".ann@acme.com",
        "ann.@acme.com",
        "a..b@acme.com",
        "ann@b@acme.com",
        "a" * 65 + "@acme.com",
        "ann\u200b@acme.com",
        "ann@ac\u00adme.com",
        "аnn@acme.com",  # a Cyrillic а
        "ann@acmе.c om",
        "ann\u3164@acme.com",
        "\u202eann@acme.com",
    ],
)
def test_what_cannot_be_trusted_is_refused_not_folded(typed: str) -> None:
    assert email_key(typed, PLAIN) == ("", Problem.BAD_EMAIL)


def test_a_domain_alias_counts_as_its_domain() -> None:
    assert email_key("ann@ACME.co.uk", ALIASED).value == "ann@acme.com"


def test_plus_tags_fall_away_only_by_rule() -> None:
    assert email_key("ann+x@acme.com", ALIASED).value == "ann@acme.com"
    assert email_key("ann+x@acme.com", PLAIN).value == "ann+x@acme.com"


@given(st.text(max_size=60))
def test_every_text_has_either_a_key_or_a_problem(typed: str) -> None:
    key = email_key(typed, PLAIN)
    assert bool(key.value) != bool(key.problem)


@given(st.emails())
def test_the_key_of_a_key_is_itself(typed: str) -> None:
    key = email_key(typed, PLAIN)
    assert not key.value or email_key(key.value, PLAIN) == key
