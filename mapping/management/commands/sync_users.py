"""manage.py sync_users: Auto Sync from the command line.

Exit codes: 0 all runs were queued, or with --wait all succeeded; 1 a run failed or finished with errors;
2 the command was called wrongly; 3 a tenant had a live run already.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mapping import sync
from mapping.models import SyncRun
from tenants.management.commands._tenants import named
from tenants.models import Tenant

FAILED, MISUSED, BUSY = 1, 2, 3


class Command(BaseCommand):
    help = (
        "Run Auto Sync for the tenants named, or for --all. Without --wait the runs are queued for the workers. "
        "Exit codes: 0 fine, 1 a run failed or finished with errors, 2 called wrongly, 3 a run was live already."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenants", nargs="*", metavar="TENANT", help="short names of tenants")
        parser.add_argument("--all", action="store_true", help="all tenants")
        parser.add_argument(
            "--wait", action="store_true", help="do the work here and now, second try included, and report"
        )
        parser.add_argument(
            "--retry-delay",
            type=float,
            metavar="SECONDS",
            help="before the second try (default: as scheduled)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a run, a line each")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = self._tenants(options)
        delay = options["retry_delay"]
        if delay is not None and not 0 <= delay <= 86_400:
            raise CommandError("--retry-delay takes 0 to 86400 seconds.", returncode=MISUSED)
        code = 0
        for tenant in tenants:
            code = max(code, self._one(tenant, options, None if delay is None else timedelta(seconds=delay)))
        if code:
            raise SystemExit(code)

    def _tenants(self, options: dict[str, Any]) -> list[Tenant]:
        if options["all"] == bool(options["tenants"]):
            raise CommandError("Name one or more tenants, or --all.", returncode=MISUSED)
        if options["all"]:
            if not (tenants := list(Tenant.objects.all())):
                raise CommandError("There are no tenants yet: add one in the admin.", returncode=MISUSED)
            return tenants
        return list({tenant.pk: tenant for tenant in map(named, options["tenants"])}.values())

    def _one(self, tenant: Tenant, options: dict[str, Any], delay: timedelta | None) -> int:
        try:
            run = sync.request(
                tenant, trigger=SyncRun.Trigger.COMMAND, retry_delay=delay, ticket=not options["wait"]
            )
        except sync.AlreadyRunning as busy:
            self._report(busy.run, options["json"], text=str(busy))
            return BUSY
        if not options["wait"]:
            self._report(run, options["json"], text=f"{tenant}: Auto Sync {run.pk} is queued.")
            return 0
        run = self._work(run, quiet=options["json"])
        self._report(run, options["json"], text=in_words(run))
        return 0 if run.status == SyncRun.Status.SUCCEEDED else FAILED

    def _work(self, run: SyncRun, *, quiet: bool) -> SyncRun:
        console = Console(stderr=True, quiet=quiet)
        if quiet or not console.is_terminal:
            return sync.run_here(
                run, watch=PlainLines(lambda text: None if quiet else self.stdout.write(text))
            )
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(str(run.tenant))

            def watch(run: SyncRun) -> None:
                progress.update(
                    task, description=stage(run), total=run.expected or None, completed=run.done, refresh=True
                )

            return sync.run_here(run, watch=watch)

    def _report(self, run: SyncRun, as_json: bool, *, text: str) -> None:
        self.stdout.write(json.dumps(as_dict(run), ensure_ascii=False) if as_json else text)


class PlainLines:
    """One line whenever the run enters another phase, for logs and pipes."""

    def __init__(self, write: Any) -> None:
        self.write = write
        self.said = ""

    def __call__(self, run: SyncRun) -> None:
        if (now := stage(run)) != self.said and not run.is_over:
            self.said = now
            self.write(now)


def stage(run: SyncRun) -> str:
    """“Acme, second try: Read CXone”."""
    if run.status == SyncRun.Status.WAITING and run.not_before:
        return f"{run.tenant}: waiting for the second try at {timezone.localtime(run.not_before):%H:%M:%S}"
    second = ", second try" if run.try_number == 2 else ""
    return f"{run.tenant}{second}: {run.get_phase_display()}"


def in_words(run: SyncRun) -> str:
    counts = (
        f"{run.users} users = {run.mapped} mapped + {run.unmapped} unmapped + "
        f"{run.skipped} skipped + {run.failed} failed; {run.changed} changes"
    )
    trouble = f". {run.error}" if run.error else ""
    return f"{run.tenant}: Auto Sync {run.pk} {run.get_status_display()}: {counts}{trouble}"


def as_dict(run: SyncRun) -> dict[str, Any]:
    counts = {
        name: getattr(run, name)
        for name in ("users", "mapped", "unmapped", "skipped", "failed", "changed", "requests")
    }
    seconds = run.duration.total_seconds() if run.duration else None
    return {
        "run": run.pk,
        "tenant": run.tenant.slug,
        "status": run.status,
        **counts,
        "seconds": seconds,
        "error": run.error,
    }
