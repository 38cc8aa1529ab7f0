"""RingCentral's login and directory as the guide describes them."""

import pytest

from tenants.sandbox import World
from tests.sandbox.conftest import ENTRIES, EXTENSIONS, JWT, Caller, ids


def test_every_extension_is_read_once(rc, sandbox):
    found, totals = ids(rc)
    assert len(found) == len(set(found)) == totals[0] == sandbox.worlds["acme"].count("ringcentral")


def test_a_page_has_a_hundred_rows_unless_asked(rc):
    assert len(rc("GET", EXTENSIONS).json["records"]) == 100


def test_a_larger_page_than_allowed_is_cut_to_the_largest(rc):
    assert rc("GET", f"{EXTENSIONS}?perPage=5000").json["paging"]["perPage"] == 1000


def test_a_misspelt_parameter_changes_nothing(rc):
    assert rc("GET", f"{EXTENSIONS}?per_page=7").json["paging"]["perPage"] == 100


def test_beyond_the_last_page_there_are_no_rows(rc):
    answer = rc("GET", f"{EXTENSIONS}?page=99").json
    assert answer["records"] == [] and "pageStart" not in answer["paging"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "perPage=0", "type=Alien", "status=Gone"])
def test_a_bad_parameter_is_named(rc, query):
    answer = rc("GET", f"{EXTENSIONS}?{query}")
    assert (answer.status, answer.json["errors"][0]["errorCode"]) == (400, "CMN-101")
    assert answer.json["errors"][0]["parameterName"] == query.partition("=")[0]


def test_repeated_filters_are_alternatives(rc):
    query = f"{EXTENSIONS}?type=User&type=DigitalUser&status=Enabled&status=Frozen&perPage=1000"
    records = rc("GET", query).json["records"]
    assert {record["type"] for record in records} == {"User", "DigitalUser"}
    assert {record["status"] for record in records} == {"Enabled", "Frozen"}


def test_the_email_filter_ignores_case_and_may_be_repeated(rc, sandbox):
    rows = list(sandbox.worlds["acme"].rows("ringcentral", 0, 2))
    query = "&".join(f"email={row.email.upper()}" for row in rows)
    assert {record["id"] for record in rc("GET", f"{EXTENSIONS}?{query}").json["records"]} >= {
        int(r.id) for r in rows
    }


def test_an_unescaped_plus_finds_nobody(rc, sandbox):
    email = sandbox.worlds["acme"].find("ringcentral", *_one(sandbox, "plus_tag_both")).email
    found = [rc("GET", f"{EXTENSIONS}?email={text}").json["paging"]["totalElements"]
             for text in (email, email.replace("+", "%2B"))]  # fmt: skip
    assert found == [0, 1]


def _one(sandbox, kind):
    return sandbox.worlds["acme"].example(kind)["ringcentral"][:1]


def test_an_unassigned_line_has_no_number(rc):
    records = rc("GET", f"{EXTENSIONS}?status=Unassigned").json["records"]
    assert records and not any("extensionNumber" in record for record in records)


def test_ids_are_numbers_in_the_list_and_texts_in_the_directory(rc):
    assert type(rc("GET", EXTENSIONS).json["records"][0]["id"]) is int
    assert type(rc("GET", ENTRIES).json["records"][0]["id"]) is str


def test_one_extension_is_read_by_id(rc, sandbox):
    id = _one(sandbox, "fax")[0]
    assert rc("GET", f"{EXTENSIONS}/{id}").json["type"] == "FaxUser"


def test_an_unknown_extension_is_missing(rc):
    answer = rc("GET", f"{EXTENSIONS}/42")
    assert (answer.status, answer.json["errors"][0]["errorCode"]) == (404, "CMN-102")


def test_an_unknown_path_is_a_bad_uri(rc):
    assert rc("GET", "/restapi/v1.0/nothing").json["errors"][0]["errorCode"] == "CMN-120"


def test_another_method_is_not_allowed(rc):
    assert rc("POST", EXTENSIONS, {}).status == 405


def test_the_directory_is_not_the_whole_account(rc, sandbox):
    entries = rc("GET", f"{ENTRIES}?perPage=max").json["records"]
    assert {entry["status"] for entry in entries} == {"Enabled", "Disabled", "NotActivated"}
    assert not {entry["type"] for entry in entries} & {"ApplicationExtension", "DigitalUser", "FaxUser"}
    assert not any(entry["hidden"] for entry in entries)


def test_the_search_finds_by_name_and_email(rc, sandbox):
    row = next(sandbox.worlds["acme"].rows("ringcentral"))
    for text in (row.name, row.email[:9].upper()):
        found = rc("POST", f"{ENTRIES}/search", {"searchString": text, "extensionTypes": ["User"]}).json
        assert row.id in [record["id"] for record in found["records"]]


def test_a_bad_search_has_the_directorys_own_code(rc):
    answer = rc("POST", f"{ENTRIES}/search", {"searchFields": ["shoeSize"]})
    assert (answer.status, answer.json["errors"][0]["errorCode"][:4]) == (400, "ADG-")


def test_without_the_scope_the_app_is_told_so(rc, sandbox):
    sandbox.scopes["acme"] = {"ReadPresence"}
    answer = rc("GET", EXTENSIONS)
    assert (answer.status, answer.json["errorCode"]) == (403, "InsufficientPermissions")
    assert answer.json["errors"][0]["errorCode"] == "CMN-401"


def test_without_the_permission_the_user_is_told_so(rc, sandbox):
    sandbox.permissions["acme"] = set()
    assert rc("GET", EXTENSIONS).json["errors"][0]["permissionName"] == "ReadExtensions"


def test_another_account_is_not_found(rc):
    assert rc("GET", "/restapi/v1.0/account/123/extension").json["errors"][0]["errorCode"] == "CMN-102"


# -- login --


@pytest.mark.parametrize(
    ("authorization", "code"),
    [("", "AGW-401"), ("Token x", "AGW-402"), ("Bearer ", "AGW-402"), ("Bearer stranger", "OAU-213")],
)
def test_a_bad_authorization_is_refused_with_its_code(sandbox, authorization, code):
    answer = Caller(sandbox)("GET", EXTENSIONS, HTTP_AUTHORIZATION=authorization)
    assert (answer.status, answer.json["errors"][0]["errorCode"]) == (401, code)


def test_outer_and_inner_code_differ(sandbox):
    answer = Caller(sandbox)("GET", EXTENSIONS, HTTP_AUTHORIZATION="Bearer stranger").json
    assert (answer["errorCode"], answer["errors"][0]["errorCode"]) == ("TokenInvalid", "OAU-213")


def test_a_token_expires(rc, sandbox, clock):
    clock.now += sandbox.token_lifetime
    assert rc("GET", EXTENSIONS).json["errors"][0]["errorCode"] == "OAU-128"


def test_a_cxone_token_opens_nothing_here(cx):
    assert cx("GET", EXTENSIONS).status == 401


def test_a_json_login_is_an_unsupported_media_type(sandbox):
    assert Caller(sandbox)("POST", "/restapi/oauth/token", {"grant_type": JWT}).status == 415


def test_a_wrong_secret_is_an_invalid_client(sandbox):
    known = sandbox.credentials("acme")["ringcentral"]
    caller = Caller(sandbox)
    basic = caller.basic(known["client_id"], "wrong")
    answer = caller("POST", "/restapi/oauth/token", form={"grant_type": JWT}, HTTP_AUTHORIZATION=basic)
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unauthorized_client"),
        ({"grant_type": "magic"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
        ({"assertion": "x.y.z"}, "invalid_grant"),
        ({"assertion": ""}, "invalid_request"),
        ({"access_token_ttl": "5"}, "invalid_request"),
        ({"scope": "EditAccounts"}, "invalid_scope"),
    ],
)
def test_a_bad_login_is_a_400_with_its_error(sandbox, fields, error):
    answer = Caller(sandbox).ringcentral(**fields)
    assert (answer.status, answer.json["error"]) == (400, error)


def test_no_refresh_token_is_given_by_default(rc):
    assert "refresh_token" not in rc.ringcentral().json


def test_refreshing_ends_the_old_token_and_works_once(sandbox):
    sandbox.refresh_tokens = True
    caller = Caller(sandbox)
    first = caller.ringcentral().json
    fields = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert [caller.ringcentral(**fields).status, caller.ringcentral(**fields).status] == [200, 400]
    caller.token = first["access_token"]
    assert caller("GET", EXTENSIONS).status == 401


def test_a_sixth_login_ends_the_oldest_session(sandbox):
    callers = [Caller(sandbox) for _ in range(6)]
    for caller in callers:
        caller.ringcentral()
    assert [caller("GET", EXTENSIONS).status for caller in callers] == [401, 200, 200, 200, 200, 200]


def test_sessions_of_another_company_are_another_matter(rc, sandbox):
    for _ in range(6):
        Caller(sandbox).ringcentral("globex")
    assert rc("GET", EXTENSIONS).status == 200


def test_revoking_ends_the_session(rc, sandbox):
    known = sandbox.credentials("acme")["ringcentral"]
    basic = rc.basic(known["client_id"], known["client_secret"])
    assert (
        rc("POST", "/restapi/oauth/revoke", form={"token": rc.token}, HTTP_AUTHORIZATION=basic).status == 200
    )
    assert rc("GET", EXTENSIONS).status == 401


def test_a_refused_login_is_an_invalid_grant(sandbox):
    sandbox.refused_logins.add(("acme", "ringcentral"))
    assert Caller(sandbox).ringcentral().json["error"] == "invalid_grant"


def test_the_token_decides_which_company_answers(rc, sandbox):
    rc.ringcentral("globex")
    total = rc("GET", EXTENSIONS).json["paging"]["totalElements"]
    assert total == World(40, 2, name="globex").count("ringcentral")
