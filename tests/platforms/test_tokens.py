"""One token for all: renewed early, obtained by one, and forgotten only if it still is the same."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenants.platforms.errors import Refused, TryLater
from tenants.platforms.tokens import MemoryTokens, Token, Tokens
from tests.platforms.stage import Clock


class Desk:
    """Signs in, and counts it."""

    def __init__(self, clock, life=3600.0):
        self.clock, self.life, self.count = clock, life, 0

    def __call__(self):
        self.count += 1
        return Token.lasting(f"token {self.count}", self.life, self.clock())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(clock):
    return Desk(clock)


@pytest.fixture
def store():
    return MemoryTokens(longest_wait=5)


@pytest.fixture
def tokens(store, desk, clock):
    return Tokens(store, "acme", desk, now=clock)


def test_a_second_client_uses_the_token_of_the_first(store, desk, clock, tokens):
    tokens.get()
    other = Tokens(store, "acme", desk, now=clock)
    assert (other.get().value, desk.count) == ("token 1", 1)


def test_another_connection_has_another_token(store, desk, clock, tokens):
    tokens.get()
    assert Tokens(store, "bolt", desk, now=clock).get().value == "token 2"


@pytest.mark.parametrize(
    ("life", "at", "count"), [(3600, 3479, 1), (3600, 3480, 2), (40, 29, 1), (40, 30, 2)]
)
def test_a_token_is_renewed_before_it_expires(tokens, desk, clock, life, at, count):
    desk.life = life
    tokens.get()
    clock.at += at
    tokens.get()
    assert desk.count == count


def test_a_token_that_is_old_at_birth_is_used_once(tokens, desk):
    desk.life = 0
    assert tokens.get().value == "token 1"


@pytest.mark.parametrize("renew", [False, True])
def test_of_eight_at_once_one_signs_in(tokens, desk, renew):
    gate = threading.Barrier(8)
    bad = tokens.get().value if renew else ""

    def enter(_):
        gate.wait()
        return (tokens.renew(bad) if renew else tokens.get()).value

    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(enter, range(8)))
    assert (len(values), desk.count) == (1, 2 if renew else 1)


def test_a_late_401_does_not_throw_away_the_newer_token(tokens, desk):
    tokens.get()
    tokens.renew("token 1")
    assert (tokens.renew("token 1").value, desk.count) == ("token 2", 2)


def test_a_store_that_forgets_slowly_does_not_bring_the_bad_token_back(tokens, store, desk):
    store.forget = lambda key, value: None
    tokens.get()
    assert tokens.renew("token 1").value == "token 2"


def test_who_cannot_sign_in_leaves_the_lock_open(store, clock):
    def refuse():
        raise Refused("no")

    tokens = Tokens(store, "acme", refuse, now=clock)
    for _ in range(2):
        with pytest.raises(Refused):
            tokens.get()


def test_waiting_for_a_sign_in_has_an_end(desk, clock):
    store = MemoryTokens(longest_wait=0)
    with store.lock("acme"), pytest.raises(TryLater):
        Tokens(store, "acme", desk, now=clock).get()


def test_a_sign_in_on_purpose_replaces_a_good_token(tokens):
    tokens.get()
    assert (tokens.sign_in().value, tokens.get().value) == ("token 2", "token 2")


def sender(*statuses):
    """Refuses with these statuses in turn, then accepts; keeps the tokens it saw."""
    left, seen = list(statuses), []

    def send(token):
        seen.append(token.value)
        if left:
            raise Refused("no", status=left.pop(0))
        return "done"

    return send, seen


def test_a_401_renews_and_sends_once_more(tokens):
    send, seen = sender(401)
    assert (tokens.signed(send), seen) == ("done", ["token 1", "token 2"])


def test_a_second_401_is_the_end(tokens, desk):
    send, _ = sender(401, 401)
    with pytest.raises(Refused):
        tokens.signed(send)
    assert desk.count == 2


def test_a_403_signs_nobody_in(tokens, desk):
    send, seen = sender(403)
    with pytest.raises(Refused):
        tokens.signed(send)
    assert (desk.count, seen) == (1, ["token 1"])


def test_a_token_does_not_show_itself():
    token = Token.lasting("s3cret", 60, 0)
    assert "s3cret" not in f"{token} {token!r} {[token]}"
