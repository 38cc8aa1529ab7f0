"""What an HTTP answer means: pure functions of a number, a dict and some bytes."""

import json
from typing import Any

import msgspec
import pytest
from requests.structures import CaseInsensitiveDict

from tenants.platforms.answers import LONGEST_MESSAGE, decipher, decode, scrub, vendor_words
from tenants.platforms.errors import BadAnswer, Missing, PlatformError, Refused, TryLater

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
CALL = "GET https://host/path"


def refusal(status: int, body: object = b"", hide: tuple[str, ...] = (), **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()})
    with pytest.raises(PlatformError) as caught:
        decipher(status, named, raw, CALL, hide=hide)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_good_answer_gives_its_body(status):
    assert decipher(status, {}, b"{}", CALL) == b"{}"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Refused), (307, Refused), (400, Refused), (401, Refused), (403, Refused), (404, Missing),
        (405, Refused), (408, TryLater), (410, Missing), (415, Refused), (429, TryLater), (500, TryLater),
        (501, Refused), (502, TryLater), (503, TryLater), (504, TryLater), (599, TryLater), (199, BadAnswer),
    ],
)  # fmt: skip
def test_every_status_says_what_to_do_next(status, error):
    problem = refusal(status)
    assert (type(problem), problem.status, problem.call) == (error, status, CALL)


def test_a_redirect_is_a_wrong_host_in_words():
    assert "wrong host" in str(refusal(302, location="https://elsewhere.example"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"errorCode": "InsufficientPermissions", "message": "m", "errors": [{"errorCode": "CMN-401"}]},
            ("CMN-401", "InsufficientPermissions", "m"),
        ),
        (
            {"error": "invalid_grant", "error_description": "d", "errors": [{"errorCode": "OAU-210"}]},
            ("OAU-210", "invalid_grant", "d"),
        ),
        (
            {"errorCode": "CMN-408", "message": "m", "errors": [{"permissionName": "ReadExtensions"}]},
            ("CMN-408", "", "m [ReadExtensions]"),
        ),
        ({"error": "invalid_client", "errorDescription": "Bad"}, ("invalid_client", "", "Bad")),
        ({"code": 1234, "details": "No such user"}, ("1234", "", "No such user")),
        ({"code": "X", "details": ["a", "b"]}, ("X", "", '["a","b"]')),
        (
            {"timestamp": 1, "status": 401, "error": "Unauthorized", "message": "No", "path": "/x"},
            ("Unauthorized", "", "No"),
        ),
        ({"scimType": "invalidFilter", "detail": "no", "status": "400"}, ("invalidFilter", "", "no")),
        ({"errors": "oops", "message": None}, ("", "", "")),
        (["a"], ("", "", "")),
        ("just words", ("", "", "just words")),
        (None, ("", "", "")),
    ],
)
def test_every_vendors_error_body_is_understood(body, words):
    assert vendor_words(json.dumps(body).encode()) == words


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html><h1>502</h1> Bad\n Gateway", b"{", b"[" * 5000])
def test_a_body_that_is_no_json_survives(body):
    assert refusal(502, body).status == 502


def test_the_words_of_an_error_page_are_kept_without_its_markup():
    page = b"<html><style>b {color: red}</style><b>Service</b> is <i>down</i>"
    assert refusal(503, page).vendor_message == "Service is down"


def test_a_long_message_is_cut():
    assert len(refusal(400, {"message": "x" * 5000}).vendor_message) == LONGEST_MESSAGE


def test_what_was_to_be_hidden_does_not_come_back_in_an_error():
    problem = refusal(400, {"error": "s3cret", "message": "bad s3cret in assertion"}, hide=("s3cret",))
    assert "s3cret" not in str(problem) + problem.code + problem.vendor_message


@pytest.mark.parametrize("text", [f"got {JWT}", "sent Bearer abcdefgh12345", "sent basic QWxhZGRpbjpvcGVu"])
def test_what_looks_like_a_token_is_struck_out(text):
    assert scrub(text).endswith(" ***")


def test_a_secret_on_the_cut_leaves_no_half():
    assert "s3c" not in scrub("x" * (LONGEST_MESSAGE - 4) + "s3cret", ["s3cret"])


def test_control_characters_do_not_reach_a_log():
    assert scrub("a\r\nb\x1b[31m\u2028c") == "a b [31m c"


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_is_asked_for_is_handed_on(status):
    assert refusal(status, retry_after="7").after == 7


def test_a_429_without_a_wait_means_thirty_seconds():
    assert refusal(429).after == 30


def test_a_fault_without_a_wait_leaves_it_to_the_caller():
    assert refusal(503).after is None


class Row(msgspec.Struct):
    id: int | str
    name: str | None = None


class Rows(msgspec.Struct):
    records: list[Row]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"records":[{"id":[]}]}', "$.records[0].id"),
        (b'{"records":[{}]}', "missing required field `id`"),
        (b'{"records":[{"id":1,"name":["secret"]}]}', "$.records[0].name"),
        (b"[]", "Expected `object`"),
        (b"<html>secret", "web page"),
        (b'{"records":[{"id":1,"name":"secr', "not JSON"),
        (b'{"records":[{"id":1,"name":"\xff secret"}]}', "not JSON"),
        (b" ", "empty"),
    ],
)
def test_a_body_of_another_form_is_named_without_its_values(body, says):
    with pytest.raises(BadAnswer) as caught:
        decode(body, Rows, call=CALL)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_byte_order_mark_is_no_fault():
    assert decode(b'\xef\xbb\xbf{"records":[]}', Rows).records == []
