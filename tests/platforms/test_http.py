"""The manners of HTTP: hosts, retries, waiting, bodies. Retries and broken answers over a real socket."""

import logging
import traceback

import pytest
import requests

from tenants import VERSION
from tenants.platforms import http as module
from tenants.platforms.errors import BadAnswer, PlatformError, Refused, TryLater
from tenants.platforms.http import Http, Secret, bearer
from tests.platforms.stage import RESET, SILENT, Clock, Vendor, on_a_socket, says
from tests.wsgi import wsgi_session

OK = says({"fine": True})
NO = {429: says({}, 429), 503: says({}, 503)}
SPENT = says({}, X_Rate_Limit_Group="medium", X_Rate_Limit_Remaining="0", X_Rate_Limit_Window="20")


def http_for(vendor, clock=None, base_url="http://127.0.0.1", **options):
    clock = clock or Clock()
    session = wsgi_session(vendor) if base_url == "http://127.0.0.1" else None
    manners = {"wait": clock.wait, "clock": clock, "jitter": lambda: 1.0, "session": session}
    return Http(base_url, **manners | options)


@pytest.fixture
def over_a_socket():
    """Calls /path of a vendor with these answers over a socket: (answer or error, vendor, http)."""

    def call(*answers, method="GET", timeouts=(1, 0.2), repeatable=None, **options):
        vendor = Vendor(*answers)
        with on_a_socket(vendor) as url:
            http = http_for(vendor, base_url=url, timeouts=timeouts, **options)
            try:
                result = http.call(method, "/path", repeatable=repeatable)
            except PlatformError as problem:
                result = problem
            http.close()
        return result, vendor, http

    return call


FAULTS = {
    "500": says({}, 500), "502": says(b"<html>", 502), "503": says({}, 503), "504": says({}, 504),
    "reset": RESET, "silent": SILENT, "truncated": says(b"half", Content_Length="99"),
    "broken gzip": says(b"no gzip", Content_Encoding="gzip"), "short 429": says({}, 429, Retry_After="1"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_get_outlives_three_faults(over_a_socket, fault):
    answer, vendor, _ = over_a_socket(FAULTS[fault], FAULTS[fault], FAULTS[fault], OK)
    assert (answer.status, len(vendor.asked)) == (200, 4)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_ends_after_four_tries(over_a_socket, fault):
    problem, vendor, http = over_a_socket(FAULTS[fault])
    assert (type(problem), len(vendor.asked), http.requests) == (TryLater, 4, 4)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_post_is_sent_once(over_a_socket, fault):
    problem, vendor, _ = over_a_socket(FAULTS[fault], OK, method="POST")
    assert (type(problem), len(vendor.asked)) == (TryLater, 1)


def test_a_post_that_only_reads_may_be_repeated(over_a_socket):
    answer, vendor, _ = over_a_socket(FAULTS["503"], OK, method="POST", repeatable=True)
    assert (answer.status, len(vendor.asked)) == (200, 2)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 501, 505])
def test_what_will_not_get_better_is_not_repeated(over_a_socket, status):
    problem, vendor, _ = over_a_socket(says({}, status), OK)
    assert (problem.status, len(vendor.asked)) == (status, 1)


def test_a_host_where_nobody_listens_is_said_in_words():
    http = http_for(None, base_url="http://127.0.0.1:9", tries=2)
    with pytest.raises(TryLater, match="The connection to 127.0.0.1 failed"):
        http.call("GET", "/path")


def test_a_truncated_answer_is_said_in_words(over_a_socket):
    problem, *_ = over_a_socket(FAULTS["truncated"])
    assert problem.message == "The answer broke off in the middle."


def test_a_host_that_keeps_silent_is_said_in_words(over_a_socket):
    problem, *_ = over_a_socket(FAULTS["silent"])
    assert problem.message == "127.0.0.1 did not answer in time."


def test_a_redirect_is_not_followed(over_a_socket):
    problem, vendor, _ = over_a_socket(says({}, 302, Location="/elsewhere"), OK)
    assert vendor.paths() == ["/path"]
    assert isinstance(problem, Refused)


def test_the_pauses_double(over_a_socket):
    clock = Clock()
    over_a_socket(FAULTS["503"], wait=clock.wait)
    assert clock.waits == [2, 4, 8]


def test_a_pause_is_shortened_by_chance_by_half_at_most(over_a_socket):
    clock = Clock()
    over_a_socket(FAULTS["503"], wait=clock.wait, jitter=lambda: 0.0)
    assert clock.waits == [1, 2, 4]


def test_retry_after_comes_before_our_own_pause():
    clock = Clock()
    http = http_for(Vendor(says({}, 503, Retry_After="7.5"), OK), clock)
    http.call("GET", "/path")
    assert (clock.waits, http.throttled) == ([7.5], 7.5)


def test_a_429_without_retry_after_waits_thirty_seconds():
    clock = Clock()
    http_for(Vendor(NO[429], OK), clock).call("GET", "/path")
    assert clock.waits == [30]


@pytest.mark.parametrize("status", [429, 503])
def test_an_order_to_wait_longer_than_we_may_is_handed_up(status):
    clock = Clock()
    http = http_for(Vendor(says({}, status, Retry_After="21600"), OK), clock)
    with pytest.raises(TryLater) as caught:
        http.call("GET", "/path")
    assert (caught.value.after, clock.waits, http.requests) == (21600, [], 1)


def test_all_waits_of_a_call_together_are_bounded():
    clock = Clock()
    http = http_for(Vendor(says({}, 503, Retry_After="25")), clock, tries=9, total_wait=60)
    with pytest.raises(TryLater):
        http.call("GET", "/path")
    assert clock.waits == [25, 25]


def test_a_spent_group_waits_before_its_next_call():
    clock = Clock()
    http = http_for(Vendor(SPENT, OK), clock)
    http.call("GET", "/path", group="medium")
    http.call("GET", "/path", group="medium")
    assert clock.waits == [20]


def test_a_spent_group_does_not_hold_up_another():
    clock = Clock()
    http = http_for(Vendor(SPENT, OK), clock)
    http.call("GET", "/path", group="medium")
    http.call("GET", "/path", group="heavy")
    assert clock.waits == []


def test_a_spent_group_hands_up_a_wait_that_is_too_long():
    http = http_for(Vendor(SPENT, OK), longest_wait=10)
    http.call("GET", "/path", group="medium")
    with pytest.raises(TryLater) as caught:
        http.call("GET", "/path", group="medium")
    assert (caught.value.after, http.requests) == (20, 1)


@pytest.mark.parametrize("status", [429, 503])
def test_during_a_penalty_no_other_call_of_the_group_is_sent(status):
    vendor = Vendor(says({}, status, Retry_After="60"), OK)
    http = http_for(vendor)
    for _ in range(2):
        with pytest.raises(TryLater):
            http.call("GET", "/path", group="medium")
    assert len(vendor.asked) == 1


def test_the_heart_beats_while_waiting():
    beats = []
    http = http_for(Vendor(says({}, 503, Retry_After="3.5"), OK), heartbeat=lambda: beats.append(1))
    http.call("GET", "/path")
    assert (len(beats), http.throttled) == (4, 3.5)


def test_a_heartbeat_may_give_up():
    def lost():
        raise InterruptedError

    http = http_for(Vendor(NO[503], OK), heartbeat=lost)
    with pytest.raises(InterruptedError):
        http.call("GET", "/path")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x", "https://good.example.evil.example/x", "https://notgood.example/x",
        "http://api.good.example/x", "https://good.example@evil.example/x", "https://evil.example\\@good.example/x",
        "ftp://api.good.example/x", "https://api.good.example:port/x", "https:///x", "https://127.0.0.1.evil.example/",
        "https://api.good.example /x", "https://10.0.0.1/", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_strange_address_gets_no_call(url):
    vendor = Vendor(OK)
    with pytest.raises(Refused):
        http_for(vendor, allow_hosts={"good.example", ".good.example"}).call("GET", url)
    assert vendor.asked == []


@pytest.mark.parametrize(
    "url",
    ["https://good.example/x", "https://a.b.good.example/x", "http://localhost:1/x", "http://[::1]:1/x"],
)
def test_a_known_address_gets_its_call(url):
    assert http_for(Vendor(OK), allow_hosts={"good.example", ".good.example"}).call("GET", url).status == 200


def test_without_hosts_only_loopback_is_reached():
    with pytest.raises(Refused, match="wrong host: good.example does not belong"):
        http_for(Vendor(OK)).call("GET", "https://good.example/")


def test_we_say_who_we_are():
    vendor = Vendor(OK)
    http_for(vendor).call("GET", "/path")
    assert vendor.asked[0].headers["USER_AGENT"] == f"presence-sync/{VERSION}"


def test_a_body_beyond_all_use_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(module, "LARGEST_BODY", 1000)
    with pytest.raises(BadAnswer, match="larger"):
        http_for(Vendor(says(b"x" * 1001))).call("GET", "/path")


def test_a_packed_body_counts_by_its_unpacked_size(monkeypatch):
    import gzip

    monkeypatch.setattr(module, "LARGEST_BODY", 1000)
    with pytest.raises(BadAnswer, match="larger"):
        http_for(Vendor(says(gzip.compress(b"x" * 9999), Content_Encoding="gzip"))).call("GET", "/path")


def test_a_body_that_drips_for_ever_is_given_up():
    ticks = iter(range(0, 10_000, 50))
    http = http_for(Vendor(says(b"x" * 3 * module.PIECE)), clock=Clock(), tries=1)
    http._clock = lambda: next(ticks)
    with pytest.raises(TryLater, match="too slowly"):
        http.call("GET", "/path")


def test_a_netrc_file_does_not_replace_the_token(over_a_socket, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    vendor = Vendor(OK)
    http_for(vendor).call("GET", "/path", headers=bearer("tok"))
    assert vendor.asked[0].headers["AUTHORIZATION"] == "Bearer tok"


def test_a_plus_in_a_parameter_is_quoted():
    vendor = Vendor(OK)
    http_for(vendor).call("GET", "/path", params={"email": ["a+b@x.example", "c@x.example"]})
    assert vendor.asked[0].query == "email=a%2Bb%40x.example&email=c%40x.example"


def test_a_secret_does_not_show_itself():
    held = {"secret": Secret("s3cret"), **bearer("tok3n")}
    assert "s3cret" not in repr(held)
    assert "tok3n" not in repr(held)


SECRET = "s3cret+"
TROUBLES = {
    "echoed": says({"message": "s3cret+ and s3cret%2B"}, 400),
    "throttled": says({"message": "s3cret+"}, 429, Retry_After="999"),
    "broken": says({"message": "s3cret+"}, 500),
    "redirect": says({}, 302, Location="https://x.example/?s3cret+"),
    "reset": RESET,
    "silent": SILENT,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_trace_of_a_secret_is_left(trouble, caplog):
    caplog.set_level(logging.DEBUG)
    vendor = Vendor(TROUBLES[trouble])
    with on_a_socket(vendor) as url:
        http = http_for(vendor, base_url=url, timeouts=(1, 0.1), tries=2)
        http.hide(SECRET)
        with pytest.raises(PlatformError) as caught:
            http.call("POST", "/path", form={"jwt": SECRET}, auth=("id", SECRET), repeatable=True)
    assert SECRET[:6] not in "".join(traceback.format_exception(caught.value)) + caplog.text + repr(http)


def test_a_credential_that_breaks_a_header_is_refused_without_showing_it():
    with pytest.raises(Refused) as caught:
        http_for(Vendor(OK)).call("GET", "/path", headers=bearer(f"{SECRET}\nX-Evil: 1"))
    assert SECRET[:6] not in "".join(traceback.format_exception(caught.value))


def test_a_certificate_that_is_not_to_be_trusted_is_refused():
    def wrong(*_, **__):
        raise requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")

    http = http_for(Vendor(OK))
    http._session.request = wrong
    with pytest.raises(Refused, match="certificate"):
        http.call("GET", "/path")
