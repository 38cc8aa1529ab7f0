"""What a production set-up lacks, said by `manage.py check --deploy`; what is broken, by every `check`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from .vault import VaultError, keyring


@register(Tags.security)
def keys_are_usable(**_: Any) -> list[CheckMessage]:
    try:
        keyring()
    except VaultError as error:
        return [
            Error(
                str(error),
                hint="Make one with: python -c 'from cryptography.fernet import Fernet; "
                "print(Fernet.generate_key().decode())'",
                id="tenants.E001",
            )
        ]
    return []


SMALLEST = {"SYNC_SLICE_SECONDS": 0, "SYNC_LEASE_SECONDS": 2, "SYNC_BATCH_SIZE": 1, "Q_HANG_SECONDS": 1}


@register(Tags.compatibility)
def numbers_make_sense(**_: Any) -> list[CheckMessage]:
    given = {name: getattr(settings, name) for name in SMALLEST} | {
        "Q_WORKERS": settings.Q_CLUSTER["workers"]
    }
    smallest = SMALLEST | {"Q_WORKERS": 1}
    return [
        Error(f"{name} is {value}; the smallest that works is {smallest[name]}.", id="tenants.E002")
        for name, value in given.items()
        if value < smallest[name]
    ]


@register(Tags.compatibility)
def site_url_is_an_address(**_: Any) -> list[CheckMessage]:
    if settings.SITE_URL.startswith(("http://", "https://")):
        return []
    return [
        Error(f"SITE_URL is “{settings.SITE_URL}”; it begins with http:// or https://.", id="tenants.E003")
    ]


@register(Tags.security, deploy=True)
def secrets_are_given(**_: Any) -> list[CheckMessage]:
    """A secret made on the first start lives on one machine's disk only."""
    lacking = {
        "SECRET_KEY": settings.SECRET_KEY_GIVEN,
        "CREDENTIAL_KEYS": settings.CREDENTIAL_KEYS_GIVEN,
    }
    return [
        Warning(
            f"{name} was made on first start, in {settings.DATA_DIR}.", hint=hint, id=f"tenants.W00{number}"
        )
        for number, (name, hint) in enumerate(
            {
                "SECRET_KEY": "Give it in the environment: every process and machine needs the same.",
                "CREDENTIAL_KEYS": "Give it in the environment and keep a copy: without it no credential opens.",
            }.items(),
            start=1,
        )
        if not lacking[name]
    ]


@register(Tags.security, deploy=True)
def site_is_reached_over_tls(**_: Any) -> list[CheckMessage]:
    if settings.SITE_URL.startswith("https://"):
        return []
    return [
        Warning(
            f"SITE_URL is {settings.SITE_URL}: cookies and links are not secure.",
            hint="Set SITE_URL=https://… and serve behind TLS.",
            id="tenants.W003",
        )
    ]


@register(Tags.compatibility, deploy=True)
def notifications_are_sent(**_: Any) -> list[CheckMessage]:
    """Printed mail reaches nobody; a site that wants none says so."""
    if settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend":
        return []
    return [
        Warning(
            "Notifications by e-mail are only printed to the log.",
            hint="Set EMAIL_URL=smtp+tls://user:password@host:587, or dummymail:// to switch e-mail off.",
            id="tenants.W005",
        )
    ]


@register(Tags.database, deploy=True)
def database_serves_several_machines(**_: Any) -> list[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
        return []
    return [
        Warning(
            "The database is SQLite: one machine only.",
            hint="Set DATABASE_URL=postgres://… when web and workers run on several machines.",
            id="tenants.W004",
        )
    ]
