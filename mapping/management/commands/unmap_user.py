"""manage.py unmap_user: take the account of one CXone user away by hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mapping import by_hand
from tenants.management.commands._tenants import named

from ._people import actor, mapping_of


class Command(BaseCommand):
    help = (
        "Unmap a CXone user; Auto Sync then leaves them alone. "
        "Exit code 1 when they are not mapped, 2 when called wrongly."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("user", help="CXone user id, username or e-mail address")
        parser.add_argument("--by", metavar="USERNAME", help="staff user to name in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        mapping = mapping_of(named(options["tenant"]), options["user"])
        try:
            by_hand.unmap_user(mapping, actor=actor(options["by"]))
        except by_hand.NotPossible as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{mapping} is unmapped.")
