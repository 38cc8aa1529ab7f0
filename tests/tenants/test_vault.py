"""Credentials at rest: under seal everywhere, opened on purpose only, and a wrong key is an error."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection as database

from tenants.models import Connection
from tenants.vault import Sealed, VaultError, keyring
from tests.tenants.conftest import CREDENTIALS, SECRET


@pytest.fixture
def keys(settings):
    """Two keys, of which the first is in use."""
    made = [Fernet.generate_key().decode() for _ in range(2)]
    settings.CREDENTIAL_KEYS = made[:1]
    return made


def test_what_is_sealed_opens_again(keys):
    assert Sealed.of({"jwt": SECRET}).open() == {"jwt": SECRET}


def test_nothing_opens_to_nothing():
    assert Sealed().open() == {}


def test_a_seal_does_not_hold_the_value_in_clear(keys):
    assert SECRET not in Sealed.of({"jwt": SECRET}).text


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__])
def test_no_way_of_showing_it_shows_it(keys, show):
    sealed = Sealed.of({"jwt": SECRET})
    assert show(sealed) == "<Sealed>"
    assert sealed.text not in show(sealed)


def test_a_wrong_key_is_an_error_and_not_a_value(keys, settings):
    sealed = Sealed.of({"jwt": SECRET})
    settings.CREDENTIAL_KEYS = keys[1:]
    with pytest.raises(VaultError, match="sealed with another key") as error:
        sealed.open()
    assert SECRET not in str(error.value)


def test_what_was_tampered_with_is_an_error(keys):
    sealed = Sealed.of({"jwt": SECRET})
    with pytest.raises(VaultError):
        Sealed(sealed.text[:-4] + "AAA=").open()


@pytest.mark.parametrize("bad", [[], ["no key"], [""]])
def test_a_key_that_is_none_is_an_error(settings, bad):
    settings.CREDENTIAL_KEYS = bad
    with pytest.raises(VaultError):
        keyring()


def test_an_old_key_opens_as_long_as_it_is_in_the_list(keys, settings):
    sealed = Sealed.of({"jwt": SECRET})
    settings.CREDENTIAL_KEYS = [keys[1], keys[0]]
    assert sealed.open() == {"jwt": SECRET}


def test_after_resealing_the_old_key_can_go(keys, settings):
    sealed = Sealed.of({"jwt": SECRET})
    settings.CREDENTIAL_KEYS = [keys[1], keys[0]]
    anew = sealed.resealed()
    settings.CREDENTIAL_KEYS = keys[1:]
    assert anew.open() == {"jwt": SECRET}


def test_nothing_reseals_to_nothing(keys):
    assert not Sealed().resealed()


def test_the_database_holds_no_secret(acme):
    with database.cursor() as cursor:
        cursor.execute("select credentials from tenants_connection")
        stored = [text for (text,) in cursor.fetchall()]
    assert len(stored) == 2
    assert not [text for text in stored if SECRET in text or not text]


def test_the_row_opens_what_was_stored(acme):
    assert Connection.objects.get(side="external").credentials.open() == CREDENTIALS["external"]


def test_a_dump_carries_no_credentials_and_no_seal(acme):
    out = io.StringIO()
    call_command("dumpdata", "tenants", stdout=out)
    assert '"credentials": ""' in out.getvalue()
    for connection in Connection.objects.all():
        assert connection.credentials.text not in out.getvalue()


@pytest.mark.parametrize("lookup", ["credentials", "credentials__contains", "credentials__startswith"])
def test_sealed_values_cannot_be_searched(db, lookup):
    with pytest.raises(FieldError, match="cannot be searched"):
        Connection.objects.filter(**{lookup: "x"}).exists()


def test_only_a_seal_can_be_stored(connection):
    connection.credentials = '{"jwt": "in clear"}'
    with pytest.raises(TypeError, match="Only a Sealed"):
        connection.save()


def test_no_form_asks_for_the_field_itself():
    assert not Connection._meta.get_field("credentials").editable
