"""Text as people search for it."""

import pytest

from mapping.folding import fold, search_text, words


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("  Ann   LEE ", "ann lee"),
        ("Étienne", "etienne"),
        ("Łukasz", "lukasz"),
        ("Straße", "strasse"),
        ("Ørsted", "orsted"),
    ],
)
def test_case_and_accents_are_nothing(typed: str, folded: str) -> None:
    assert fold(typed) == folded


def test_last_first_is_the_same_two_words() -> None:
    assert set(words("Lee, Ann")) == set(words("Ann Lee"))


def test_every_word_of_an_account_begins_after_a_space() -> None:
    text = search_text("Ann Lée", "ann.lee+x@Acme.com", "101", "+1 (555) 010-9", "Sales")
    for typed in ["ann", "lee", "ann.lee+x@acme.com", "101", "15550109", "sales"]:
        assert f" {typed}" in text
