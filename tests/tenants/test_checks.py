"""What a set-up lacks: said while it lacks it, silent once it is there."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import checks

LACKING: dict[str, dict[str, Any]] = {
    "tenants.W001": {"SECRET_KEY_GIVEN": False},
    "tenants.W002": {"CREDENTIAL_KEYS_GIVEN": False},
    "tenants.W003": {"SITE_URL": "http://presence.example"},
    "tenants.W005": {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"},
    "tenants.W004": {"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}},
}
COMPLETE: dict[str, Any] = {
    "SECRET_KEY_GIVEN": True,
    "CREDENTIAL_KEYS_GIVEN": True,
    "SITE_URL": "https://presence.example",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
}


@pytest.fixture
def said(settings):
    """said(SETTING=value, …): the ids of our messages."""

    def ask(*, deploy=True, **changes):
        for name, value in changes.items():
            setattr(settings, name, value)
        messages = [
            message
            for tag in (checks.Tags.security, checks.Tags.database, checks.Tags.compatibility)
            for check in checks.registry.registry.get_checks(include_deployment_checks=deploy)
            if tag in check.tags and check.__module__ == "tenants.checks"
            for message in check(app_configs=None, databases=["default"])
        ]
        return {message.id: message for message in messages}

    return ask


def test_a_complete_set_up_is_silent(said):
    assert said(**COMPLETE) == {}


@pytest.mark.parametrize("id", LACKING)
def test_what_is_lacking_is_said_and_nothing_else(said, id):
    assert list(said(**COMPLETE | LACKING[id])) == [id]


@pytest.mark.parametrize("id", LACKING)
def test_on_a_desk_nothing_of_it_is_said(said, id):
    assert said(deploy=False, **COMPLETE | LACKING[id]) == {}


@pytest.mark.parametrize("id", LACKING)
def test_every_warning_says_what_to_do(said, id):
    assert said(**COMPLETE | LACKING[id])[id].hint


@pytest.mark.parametrize("keys", [[], ["no key"]])
def test_keys_that_are_none_are_an_error_everywhere(said, keys):
    found = said(deploy=False, CREDENTIAL_KEYS=keys)
    assert found["tenants.E001"].is_serious()


def test_good_keys_are_no_error(said):
    assert said(deploy=False, CREDENTIAL_KEYS=[Fernet.generate_key().decode()]) == {}
