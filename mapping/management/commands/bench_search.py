"""manage.py bench_search: how long the search for an account takes, beside a plain `icontains` in the same run.

Works on a tenant of its own inside a transaction that is rolled back: nothing stays.
"""

from __future__ import annotations

import statistics
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Q
from rich.console import Console
from rich.table import Table

from mapping.folding import search_text
from mapping.models import ExternalAccount
from mapping.search import accounts
from tenants.models import Tenant
from tenants.sandbox import World

Search = Callable[[Tenant, str], object]


class Command(BaseCommand):
    help = (
        "Measure the search for an external account, beside a plain icontains. Nothing stays in the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=50_000)
        parser.add_argument("--searches", type=int, default=200)

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            tenant = Tenant.objects.create(name="bench_search", slug="bench-search")
            names = fill(tenant, options["accounts"])
            typed = typings(names, options["searches"])
            times: dict[str, list[float]] = {"icontains on 3 columns": [], "search": []}
            for text in typed:  # in turn, so that a machine that slows down slows both
                times["icontains on 3 columns"].append(measure(plain, tenant, text))
                times["search"].append(measure(accounts, tenant, text))
            transaction.set_rollback(True)
        self._print(times, options)

    def _print(self, times: dict[str, list[float]], options: dict[str, Any]) -> None:
        table = Table(title=f"{options['accounts']:,} accounts, {options['searches']} searches, milliseconds")
        for column in ("", "median", "p95", "worst"):
            table.add_column(column, justify="right")
        for name, taken in times.items():
            p95 = statistics.quantiles(taken, n=20)[-1]
            table.add_row(name, *(f"{1000 * one:.1f}" for one in (statistics.median(taken), p95, max(taken))))
        Console().print(table)
        ratio = statistics.median(times["icontains on 3 columns"]) / statistics.median(times["search"])
        self.stdout.write(f"icontains takes {ratio:.2f} times as long (ratio of the medians)")


def fill(tenant: Tenant, count: int) -> list[str]:
    """So many accounts of the sandbox's people. Returns their names."""
    rows = []
    for row in World(count).rows("ringcentral", 0, count):
        name, email, extension = row.name, row.email or "", str(row.number)
        rows.append(
            ExternalAccount(
                tenant=tenant,
                platform_id=row.id,
                name=name,
                email=email,
                extension=extension,
                is_person=True,
                search_text=search_text(name, email, extension, "", ""),
            )
        )
    ExternalAccount.objects.bulk_create(rows, batch_size=2000)
    return [row.name for row in rows if row.name]


def typings(names: list[str], count: int) -> list[str]:
    """What people type on the way to a name: its first letters, a word, the words the other way round."""
    chosen = [names[at * len(names) // count] for at in range(count)]
    ways: list[Callable[[str], str]] = [
        lambda name: name[:2],
        lambda name: name[:4],
        lambda name: name.split()[-1],
        lambda name: " ".join(reversed(name.split())),
    ]
    return [ways[at % len(ways)](name) for at, name in enumerate(chosen)]


def plain(tenant: Tenant, text: str) -> object:
    """What one writes first: finds no accents, no other order of words, and nobody who has the account."""
    like = Q(name__icontains=text) | Q(email__icontains=text) | Q(extension__icontains=text)
    return list(ExternalAccount.objects.filter(like, tenant=tenant).order_by("name")[:20])


def measure(search: Search, tenant: Tenant, text: str) -> float:
    began = time.perf_counter()
    search(tenant, text)
    return time.perf_counter() - began
