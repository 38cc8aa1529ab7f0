"""Signed webhooks over a real socket: what is sent, what is refused, and what is said when it does not arrive."""

import base64
import hashlib
import hmac
import json
import logging
import socket
import subprocess
import threading
import time
import traceback
from contextlib import contextmanager

import pytest

from tenants.platforms import webhook
from tenants.platforms.errors import PlatformError, Refused
from tenants.platforms.http import Http
from tests.platforms.stage import RESET, SILENT, Vendor, on_a_socket, says

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
BODY = json.dumps({"type": "run.failed", "data": {"tenant": "acmé"}}, ensure_ascii=False).encode()
OPTIONS = {"id": "msg_1", "secrets": [SECRET], "loopback": True, "now": 1_700_000_000, "timeouts": (1, 0.3)}


def deliver(*answers, **options):
    """(what went wrong or None, what the receiver was asked)"""
    vendor = Vendor(*answers)
    with on_a_socket(vendor) as url:
        try:
            webhook.deliver(url + "/hooks/acme?x=1", BODY, **OPTIONS | options)
        except webhook.Undelivered as problem:
            return problem, vendor.asked
    return None, vendor.asked


def headers(asked):
    return {name.lower(): value for name, value in asked.headers.items()}


def test_the_signature_is_that_of_the_specifications_example():
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    made = webhook.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_arrives_is_the_body_signed_with_id_and_time():
    problem, [asked] = deliver(says({}, 204))
    sent = headers(asked)
    signed = b"msg_1.1700000000." + asked.body
    key = b"0123456789abcdef0123456789abcdef"
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert problem is None and (asked.method, asked.body) == ("POST", BODY)
    assert (sent["webhook-id"], sent["webhook-timestamp"]) == ("msg_1", "1700000000")
    assert (sent["webhook-signature"], sent["content-type"]) == (f"v1,{expected}", "application/json")


def test_openssl_computes_the_same_signature():
    made = webhook.signature(SECRET, "msg_1", 5, BODY)
    command = ["openssl", "dgst", "-sha256", "-binary", "-mac", "hmac", "-macopt"]
    key = "hexkey:" + webhook.key_of(SECRET).hex()
    said = subprocess.run([*command, key], input=b"msg_1.5." + BODY, capture_output=True, check=True)
    assert made == "v1," + base64.b64encode(said.stdout).decode()


def test_while_the_secret_changes_both_sign():
    other = webhook.new_secret()
    _, [asked] = deliver(says({}), secrets=[other, SECRET])
    both = [webhook.signature(secret, "msg_1", 1_700_000_000, BODY) for secret in (other, SECRET)]
    assert headers(asked)["webhook-signature"].split() == both


def test_a_new_secret_is_long_and_never_the_same():
    made = {webhook.new_secret() for _ in range(20)}
    assert len(made) == 20 and {len(webhook.key_of(secret)) for secret in made} == {32}


@pytest.mark.parametrize(
    "wrong", ["", "whsec_", "whsec_short", SECRET[6:], "whsec_" + "é" * 40, SECRET + "!"]
)
def test_a_secret_of_another_form_is_refused(wrong):
    with pytest.raises(ValueError, match="whsec_"):
        webhook.key_of(wrong)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_a_yes_whatever_is_in_it(status):
    assert deliver(says(b"<html>not JSON", status))[0] is None


def test_a_yes_at_great_length_is_a_yes():
    assert deliver(says(b"x" * 1_000_000))[0] is None


REFUSALS = {
    302: "sends callers to another address",
    401: "does not accept",
    404: "Nothing is at this address",
    500: "answered 500",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_any_other_answer_is_said_with_its_status(status):
    problem, asked = deliver(says({"error": "inner words"}, status))
    assert f"127.0.0.1 answered {status}." in str(problem) and REFUSALS[status] in str(problem)
    assert "inner words" not in str(problem) and "hooks" not in str(problem)
    assert problem.answered and len(asked) == 1


def test_a_redirect_is_not_followed():
    elsewhere = Vendor(says({}))
    with on_a_socket(elsewhere) as url:
        problem, _ = deliver(says({}, 307, Location=url))
    assert problem.answered and elsewhere.asked == []


def test_gone_is_final_and_nothing_else_is():
    assert [deliver(says({}, status))[0].final for status in (410, 404, 500)] == [True, False, False]


def test_a_receiver_may_ask_for_time():
    assert deliver(says({}, 503, Retry_After="120"))[0].after == 120


@pytest.mark.parametrize("fault", [RESET, SILENT])
def test_nobody_there_is_said_in_words(fault):
    problem, _ = deliver(fault)
    assert "127.0.0.1" in str(problem) and not problem.answered


def test_a_port_that_nobody_listens_on_is_said_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(webhook.Undelivered, match=r"connection to 127\.0\.0\.1 failed"):
            webhook.deliver(url, BODY, **OPTIONS)


@contextmanager
def a_receiver_that_drips():
    """Sends a letter now and then, for ever: no single wait is long."""
    over = threading.Event()

    def serve(listener):
        with listener.accept()[0] as caller:
            caller.sendall(b"HTTP/1.1 ")
            try:
                while not over.wait(0.05):
                    caller.sendall(b"x")
            except OSError:
                over.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", over
        over.set()
        thread.join()


def test_a_receiver_that_drips_is_cut_off(monkeypatch):
    monkeypatch.setattr(webhook, "LONGEST_ANSWER", 0.5)
    with a_receiver_that_drips() as (url, over):
        began = time.monotonic()
        with pytest.raises(webhook.Undelivered):
            webhook.deliver(url, BODY, **OPTIONS | {"timeouts": (1, 30)})
        assert time.monotonic() - began < 10 and over.wait(10)


# where it may go


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/acme?token=1",
        "https://hooks.example.org:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ],
)
def test_public_addresses_are_fine(url):
    webhook.check_url(url, loopback=False)


INSIDE = [
    "http://hooks.example.org/",
    "https://10.0.0.5/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://[::ffff:10.0.0.5]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a00:5::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://intranet/",
    "https://printer.local/",
    "https://vault.service.internal./",
    "https://user:password@hooks.example.org/",
    "https://hooks.example.org\\@10.0.0.5/",
    "https://hooks.example.org/#part",
    "ftp://hooks.example.org/",
    "https://",
    "https://[",
    "hooks.example.org",
]


@pytest.mark.parametrize("loopback", [True, False])
@pytest.mark.parametrize("url", INSIDE)
def test_addresses_inside_are_refused_wherever_we_run(url, loopback):
    with pytest.raises(ValueError, match=r"."):
        webhook.check_url(url, loopback=loopback)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "https://localhost/", "https://[::1]/", "http://127.9.9.9"]
)
def test_this_machine_is_refused_unless_the_site_allows_it(url):
    webhook.check_url(url, loopback=True)
    with pytest.raises(ValueError, match=r"not on the public internet|plain https"):
        webhook.check_url(url, loopback=False)


def leads_to(*found):
    return lambda host, port, **_: [(2, 1, 6, "", (address, port)) for address in found]


@pytest.mark.parametrize(
    "found", [["10.0.0.5"], ["8.8.8.8", "10.0.0.5"], ["::1"], ["fe80::1%eth0"], ["127.0.0.1"]]
)
def test_a_name_that_leads_inside_is_refused_as_a_whole(monkeypatch, found):
    monkeypatch.setattr(socket, "getaddrinfo", leads_to(*found))
    with pytest.raises(Refused, match=r"not on the public internet"):
        webhook.addresses("hooks.example.org", 443)


def test_a_number_written_oddly_is_looked_up_before_it_is_believed():
    with pytest.raises(Refused, match="not on the public internet"):
        webhook.addresses("0x7f.1", 443)


def test_a_call_goes_to_the_address_that_was_checked_and_is_not_looked_up_again(monkeypatch):
    looked_up = []
    vendor = Vendor(says({}))
    with on_a_socket(vendor) as url:
        port = url.rpartition(":")[2]

        def resolve(host, port):
            looked_up.append(host)
            return ["127.0.0.1"]

        http = Http(f"http://localhost:{port}", resolve=resolve)
        monkeypatch.setattr(socket, "getaddrinfo", _only_numbers(socket.getaddrinfo))
        http.call("POST", "/", form=b"{}")
        http.close()
    assert looked_up == ["localhost"] and headers(vendor.asked[0])["host"] == f"localhost:{port}"


def _only_numbers(getaddrinfo):
    def numeric(host, *args, **more):
        assert host == "127.0.0.1", f"{host} was looked up once more"
        return getaddrinfo(host, *args, **more)

    return numeric


def test_the_second_address_is_taken_when_the_first_does_not_answer():
    vendor = Vendor(says({}))
    with on_a_socket(vendor) as url:
        http = Http(url, resolve=lambda host, port: ["127.0.0.99", "127.0.0.1"])
        assert http.call("POST", "/", form=b"{}").status == 200
        http.close()


def test_a_name_that_is_not_there_is_said_so():
    with pytest.raises(PlatformError, match="cannot be found"):
        webhook.addresses("nobody.invalid", 443)


# secrets


def test_no_secret_shows_in_an_error_its_traceback_or_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    for answer in (says({"echo": SECRET}, 500), RESET, says({}, 302, Location=f"https://x/{SECRET}")):
        problem, [asked] = deliver(answer)
        said = "".join(traceback.format_exception(problem)) + repr(problem) + caplog.text
        assert SECRET not in said and SECRET[6:] not in said
        assert headers(asked)["webhook-signature"] not in said
