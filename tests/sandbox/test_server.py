"""The sandbox over a socket, its page, and the door of both."""

import http.client
import json
from urllib.parse import urlencode, urlsplit

import pytest

from tenants.sandbox import serve

PAGE = "/_sandbox/page/"


@pytest.fixture
def running(sandbox):
    with serve(sandbox) as running:
        yield running


@pytest.fixture
def call(running):
    """(method, path, body, headers) → (status, headers, body), on one kept connection."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=5)

    def send(method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, str) else None if body is None else json.dumps(body)
        if body is not None and not isinstance(body, str):
            named.setdefault("Content-Type", "application/json")
        connection.request(method, path, raw, named)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    yield send
    connection.close()


def _form(call, form, origin, **fields):
    headers = {"Content_Type": "application/x-www-form-urlencoded"} | ({"Origin": origin} if origin else {})
    return call("POST", PAGE + form, urlencode(fields), **headers)


def _got(call, path, method="GET", body=None):
    return json.loads(call(method, f"/_sandbox/{path}", body)[2])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_only_loopback_is_served(sandbox, host):
    with pytest.raises(ValueError, match="loopback only"):
        serve(sandbox, host)


def test_a_taken_port_is_an_os_error(sandbox, running):
    with pytest.raises(OSError):
        serve(sandbox, port=running.port)


def test_a_connection_is_kept_for_the_next_request(running):
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=5)
    sockets = []
    for _ in range(2):
        connection.request("GET", "/.well-known/openid-configuration")
        connection.getresponse().read()
        sockets.append(connection.sock)
    connection.close()
    assert sockets[0] is sockets[1] is not None


def test_the_api_host_is_the_servers_own(call, running):
    assert json.loads(call("GET", "/.well-known/cxone-configuration")[2])["api_endpoint"] == running.url


def test_a_reset_reaches_the_client(call, sandbox):
    sandbox.faults.arm("reset")
    with pytest.raises(ConnectionError):
        call("GET", "/.well-known/openid-configuration")


def test_a_truncated_body_reaches_the_client(call, sandbox):
    sandbox.faults.arm("truncated")
    with pytest.raises(http.client.IncompleteRead):
        call("GET", "/.well-known/openid-configuration")


def test_a_closed_server_is_closed(sandbox):
    running = serve(sandbox)
    running.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=5).request("GET", "/")


# -- the page --


def test_the_page_shows_companies_and_credentials(call, sandbox):
    status, headers, body = call("GET", "/")
    assert status == 200 and sandbox.credentials("globex")["ringcentral"]["jwt"] in body.decode()
    assert "default-src 'none'" in headers["Content-Security-Policy"] and b"<script" not in body


def test_the_page_escapes_what_callers_sent(call):
    call("GET", "/%3Cimg%20src=x%3E")
    assert b"<img" not in call("GET", "/")[2]


def test_a_form_arms_a_fault(call, running, sandbox):
    answer = _form(call, "arm", running.url, kind="error503", path="/extension", times="always", at="2")
    rule = next(iter(sandbox.faults))
    assert (answer[0], rule.kind, rule.path, rule.times, rule.at) == (
        303,
        "error503",
        "/extension",
        "always",
        2,
    )


def test_a_form_clears_faults(call, running, sandbox):
    sandbox.faults.arm("reset", path="/never")
    assert (_form(call, "clear", running.url)[0], len(sandbox.faults)) == (303, 0)


def test_a_form_changes_an_address(call, running, sandbox):
    row = next(sandbox.worlds["acme"].rows("cxone"))
    _form(call, "email", running.url, world="acme", side="cxone", id=row.id, email="new@x.org")
    assert sandbox.worlds["acme"].find("cxone", row.id).email == "new@x.org"


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example"])
def test_a_form_of_another_origin_is_refused(call, sandbox, origin):
    assert (_form(call, "arm", origin, kind="reset")[0], len(sandbox.faults)) == (403, 0)


@pytest.mark.parametrize("path", ["/", "/_sandbox/worlds", "/_sandbox/log"])
def test_a_host_that_is_not_loopback_is_refused(call, path):
    assert call("GET", path, Host="evil.example:80")[0] == 403


def test_a_remote_caller_is_refused(rc):
    assert rc("GET", "/_sandbox/worlds", REMOTE_ADDR="10.0.0.7").status == 403


# -- the JSON interface --


def test_worlds_are_listed_with_credentials(call, sandbox):
    worlds = _got(call, "worlds")
    assert [world["name"] for world in worlds] == ["acme", "globex"]
    assert worlds[0]["credentials"] == sandbox.credentials("acme")


def test_rows_and_examples_are_given(call, sandbox):
    rows = _got(call, "worlds/acme/rows?side=ringcentral&count=3")
    assert [row["id"] for row in rows] == [row.id for row in sandbox.worlds["acme"].rows("ringcentral", 0, 3)]
    assert _got(call, "worlds/acme/examples?kind=no_match&limit=2") == sandbox.worlds["acme"].examples(
        "no_match", 2
    )


def test_verbs_change_the_world(call, sandbox):
    world = sandbox.worlds["acme"]
    id = next(world.rows("ringcentral")).id
    _got(call, "worlds/acme/set_email", "POST", {"side": "ringcentral", "id": id, "email": "n@x.org"})
    _got(call, "worlds/acme/disable", "POST", {"extension_id": id})
    assert (world.find("ringcentral", id).email, world.find("ringcentral", id).status) == (
        "n@x.org",
        "Disabled",
    )


def test_people_are_hired_and_given_roles(call, sandbox):
    ids = _got(call, "worlds/acme/hire", "POST", {"given": "Ada", "family": "Lee", "email": "al@x.org"})
    _got(call, "worlds/acme/set_roles", "POST", {"user_id": ids["cxone"], "role": "Evaluator"})
    assert sandbox.worlds["acme"].find("cxone", ids["cxone"]).role == "Evaluator"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("worlds/nowhere/disable", {}, 404),
        ("worlds/acme/explode", {}, 404),
        ("worlds/acme/disable", {"extension_id": "1"}, 404),
        ("worlds/acme/disable", {"who": "1"}, 400),
        ("worlds/acme/hire", {"given": "A", "family": "B", "cxone": {"shoe": 1}}, 400),
        ("faults", {"kind": "plague"}, 400),
        ("settings", {"clock": 1}, 400),
        ("nothing", {}, 404),
    ],
)
def test_mistakes_are_told(call, path, body, status):
    got, _, said = call("POST", f"/_sandbox/{path}", body)
    assert got == status and json.loads(said)["error"]


def test_faults_are_armed_listed_and_cleared(call):
    armed = _got(call, "faults", "POST", {"kind": "error500", "path": "/extension", "times": "always"})
    listed, cleared = _got(call, "faults"), _got(call, f"faults?id={armed['id']}", "DELETE")
    assert ([rule["id"] for rule in listed], cleared) == ([armed["id"]], [])


def test_the_log_is_read_and_cleared(call):
    call("GET", "/.well-known/openid-configuration")
    assert [entry["path"] for entry in _got(call, "log?side=cxone")] == ["/.well-known/openid-configuration"]
    assert _got(call, "log", "DELETE") == []


def test_settings_are_changed(call, sandbox):
    told = _got(call, "settings", "POST", {"limits": True, "token_lifetime": 60, "ringcentral_page": 50})
    assert (sandbox.limits, sandbox.token_lifetime, told["ringcentral_page"]) == (True, 60, 50)


def test_signing_out_ends_sessions(call, rc, sandbox):
    assert _got(call, "sign-out", "POST", {"world": "acme"}) == {"sessions": 0}
    assert rc("GET", "/restapi/v1.0/account/~").status == 401


def test_a_json_change_needs_the_json_type(call):
    assert call("POST", "/_sandbox/faults", '{"kind": "reset"}', Content_Type="text/plain")[0] == 415


def test_a_json_change_from_another_page_is_refused(call):
    assert call("DELETE", "/_sandbox/log", Origin="https://evil.example")[0] == 403
