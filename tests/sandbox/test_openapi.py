"""Every kind of RingCentral answer against RingCentral's own OpenAPI description.

The description is not part of this project: name the file in RINGCENTRAL_OPENAPI.
"""

import json
import os
from pathlib import Path

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.sandbox.conftest import ENTRIES, EXTENSIONS, Caller

_FILE = os.environ.get("RINGCENTRAL_OPENAPI", "")
pytestmark = pytest.mark.skipif(not _FILE, reason="RINGCENTRAL_OPENAPI names no file")
TOKEN = "/restapi/oauth/token"
ACCOUNT = "/restapi/v1.0/account/{accountId}"
LIST, LISTED = f"{ACCOUNT}/extension", f"{ACCOUNT}/directory/entries"
ONE, SEARCH = f"{LIST}/{{extensionId}}", f"{LISTED}/search"


@pytest.fixture(scope="module")
def description():
    return json.loads(Path(_FILE).read_text())


@pytest.fixture(scope="module")
def faults_of(description):
    """Complaints about an answer: (answer, path, method) → list of messages; an undeclared status is one."""
    registry = Registry().with_resource("urn:rc", DRAFT4.create_resource(description))

    def check(answer, path, method="get"):
        declared = description["paths"][path][method]["responses"].get(str(answer.status))
        if declared is None:
            return [f"{answer.status} is not declared"]
        if "$ref" in declared:
            declared = description["components"]["responses"][declared["$ref"].rpartition("/")[2]]
        if "content" not in declared:
            return []
        schema = json.loads(
            json.dumps(declared["content"]["application/json"]["schema"]).replace('"#/', '"urn:rc#/')
        )
        validator = OAS30Validator(schema, registry=registry, format_checker=oas30_format_checker)
        return [
            f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(answer.json)
        ]

    return check


@pytest.mark.parametrize(
    "query", ["", "?perPage=1000", "?page=3", "?page=99", "?email=nobody@x", "?type=Room"]
)
def test_the_extension_list_is_valid(rc, faults_of, query):
    assert faults_of(rc("GET", EXTENSIONS + query), LIST) == []


def test_every_extension_is_valid(rc, sandbox, faults_of):
    for row in sandbox.worlds["globex"].rows("ringcentral"):
        rc.ringcentral("globex")
        assert faults_of(rc("GET", f"{EXTENSIONS}/{row.id}"), ONE) == []


def test_the_account_is_valid(rc, faults_of):
    assert faults_of(rc("GET", "/restapi/v1.0/account/~"), ACCOUNT) == []


@pytest.mark.parametrize(
    "query", ["", "?perPage=max", "?perPage=all", "?typeGroup=User", "?showFederated=false"]
)
def test_the_directory_is_valid(rc, faults_of, query):
    assert faults_of(rc("GET", ENTRIES + query), LISTED) == []


@pytest.mark.parametrize(
    "body", [{}, {"searchString": "a"}, {"searchString": "zz zz"}, {"extensionType": "User"}]
)
def test_the_search_is_valid(rc, faults_of, body):
    assert faults_of(rc("POST", f"{ENTRIES}/search", body), SEARCH, "post") == []


def test_the_token_is_valid(sandbox, faults_of):
    assert faults_of(Caller(sandbox).ringcentral(), TOKEN, "post") == []


def test_the_token_with_a_refresh_token_is_valid(sandbox, faults_of):
    sandbox.refresh_tokens = True
    assert faults_of(Caller(sandbox).ringcentral(), TOKEN, "post") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": "password"},
        {"grant_type": "magic"},
        {"assertion": ""},
        {"assertion": "x"},
        {"scope": "Fax"},
    ],
)
def test_refused_logins_are_valid(sandbox, faults_of, fields):
    assert faults_of(Caller(sandbox).ringcentral(**fields), TOKEN, "post") == []


def test_an_unknown_app_is_valid(sandbox, faults_of):
    answer = Caller(sandbox)("POST", TOKEN, form={"grant_type": "x"})
    assert answer.status == 401 and faults_of(answer, TOKEN, "post") == []


def test_a_json_login_is_declared(sandbox, faults_of):
    assert faults_of(Caller(sandbox)("POST", TOKEN, {}), TOKEN, "post") == []


def test_revoking_is_valid(rc, sandbox, faults_of):
    known = sandbox.credentials("acme")["ringcentral"]
    basic = rc.basic(known["client_id"], known["client_secret"])
    for form in ({"token": rc.token}, {"token": ""}):
        answer = rc("POST", "/restapi/oauth/revoke", form=form, HTTP_AUTHORIZATION=basic)
        assert faults_of(answer, "/restapi/oauth/revoke", "post") == []


@pytest.mark.parametrize("query", ["page=0", "type=Alien", "status=x", "perPage=many"])
def test_bad_parameters_are_valid(rc, faults_of, query):
    assert faults_of(rc("GET", f"{EXTENSIONS}?{query}"), LIST) == []


@pytest.mark.parametrize("query", ["page=0", "perPage=many"])
def test_bad_parameters_of_the_directory_are_valid(rc, faults_of, query):
    assert faults_of(rc("GET", f"{ENTRIES}?{query}"), LISTED) == []


@pytest.mark.parametrize("token", ["", "stranger"])
def test_a_missing_or_unknown_token_is_valid(sandbox, faults_of, token):
    caller = Caller(sandbox)
    caller.token = token
    assert faults_of(caller("GET", EXTENSIONS), LIST) == []


def test_an_expired_token_is_valid(rc, clock, faults_of):
    clock.now += 9999
    assert faults_of(rc("GET", EXTENSIONS), LIST) == []


def test_a_missing_scope_and_permission_are_valid(rc, sandbox, faults_of):
    sandbox.permissions["acme"] = ()
    complaints = faults_of(rc("GET", EXTENSIONS), LIST)
    sandbox.scopes["acme"] = ()
    assert complaints + faults_of(rc("GET", EXTENSIONS), LIST) == []


def test_a_true_refusal_for_rate_is_valid(rc, sandbox, faults_of):
    sandbox.limits, sandbox.limit_factor = True, 0.01
    answers = [rc("GET", EXTENSIONS), rc("GET", EXTENSIONS)]
    assert answers[1].status == 429 and [text for answer in answers for text in faults_of(answer, LIST)] == []


@pytest.mark.parametrize("kind", ["unauthorized", "forbidden", "throttled", "error500", "error503"])
@pytest.mark.parametrize(("path", "declared"), [(EXTENSIONS, LIST), (ENTRIES, LISTED)])
def test_armed_errors_are_valid(rc, sandbox, faults_of, kind, path, declared):
    sandbox.faults.arm(kind)
    assert faults_of(rc("GET", path), declared) == []


@pytest.mark.parametrize("kind", ["repeated_page", "drift", "silent_drift", "empty", "half", "other_account"])
def test_spoilt_lists_are_valid(rc, sandbox, faults_of, kind):
    sandbox.faults.arm(kind)
    assert faults_of(rc("GET", f"{EXTENSIONS}?page=2"), LIST) == []


def test_the_checker_does_find_faults(rc, sandbox, faults_of):
    sandbox.faults.arm("garbage")
    assert faults_of(rc("GET", EXTENSIONS), LIST)


def test_the_checker_checks_formats(rc, sandbox, faults_of):
    row = next(sandbox.worlds["acme"].rows("ringcentral"))
    sandbox.worlds["acme"].set_email("ringcentral", row.id, "no address")
    assert "email" in faults_of(rc("GET", EXTENSIONS), LIST)[0]
