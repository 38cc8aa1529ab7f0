"""manage.py cxone_roles: which privilege means User Mapping: Map? NICE does not publish its id, so the roles are
printed as the API gives them; the difference between a role that has it and one that has not tells."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import reach
from tenants.models import Connection
from tenants.platforms.errors import PlatformError
from tenants.platforms.records import Role

from ._tenants import named


class Command(BaseCommand):
    help = (
        "Print the CXone roles of a tenant with their permissions, or what one role has and another has not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="short name of the tenant")
        parser.add_argument("--has", metavar="ROLE", help="a role that has User Mapping: Map")
        parser.add_argument(
            "--lacks", metavar="ROLE", help="a role that has it not: print only the difference"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = named(options["tenant"])
        if options["lacks"] and not options["has"]:
            raise CommandError("--lacks goes with --has.", returncode=2)
        try:
            roles = reach.cxone(tenant.connection(Connection.Side.CXONE)).roles()
        except PlatformError as error:
            raise CommandError(str(error), returncode=1) from error
        if options["has"]:
            self._compare(roles, options["has"], options["lacks"])
        else:
            self._list(roles, tenant.map_permission)

    def _list(self, roles: list[Role], wanted: str) -> None:
        for role in sorted(roles, key=lambda role: role.name.casefold()):
            state = "" if role.active else " (not active)"
            self.stdout.write(self.style.MIGRATE_HEADING(f"{role.name}{state}") + f"  {role.id}")
            for permission in sorted(role.permissions):
                mark = self.style.SUCCESS("  ← User Mapping: Map") if permission == wanted else ""
                self.stdout.write(f"  {permission}{mark}")
        holders = sum(role.active and wanted in role.permissions for role in roles)
        self.stdout.write(f"\n{len(roles)} roles; {holders} active ones have {wanted}.")

    def _compare(self, roles: list[Role], has: str, lacks: str | None) -> None:
        without = self._role(roles, lacks).permissions if lacks else frozenset()
        difference = sorted(self._role(roles, has).permissions - without)
        if not difference:
            raise CommandError(f"{has} has nothing that {lacks or 'nobody'} lacks.", returncode=1)
        self.stdout.write("\n".join(difference))

    def _role(self, roles: list[Role], name: str) -> Role:
        for role in roles:
            if name in (role.id, role.name):
                return role
        names = ", ".join(sorted(role.name for role in roles))
        raise CommandError(f"There is no role “{name}”. Roles: {names}.", returncode=2)
