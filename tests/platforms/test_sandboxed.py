"""Both clients against the sandbox: whole directories, every fault, one sign-in for all."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tenants.platforms.errors import BadAnswer, PlatformError, Refused, TryLater
from tenants.platforms.records import Drifted
from tenants.platforms.tokens import MemoryTokens

LISTS = {"ringcentral": "/extension", "cxone": "/users/search"}
LOGINS = {"ringcentral": "/oauth/token", "cxone": "/auth/token"}
sides = pytest.mark.parametrize("side", LISTS)


def read(client):
    return client.accounts() if hasattr(client, "accounts") else client.users()


@sides
def test_the_whole_directory_is_the_same_in_process_and_over_a_socket(reach, served, side):
    assert read(reach(side)) == read(reach(side, served))


@sides
def test_every_row_of_the_world_is_read_or_left_out(reach, sandbox, side):
    pages = list(reach(side).pages())
    ids = {row.id for page in pages for row in page.rows} | {id for page in pages for id in page.left_out}
    assert ids == {row.id for row in sandbox.worlds["acme"].rows(side)}


@sides
def test_a_reading_that_goes_on_brings_the_rest(reach, side):
    pages = list(reach(side).pages())
    assert list(reach(side).pages(start=3)) == pages[2:]


def test_all_roles_are_read_with_the_permission_in_some(reach):
    roles = reach("cxone").roles()
    assert any("Adapters/UserMapping/UserMapping:Map" in role.permissions for role in roles if role.active)
    assert not all(role.active for role in roles)


@sides
def test_a_check_of_the_sandbox_finds_nothing_wrong(reach, side):
    findings = reach(side).check()
    assert [finding.ok for finding in findings] == [True] * (2 if side == "ringcentral" else 3)


def lose_scope(sandbox):
    sandbox.scopes["acme"] = {"ReadPresence"}


def lose_permission(sandbox):
    sandbox.permissions["acme"] = {"ReadCompanyInfo"}


def lose_credentials(sandbox):
    sandbox.refused_logins |= {("acme", "ringcentral"), ("acme", "cxone")}


@pytest.mark.parametrize(
    ("side", "happens", "words"),
    [
        ("ringcentral", lose_scope, "lacks the permission ReadAccounts"),
        ("ringcentral", lose_permission, "permission ReadExtensions"),
        ("ringcentral", lose_credentials, "does not accept the JWT"),
        ("cxone", lose_credentials, "does not accept the sign-in"),
    ],
)
def test_a_check_says_what_was_lost(reach, sandbox, side, happens, words):
    happens(sandbox)
    findings = reach(side).check()
    assert words in findings[-1].text
    assert not findings[-1].ok


def test_cxone_is_reached_with_an_access_key_alone(reach, sandbox):
    client = reach("cxone")
    client._client = ("", "")
    assert len(client.users()) > 300
    assert len(sandbox.log.calls(path="/access-key")) == 1


HEALED = [
    ("unauthorized", {}), ("throttled", {"value": "small"}), ("throttled", {"value": "missing"}),
    ("error500", {}), ("error502", {}), ("error503", {}), ("reset", {}), ("truncated", {}),
    ("repeated_page", {}), ("drift", {}), ("drift", {"value": -1}), ("silent_drift", {}), ("half", {"at": 2}),
    ("empty", {"at": 2}),
]  # fmt: skip


@sides
@pytest.mark.parametrize(("kind", "how"), HEALED)
def test_a_fault_that_passes_leaves_no_trace(reach, served, sandbox, side, kind, how):
    whole = read(reach(side))
    sandbox.faults.arm(kind, path=LISTS[side], **how)
    assert read(reach(side, served)) == whole
    assert [rule.hits for rule in sandbox.faults] == [1]


REFUSED = [
    ("unauthorized", {}, Refused), ("forbidden", {}, Refused), ("throttled", {"value": "huge"}, TryLater),
    ("throttled", {"value": "small"}, TryLater), ("error500", {}, TryLater), ("error502", {}, TryLater),
    ("error503", {}, TryLater), ("reset", {}, TryLater), ("truncated", {}, TryLater), ("html", {}, BadAnswer),
    ("garbage", {}, BadAnswer), ("repeated_page", {}, Drifted), ("drift", {}, Drifted),
    ("silent_drift", {}, Drifted), ("empty", {}, BadAnswer), ("slow", {"value": 0.5}, TryLater),
]  # fmt: skip


@sides
@pytest.mark.parametrize(("kind", "how", "error"), REFUSED)
def test_a_fault_that_stays_is_an_error_with_a_name(reach, served, sandbox, side, kind, how, error):
    sandbox.faults.arm(kind, path=LISTS[side], times="always", **how)
    with pytest.raises(PlatformError) as caught:
        read(reach(side, served, timeouts=(1, 0.1)))
    assert type(caught.value) is error


@sides
def test_a_403_costs_no_second_sign_in(reach, sandbox, side):
    sandbox.faults.arm("forbidden", path=LISTS[side])
    with pytest.raises(Refused):
        read(reach(side))
    assert len(sandbox.log.calls(path=LOGINS[side])) == 1


@sides
def test_of_eight_clients_at_once_one_signs_in(reach, served, sandbox, side):
    store = MemoryTokens()
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: read(reach(side, served, tokens=store)), range(8)))
    assert len({len(rows) for rows in lists}) == 1
    assert len(sandbox.log.calls(path=LOGINS[side])) == 1


@sides
def test_a_session_that_was_ended_is_begun_anew_once(reach, sandbox, side):
    client = reach(side)
    whole = read(client)
    sandbox.sessions.forget_all()
    assert read(client) == whole
    assert len(sandbox.log.calls(path=LOGINS[side])) == 2


def test_six_who_sign_in_by_themselves_end_the_first_ones_session(reach, sandbox):
    clients = [reach("ringcentral") for _ in range(6)]
    for client in clients:
        client.search("nobody at all")
    clients[0].search("nobody at all")
    assert len(sandbox.log.calls(path="/search", status=401)) == 1


def test_a_lookup_finds_what_the_whole_list_has(reach):
    client = reach("ringcentral")
    people = [account for account in client.accounts() if account.email][:120]
    found = {account.id for account in client.lookup([account.email for account in people])}
    assert found >= {account.id for account in people}


def test_a_plus_address_is_found(reach, sandbox):
    client = reach("ringcentral")
    account = next(one for one in client.accounts() if one.is_candidate)
    sandbox.worlds["acme"].set_email("ringcentral", account.id, "ann+work@acme.example")
    assert [one.id for one in client.lookup(["ann+work@acme.example"])] == [account.id]


def test_a_search_finds_a_person_by_name(reach):
    client = reach("ringcentral")
    account = next(one for one in client.accounts() if one.is_candidate)
    assert account.id in {one.id for one in client.search(account.name)}


def test_a_spent_minute_is_handed_up_and_reading_goes_on_later(reach, sandbox):
    sandbox.limits, sandbox.ringcentral_page = True, 10
    client = reach("ringcentral")
    read_pages = []
    with pytest.raises(TryLater) as caught:
        read_pages.extend(page for page in client.pages() if read_pages.append(page))
    assert 30 < caught.value.after <= 60
    assert len(read_pages) == 40
    assert not sandbox.log.calls(status=429)
