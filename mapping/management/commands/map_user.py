"""manage.py map_user: map one CXone user to one external account by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mapping import by_hand
from mapping.models import ExternalAccount
from tenants.management.commands._tenants import named

from ._people import actor, mapping_of


class Command(BaseCommand):
    help = "Map a CXone user to an external account. Exit code 1 when that is not possible, 2 when called wrongly."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("user", help="CXone user id, username or e-mail address")
        parser.add_argument("account", help="platform id, extension number or e-mail address of the account")
        parser.add_argument("--reassign", action="store_true", help="take it from the user who has it")
        parser.add_argument("--by", metavar="USERNAME", help="staff user to name in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = named(options["tenant"])
        mapping = mapping_of(tenant, options["user"])
        account = self._account(tenant.pk, options["account"])
        try:
            by_hand.map_user(mapping, account, actor=actor(options["by"]), reassign=options["reassign"])
        except by_hand.NotPossible as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{mapping} is mapped to {account}.")

    def _account(self, tenant: int, name: str) -> ExternalAccount:
        accounts = ExternalAccount.objects.filter(tenant=tenant, gone_since=None)
        for field in ("platform_id", "extension", "email__iexact"):
            found = list(accounts.filter(**{field: name})[:3])
            if len(found) == 1:
                return found[0]
            if found:
                ids = ", ".join(f"{one.platform_id} ({one})" for one in found)
                raise CommandError(
                    f"“{name}” means several accounts: {ids}. Give the platform id.", returncode=2
                )
        raise CommandError(f"There is no account “{name}”; run Auto Sync first to read them.", returncode=2)
