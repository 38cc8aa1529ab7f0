"""The walls of the house as code: what must hold of the map, its history and its runs, whatever happened.

Each invariant is one small function named by what it says; `past` holds those of the history, `people` those of the
rows, `runs` those of the runs. Nothing is mended here, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from tenants.models import Tenant

from . import past, people, runs
from .found import Violation, name_of, snapshot

__all__ = ["INVARIANTS", "PATIENCE", "Violation", "verify", "violations"]

INVARIANTS: list[str] = [
    *map(name_of, past.INVARIANTS),
    *map(name_of, people.INVARIANTS),
    name_of(people.no_account_has_two_users),
    *map(name_of, runs.INVARIANTS),
]

PATIENCE = timedelta(minutes=10)
"""How long the tick may take to clear away what a dead worker or a finished run left behind."""


def violations(tenant: Tenant, *, patience: timedelta = PATIENCE) -> Iterator[Violation]:
    """What is wrong with the tenant, all of it as of one moment. Memory grows with the tenant's users, not with
    their history."""
    with snapshot():
        history = past.History()
        yield from past.check(tenant, history)
        yield from people.check(tenant, history)
        yield from runs.check(tenant, patience)


def verify(tenants: Iterable[Tenant], *, patience: timedelta = PATIENCE) -> list[Violation]:
    return [violation for tenant in tenants for violation in violations(tenant, patience=patience)]
