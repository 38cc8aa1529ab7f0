"""manage.py verify: whether the walls hold. Exit codes: 0 all hold, 1 some do not, 2 called wrongly."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mapping.models import UserMapping
from mapping.verify import INVARIANTS, violations
from tenants.management.commands._tenants import named
from tenants.models import Tenant


class Command(BaseCommand):
    help = (
        "Check what must hold of the map, its history and its runs, for the tenants named or for all; nothing is "
        "written. Exit codes: 0 all holds, 1 something does not (one line each), 2 called wrongly."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "tenants", nargs="*", metavar="TENANT", help="short names of tenants; all without"
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON object: the violations and what was checked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {tenant.pk: tenant for tenant in map(named, options["tenants"])}
        tenants = list(chosen.values()) or list(Tenant.objects.all())
        if not tenants:
            raise CommandError("There are no tenants yet: add one in the admin.", returncode=2)
        found = []
        for tenant in tenants:
            for violation in violations(tenant):
                found.append(violation._asdict())
                if not options["json"]:
                    self.stdout.write(str(violation))
        users = UserMapping.objects.filter(tenant__in=tenants).count()
        checked = {"invariants": len(INVARIANTS), "users": users, "tenants": len(tenants)}
        self._report(found, checked, as_json=options["json"])
        if found:
            raise SystemExit(1)

    def _report(self, found: list[dict[str, str]], checked: dict[str, int], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(checked | {"violations": found}, ensure_ascii=False))
        elif found:
            self.stderr.write(f"{len(found)} violations among {checked['users']} users.")
        else:
            self.stdout.write(
                "{invariants} invariants hold for {users} users of {tenants} tenants.".format(**checked)
            )
