"""manage.py test_connection: sign in and read, as a run would, and say in plain words what is wrong."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import reach
from tenants.models import Connection

from ._tenants import named


class Command(BaseCommand):
    help = "Test both connections of a tenant: sign in, read roles and users. Exit code 1 when something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("--side", choices=Connection.Side.values, help="only this side")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = named(options["tenant"])
        troubles = 0
        for side in [options["side"]] if options["side"] else Connection.Side.values:
            connection = tenant.connection(side)
            self.stdout.write(self.style.MIGRATE_HEADING(str(connection)))
            for finding in reach.check(connection):
                troubles += not finding.ok
                mark = self.style.SUCCESS("✓") if finding.ok else self.style.ERROR("✗")
                self.stdout.write(f"  {mark} {finding.step}: {finding.text}")
        if troubles:
            raise CommandError("The connection does not work yet.", returncode=1)
