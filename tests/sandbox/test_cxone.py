"""CXone's sign-in, host discovery, roles and users."""

import base64
import json

import pytest

from tests.sandbox.conftest import ROLES, USERS, Caller

TOKEN = "/auth/token"


def _claims(answer):
    part = answer.json["id_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _global(sandbox, **fields):
    known = sandbox.credentials("acme")["cxone"]
    form = {
        "grant_type": "password",
        "username": known["access_key_id"],
        "password": known["access_key_secret"],
    }
    caller = Caller(sandbox)
    basic = caller.basic(known["client_id"], known["client_secret"])
    return caller("POST", TOKEN, form=form | fields, HTTP_AUTHORIZATION=basic)


def _map_holders(roles):
    """Names of the roles that hold Adapters/UserMapping/UserMapping:Map."""
    return {
        role["roleName"]
        for role in roles
        for application in role["applications"]
        for feature in application["features"]
        for privilege in feature["privileges"]
        if (application["applicationId"], feature["featureId"], privilege["privilegeId"])
        == ("Adapters", "UserMapping", "UserMapping") and "Map" in privilege["actions"]
    }  # fmt: skip


def test_the_access_key_gives_a_token_that_names_the_tenant(sandbox):
    answer = Caller(sandbox).cxone()
    assert _claims(answer)["tenantId"] == sandbox.worlds["acme"].tenant_id


def test_a_wrong_access_key_is_refused_by_the_gateway(sandbox):
    body = {"accessKeyId": "A", "accessKeySecret": "B"}
    answer = Caller(sandbox)("POST", "/authentication/v1/token/access-key", body)
    assert (answer.status, set(answer.json)) == (401, {"timestamp", "status", "error", "message", "path"})


def test_a_missing_access_key_is_a_bad_request(sandbox):
    assert Caller(sandbox)("POST", "/authentication/v1/token/access-key", {}).status == 400


def test_the_global_password_grant_gives_a_token(sandbox):
    assert _global(sandbox).json["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
    ],
)
def test_a_bad_global_login_says_what_is_wrong(sandbox, fields, error):
    answer = _global(sandbox, **fields)
    assert (answer.status, answer.json["error"]) == (400, error) and answer.json["errorDescription"]


def test_an_unknown_app_is_an_invalid_client(sandbox):
    answer = Caller(sandbox)("POST", TOKEN, form={"grant_type": "password"})
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_a_refused_access_key_gets_no_token(sandbox):
    sandbox.refused_logins.add(("acme", "cxone"))
    assert Caller(sandbox).cxone().status == 401


def test_the_regional_refresh_has_names_of_its_own(sandbox):
    token = Caller(sandbox).cxone().json["refresh_token"]
    answer = Caller(sandbox)("POST", "/public/user/refresh", {"token": token}).json
    assert {"token", "refreshToken", "refreshTokenExpirationTimeSec"} <= set(answer)


def test_the_api_host_is_where_the_question_was_asked(sandbox):
    tenant = sandbox.worlds["acme"].tenant_id
    answer = Caller(sandbox)("GET", f"/.well-known/cxone-configuration?tenantId={tenant}").json
    assert (answer["api_endpoint"], answer["tenantId"]) == ("http://localhost:80", tenant)


def test_an_unknown_tenant_has_no_host(sandbox):
    assert Caller(sandbox)("GET", "/.well-known/cxone-configuration?tenantId=x").status == 404


def test_discovery_names_the_token_endpoint(sandbox):
    answer = Caller(sandbox)("GET", "/.well-known/openid-configuration").json
    assert answer["token_endpoint"] == "http://localhost:80/auth/token"


def test_without_a_token_the_gateway_answers(sandbox):
    answer = Caller(sandbox)("POST", USERS, {})
    assert (answer.status, answer.json["error"], answer.json["path"]) == (401, "Unauthorized", USERS)


def test_a_token_expires(cx, sandbox, clock):
    clock.now += sandbox.token_lifetime
    assert cx("POST", USERS, {}).status == 401


def test_a_ringcentral_token_opens_nothing_here(rc):
    assert rc("POST", USERS, {}).status == 401


def test_every_user_is_read_once(cx):
    users, skip = [], 0
    while part := (answer := cx("POST", USERS, {"skip": skip, "top": 90}).json)["users"]:
        users, skip = users + part, skip + len(part)
    assert len({user["id"] for user in users}) == answer["totalRecords"] == 400


def test_a_page_has_fifty_users_unless_asked_and_a_hundred_at_most(cx):
    sizes = [len(cx("POST", USERS, body).json["users"]) for body in ({}, {"top": 5000})]
    assert sizes == [50, 100]


def test_the_largest_page_can_be_raised(cx, sandbox):
    sandbox.cxone_page = 1000
    assert len(cx("POST", USERS, {"top": 1000}).json["users"]) == 400


def test_statuses_are_filtered(cx):
    users = cx("POST", USERS, {"filter": {"status": ["DELETED", "PENDING"]}}).json["users"]
    assert {user["status"] for user in users} == {"DELETED", "PENDING"}


def test_an_operation_turns_a_filter_round(cx):
    body = {"filter": {"status": ["ACTIVE"]}, "operations": {"status": "NOT"}}
    assert "ACTIVE" not in {user["status"] for user in cx("POST", USERS, body).json["users"]}


def test_users_are_found_by_address_in_any_case(cx, sandbox):
    row = next(sandbox.worlds["acme"].rows("cxone"))
    users = cx("POST", USERS, {"filter": {"emailAddress": [row.email.upper()]}}).json["users"]
    assert [user["id"] for user in users] == [row.id]


def test_like_finds_a_part_of_a_name(cx):
    body = {"filter": {"fullName": ["o'bri"]}, "operations": {"fullName": "LIKE"}, "top": 100}
    names = [user["fullName"] for user in cx("POST", USERS, body).json["users"]]
    assert names and all("O'Brien" in name for name in names)


@pytest.mark.parametrize("field", ["id", "lastName", "emailAddress"])
def test_users_come_in_the_order_asked_for(cx, field):
    users = cx("POST", USERS, {"orderBy": {field: "DESC"}, "top": 100}).json["users"]
    values = [user.get(field, "").lower() for user in users]
    assert values == sorted(values, reverse=True)


def test_only_the_fields_asked_for_are_sent(cx):
    user = cx("POST", USERS, {"fields": ["status"], "top": 1}).json["users"][0]
    assert set(user) == {"id", "status"}


@pytest.mark.parametrize(
    "body", [[], {"top": 0}, {"skip": -1}, {"filter": {"shoe": [1]}}, {"orderBy": {"id": "UP"}}]
)
def test_a_bad_search_is_refused_by_the_user_hub(cx, body):
    answer = cx("POST", USERS, body)
    assert (answer.status, answer.json["entityType"]) == (400, "USER")


def test_some_users_have_no_address(cx, sandbox):
    id = sandbox.worlds["acme"].example("no_email")["cxone"][0]
    assert "emailAddress" not in cx("GET", f"/user-management/v3/users/{id}").json["user"]


def test_an_unknown_user_is_not_found(cx):
    answer = cx("GET", "/user-management/v3/users/nobody")
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")


def test_roles_come_in_pages_counted_from_one(cx):
    pages = [cx("POST", ROLES, {"page": {"pageSize": 6, "pageNo": number}}).json for number in (1, 2, 3)]
    assert [len(page["roles"]) for page in pages] == [6, 5, 0]
    assert {page["page"]["totalRecords"] for page in pages} == {11}


def test_roles_are_filtered_by_status(cx):
    roles = cx("POST", ROLES, {"filter": {"status": ["DRAFT"]}}).json["roles"]
    assert [role["roleName"] for role in roles] == ["Future Agent"]


def test_the_permission_is_held_by_roles_in_force_and_out_of_force(cx):
    holders = _map_holders(cx("POST", ROLES, {}).json["roles"])
    assert {"Agent", "Presence Mapping", "Old Agent", "Future Agent", "Legacy Agent"} <= holders
    assert not holders & {"Evaluator", "Back Office", "Mapping Viewer"}


def test_people_point_at_roles_that_exist(cx):
    known = {role["roleId"] for role in cx("POST", ROLES, {}).json["roles"]}
    users = cx("POST", USERS, {"top": 100}).json["users"]
    assert {id for user in users for id in (user["roleUUID"], *user["secondaryRoleIds"])} <= known


def test_an_unknown_path_is_the_gateways_404(cx):
    assert cx("GET", "/nowhere").json["error"] == "Not Found"
