"""CXone's client against answers that the sandbox is too honest to give."""

import base64
import json

import pytest

from tenants.platforms.cxone import TOP, Cxone
from tenants.platforms.errors import BadAnswer, PlatformError, Refused, TryLater
from tenants.platforms.http import Http
from tenants.platforms.records import UNKNOWN_TOTAL, CxoneUser, Drifted, Role
from tenants.platforms.tokens import MemoryTokens
from tests.platforms.stage import Clock, Vendor, says
from tests.wsgi import wsgi_session

KEYS = {"access_key_id": "key", "access_key_secret": "s3cret-key"}
APP = KEYS | {"client_id": "app", "client_secret": "s3cret-app"}
API = "https://api-na1.niceincontact.com"
FOUND = says({"api_endpoint": f"{API}/", "area": "na1"})
ROLES = "/authorization/v1/roles/search"
USERS = "/user-management/v2/users/search"


def jwt(**claims):
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJh.{middle}.c2ln"


def login(token="tok3n", **more):
    return says({"access_token": token, "expires_in": 3600, "id_token": jwt(tenantId="t-1")} | more)


def user(number, **more):
    return {"id": f"u{number}", "userName": f"user{number}", "emailAddress": f"u{number}@x.example"} | more


def users(*rows, total=None):
    return says({"users": list(rows)} | ({} if total is None else {"totalRecords": total}))


def role(number, **more):
    return {"roleId": f"r{number}", "roleName": f"Role {number}", "status": "ACTIVE"} | more


def roles(*rows, total=None):
    return says({"roles": list(rows)} | ({} if total is None else {"page": {"totalRecords": total}}))


def client_of(*answers, base_url="https://na1.nice-incontact.com", credentials=KEYS):
    vendor, clock = Vendor(*answers), Clock()
    http = Http(base_url, session=wsgi_session(vendor), wait=clock.wait, clock=clock)
    client = Cxone(base_url=base_url, credentials=credentials, tokens=MemoryTokens(), http=http, key="acme")
    client.vendor = vendor
    return client


# --- signing in and finding the host


def test_an_access_key_alone_signs_in_regionally():
    client = client_of(login(), FOUND, users(user(1), total=1))
    client.users()
    asked = client.vendor.asked[0]
    assert asked.path == "/authentication/v1/token/access-key"
    assert asked.json == {"accessKeyId": "key", "accessKeySecret": "s3cret-key"}


def test_with_a_client_id_the_global_sign_in_is_used():
    client = client_of(login(), FOUND, users(user(1), total=1), credentials=APP)
    client.users()
    asked = client.vendor.asked[0]
    assert (asked.path, asked.headers["AUTHORIZATION"]) == ("/auth/token", "Basic YXBwOnMzY3JldC1hcHA=")
    assert asked.form == {"grant_type": ["password"], "username": ["key"], "password": ["s3cret-key"]}


def test_the_host_of_the_api_is_discovered_for_the_tenant_and_used():
    client = client_of(login(), FOUND, users(user(1), total=1))
    client.users()
    found, read = client.vendor.asked[1:]
    assert (found.path, found.query) == ("/.well-known/cxone-configuration", "tenantId=t-1")
    assert (read.headers["HOST"], read.headers["AUTHORIZATION"]) == (API[8:], "Bearer tok3n")


def test_the_host_is_discovered_once():
    client = client_of(login(), FOUND, users(user(1), total=1))
    client.users()
    client.users()
    assert client.vendor.paths().count("/.well-known/cxone-configuration") == 1


@pytest.mark.parametrize("token", [None, "", "opaque", "a.b.c", "a.!!!.c", f"a.{'W1td'}.c"])
def test_without_a_readable_token_the_regional_host_is_asked_without_a_tenant(token):
    client = client_of(login(id_token=token), FOUND, users(user(1), total=1))
    client.users()
    assert client.vendor.asked[1].query == ""


def test_the_tenant_may_be_in_the_access_token():
    client = client_of(login(jwt(tenantId="t-2"), id_token=None), FOUND, users(user(1), total=1))
    client.users()
    assert client.vendor.asked[1].query == "tenantId=t-2"


def test_without_discovery_the_cluster_tells_the_host():
    client = client_of(login(id_token=jwt(icClusterId="c14")), says({}, 404), users(user(1), total=1))
    client.users()
    assert client.vendor.asked[2].headers["HOST"] == "api-c14.nice-incontact.com"


@pytest.mark.parametrize(
    "url", ["https://evil.example", "http://api-na1.niceincontact.com", "niceincontact.com"]
)
def test_a_discovered_host_that_is_not_the_vendors_gets_no_token(url):
    client = client_of(login(), says({"api_endpoint": url}), users(user(1), total=1))
    with pytest.raises(Refused):
        client.users()
    assert len(client.vendor.asked) == 2
    assert client_of(login(), says({"api_endpoint": url})).check()[-1].step == "Sign in"


@pytest.mark.parametrize("life", [None, "3600", "soon", 3600])
def test_a_life_that_is_not_told_in_numbers_is_an_hour(life):
    client = client_of(login(expires_in=life), FOUND, users(user(1), total=1))
    client.users()
    client.users()
    assert client.vendor.paths().count("/authentication/v1/token/access-key") == 1


def test_a_401_signs_in_once_more_and_goes_on():
    client = client_of(login(), FOUND, says({}, 401), login("other"), FOUND, users(user(1), total=1))
    assert len(client.users()) == 1
    assert client.vendor.asked[5].headers["AUTHORIZATION"] == "Bearer other"


def test_a_second_401_is_the_end():
    client = client_of(login(), FOUND, says({}, 401), login("other"), FOUND, says({}, 401))
    with pytest.raises(Refused):
        client.users()
    assert client.http.requests == 6


def test_a_403_does_not_sign_in_again():
    client = client_of(login(), FOUND, says({}, 403))
    with pytest.raises(Refused, match="may not read users"):
        client.users()
    assert client.http.requests == 3


@pytest.mark.parametrize("keys", [KEYS, APP], ids=["regional", "global"])
def test_a_sign_in_is_tried_twice_and_not_more(keys):
    client = client_of(says({}, 503), credentials=keys)
    with pytest.raises(TryLater):
        client.users()
    assert client.http.requests == 2


# --- users


def test_a_full_record_becomes_a_user():
    full = user(1, displayName="Ann Lee", status="ACTIVE", roleUUID="r1", secondaryRoleIds=["r2", "r1", "r3"])
    read = client_of(login(), FOUND, users(full | {"teamId": "t9"}, total=1)).users()
    assert read == [
        CxoneUser("u1", "user1", "Ann Lee", "u1@x.example", "ACTIVE", ("r1", "r2", "r3"), "t9"),
    ]


def test_the_barest_record_becomes_a_user_without_anything():
    assert client_of(login(), FOUND, users({"id": "u1"}, total=1)).users() == [
        CxoneUser("u1", "", "", "", "", ()),
    ]


@pytest.mark.parametrize("email", [None, ""])
def test_a_user_without_an_address_has_none(email):
    assert client_of(login(), FOUND, users(user(1, emailAddress=email), total=1)).users()[0].email == ""


def test_an_address_that_is_not_verified_yet_does_not_count():
    changing = user(1, emailAddress="old@x.example", emailToBeVerified="new@x.example")
    assert client_of(login(), FOUND, users(changing, total=1)).users()[0].email == "old@x.example"


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ({"displayName": "D", "fullName": "F", "firstName": "A"}, "D"),
        ({"displayName": "", "fullName": "F", "firstName": "A"}, "F"),
        ({"firstName": "A", "lastName": "B"}, "A B"),
        ({"lastName": "B"}, "B"),
        ({}, "user1"),
    ],
)
def test_the_best_name_there_is_is_taken(names, name):
    assert client_of(login(), FOUND, users(user(1, **names), total=1)).users()[0].name == name


def test_impersonated_users_are_left_out_but_count_for_the_proof():
    client = client_of(login(), FOUND, users(user(1), user(2, impersonated=True), total=2))
    assert [one.id for one in client.users()] == ["u1"]
    assert next(client.pages()).left_out == ["u2"]


def served(count, cap=TOP, said=True):
    """Answers any page of `count` users, at most `cap` at a time."""

    def answer(asked):
        skip = asked.json["skip"]
        rows = [user(n) for n in range(count)][skip : skip + min(cap, asked.json["top"])]
        return users(*rows, total=count if said else None)

    return answer


@pytest.mark.parametrize("said", [True, False], ids=["total told", "total not told"])
@pytest.mark.parametrize("cap", [100, 40, 1000])
@pytest.mark.parametrize("count", [1, 40, 99, 100, 101, 240])
def test_all_users_are_read_whatever_the_server_gives_at_a_time(count, cap, said):
    client = client_of(login(), FOUND, served(count, cap, said))
    assert len({one.id for one in client.users()}) == count


def test_pages_follow_the_rows_that_came():
    client = client_of(login(), FOUND, served(100, cap=40))
    list(client.pages())
    assert [asked.json["skip"] for asked in client.vendor.asked[2:]] == [0, 40, 80]


def test_a_reading_goes_on_from_a_later_page_with_the_size_of_the_first():
    client = client_of(login(), FOUND, served(100, cap=40))
    assert [(page.number, len(page.rows)) for page in client.pages(start=2)] == [(2, 40), (3, 20)]
    assert [asked.json["skip"] for asked in client.vendor.asked[2:]] == [0, 40, 80]


def test_without_a_total_only_the_end_tells_it():
    client = client_of(login(), FOUND, served(50, cap=40, said=False))
    assert [(page.total, page.last) for page in client.pages()] == [(UNKNOWN_TOTAL, False), (50, True)]


def test_users_are_asked_for_in_an_order():
    client = client_of(login(), FOUND, served(1))
    client.users()
    assert client.vendor.asked[2].json["orderBy"] == {"userName": "ASC"}


@pytest.mark.parametrize("nothing", [users(total=0), users(), says({"users": None})])
def test_an_empty_list_of_users_is_not_believed(nothing):
    with pytest.raises(BadAnswer, match="shows no users"):
        client_of(login(), FOUND, nothing).users()


def test_a_drift_is_read_again():
    drift = [users(user(1), total=3), users(user(2), total=2)]
    client = client_of(login(), FOUND, *drift, *drift, served(3))
    assert len(client.users()) == 3


def test_a_drift_that_does_not_end_is_refused_after_three_reads():
    client = client_of(login(), FOUND, *[users(user(1), total=2), users(user(1), total=2)] * 3)
    with pytest.raises(Drifted):
        client.users()
    assert client.http.requests == 2 + 3 * 2


def test_half_a_directory_is_not_believed():
    with pytest.raises(Drifted):
        client_of(login(), FOUND, *[users(user(1), total=2), users(total=2)] * 3).users()


# --- roles

MAP = {"privilegeId": "UserMapping", "actions": ["View", "Map"]}
ADAPTERS = {"applicationId": "Adapters", "features": [{"featureId": "UserMapping", "privileges": [MAP]}]}


def test_permissions_are_spelled_application_feature_privilege_action():
    read = client_of(login(), FOUND, roles(role(1, applications=[ADAPTERS]), total=1)).roles()
    spelled = {"Adapters/UserMapping/UserMapping:View", "Adapters/UserMapping/UserMapping:Map"}
    assert read == [Role("r1", "Role 1", True, frozenset(spelled))]


def test_a_privilege_right_under_its_application_and_a_plain_permission_are_kept():
    flat = {"applicationId": "ACD", "privileges": [{"privilegeId": "Agent", "actions": ["On"]}]}
    said = role(1, applications=[flat], permissions=[{"permission": "plain"}, {"permission": None}])
    assert client_of(login(), FOUND, roles(said, total=1)).roles()[0].permissions == {"ACD/Agent:On", "plain"}


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("ACTIVE", True),
        (None, True),
        ("INACTIVE", False),
        ("DRAFT", False),
        ("DELETED", False),
        ("NEW", False),
    ],
)
def test_only_an_active_role_is_active(status, active):
    read = client_of(login(), FOUND, roles(role(1, status=status), total=1)).roles()
    assert read[0].active is active


def role_server(count, first, said=True):
    """Answers any page of `count` roles; its pages count from `first`."""

    def answer(asked):
        page = asked.json["page"]
        at = max(0, page.get("pageNo", first) - first) * page["pageSize"]
        rows = [role(n) for n in range(count)][at : at + page["pageSize"]]
        return roles(*rows, total=count if said else None)

    return answer


@pytest.mark.parametrize("said", [True, False], ids=["total told", "total not told"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [1, 100, 101, 250])
def test_all_roles_are_read_whether_pages_count_from_0_or_1(count, first, said):
    assert len(client_of(login(), FOUND, role_server(count, first, said)).roles()) == count


def test_a_server_that_does_not_page_roles_is_no_endless_loop():
    rows = [role(n) for n in range(150)]
    client = client_of(login(), FOUND, roles(*rows))
    assert (len(client.roles()), client.http.requests) == (150, 5)


def test_roles_that_stay_fewer_than_announced_are_refused():
    client = client_of(login(), FOUND, roles(role(1), total=5))
    with pytest.raises(Drifted, match="announced 5 roles, but 1 came"):
        client.roles()
    assert client.http.requests == 2 + 3 * 3


def test_no_roles_are_not_believed():
    with pytest.raises(BadAnswer, match="shows no roles"):
        client_of(login(), FOUND, roles(total=0)).roles()


# --- check

SEEN = (
    roles(role(1, applications=[ADAPTERS]), role(2), total=2),
    users(user(1), user(2, emailAddress=""), total=2),
)
WRONG = {
    "does not accept the access key": [says({"error": "invalid", "errorDescription": "d"}, 401)],
    "the user it belongs to is inactive": [says({"error": "invalid_grant"}, 400)],
    "This is the wrong host": [says(b"<html>welcome")],
    "CXone does not answer there": [says(b"", 404)],
    "wrong host: it sends callers": [says({}, 302, Location="https://elsewhere.example")],
    "does not say at which host": [login(), says({}, 404)],
    "wrong host: evil.example": [login(), says({"api_endpoint": "https://evil.example"})],
    "may not read roles": [login(), FOUND, says({}, 403), SEEN[1]],
    "shows no roles": [login(), FOUND, roles(total=0), SEEN[1]],
    "may not read users": [login(), FOUND, SEEN[0], says({}, 403)],
    "shows no users": [login(), FOUND, SEEN[0], users(total=0)],
    "Try again in 999 seconds": [says({}, 429, Retry_After="999")],
}


@pytest.mark.parametrize("words", WRONG)
def test_a_check_says_in_words_what_is_wrong(words):
    bad = [finding for finding in client_of(*WRONG[words]).check() if not finding.ok]
    assert words in bad[0].text


def test_a_wrong_app_is_told_from_a_wrong_key():
    findings = client_of(says({}, 401), credentials=APP).check()
    assert "client ID and secret" in findings[0].text


def test_a_check_of_a_good_connection_says_what_is_seen():
    texts = [finding.text for finding in client_of(login(), FOUND, *SEEN).check()]
    assert API in texts[0]
    assert texts[1:] == [
        "2 roles are visible.",
        "2 users are visible; of the first 2, 1 have an e-mail address.",
    ]


def test_a_check_names_the_roles_with_the_permission():
    findings = client_of(login(), FOUND, *SEEN).check("Adapters/UserMapping/UserMapping:Map")
    assert (findings[1].ok, findings[1].text.endswith("is in: Role 1.")) == (True, True)


def test_a_permission_that_no_role_has_is_found_out_and_the_check_goes_on():
    findings = client_of(login(), FOUND, *SEEN).check("Adapters/Nothing:Map")
    assert [finding.ok for finding in findings] == [True, False, True]
    assert "Auto Sync would skip everyone" in findings[1].text


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
@pytest.mark.parametrize("at", [0, 2])
def test_no_secret_comes_back_in_a_finding(status, at):
    echo = f"{APP}{' tok3n' * at}"  # before the sign-in there is no token yet
    said = says({"error": echo, "errorDescription": echo}, status, Retry_After="999")
    answers = [login(), FOUND, *[said] * 4, login(), FOUND, said]
    text = repr(client_of(*(answers if at else [said]), credentials=APP).check())
    assert not any(secret in text for secret in ("s3cret", "tok3n"))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (says({}, 403), Refused),
        (says({}, 429, Retry_After="9999"), TryLater),
        (says({}, 500), TryLater),
        (says(b"half", Content_Length="99"), TryLater),
        (says(b"<html>"), BadAnswer),
        (says({"users": [{}], "roles": [{}]}), BadAnswer),
        (says({}), BadAnswer),
        (says(b"", 204), BadAnswer),
        (says(b'{"users":['), BadAnswer),
    ],
)
@pytest.mark.parametrize("verb", ["users", "roles"])
def test_every_fault_becomes_one_of_our_errors(fault, error, verb):
    with pytest.raises(PlatformError) as caught:
        getattr(client_of(login(), FOUND, fault), verb)()
    assert type(caught.value) is error
