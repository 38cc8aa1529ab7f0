"""What a check says, and the one moment of which all checks of a tenant speak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection, transaction


class Violation(NamedTuple):
    """`row` is the kind of row and its number; `wrong` says in words what is wrong with it."""

    tenant: str
    invariant: str
    row: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.tenant}: {self.invariant}: {self.row}: {self.wrong}"


def name_of(invariant: Callable[..., Any]) -> str:
    return invariant.__name__.replace("_", " ")


@contextmanager
def snapshot() -> Iterator[None]:
    """Runs may go on meanwhile: everything is read as it was when we began, and no writer waits for us."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":  # atomic() would begin with the lock of a writer, see settings
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
