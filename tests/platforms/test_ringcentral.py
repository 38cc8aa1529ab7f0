"""RingCentral's client against answers that the sandbox is too honest to give."""

import json

import pytest

from tenants.platforms.errors import BadAnswer, PlatformError, Refused, TryLater
from tenants.platforms.http import Http
from tenants.platforms.records import UNKNOWN_TOTAL, Account, AccountState, Drifted
from tenants.platforms.ringcentral import BRANDS, HOSTS, PEOPLE, RingCentral
from tenants.platforms.tokens import MemoryTokens
from tests.platforms.stage import Clock, Vendor, says
from tests.wsgi import wsgi_session

KEYS = {"client_id": "app", "client_secret": "s3cret-app", "jwt": "eyJhbGciOi.s3cret-jwt.sig"}
LIST = "/restapi/v1.0/account/~/extension"


def login(token="tok3n", **more):
    return says({"access_token": token, "expires_in": 3600, "scope": "ReadAccounts Other", **more})


def row(number, **more):
    return {
        "id": number,
        "type": "User",
        "status": "Enabled",
        "contact": {"email": f"p{number}@x.example"},
    } | more


def page(*rows, **paging):
    return says({"records": list(rows), "paging": {"perPage": 2, **paging}})


def client_of(*answers, base_url="http://127.0.0.1", credentials=KEYS):
    vendor, clock = Vendor(*answers), Clock()
    http = Http(base_url, session=wsgi_session(vendor), wait=clock.wait, clock=clock)
    client = RingCentral(
        base_url=base_url, credentials=credentials, tokens=MemoryTokens(), http=http, key="acme"
    )
    client.vendor = vendor
    return client


def test_the_sign_in_is_what_the_guide_asks_for():
    client = client_of(login(), page(row(1), totalElements=1))
    client.accounts()
    asked = client.vendor.asked[0]
    assert (asked.method, asked.path) == ("POST", "/restapi/oauth/token")
    assert asked.headers["AUTHORIZATION"] == "Basic YXBwOnMzY3JldC1hcHA="
    assert asked.form["assertion"] == [KEYS["jwt"]]
    assert asked.form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


def test_the_list_is_asked_for_with_a_bearer_and_large_pages():
    client = client_of(login(), page(row(1), totalElements=1))
    client.accounts()
    asked = client.vendor.asked[1]
    assert (asked.path, asked.query) == (LIST, "page=1&perPage=1000")
    assert asked.headers["AUTHORIZATION"] == "Bearer tok3n"


def test_credentials_are_taken_without_the_blanks_around_them():
    pasted = {name: f" {value}\n" for name, value in KEYS.items()}
    client = client_of(login(), page(row(1), totalElements=1), credentials=pasted)
    client.accounts()
    assert client.vendor.asked[0].form["assertion"] == [KEYS["jwt"]]


def test_a_full_record_becomes_an_account():
    contact = {"email": "Ann@x.example", "businessPhone": "+1", "department": "Sales", "firstName": "A"}
    full = row(7, name="Ann Lee", extensionNumber="101", contact=contact)
    assert client_of(login(), page(full, totalElements=1)).accounts() == [
        Account(
            "7",
            "Ann Lee",
            "Ann@x.example",
            "101",
            "User",
            "Enabled",
            True,
            AccountState.ENABLED,
            "Sales",
            "+1",
        )
    ]


def test_the_barest_record_becomes_nobody_who_could_be_mapped():
    bare = client_of(login(), page({"id": 7}, totalElements=1)).accounts()
    assert bare == [Account("7", "", "", "", "Unknown", "Unknown", False, AccountState.DISABLED)]


def test_nulls_are_as_good_as_nothing():
    nulls = {"id": 7, "name": None, "type": None, "status": None, "contact": None, "extensionNumber": None}
    assert client_of(login(), page(nulls, totalElements=1)).accounts()[0].email == ""


def test_a_name_is_made_of_the_contact_when_there_is_no_other():
    named = row(7, contact={"firstName": "Ann", "lastName": "Lee"})
    assert client_of(login(), page(named, totalElements=1)).accounts()[0].name == "Ann Lee"


@pytest.mark.parametrize(
    "type", [*sorted(PEOPLE), "Department", "Room", "Limited", "Bot", "InventedTomorrow"]
)
def test_every_type_is_kept_and_only_people_are_people(type):
    account = client_of(login(), page(row(7, type=type), totalElements=1)).accounts()[0]
    assert (account.type, account.is_person) == (type, type in PEOPLE)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Enabled", AccountState.ENABLED),
        ("NotActivated", AccountState.NOT_ACTIVATED),
        ("Disabled", AccountState.DISABLED),
        ("Frozen", AccountState.DISABLED),
        ("Unassigned", AccountState.DISABLED),
        ("InventedTomorrow", AccountState.DISABLED),
    ],
)
def test_every_status_is_kept_and_only_enabled_is_a_candidate(status, state):
    account = client_of(login(), page(row(7, status=status), totalElements=1)).accounts()[0]
    assert (account.status, account.state) == (status, state)
    assert account.is_candidate == (status == "Enabled")


def test_pages_follow_the_size_that_comes_back():
    client = client_of(
        login(), page(row(1), row(2), page=1, totalElements=3), page(row(3), page=2, totalElements=3)
    )
    assert [p.last for p in client.pages()] == [False, True]


def test_a_reading_goes_on_from_a_later_page():
    client = client_of(login(), page(row(3), page=2, totalElements=3))
    assert [(p.number, p.total, p.last) for p in client.pages(start=2)] == [(2, 3, True)]


def test_the_last_page_may_be_full():
    client = client_of(login(), page(row(1), row(2), totalElements=4), page(row(3), row(4), totalElements=4))
    assert [p.last for p in client.pages()] == [False, True]


def test_without_a_total_the_number_of_pages_tells_the_last_one():
    client = client_of(login(), page(row(1), row(2), totalPages=2), page(row(3), totalPages=2))
    assert [(p.total, p.last) for p in client.pages()] == [(UNKNOWN_TOTAL, False), (3, True)]


@pytest.mark.parametrize("rest", [[row(3)], []])
def test_without_any_total_a_page_that_is_not_full_is_the_last(rest):
    client = client_of(login(), page(row(1), row(2)), page(*rest))
    assert [(p.total, p.last) for p in client.pages()] == [(UNKNOWN_TOTAL, False), (2 + len(rest), True)]


def test_without_totals_two_reads_must_agree():
    read = [page(row(1), row(2)), page(row(3))]
    client = client_of(login(), *read, *read)
    assert (len(client.accounts()), client.http.requests) == (3, 5)


def test_without_totals_a_row_that_got_lost_is_noticed():
    client = client_of(
        login(), page(row(1), row(2)), page(row(4)), *[page(row(1), row(2)), page(row(3), row(4)), page()] * 2
    )
    assert [account.id for account in client.accounts()] == ["1", "2", "3", "4"]


def test_a_directory_without_paging_is_one_page():
    assert len(client_of(login(), says({"records": [row(1)]})).accounts()) == 1


@pytest.mark.parametrize("read", ["accounts", "pages"])
def test_an_empty_directory_is_not_believed(read):
    client = client_of(login(), page(totalElements=0))
    with pytest.raises(BadAnswer, match="shows no users"):
        list(getattr(client, read)())


def drifting():
    return [page(row(1), row(2), totalElements=4), page(row(3), row(4), totalElements=3)]


def test_a_drift_is_read_again():
    whole = [page(row(1), row(2), totalElements=3), page(row(3), totalElements=3)]
    assert len(client_of(login(), *drifting(), *drifting(), *whole).accounts()) == 3


def test_a_drift_that_does_not_end_is_refused_after_three_reads():
    client = client_of(login(), *drifting(), *drifting(), *drifting())
    with pytest.raises(Drifted, match="changed size"):
        client.accounts()
    assert client.http.requests == 1 + 3 * 2


@pytest.mark.parametrize(
    "second",
    [
        page(row(1), row(2), totalElements=4),
        page(row(3), totalElements=4),
        page(row(3), row(4), page=1, totalElements=4),
        page(row(3), row(4), perPage=3, totalElements=4),
        page(totalElements=4),
    ],
    ids=["repeated rows", "a row short", "another page", "another size", "nothing"],
)
def test_a_second_page_that_does_not_fit_is_refused(second):
    client = client_of(login(), *[page(row(1), row(2), totalElements=4), second] * 3)
    with pytest.raises(Drifted):
        client.accounts()


def test_a_total_beyond_all_reason_does_not_go_on_for_ever():
    client = client_of(login(), *[page(row(1), row(2), totalElements=10**15), page(totalElements=10**15)] * 3)
    with pytest.raises(Drifted):
        client.accounts()


def test_navigation_is_never_followed():
    lure = {"nextPage": {"uri": "https://evil.example/"}}
    body = {"records": [row(1)], "paging": {"perPage": 1, "totalElements": 2}, "navigation": lure}
    client = client_of(login(), says(body), page(row(2), perPage=1, totalElements=2))
    client.accounts()
    assert client.vendor.paths()[1:] == [LIST, LIST]


# --- look-up and search


def one_each(asked):
    emails = asked.query.count("email=")
    return page(*[row(n) for n in range(emails)], perPage=1000, totalElements=emails)


def test_a_plus_address_is_quoted_on_the_wire():
    client = client_of(login(), page(totalElements=0))
    client.lookup(["ann+work@x.example"])
    assert "email=ann%2Bwork%40x.example" in client.vendor.asked[1].query


@pytest.mark.parametrize(("count", "length", "calls"), [(0, 20, 0), (50, 20, 1), (51, 20, 2), (50, 250, 3)])
def test_a_lookup_asks_in_as_few_calls_as_fit(count, length, calls):
    client = client_of(login(), one_each)
    client.lookup([f"{n:03}@".ljust(length, "x") for n in range(count)])
    queries = [asked.query for asked in client.vendor.asked[1:]]
    assert len(queries) == calls
    assert all(len(query) < 6100 for query in queries)


def test_a_lookup_leaves_out_what_cannot_be_an_address():
    client = client_of(login(), page(totalElements=0))
    client.lookup(["", "  ", "x" * 255, "ann@x.example", "ann@x.example"])
    assert client.vendor.asked[1].query.count("email=") == 1


def test_a_lookup_finds_an_address_in_any_case():
    client = client_of(login(), page(row(1, contact={"email": "Ann@X.example"}), totalElements=1))
    assert [account.id for account in client.lookup(["ann@x.example"])] == ["1"]


def test_a_lookup_does_not_take_strangers_when_the_filter_was_ignored():
    client = client_of(login(), page(row(1), row(2), totalElements=2))
    assert [account.id for account in client.lookup(["p2@x.example"])] == ["2"]


def test_a_lookup_reads_all_its_pages():
    both = {"contact": {"email": "ann@x.example"}}
    pages = [page(row(n, **both), perPage=1, totalElements=2) for n in (1, 2)]
    assert len(client_of(login(), *pages).lookup(["ann@x.example"])) == 2


def test_a_search_asks_only_for_our_own_people():
    client = client_of(login(), says({"records": [], "paging": {}}))
    client.search(" Lee ")
    question = client.vendor.asked[1].json
    assert (question["searchString"], question["showFederated"], question["page"]) == ("Lee", False, 1)


def test_an_entry_of_the_directory_becomes_an_account():
    phones = [{"phoneNumber": "+1650", "formattedPhoneNumber": "(650)"}]
    entry = {"id": "7", "type": "User", "status": "Enabled", "firstName": "Ann", "lastName": "Lee"} | {
        "email": "a@x.example", "extensionNumber": "101", "department": "Sales", "phoneNumbers": phones,
    }  # fmt: skip
    assert client_of(login(), says({"records": [entry]})).search("ann") == [
        Account(
            "7",
            "Ann Lee",
            "a@x.example",
            "101",
            "User",
            "Enabled",
            True,
            AccountState.ENABLED,
            "Sales",
            "(650)",
        )
    ]


def test_an_id_is_the_same_string_from_list_and_search():
    listed = client_of(login(), page(row(865706371004), totalElements=1)).accounts()[0]
    found = client_of(login(), says({"records": [{"id": "865706371004"}]})).search("x")[0]
    assert listed.id == found.id


def test_a_search_for_nothing_asks_nothing():
    client = client_of(login())
    assert (client.search("  "), client.vendor.asked) == ([], [])


def test_an_empty_body_is_not_believed():
    with pytest.raises(BadAnswer, match="empty"):
        client_of(login(), says(b"")).search("ann")


def test_a_search_is_repeated_like_a_get():
    client = client_of(login(), says({}, 503), says({"records": []}))
    assert (client.search("ann"), client.http.requests) == ([], 3)


# --- signing in


def refused(status, *codes, **more):
    return says({"errors": [{"errorCode": code, "message": "m"} for code in codes], **more}, status)


def test_a_401_signs_in_once_more_and_goes_on():
    client = client_of(login(), refused(401, "OAU-213"), login("other"), page(row(1), totalElements=1))
    assert len(client.accounts()) == 1
    assert client.vendor.asked[3].headers["AUTHORIZATION"] == "Bearer other"


def test_a_second_401_is_the_end():
    client = client_of(login(), refused(401, "OAU-213"), login("other"), refused(401, "OAU-213"))
    with pytest.raises(Refused):
        client.accounts()
    assert client.http.requests == 4


def test_a_403_does_not_sign_in_again():
    client = client_of(login(), refused(403, "CMN-401"))
    with pytest.raises(Refused):
        client.accounts()
    assert client.http.requests == 2


def test_two_clients_share_one_sign_in():
    one, store = client_of(login(), page(row(1), totalElements=1)), MemoryTokens()
    for _ in range(2):
        RingCentral(base_url="", credentials=KEYS, tokens=store, http=one.http, key="acme").accounts()
    assert one.vendor.paths().count("/restapi/oauth/token") == 1


def test_a_scope_that_is_not_told_is_not_held_against_the_app():
    client = client_of(login(scope=None), page(row(1), totalElements=1))
    assert len(client.accounts()) == 1


def test_a_sign_in_is_tried_twice_and_not_more():
    client = client_of(says({}, 503))
    with pytest.raises(TryLater):
        client.accounts()
    assert client.http.requests == 2


WRONG = {
    "client ID and client secret": [says({"error": "invalid_client", "error_description": "d"}, 400)],
    "this client ID": [refused(401, "OAU-153", error="invalid_client")],
    "client secret": [says(b"", 401)],
    "JWT: it has expired": [refused(400, "OAU-210", error="invalid_grant")],
    "belongs to another app": [refused(400, "OAU-999", error="invalid_grant")],
    "JWT auth flow": [refused(400, "OAU-251", error="unauthorized_client")],
    "lacks the permission ReadAccounts": [login(scope="Faxes Messages")],
    "the permission ReadAccounts": [login(), refused(403, "CMN-401", errorCode="InsufficientPermissions")],
    "permission ReadExtensions": [login(), refused(403, "CMN-408", errorCode="InsufficientPermissions")],
    "must be an administrator": [login(), refused(403, "CMN-402")],
    "This is the wrong host": [says(b"<html>welcome")],
    "wrong host: it sends callers": [says({}, 302, Location="https://elsewhere.example")],
    "wrong host: RingCentral does not answer": [says(b"", 404)],
    "shows no users": [login(), page(totalElements=0)],
    "must be allowed to see all users": [login(), page(row(1, type="Room"), totalElements=1)],
    "Try again in 999 seconds": [says({}, 429, Retry_After="999")],
    "has a fault at the moment": [says({}, 500)],
    "not JSON but a web page": [login(), says(b"<html>down for maintenance")],
}


@pytest.mark.parametrize("words", WRONG)
def test_a_check_says_in_words_what_is_wrong(words):
    findings = client_of(*WRONG[words]).check()
    assert [finding.ok for finding in findings][-1] is False
    assert words in findings[-1].text


def test_a_check_of_a_good_connection_says_how_many_people_there_are():
    findings = client_of(login(), page(row(1), row(2, type="Room"), totalElements=2)).check()
    assert [finding.ok for finding in findings] == [True, True]
    assert findings[1].text == "2 extensions are visible; of the first 2, 1 are people."


def test_a_check_signs_in_anew_because_an_old_token_proves_nothing():
    client = client_of(login(), page(row(1), totalElements=1), says({"error": "invalid_client"}, 401))
    client.accounts()
    assert [finding.ok for finding in client.check()] == [False]


@pytest.mark.parametrize(
    "base_url", ["", "http://platform.ringcentral.com", "https://platform.devtest.ringcentral.com"]
)
def test_only_ringcentrals_own_hosts_get_the_secrets(base_url):
    client = client_of(login(), base_url=base_url)
    assert [finding.ok for finding in client.check()] == [False]
    assert client.vendor.asked == []


def test_every_brand_is_on_a_host_that_is_allowed():
    for base_url in BRANDS.values():
        assert base_url.removeprefix("https://") in HOSTS
        assert client_of(login(), page(row(1), totalElements=1), base_url=base_url).check()[1].ok


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
@pytest.mark.parametrize("at", [0, 1])
def test_no_secret_comes_back_in_a_finding(status, at):
    echo = f"{KEYS}{' tok3n' * at}"  # before the sign-in there is no token yet
    said = json.dumps({"message": echo, "error": echo}).encode()
    answers = [login(), login(), login()]
    answers[at:] = [says(said, status, Retry_After="999")] * 3
    text = repr(client_of(*answers).check())
    assert not any(secret in text for secret in ("s3cret", "tok3n", "eyJ"))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (says({}, 403), Refused), (says({}, 429, Retry_After="9999"), TryLater), (says({}, 500), TryLater),
        (says(b"<html>"), BadAnswer), (says({"records": [{"id": None}]}), BadAnswer), (says({}), BadAnswer),
        (says(b'{"records":['), BadAnswer), (says(b"half", Content_Length="99"), TryLater),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["accounts", "lookup", "search"])
def test_every_fault_becomes_one_of_our_errors(fault, error, verb):
    arguments = {"accounts": [], "lookup": [["a@x.example"]], "search": ["ann"]}[verb]
    with pytest.raises(PlatformError) as caught:
        getattr(client_of(login(), fault), verb)(*arguments)
    assert type(caught.value) is error
