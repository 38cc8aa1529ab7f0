"""manage.py demo: everything at once on this machine, against the bundled sandbox."""

from __future__ import annotations

import fcntl
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from mapping import sync
from mapping.demo import TENANTS, seed, somebody_works_here
from mapping.models import SyncRun, UserMapping
from mapping.reasons import LABELS
from mapping.supervise import Part, Supervisor, server_parts
from tenants.models import Tenant
from tenants.sandbox import Sandbox, serve

from ._ports import free_port, wait_for
from .sync_users import PlainLines, stage

RETRY_DELAY = timedelta(seconds=60)


class Command(BaseCommand):
    help = (
        "Sandbox, web and worker together, with two tenants synced. --once only syncs and prints the result."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="sync both tenants, print the result and end")
        parser.add_argument("--port", type=int, default=8000, help="of the admin")
        parser.add_argument("--sandbox-port", type=int, default=8899)

    def handle(self, *args: Any, **options: Any) -> None:
        with self._only_one():
            if somebody_works_here(Path(settings.DATA_DIR)):
                raise CommandError(
                    "This installation has tenants or staff that are not the demo's. "
                    "`make demo` gives the demo a place of its own; or set DATA_DIR and DATABASE_URL."
                )
            call_command("migrate", verbosity=0)
            sys.exit(self._once() if options["once"] else self._serve(options))

    def _only_one(self) -> IO[str]:
        """Two demos on the same data would take each other's sandbox away."""
        file = (Path(settings.DATA_DIR) / "demo.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                "A demo is running on this data already; stop it first (Ctrl-C there)."
            ) from None
        return file

    def _once(self) -> int:
        sandbox = Sandbox()
        with serve(sandbox) as server:
            folder = Path(settings.DATA_DIR)
            seed(sandbox, sandbox_url=server.url, retry_delay=timedelta(seconds=1), folder=folder)
            runs = [self._run_here(tenant) for tenant in Tenant.objects.filter(slug__in=TENANTS)]
        print_results(runs)
        return 0 if all(run.status == SyncRun.Status.SUCCEEDED for run in runs) else 1

    def _run_here(self, tenant: Tenant) -> SyncRun:
        try:
            run = sync.request(
                tenant, trigger=SyncRun.Trigger.COMMAND, ticket=False, retry_delay=timedelta(seconds=1)
            )
        except sync.AlreadyRunning as busy:
            run = busy.run
        return sync.run_here(run, watch=PlainLines(self.stdout.write))

    def _serve(self, options: dict[str, Any]) -> int:
        web = self._port("the admin", options["port"])
        box = self._port("the sandbox", options["sandbox_port"], but=web)
        call_command("collectstatic", interactive=False, verbosity=0)
        url = f"http://127.0.0.1:{box}"
        passwords = seed(Sandbox(), sandbox_url=url, retry_delay=RETRY_DELAY, folder=Path(settings.DATA_DIR))
        with Supervisor(self.stdout.write) as supervisor:
            self._start(supervisor, web=web, box=box)
            if wait_for(web, seconds=60, going_on=supervisor.look):
                self._first_sync(supervisor)
            if supervisor.look():
                self._welcome(web, url, passwords)
            return supervisor.watch()

    def _start(self, supervisor: Supervisor, *, web: int, box: int) -> None:
        """The sandbox first: whatever people changed there lives as long as it does, so it is never restarted."""
        sandbox = [sys.executable, sys.argv[0], "sandbox", "--port", str(box)]
        supervisor.start(Part("sandbox", sandbox, restarts=0))
        if not wait_for(box, seconds=30, going_on=supervisor.look) and not supervisor.asked_to_stop:
            raise CommandError("The sandbox does not answer.")
        for part in server_parts(f"127.0.0.1:{web}"):
            supervisor.start(part)

    def _port(self, whose: str, wanted: int, *, but: int = 0) -> int:
        port = free_port(wanted, but=but)
        if port is None:
            raise CommandError(f"No free port for {whose} from {wanted} on.")
        if port != wanted:
            self.stdout.write(self.style.WARNING(f"Port {wanted} is taken; {whose} takes {port}."))
        return port

    def _first_sync(self, supervisor: Supervisor) -> None:
        """Ask for a run of each tenant and tell of it until its first try is done. The worker does the work."""
        said: dict[int, str] = {}
        runs = [self._request(tenant) for tenant in Tenant.objects.filter(slug__in=TENANTS)]
        until = time.monotonic() + 150
        while any(run.is_live for run in runs) and time.monotonic() < until and supervisor.look():
            for run in runs:
                run.refresh_from_db()
                if said.get(run.pk) != (now := stage(run)):
                    said[run.pk] = now
                    self.stdout.write(f"   sync │ {now}")
            time.sleep(0.1)
        print_results(runs)

    def _request(self, tenant: Tenant) -> SyncRun:
        try:
            return sync.request(tenant, trigger=SyncRun.Trigger.COMMAND)
        except sync.AlreadyRunning as busy:
            return busy.run

    def _welcome(self, web: int, sandbox_url: str, passwords: dict[str, str]) -> None:
        lines = [
            "",
            self.style.SUCCESS(f"Presence Sync: http://127.0.0.1:{web}/admin/"),
            *(f"  {username:<14} {password}" for username, password in passwords.items()),
            f"The sandbox, where people can be changed and faults armed: {sandbox_url}/",
            "To try: choose a tenant under User Mapping and look at who is Unmapped and why; correct an address",
            "in the sandbox and press Auto Sync now; arm a fault there and see that nobody loses a mapping.",
            "Ctrl-C stops everything.",
        ]
        self.stdout.write("\n".join(lines))


def print_results(runs: list[SyncRun]) -> None:
    console = Console(soft_wrap=False)
    table = Table(title="Auto Sync")
    for column in ("Tenant", "Run", "Users", "Mapped", "Unmapped", "Skipped", "Failed"):
        table.add_column(column, justify="left" if column in ("Tenant", "Run") else "right")
    for run in runs:
        counts = (run.users, run.mapped, run.unmapped, run.skipped, run.failed)
        table.add_row(str(run.tenant), str(run.get_status_display()), *map(str, counts))
    console.print(table)
    unmapped = Table(title="Unmapped, by reason")
    unmapped.add_column("Tenant")
    unmapped.add_column("Reason")
    unmapped.add_column("Users", justify="right")
    for run in runs:
        reasons = UserMapping.objects.filter(tenant=run.tenant_id, present=True).unmapped()
        for reason, count in Counter(reasons.values_list("reason", flat=True)).most_common():
            unmapped.add_row(str(run.tenant), str(LABELS[reason]), str(count))  # type: ignore[index]
    console.print(unmapped)
