"""The access token that all processes share: one signs in, the others wait and take what came of it."""

import threading
import time
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection as database
from django.db.models.functions import Now

from tenants import tokens
from tenants.models import AccessToken
from tenants.platforms.errors import TryLater
from tenants.platforms.tokens import Token, Tokens
from tenants.tokens import DatabaseTokens
from tenants.vault import Sealed
from tests.tenants.conftest import SECRET

FAR = 4_000_000_000.0


def token(value="t1", **extra):
    return Token(value, FAR, extra)


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(tokens, "POLL_SECONDS", 0.01)
    return DatabaseTokens()


@pytest.fixture
def key(connection):
    return str(connection.pk)


def test_what_one_writes_another_reads(store, key):
    store.write(key, token(api="https://api.example"))
    assert DatabaseTokens().read(key) == token(api="https://api.example")


def test_there_is_none_at_first(store, key):
    assert store.read(key) is None


def test_the_row_shows_no_token(store, key):
    store.write(key, token(SECRET))
    row = AccessToken.objects.get()
    assert SECRET not in f"{row} {row!r} {vars(row)} {row.sealed.text}"


def test_what_is_forgotten_is_gone(store, key):
    store.write(key, token())
    store.forget(key, "t1")
    assert store.read(key) is None


def test_a_late_401_does_not_throw_a_newer_token_away(store, key):
    store.write(key, token("t2"))
    store.forget(key, "t1")
    assert store.read(key) == token("t2")


def test_to_forget_what_is_not_there_does_no_harm(store, key):
    store.forget(key, "t1")
    assert store.read(key) is None


def test_a_token_under_another_key_is_none(store, key, settings):
    store.write(key, token())
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    assert store.read(key) is None


def test_a_token_of_another_form_is_none(store, key, connection):
    AccessToken.objects.create(connection=connection)
    AccessToken.objects.update(sealed=Sealed.of({"token": '{"worth": 1}'}))
    assert store.read(key) is None


def test_the_lock_is_had_by_one_at_a_time(store, key, monkeypatch):
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 0.05)
    AccessToken.objects.create(pk=int(key), locked_by="another", locked_until=Now() + timedelta(seconds=60))
    with pytest.raises(TryLater, match="still signing in"), store.lock(key):
        pytest.fail("Two have the lock.")


def test_the_lock_of_one_who_died_is_had_when_it_has_expired(store, key):
    AccessToken.objects.create(pk=int(key), locked_by="the dead", locked_until=Now() - timedelta(seconds=1))
    with store.lock(key):
        assert AccessToken.objects.get().locked_by != "the dead"


def test_who_waits_gets_the_lock_when_new_credentials_took_the_row_away(store, key, monkeypatch):
    AccessToken.objects.create(pk=int(key), locked_by="another", locked_until=Now() + timedelta(seconds=60))
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 2)
    monkeypatch.setattr("time.sleep", lambda seconds: AccessToken.objects.all().delete())
    with store.lock(key):
        assert AccessToken.objects.get().locked_by


def test_the_lock_is_free_again_also_after_an_error(store, key):
    with pytest.raises(ZeroDivisionError), store.lock(key):
        raise ZeroDivisionError
    assert (AccessToken.objects.get().locked_by, AccessToken.objects.get().locked_until) == ("", None)


def test_who_overstayed_does_not_free_the_lock_of_the_next(store, key):
    with store.lock(key):
        AccessToken.objects.update(locked_by="the next")
    assert AccessToken.objects.get().locked_by == "the next"


def test_a_token_written_under_the_lock_leaves_the_lock_alone(store, key):
    with store.lock(key):
        store.write(key, token())
        assert AccessToken.objects.get().locked_by


@pytest.mark.django_db(transaction=True)
def test_many_at_once_sign_in_once(store, key):
    logins, got, start = [], [], threading.Barrier(4)

    def sign_in():
        logins.append(1)
        time.sleep(0.05)  # long enough for the others to come to the lock
        return token(f"t{len(logins)}")

    def work():
        try:
            start.wait(5)
            got.append(Tokens(DatabaseTokens(), key, sign_in).get().value)
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (got, len(logins)) == (["t1"] * 4, 1)
