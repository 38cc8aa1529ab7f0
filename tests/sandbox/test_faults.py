"""Every kind of fault, and which calls a rule picks."""

import json

import pytest

from tenants.sandbox import Fault, Sandbox, World
from tenants.sandbox.faults import KINDS
from tests.sandbox.conftest import EXTENSIONS, ROLES, USERS, Caller, ids

ALWAYS = {"times": "always"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unauthorized", 401), ("forbidden", 403), ("throttled", 429), ("error500", 500), ("error502", 502),
     ("error503", 503)],
)  # fmt: skip
def test_a_fault_answers_with_its_status_on_both_sides(rc, sandbox, kind, status):
    sandbox.faults.arm(kind, **ALWAYS)
    assert [rc("GET", EXTENSIONS).status, rc("POST", USERS, {}).status] == [status, status]


@pytest.mark.parametrize(
    ("value", "header"),
    [("small", "1"), ("huge", "86400"), ("missing", None), (7, "7"), ("iso", "2027-01-15T08:00:05Z"),
     ("date", "Fri, 15 Jan 2027 08:00:05 GMT")],
)  # fmt: skip
def test_retry_after_comes_in_every_shape(rc, sandbox, value, header):
    sandbox.faults.arm("throttled", value=value)
    assert rc("GET", EXTENSIONS).headers.get("Retry-After") == header


def test_slow_waits_and_then_answers(rc, sandbox, clock):
    sandbox.faults.arm("slow", value=30)
    assert (rc("GET", EXTENSIONS).status, clock.slept) == (200, 30)


def test_html_is_a_success_that_is_no_json(rc, sandbox):
    sandbox.faults.arm("html")
    answer = rc("GET", EXTENSIONS)
    assert answer.status == 200 and answer.body.startswith(b"<!doctype html>")


def test_garbage_is_json_of_another_shape(rc, sandbox):
    sandbox.faults.arm("garbage")
    assert not isinstance(rc("GET", EXTENSIONS).json["records"], list)


def test_truncated_sends_less_than_it_promised(rc, sandbox):
    sandbox.faults.arm("truncated")
    answer = rc("GET", EXTENSIONS)
    assert 0 < len(answer.body) < int(answer.headers["Content-Length"])


def test_reset_breaks_the_connection_and_is_logged(rc, sandbox):
    sandbox.faults.arm("reset")
    with pytest.raises(ConnectionResetError):
        rc("GET", EXTENSIONS)
    assert (sandbox.log.last(1)[0].fault, sandbox.log.last(1)[0].status) == ("reset", 0)


def test_a_repeated_page_loses_rows_under_an_honest_total(rc, sandbox):
    sandbox.faults.arm("repeated_page", side="ringcentral")
    found, totals = ids(rc)
    assert len(found) > len(set(found)) and len(set(totals)) == 1


def test_drift_loses_rows_and_changes_the_total(rc, sandbox):
    honest, _ = ids(rc)
    sandbox.faults.arm("drift", **ALWAYS)
    found, totals = ids(rc)
    assert totals == sorted(totals, reverse=True) and totals[0] > totals[-1]
    assert len(set(honest) - set(found)) == 4


def test_appearing_rows_repeat_rows(rc, sandbox):
    sandbox.faults.arm("drift", value=-1, **ALWAYS)
    found, totals = ids(rc)
    assert len(found) > len(set(found)) and totals[0] < totals[-1]


def test_silent_drift_repeats_rows_under_the_same_total(rc, sandbox):
    sandbox.faults.arm("silent_drift", **ALWAYS)
    found, totals = ids(rc)
    assert len(set(totals)) == 1 and len(set(found)) < totals[0] == len(found)


def test_swapped_silent_drift_cannot_be_seen_in_the_answers(rc, sandbox):
    honest, _ = ids(rc)
    sandbox.faults.arm("silent_drift", value="swapped", **ALWAYS)
    found, totals = ids(rc)
    assert len(found) == len(set(found)) == totals[0] and set(found) != set(honest)


def test_cxone_users_drift_too(cx, sandbox):
    sandbox.faults.arm("drift", side="cxone", **ALWAYS)
    totals = [cx("POST", USERS, {"skip": skip, "top": 100}).json["totalRecords"] for skip in (0, 100, 200)]
    assert totals == [400, 399, 398]


def test_empty_is_a_success_without_rows(rc, cx, sandbox):
    sandbox.faults.arm("empty", **ALWAYS)
    assert rc("GET", EXTENSIONS).json["paging"]["totalElements"] == 0
    assert cx("POST", USERS, {}).json == {"totalRecords": 0, "skip": 0, "top": 50, "users": []}


def test_half_is_consistent_in_itself(rc, sandbox):
    sandbox.faults.arm("half", **ALWAYS)
    found, totals = ids(rc)
    assert len(set(found)) == totals[0] == sandbox.worlds["acme"].count("ringcentral") // 2


def test_other_account_answers_with_strangers(rc, sandbox):
    sandbox.faults.arm("other_account", **ALWAYS)
    found, _ = ids(rc)
    assert {str(id) for id in found} == {row.id for row in sandbox.worlds["globex"].rows("ringcentral")}


def test_other_account_works_with_one_company_only(clock):
    caller = Caller(Sandbox(World(20), clock))
    caller.ringcentral()
    caller.sandbox.faults.arm("other_account")
    assert caller("GET", EXTENSIONS).json["records"][0]["contact"]["company"] == "Strangers"


def test_list_faults_spoil_the_roles_too(cx, sandbox):
    sandbox.faults.arm("empty", path="roles")
    assert cx("POST", ROLES, {}).json["roles"] == []


# -- which calls --


def _statuses(rc, count):
    return [rc("GET", EXTENSIONS).status for _ in range(count)]


def test_a_rule_spoils_one_call_unless_told_otherwise(rc, sandbox):
    sandbox.faults.arm("error500")
    assert _statuses(rc, 3) == [500, 200, 200]


def test_a_rule_may_begin_at_the_third_call_and_last_for_two(rc, sandbox):
    sandbox.faults.arm("error500", at=3, times=2)
    assert _statuses(rc, 5) == [200, 200, 500, 500, 200]


def test_a_rule_may_last_for_some_seconds(rc, sandbox, clock):
    sandbox.faults.arm("error500", times="always", seconds=10)
    before = _statuses(rc, 1)
    clock.now += 10
    assert before + _statuses(rc, 1) == [500, 200]


def test_the_first_matching_rule_wins(rc, sandbox):
    sandbox.faults.arm("error500", **ALWAYS)
    sandbox.faults.arm("error503", **ALWAYS)
    assert _statuses(rc, 2) == [500, 500]


@pytest.mark.parametrize(
    "scope",
    [
        {"method": "POST"},
        {"path": "/directory/"},
        {"side": "cxone"},
        {"world": "globex"},
        {"where": {"page": "2"}},
    ],
)
def test_a_rule_leaves_other_calls_alone(rc, sandbox, scope):
    sandbox.faults.arm("error500", **scope, **ALWAYS)
    assert rc("GET", f"{EXTENSIONS}?page=1").status == 200


@pytest.mark.parametrize("path", ["/extension", r"/account/[^/]+/ext"])
def test_a_path_is_a_part_or_an_expression(rc, sandbox, path):
    sandbox.faults.arm("error500", path=path)
    assert _statuses(rc, 1) == [500]


def test_a_rule_may_pick_a_page_by_its_parameters(cx, sandbox):
    sandbox.faults.arm("error500", where={"skip": "100"}, **ALWAYS)
    assert [cx("POST", USERS, {"skip": skip}).status for skip in (0, 100, 200)] == [200, 500, 200]


def test_logins_can_be_spoilt_for_one_company(sandbox):
    sandbox.faults.arm("error503", path="oauth/token", world="acme", **ALWAYS)
    assert [Caller(sandbox).ringcentral(name).status for name in ("acme", "globex")] == [503, 200]


def test_disarming_and_clearing_end_rules(rc, sandbox):
    rule = sandbox.faults.arm("error500", **ALWAYS)
    sandbox.faults.arm("error503", **ALWAYS)
    sandbox.faults.disarm(rule.id)
    seen = _statuses(rc, 1)
    sandbox.faults.clear()
    assert seen + _statuses(rc, 1) == [503, 200]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "plague"}, "no such fault"),
        ({"kind": "reset", "times": "often"}, "times is"),
        ({"kind": "reset", "at": "x"}, "at is"),
        ({"kind": "reset", "path": "("}, "no regular expression"),
        ({"kind": "reset", "where": "page"}, "where names"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields, text):
    with pytest.raises(ValueError, match=text):
        Fault(**fields)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "reset"])
def test_the_log_names_every_fault(rc, sandbox, kind):
    sandbox.faults.arm(kind)
    rc("GET", f"{EXTENSIONS}?page=2")
    assert sandbox.log.last(1)[0].fault == kind


# -- the log --


def test_the_log_keeps_query_body_and_status(rc, cx, sandbox):
    sandbox.log.clear()
    rc("GET", f"{EXTENSIONS}?type=User&type=Bot")
    cx("POST", USERS, {"top": 3})
    first, second = sandbox.log
    assert (first.query, first.status, first.world) == ({"type": ["User", "Bot"]}, 200, "acme")
    assert (second.body, second.side, second.method) == ({"top": 3}, "cxone", "POST")


def test_the_log_is_asked_by_path_and_side(rc, cx, sandbox):
    rc("GET", EXTENSIONS)
    assert [len(sandbox.log.calls(path="/extension")), len(sandbox.log.calls(side="cxone"))] == [1, 1]


def test_the_log_holds_no_secret(rc, cx, sandbox):
    known = sandbox.credentials("acme")
    text = json.dumps([entry.body for entry in sandbox.log])
    secrets = (known["cxone"]["access_key_secret"], known["ringcentral"]["jwt"], rc.token, cx.token)
    assert not any(secret in text for secret in secrets)
