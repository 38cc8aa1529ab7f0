"""RingCentral's usage groups, with a clock that only moves when told."""

import pytest

from tests.sandbox.conftest import ENTRIES, EXTENSIONS, Caller


@pytest.fixture
def limited(rc, sandbox):
    sandbox.limits = True
    return rc


def _statuses(caller, count, path=EXTENSIONS):
    return [caller("GET", path).status for _ in range(count)]


def test_answers_tell_group_limit_and_what_remains(limited):
    headers = limited("GET", EXTENSIONS).headers
    told = [headers[f"X-Rate-Limit-{name}"] for name in ("Group", "Limit", "Remaining", "Window")]
    assert told == ["medium", "40", "39", "60"]


def test_one_more_than_the_budget_is_refused(limited):
    assert _statuses(limited, 41) == [200] * 40 + [429]


def test_a_refusal_says_how_long_to_wait(limited):
    _statuses(limited, 40)
    answer = limited("GET", EXTENSIONS)
    assert (answer.headers["Retry-After"], answer.headers["X-Rate-Limit-Remaining"]) == ("60", "0")
    assert answer.json["errors"][0]["errorCode"] == "CMN-301"


def test_after_the_penalty_calls_pass_again(limited, clock):
    _statuses(limited, 41)
    clock.now += 60
    assert _statuses(limited, 1) == [200]


def test_a_call_during_the_penalty_restarts_it(limited, clock):
    _statuses(limited, 41)
    seen = []
    for wait in (59, 59, 60):
        clock.now += wait
        seen += _statuses(limited, 1)
    assert seen == [429, 429, 200]


def test_the_window_slides(limited, clock):
    _statuses(limited, 20)
    clock.now += 40
    _statuses(limited, 20)
    clock.now += 21
    assert _statuses(limited, 21) == [200] * 20 + [429]


def test_groups_are_counted_apart(limited):
    _statuses(limited, 41)
    assert limited("GET", f"{EXTENSIONS}/~").status == 200


def test_the_search_is_heavy(limited):
    statuses = [limited("POST", f"{ENTRIES}/search", {"searchString": "a"}).status for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_five_logins_a_minute_are_allowed(sandbox):
    sandbox.limits = True
    caller = Caller(sandbox)
    assert [caller.ringcentral().status for _ in range(6)] == [200] * 5 + [429]


def test_companies_do_not_share_a_budget(limited, sandbox):
    _statuses(limited, 41)
    limited.ringcentral("globex")
    assert _statuses(limited, 1) == [200]


def test_the_budget_can_be_multiplied(limited, sandbox):
    sandbox.limit_factor = 0.1
    assert _statuses(limited, 5) == [200] * 4 + [429]


def test_switched_off_there_are_neither_limits_nor_headers(rc):
    assert _statuses(rc, 60) == [200] * 60
    assert "X-Rate-Limit-Group" not in rc("GET", EXTENSIONS).headers
