"""Retry-After in all its spellings, and the limiter."""

import pytest
from requests.structures import CaseInsensitiveDict

from tenants.platforms.pace import Limiter, retry_after
from tests.platforms.stage import Clock

NOON = 1764590400.0  # 2025-12-01 12:00:00 UTC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("120", 120), ("1.5", 1.5), (".5", 0.5), (" 3 ", 3), ("2s", 2), ("2 Seconds", 2),
        ("Mon, 01 Dec 2025 12:00:20 GMT", 20), ("Monday, 01-Dec-25 12:00:20 GMT", 20),
        ("2025-12-01T12:00:20Z", 20), ("2025-12-01T13:00:20+01:00", 20), ("2025-12-01 12:00:20", 20),
        ("2025-12-01T12:00:20.500Z", 20.5), ("Mon, 01 Dec 2025 11:00:00 GMT", 0),
        ("", None), ("soon", None), ("-5", None), ("nan", None), ("inf", None), ("1e9", None), ("1,5", None),
    ],
)  # fmt: skip
def test_every_spelling_of_retry_after_is_read(value, seconds):
    assert retry_after({"Retry-After": value}, NOON) == seconds


def test_a_date_counts_from_the_servers_own_clock():
    headers = {"Retry-After": "Mon, 01 Dec 2025 12:00:20 GMT", "Date": "Mon, 01 Dec 2025 12:00:15 GMT"}
    assert retry_after(headers, NOON + 3600) == 5


def test_no_retry_after_is_none():
    assert retry_after({}, NOON) is None


def told(**values: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({f"x-rate-limit-{name}": value for name, value in values.items()})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(clock):
    return Limiter(clock)


def test_a_spent_group_waits_for_its_window(limiter, clock):
    limiter.heard("medium", told(group="medium", remaining="0", window="60"))
    clock.at += 15
    assert limiter.wait_for("medium") == 45


def test_a_group_with_something_left_does_not_wait(limiter):
    limiter.heard("medium", told(group="medium", remaining="1", window="60"))
    assert limiter.wait_for("medium") == 0


def test_another_group_is_free(limiter):
    limiter.heard("medium", told(group="medium", remaining="0", window="60"))
    assert limiter.wait_for("heavy") == 0


def test_after_its_window_a_group_is_free(limiter, clock):
    limiter.heard("medium", told(group="medium", remaining="0", window="60"))
    clock.at += 60
    assert limiter.wait_for("medium") == 0


def test_the_group_in_the_answer_counts_whatever_we_call_it(limiter):
    limiter.heard("heavy", told(group="Medium", remaining="5", window="60"))
    limiter.heard("medium", told(group="medium", remaining="0", window="60"))
    assert limiter.wait_for("heavy") == 60


def test_a_missing_window_is_a_minute(limiter):
    limiter.heard("light", told(remaining="0"))
    assert limiter.wait_for("light") == 60


@pytest.mark.parametrize("remaining", ["", "many", "-1", "nan"])
def test_headers_that_make_no_sense_are_not_believed(limiter, remaining):
    limiter.heard("light", told(remaining=remaining, window="60"))
    assert limiter.wait_for("light") == 0


def test_answers_without_headers_teach_nothing(limiter):
    limiter.heard("light", {})
    assert limiter.wait_for("light") == 0


def test_a_shorter_penalty_does_not_shorten_a_longer_one(limiter):
    limiter.close("light", 60)
    limiter.close("light", 5)
    assert limiter.wait_for("light") == 60
