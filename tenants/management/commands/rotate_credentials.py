"""manage.py rotate_credentials: seal everything anew with the first of CREDENTIAL_KEYS."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tenants.models import AccessToken, Connection
from tenants.vault import SealedField, VaultError


class Command(BaseCommand):
    help = "Seal all stored credentials with the first key of CREDENTIAL_KEYS, so that the old keys can be dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                AccessToken.objects.all().delete()  # the next call signs in anew
                counts = {model: sealed_anew(model) for model in models_with_seals()}
        except Unopened as error:
            raise CommandError(f"{error} Nothing was changed.", returncode=1) from error
        connections = counts.pop(Connection)
        self.stdout.write(f"{connections} connection(s) are sealed with the first key.")
        for model, count in counts.items():
            if count:
                self.stdout.write(f"{model._meta.verbose_name}: {count} are sealed with the first key.")


class Unopened(Exception):
    """A row holds a seal that none of the keys opens."""


def models_with_seals() -> list[Any]:
    """Also those of the storeys above, which are not known by name here."""
    return [
        model
        for model in apps.get_models()
        if model is not AccessToken and any(isinstance(field, SealedField) for field in model._meta.fields)
    ]


def sealed_anew(model: Any) -> int:
    """How many rows hold seals; all of them are sealed with the first key from here on."""
    names = [field.attname for field in model._meta.fields if isinstance(field, SealedField)]
    rows = [
        row for row in model._default_manager.select_for_update() if any(getattr(row, name) for name in names)
    ]
    for row in rows:
        try:
            seals = {name: getattr(row, name).resealed() for name in names}
        except VaultError as error:
            raise Unopened(f"{row}: {error}") from error
        model._default_manager.filter(pk=row.pk).update(**seals)
    return len(rows)
