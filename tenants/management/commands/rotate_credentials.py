"""manage.py rotate_credentials: seal everything anew with the first of CREDENTIAL_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tenants.models import AccessToken, Connection
from tenants.vault import VaultError


class Command(BaseCommand):
    help = "Seal all stored credentials with the first key of CREDENTIAL_KEYS, so that the old keys can be dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                rows = Connection.objects.select_for_update()
                connections = [connection for connection in rows if connection.credentials]
                for connection in connections:
                    connection.credentials = connection.credentials.resealed()
                    connection.save(update_fields=["credentials"])
                AccessToken.objects.all().delete()  # the next call signs in anew
        except VaultError as error:
            raise CommandError(f"{connection}: {error} Nothing was changed.", returncode=1) from error
        self.stdout.write(f"{len(connections)} connection(s) are sealed with the first key.")
