"""Read both sides, page by page, outside any transaction. What is read is staged, and believed only when the
whole directory is proven complete."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from django.db import transaction

from tenants import reach
from tenants.models import Connection
from tenants.platforms import ExternalPlatform
from tenants.platforms.errors import BadAnswer, PlatformError, TryLater
from tenants.platforms.records import UNKNOWN_TOTAL, Account, CxoneUser, Drifted, Page, Role, prove_complete

from ..models import ExternalAccount, StagedPage
from . import second_try
from .lease import Lease

Kind = StagedPage.Kind
READS = 3
"""So often a directory that changes while it is read is read in all."""

encode = msgspec.msgpack.encode
PAGES: dict[str, Any] = {
    Kind.ROLES: msgspec.msgpack.Decoder(Page[Role]),
    Kind.USERS: msgspec.msgpack.Decoder(Page[CxoneUser]),
    Kind.ACCOUNTS: msgspec.msgpack.Decoder(Page[Account]),
}


def cxone(lease: Lease) -> None:
    """Roles, then users."""
    connection = lease.run.tenant.connection(Connection.Side.CXONE)
    with counted(lease, connection, reach.cxone) as client:
        if not lease.run.pages.filter(kind=Kind.ROLES).exists():
            roles = client.roles()
            stage(lease, Kind.ROLES, Page(number=1, rows=roles, total=len(roles), last=True), client)
        directory(lease, Kind.USERS, client.pages, client)


def external(lease: Lease) -> None:
    """The whole directory; on the second try, by e-mail look-up where that is cheaper."""
    connection = lease.run.tenant.connection(Connection.Side.EXTERNAL)
    with counted(lease, connection, reach.external) as client:
        if lease.run.try_number == 2:
            second_try.choose(lease, staged(lease.run, Kind.USERS))
        if lease.run.asked is not None:
            stage_all(lease, Kind.ACCOUNTS, second_try.pages(lease, client), client)
        else:
            directory(lease, Kind.ACCOUNTS, client.pages, client)


def directory(lease: Lease, kind: str, pages: Callable[[int], Iterator[Page[Any]]], client: Any) -> None:
    """Stage what is still to be staged, and prove the whole; repeated when it drifted, then refused."""
    while True:
        newest = lease.run.pages.filter(kind=kind).order_by("number").defer("body").last()
        if newest is None or not newest.last:
            stage_all(lease, kind, pages(newest.number + 1 if newest else 1), client)
        try:
            return prove(lease, kind)
        except Drifted as error:
            lease.run.pages.filter(kind=kind).delete()
            lease.keep(rereads=lease.run.rereads + 1, done=0)
            if lease.run.rereads >= READS:
                raise BadAnswer(f"{error.message} It was read {READS} times.") from error


def prove(lease: Lease, kind: str) -> None:
    """Drifted when pages contradict each other, or when the platform did not say how many rows there are and
    this read and the one before it brought different ids. BadAnswer when the directory is empty."""
    run = lease.run
    totals = list(run.pages.filter(kind=kind).order_by("number").values_list("total", flat=True))
    ids = [
        row_id for page in pages_of(run, kind) for row_id in [*(row.id for row in page.rows), *page.left_out]
    ]
    if not ids:
        raise BadAnswer("The directory came back empty, which cannot be true.")
    prove_complete(totals, ids)
    if UNKNOWN_TOTAL in totals:
        digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
        if run.ids_digest != digest:
            lease.keep(ids_digest=digest)
            raise Drifted("The platform does not say how many rows there are, and two reads differ.")


def pages_of(run: Any, kind: str) -> Iterator[Page[Any]]:
    """The staged pages of one kind, one in memory at a time."""
    for number in list(run.pages.filter(kind=kind).order_by("number").values_list("number", flat=True)):
        yield page_of(run, kind, number)


def page_of(run: Any, kind: str, number: int) -> Page[Any]:
    return PAGES[kind].decode(run.pages.get(kind=kind, number=number).body)  # type: ignore[no-any-return]


def staged(run: Any, kind: str) -> Iterator[Any]:
    """The rows of all staged pages of one kind."""
    for page in pages_of(run, kind):
        yield from page.rows


def proven_gone(run: Any) -> set[int]:
    """Accounts (primary keys) of which the platform said one by one, in this run, that it has them no more."""
    if run.asked is None:
        return set()
    ids = [platform_id for page in pages_of(run, Kind.ACCOUNTS) for platform_id in page.left_out]
    return set(
        ExternalAccount.objects.filter(tenant=run.tenant_id, platform_id__in=ids).values_list("pk", flat=True)
    )


def stage_all(lease: Lease, kind: str, pages: Iterator[Page[Any]], client: Any) -> None:
    for page in pages:
        stage(lease, kind, page, client)
        if not page.last:
            lease.pause_when_due()


def stage(lease: Lease, kind: str, page: Page[Any], client: Any) -> None:
    """Keep one page and what it cost, under the lease."""
    requests, throttled = client.http.requests, client.http.throttled
    with transaction.atomic():
        lease.keep(
            done=lease.run.done + len(page.rows),
            expected=max(page.total, 0),
            requests=lease.run.requests + requests,
            throttled=lease.run.throttled + throttled,
            postponed=0,
        )
        StagedPage.objects.create(
            run=lease.run, kind=kind, number=page.number, total=page.total, last=page.last, body=encode(page)
        )
    client.http.requests, client.http.throttled = 0, 0.0


@contextmanager
def counted(lease: Lease, connection: Connection, opener: Callable[..., Any]) -> Iterator[Any]:
    """A client whose waiting renews the lease, and whose failing shows on the connection."""
    try:
        client: ExternalPlatform | Any = opener(connection, heartbeat=lease.beat)
        yield client
    except PlatformError as error:
        if not (isinstance(error, TryLater) and error.after):
            reach.note_health(connection, [str(error)])
        error.message = f"{connection.kind.label}: {error.message}"
        raise
    reach.note_health(connection, [])
