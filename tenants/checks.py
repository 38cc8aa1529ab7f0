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
